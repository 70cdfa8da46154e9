/** Writes sdk/engine/qualify/digests.ts: what the WASM device gives for every golden graph (N11). */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createWasmRuntime } from '../sdk/engine/create.ts';
import { goldenDigests } from '../sdk/engine/qualify/qualify.ts';

const { device } = await createWasmRuntime();
const rows = [...(await goldenDigests(device))].map(([name, digest]) => {
  const key = /^[a-z]\w*$/i.test(name) ? name : name.includes("'") ? JSON.stringify(name) : `'${name}'`;
  return `  ${key}:\n    '${digest}',`;
});
writeFileSync(
  fileURLToPath(new URL('../sdk/engine/qualify/digests.ts', import.meta.url)),
  `/** SHA-256 of every golden's words as the WASM device gives them. Written by \`node --import tsx scripts/goldens.ts\`. */
export const DIGESTS: Readonly<Record<string, string>> = {
${rows.join('\n')}
};
`,
);
console.log(`${rows.length} digests`);
