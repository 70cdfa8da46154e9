/**
 * `npm run relay`: one training run that is begun in Node on WASM, goes on in Chromium on WebGPU and in Firefox on WASM, and
 * ends in Node on WebGPU, each time from the checkpoint that was left; and the same run without interruption on each.
 *
 *     npm run relay -- [--example iris|synthetic] [--seed N] [--route a,b,…] [--fault bit|seed] [--json]
 *
 * Exit code 1 where a bit differs or a runtime fails, and with CI=true where one is missing. `--fault` plants one in the
 * second leg: a flipped bit of a weight, or another seed.
 */

import { parseArgs } from 'node:util';
import { untilInterrupted } from '../sdk/cli/conformance.ts';
import { explain } from '../sdk/cli/program.ts';
import { OptionError } from '../sdk/core/errors.ts';
import { COURSES } from './relay/course.ts';
import { isGood, type RanOn, type RelayReport, ROUTE, runRelay } from './relay/run.ts';
import { RUNTIMES, type RuntimeName } from './rows/report.ts';

const HEAD = ['run', 'runtime', 'steps', 'epoch+batch', 'fingerprint', 'root', 'bits', 'seconds', 'stores, adapter'];
const WIDTHS = [5, 15, 9, 11, 16, 16, 7, 7, 0];
const line = (cells: readonly string[]) =>
  cells
    .map((c, i) => c.padEnd(WIDTHS[i]))
    .join('  ')
    .trimEnd();

function tell(r: RanOn): string {
  const where = [...(r.stores.length > 0 ? [r.stores.join(' > ')] : []), r.adapter].join(', ');
  const digests = [r.fingerprint, r.root].map((d) => d.slice(0, 16));
  const steps = `${r.since}-${r.until}`;
  const bits = r.same ? 'same' : 'DIFFER';
  return line([r.what, r.runtime, steps, `${r.epoch}+${r.batch}`, ...digests, bits, r.seconds.toFixed(1), where]);
}

function sumUp(r: RelayReport): string {
  return [
    ...r.unavailable.map((u) => `${u.runtime} cannot be run here: ${u.why}`),
    ...r.failed.map((f) => `${f.runtime} failed: ${f.why}`),
    ...(r.fingerprint === null ? [] : [`fingerprint ${r.fingerprint}`, `root        ${r.root}`]),
    r.same
      ? `the same bits in ${r.runs.length} runs, after ${r.seconds} s`
      : `not the same bits, or not all the way; ${r.seconds} s`,
  ].join('\n');
}

function routeOf(text: string | undefined): readonly RuntimeName[] {
  if (text === undefined) return ROUTE;
  const names = text.split(',');
  const usable: readonly RuntimeName[] = RUNTIMES.filter((r) => r !== 'workerd-wasm');
  const unknown = names.find((n) => !usable.includes(n as RuntimeName));
  if (unknown === undefined) return names as RuntimeName[];
  throw new OptionError(`relay: ${JSON.stringify(unknown)} takes no part`, { hint: `Choose of ${usable.join(', ')}.` });
}

function seedOf(text: string): bigint {
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new OptionError(`relay: the seed ${JSON.stringify(text)}`, { hint: 'Give a whole number from 0 to 2^64-1.' });
}

function faultOf(text: string | undefined): 'bit' | 'seed' | null {
  if (text === undefined || text === 'bit' || text === 'seed') return text ?? null;
  throw new OptionError(`relay: there is no fault ${JSON.stringify(text)}`, { hint: 'Choose bit or seed.' });
}

/** The exit code. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      example: { type: 'string', default: Object.keys(COURSES)[0] },
      seed: { type: 'string', default: '42' },
      route: { type: 'string' },
      fault: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const kind = faultOf(values.fault);
  const o = {
    example: values.example,
    seed: seedOf(values.seed),
    route: routeOf(values.route),
    ...(kind ? { fault: { leg: 2, kind } } : {}),
    onRun: (r: RanOn) => console.log(tell(r)),
  };
  if (!Object.hasOwn(COURSES, values.example)) {
    const hint = `Choose one of ${Object.keys(COURSES).join(', ')}.`;
    throw new OptionError(`relay: there is no example ${JSON.stringify(values.example)}`, { hint });
  }
  console.log(line(HEAD));
  const report = await untilInterrupted((signal) => runRelay({ ...o, signal }));
  console.log(sumUp(report));
  if (values.json) console.log(JSON.stringify(report));
  return isGood(report) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (e) {
  console.error(explain(e));
  process.exitCode = 1;
}
