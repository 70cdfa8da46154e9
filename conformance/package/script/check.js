/** A part of the conformance suite, on the runtime that this platform gives. */

import { createRuntime } from 'isobit';
import { checkConformance } from 'isobit/conformance';

const rt = await createRuntime({ backend: 'wasm' });
console.log(JSON.stringify(await checkConformance(rt, { stride: 200, graphs: 4 })));
await rt.dispose();
