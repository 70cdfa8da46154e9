/** The process that kill.test.ts kills: saves step after step, and tells of each once it is promised. */

import { fsStore } from '../../adapters/fs.ts';
import { RunStore } from './run.ts';

const run = new RunStore(fsStore(process.argv[2]), { keepLast: 3 });
const found = await run.resume();
let step = found ? Number(found.file.state.step) : 0;
for (;;) {
  step++;
  const data = new Float32Array(700_000).fill(step); // three leaves, so that a kill can come between them
  await run.save(
    {
      kind: 'train',
      state: { step },
      tensors: new Map([['w', { data, shape: [data.length], dtype: 'f32' as const }]]),
    },
    { step, epoch: 0 },
  );
  process.stdout.write(`${step}\n`);
}
