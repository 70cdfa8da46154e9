/**
 * `npm run fuzz -- [--seed N] [--graphs N] [--runtime node-wasm,…]`: random programs, eager and captured, fused and not, against
 * the reference to the bit. A mismatch is printed as a program that runs by itself, and the exit code is then 1.
 *
 * Runtimes are the rows of `isobit conformance`, or `all`. node-wasm and node-webgpu, asked for alone, run in this process and
 * shrink what differs, as node-wasm-threads does; the others get their graphs as rows do.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { print } from './fuzz/program.ts';
import { fuzz, programOf } from './fuzz/run.ts';
import { LOCAL, type LocalName, runtimesOf } from './fuzz/runtimes.ts';
import { runRows } from './rows/launch/run.ts';
import { RUNTIMES, type RuntimeName } from './rows/report.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    graphs: { type: 'string', default: '20000' },
    runtime: { type: 'string', default: 'node-wasm' },
  },
});

function refuse(what: string): never {
  console.error(what);
  process.exit(1);
}
const count = (name: 'seed' | 'graphs'): number => {
  const n = Number(values[name]);
  return Number.isSafeInteger(n) && n >= 0 ? n : refuse(`--${name} takes an integer from 0 up, got ${values[name]}`);
};
const [seed, graphs] = [count('seed'), count('graphs')];
const names = values.runtime === 'all' ? [...RUNTIMES] : values.runtime.split(',');
const known: readonly string[] = names.length === 1 ? [...RUNTIMES, 'node-wasm-threads'] : RUNTIMES;
for (const name of names) if (!known.includes(name)) refuse(`--runtime takes ${known.join(', ')} or all, got ${name}`);

/** True where all agreed. */
async function here(name: LocalName): Promise<boolean> {
  const start = performance.now();
  const runtimes = await runtimesOf(name);
  const onProgress = (done: number, failed: number) => {
    if (process.stderr.isTTY && done % 50 === 0)
      process.stderr.write(`\r${done} of ${graphs} graphs, ${failed} mismatches`);
  };
  const outcome = await fuzz({ seed, graphs, runtimes, runtime: name, onProgress });
  if (process.stderr.isTTY) process.stderr.write('\n');
  for (const f of outcome.failures) console.log(`\n# graph ${f.graph}: ${f.what}\n${f.code}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `fuzz ${name}: seed ${seed}, ${outcome.graphs} graphs, ${outcome.comparisons} comparisons, ${outcome.failures.length} mismatches, ${seconds} s`,
  );
  return outcome.failures.length === 0;
}

/** True where all agreed, on every row that this machine can run; with CI=true it must be able to run all. */
async function rows(of: readonly RuntimeName[]): Promise<boolean> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const built = spawnSync(process.execPath, ['scripts/setup.mjs', '--browsers'], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) return false;
  const reports = await runRows(of, {
    seed,
    graphs,
    stride: 0,
    onEnd: (r) => console.error(`${r.runtime}: ${r.status}, ${r.seconds} s${r.why ? `: ${r.why}` : ''}`),
    onSaid: (name, said) =>
      said.kind === 'mismatch' && console.error(`${name}: ${said.mismatch.case}: ${said.mismatch.text}`),
  });
  for (const r of reports) {
    const k = Number(r.first?.case.match(/graph (\d+)$/)?.[1] ?? Number.NaN);
    if (Number.isInteger(k))
      console.log(`\n# ${r.runtime}: ${r.first?.text}\n${print(programOf(seed, k), r.first?.case ?? '')}`);
  }
  for (const r of reports) {
    const result =
      r.status === 'unavailable'
        ? `unavailable: ${r.why}`
        : `${r.cases} graphs, ${r.mismatches} mismatches, ${r.seconds} s`;
    console.log(`fuzz ${r.runtime}: seed ${seed}, ${result}${r.status === 'failed' && r.why ? `, ${r.why}` : ''}`);
  }
  const lacking = process.env.CI === 'true' ? ['failed', 'unavailable'] : ['failed'];
  return !reports.some((r) => lacking.includes(r.status));
}

const [only] = names;
const local = names.length === 1 && (LOCAL as readonly string[]).includes(only);
const agreed = await (local ? here(only as LocalName) : rows(names as RuntimeName[]));
process.exit(agreed ? 0 : 1);
