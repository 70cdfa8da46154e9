/** Trains until it is told to stop. A run that is aborted stands at a step boundary: it could be saved, or gone on with. */

import { createRuntime } from '../node_modules/isobit/dist/page.js';
import { iris } from './iris.js';

const stop = new AbortController();

async function train() {
  const rt = await createRuntime({ backend: 'wasm', seed: 42n });
  const { trainer, data } = await iris(rt);
  let reason = null;
  try {
    for await (const { step } of trainer.run(data, { steps: 1_000_000 }, { every: 5, signal: stop.signal })) {
      postMessage({ kind: 'progress', step });
    }
  } catch (e) {
    reason = e.message;
  }
  postMessage({ kind: 'end', reason, step: trainer.step, fingerprint: await trainer.fingerprint() });
}

addEventListener('message', ({ data }) => {
  if (data === 'train') train();
  else stop.abort(new Error('cancelled by the page'));
});
