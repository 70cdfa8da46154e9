/** The process that tries mutants on a GPU, one after another, as its parent asks. It may die or hang: its parent goes on. */

import { openDevice } from '../../wgsl/dawn.ts';
import { Judge } from './judge.ts';
import { suspectsOf } from './suspects.ts';
import { wgslMutants } from './wgsl.ts';

const gpu = await openDevice();
if (!gpu) {
  process.send?.({ kind: 'no device' });
  process.exit(0);
}
const all = wgslMutants();
const judge = new Judge(gpu);

process.on('message', async (index: number) => {
  const m = all[index];
  const rewrite = m && ((code: string) => code.split(m.code).join(m.mutated));
  try {
    // Without a mutant all must agree.
    const caught = await judge.judge(suspectsOf(m), rewrite);
    process.send?.({ kind: 'judged', caught });
  } catch (e) {
    process.send?.({ kind: 'threw', what: e instanceof Error ? e.message : String(e) });
  }
});
process.send?.({ kind: 'ready', mutants: all.length });
