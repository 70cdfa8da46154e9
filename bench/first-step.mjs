/** isobit's first training step as a user's process does it: the built package, the Trainer, one batch. */

import process from 'node:process';

/** A part of the built package, whose types are of no use here. */
const part = (/** @type {string} */ name) => import(new URL(`../dist/${name}.js`, import.meta.url).href);
const [{ createRuntime, hostArray }, { crossEntropy, Linear, relu, Sequential }, { adam }, { batches }, { Trainer }] =
  await Promise.all(['index', 'nn', 'optim', 'data', 'train'].map(part));

const rt = await createRuntime({ backend: 'wasm' });
const model = new Sequential(new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-3 }) });
const x = hostArray(
  Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)),
  [16, 4],
  'f32',
);
const y = hostArray(
  Int32Array.from({ length: 16 }, (_, i) => i % 3),
  [16],
  'i32',
);
const { value } = await trainer.run(batches(x, y, { size: 16 }), { steps: 1 }).next();
if (!value || !Number.isFinite(await value.loss.item())) throw new Error('bench: the first step gave no loss');
console.log(JSON.stringify(process.cpuUsage()));
process.exit(0);
