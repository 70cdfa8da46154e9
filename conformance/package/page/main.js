/** Trains on iris in the page, and tells what the page's policy allows. */

import { createRuntime } from '../node_modules/isobit/dist/page.js';
import { iris } from './iris.js';

const rt = await createRuntime({ seed: 42n });
const { trainer, data } = await iris(rt);
for await (const _ of trainer.run(data, { epochs: 5 }));
const fingerprint = await trainer.fingerprint();
trainer.dispose();
await rt.dispose();

/** The name of what the policy throws, or 'allowed'. */
function refusal(run) {
  try {
    run();
    return 'allowed';
  } catch (e) {
    return e.name;
  }
}
const blob = URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' }));
const blobWorker = await new Promise((done) => {
  document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective), { once: true });
  try {
    new Worker(blob).onmessage = () => done('allowed');
  } catch {
    // Told by the event.
  }
});
document.querySelector('output').value = JSON.stringify({
  why: rt.why,
  fingerprint,
  eval: refusal(() => new Function('return 1')()),
  blobWorker,
});
