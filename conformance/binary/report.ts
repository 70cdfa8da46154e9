/**
 * What the scan of the WASM kernels sees: every function with its instructions, and how often each float instruction occurs.
 *
 *   node --import tsx conformance/binary/report.ts [module.wasm]
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLOAT_OPCODES } from './opcodes.ts';
import { type Scanned, scanBinary } from './scan.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The shipped kernels carry no names: the same sources are built with them, and must give the same functions. */
function named(shipped: Scanned): Scanned {
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-names-'));
  try {
    const out = join(scratch, 'kernels.wasm');
    const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--debug', '--outFile', out];
    const r = spawnSync(process.execPath, ['node_modules/assemblyscript/bin/asc.js', 'wasm/index.ts', ...flags], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (r.status !== 0) return shipped;
    const other = scanBinary(readFileSync(out));
    const shape = ({ functions }: Scanned) => JSON.stringify(functions.map((f) => [f.instructions, [...f.floats]]));
    return shape(other) === shape(shipped) ? other : shipped;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

const [file] = process.argv.slice(2);
const scanned = scanBinary(readFileSync(file ?? join(ROOT, 'wasm/build/kernels.wasm')));
const { functions, findings } = file || scanned.findings.length > 0 ? scanned : named(scanned);
const totals = new Map<string, number>();
for (const { name, instructions, floats } of functions) {
  const list = [...floats].map(([op, n]) => `${op} ${n}`).join(', ');
  console.log(`${name}: ${instructions} instructions${list && `; ${list}`}`);
  for (const [op, n] of floats) totals.set(op, (totals.get(op) ?? 0) + n);
}
console.log('\nfloat instructions');
for (const [op, n] of [...totals].sort(([, a], [, b]) => b - a))
  console.log(`${String(n).padStart(5)} ${op.padEnd(26)} ${FLOAT_OPCODES[op]}`);
const sum = (of: Iterable<number>) => [...of].reduce((a, b) => a + b, 0);
console.log(
  `\n${functions.length} functions, ${sum(functions.map((f) => f.instructions))} instructions, ${sum(totals.values())} of them float; ${findings.length} findings`,
);
for (const f of findings) console.log(`refused: ${f}`);
process.exit(findings.length > 0 ? 1 : 0);
