/** Writes conformance/fixtures/iris.json, what the rows compare with: `node --import tsx conformance/rows/golden.ts`. */

import { writeFileSync } from 'node:fs';
import { createRuntime } from '../../sdk/index.ts';
import { makeGolden } from './iris.ts';
import { SEED } from './suite.ts';

await using rt = await createRuntime({ backend: 'wasm', seed: SEED });
const golden = await makeGolden(rt);
writeFileSync(new URL('../fixtures/iris.json', import.meta.url), `${JSON.stringify(golden, null, 1)}\n`);
console.log(golden.fingerprint);
