/**
 * Writes what the WASM device gives for every golden graph (N11): the whole digests to conformance/fixtures/goldens.json, and what
 * is shipped of them, a digest of each part and the first digits of each, to sdk/engine/qualify/digests.ts. A digest that is there
 * already never changes.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { createWasmRuntime } from '../sdk/engine/create.ts';
import { PARTS, partOf } from '../sdk/engine/qualify/goldens.ts';
import { goldenDigests, wholeOf } from '../sdk/engine/qualify/qualify.ts';

const FIXTURE = new URL('../conformance/fixtures/goldens.json', import.meta.url);

const { device } = await createWasmRuntime();
const digests = await goldenDigests(device);
const before = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Record<string, string>;
const moved = [...digests].filter(([name, digest]) => (before[name] ?? digest) !== digest).map(([name]) => name);
if (moved.length > 0) throw new Error(`goldens that came out otherwise than before: ${moved.join(', ')}`);

writeFileSync(FIXTURE, `${JSON.stringify(Object.fromEntries(digests), null, 2)}\n`);
const part = (p: string) => new Map([...digests].filter(([name]) => partOf(name) === p));
const wholes = await Promise.all(PARTS.map(async (p) => `  ${p}: '${await wholeOf(part(p))}',`));
const prefixes = PARTS.map((p) => `  ${p}: '${[...part(p).values()].map((digest) => digest.slice(0, 2)).join('')}',`);
writeFileSync(
  new URL('../sdk/engine/qualify/digests.ts', import.meta.url),
  `/** The golden digests as they are shipped. Written by \`node --import tsx scripts/goldens.ts\`. */

/** Of SHA-256 of the names and digests of the goldens of each part, the first 128 bits. */
export const WHOLE = {
${wholes.join('\n')}
};

/** The first 8 bits of each, in order: enough to tell which came out otherwise, but for one in 256. */
export const PREFIXES = {
${prefixes.join('\n')}
};
`,
);
console.log(`${digests.size} digests`);
