/** A part of the conformance suite, on a runtime that is given its kernels as a file. */

import { readFile } from 'node:fs/promises';
import { createRuntime } from 'isobit';
import { checkConformance } from 'isobit/conformance';

const wasm = await readFile(new URL(import.meta.resolve('isobit/kernels.wasm')));
const rt = await createRuntime({ backend: 'wasm', wasm });
console.log(JSON.stringify(await checkConformance(rt, { stride: 200, graphs: 4 })));
await rt.dispose();
