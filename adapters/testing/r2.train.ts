/** In a worker of workerd: a few steps of iris, saved to R2 as they are made. Node's side is r2.test.ts. */

import { irisRecipe } from '../../examples/iris.ts';
import { batches } from '../../sdk/data/index.ts';
import { createRuntime } from '../../sdk/index.ts';
import { crossEntropy } from '../../sdk/nn/index.ts';
import { Trainer } from '../../sdk/train/index.ts';
import type { Store } from '../store.ts';

/** Takes the run over from where it is to that step, saving every 5 steps. */
export async function trainIris(store: Store, until: number) {
  const rt = await createRuntime({ backend: 'wasm', seed: 5 });
  const [task] = await irisRecipe.tasks({ rng: rt.rng, holdout: false, stores: [store] });
  const data = batches(task.train.x, task.train.y, { size: irisRecipe.batch, shuffle: true });
  const model = task.model().init(rt);
  const optimizer = irisRecipe.optimizer();
  const trainer = new Trainer({
    model,
    loss: crossEntropy,
    optimizer,
    store,
    checkpoint: { everySteps: 5, keepLast: 2 },
  });
  const { step: from } = await trainer.resume();
  for await (const _ of trainer.run(data, { steps: until }));
  const { root } = await trainer.save();
  const end = { from, root, fingerprint: await trainer.fingerprint() };
  trainer.dispose();
  return end;
}
