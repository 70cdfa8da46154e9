/** A run of many random programs from one seed. */

import { check, expectedOf, type Judged } from './check.ts';
import { generate } from './generate.ts';
import { caseOf, type Program, print } from './program.ts';
import { shrink } from './shrink.ts';

export interface Failure {
  readonly graph: number;
  readonly what: string;
  /** The shrunk program, as TypeScript. */
  readonly code: string;
}

export interface FuzzOutcome {
  readonly graphs: number;
  /** Values compared to the bit. */
  readonly comparisons: number;
  readonly failures: readonly Failure[];
}

export interface FuzzOptions {
  readonly seed: number;
  readonly graphs: number;
  readonly runtimes: readonly Judged[];
  /** The name that printed programs are run with; node-wasm unless given. */
  readonly runtime?: string;
  /** Stop after so many failures; 5 unless given. */
  readonly failures?: number;
  readonly onProgress?: (done: number, failures: number) => void;
}

/** Program k of a seed; the same on every machine. */
export const programOf = (seed: number, k: number): Program =>
  generate((Math.imul(seed, 0x9e3779b1) + Math.imul(k, 0x85ebca77)) >>> 0);

export async function fuzz({
  seed,
  graphs,
  runtimes,
  runtime,
  failures: most = 5,
  onProgress,
}: FuzzOptions): Promise<FuzzOutcome> {
  const failures: Failure[] = [];
  let comparisons = 0;
  let done = 0;
  while (done < graphs && failures.length < most) {
    const program = programOf(seed, done);
    const c = caseOf(program);
    const passes = expectedOf(c);
    const { outputs, assigns } = program;
    for (const { eager } of runtimes) comparisons += (eager ? 4 : 3) * outputs.length + 2 * assigns.length;
    const what = await check(c, runtimes, passes);
    if (what) {
      const small = await shrink(program, async (p) => {
        try {
          return (await check(caseOf(p), runtimes)) !== null;
        } catch {
          return false;
        }
      });
      const now = await check(caseOf(small), runtimes);
      failures.push({
        graph: done,
        what,
        code: print(small, `seed ${seed}, graph ${done}: ${(now ?? what).split('\n')[0]}`, runtime),
      });
    }
    done++;
    onProgress?.(done, failures.length);
  }
  return { graphs: done, comparisons, failures };
}
