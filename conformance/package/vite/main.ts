/** A page built by Vite: a worker trains, the page takes the weights and predicts. */

import { createRuntime } from 'isobit';
import { openCheckpoint } from 'isobit/checkpoint';
import { build } from 'isobit/nn/build';
import { loadWeights } from 'isobit/train';
import { x } from './iris';
import type { Trained } from './worker';

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const { fingerprint, weights } = await new Promise<Trained>((done, fail) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = fail;
});
worker.terminate();

const rt = await createRuntime({ backend: 'wasm' });
const file = await openCheckpoint(weights);
const model = build(file.state.model).init(rt);
await loadWeights(model, file);
const logits = await model.forward(rt.tensor(x)).data();
await rt.dispose();

const output = document.querySelector('output');
if (output) output.value = JSON.stringify({ fingerprint, bits: [...new Uint32Array(logits.buffer)] });
