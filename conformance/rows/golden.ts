/** Writes conformance/fixtures/iris.json and checkpoint.json, what the rows compare with: `node --import tsx conformance/rows/golden.ts`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { encodeCheckpoint, openCheckpoint } from '../../sdk/checkpoint/index.ts';
import { sampleContent } from '../../sdk/checkpoint/sample.ts';
import { createRuntime } from '../../sdk/index.ts';
import { canonicalContent } from './checkpoint.ts';
import { makeGolden } from './iris.ts';
import { SEED } from './suite.ts';

await using rt = await createRuntime({ backend: 'wasm', seed: SEED });
const golden = await makeGolden(rt);
writeFileSync(new URL('../fixtures/iris.json', import.meta.url), `${JSON.stringify(golden, null, 1)}\n`);
console.log(golden.fingerprint);

// The file of sdk/checkpoint/fixtures, which never changes; and the root of its content once a device has held it.
const file = new Uint8Array(readFileSync(new URL('../../sdk/checkpoint/fixtures/golden-1.cbor', import.meta.url)));
const { root, fingerprint } = await openCheckpoint(file);
const { root: canonical } = await encodeCheckpoint(canonicalContent(sampleContent()));
const checkpoint = { root, fingerprint, canonical, file: Buffer.from(file).toString('base64') };
writeFileSync(new URL('../fixtures/checkpoint.json', import.meta.url), `${JSON.stringify(checkpoint, null, 1)}\n`);
