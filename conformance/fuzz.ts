/**
 * `npm run fuzz -- [--seed N] [--graphs N] [--runtime node-wasm]`: random programs, eager and captured, fused and not, against
 * the reference to the bit. A mismatch is shrunk and printed as a program that runs by itself; the exit code is then 1.
 */

import { parseArgs } from 'node:util';
import { runtimesOf } from './fuzz/check.ts';
import { fuzz } from './fuzz/run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    graphs: { type: 'string', default: '20000' },
    runtime: { type: 'string', default: 'node-wasm' },
  },
});
const count = (name: 'seed' | 'graphs'): number => {
  const n = Number(values[name]);
  if (!Number.isSafeInteger(n) || n < 0) {
    console.error(`--${name} takes an integer from 0 up, got ${values[name]}`);
    process.exit(1);
  }
  return n;
};

const [seed, graphs] = [count('seed'), count('graphs')];
const runtimes = await runtimesOf(values.runtime);
const start = performance.now();
const onProgress = (done: number, failed: number) => {
  if (process.stderr.isTTY && done % 50 === 0)
    process.stderr.write(`\r${done} of ${graphs} graphs, ${failed} mismatches`);
};
const outcome = await fuzz({ seed, graphs, runtimes, onProgress });
if (process.stderr.isTTY) process.stderr.write('\n');
for (const f of outcome.failures) console.log(`\n# graph ${f.graph}: ${f.what}\n${f.code}`);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(
  `fuzz ${values.runtime}: seed ${seed}, ${outcome.graphs} graphs, ${outcome.comparisons} comparisons, ${outcome.failures.length} mismatches, ${seconds} s`,
);
process.exit(outcome.failures.length > 0 ? 1 : 0);
