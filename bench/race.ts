/** Contenders in turns, A B C A B C …: what slows the machine down for a while then falls on all of them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Library } from './libraries.ts';
import type { Answer, Checked, Measured, Request } from './turns.ts';
import type { Place, Work } from './work.ts';

export interface Pace {
  readonly rounds: number;
  /** Milliseconds of CPU time of a turn; one step at least. */
  readonly turn: number;
  /** Of the first turn, which is not counted; 0 for none. */
  readonly warmUp: number;
  /** Steps whose results are compared before anything is timed. */
  readonly checked: number;
}

/** Medians over the rounds. */
export interface Figures {
  /** Microseconds a step: of the processor, and of the clock. */
  readonly cpu: number;
  readonly wall: number;
  /** Milliseconds of the clock to the first result, the library loaded; megabytes behind the checked steps. */
  readonly warmUp: number;
  readonly memory: number;
  /** Of a GPU, from nothing to there. */
  readonly pipelines: number;
}

/** What each contender gave: figures, or why there are none. */
export type Outcome = Figures | { readonly error: string };

export interface Racer {
  readonly name: string;
  ask(request: Request): Promise<Answer>;
  stop(): unknown;
}

/** Most by which a result may differ, against the root mean square of the first contender's: float32 in other orders; in training, through Adam. */
const TOLERANCE = 1e-3;

/** The first racer's results are what the others' are compared with. One place serves all, or each has its own. */
export async function race(
  racers: readonly Racer[],
  work: Work,
  places: Place | readonly Place[],
  pace: Pace,
): Promise<Outcome[]> {
  const out: (Outcome | undefined)[] = racers.map(() => undefined);
  const checks: Checked[] = [];
  for (const [i, r] of racers.entries()) {
    try {
      await ask(r, { open: work, place: 'device' in places ? places : places[i] });
      checks[i] = await ask<Checked>(r, { check: pace.checked });
      if (checks[0]) compare(checks[0], checks[i]);
    } catch (e) {
      out[i] = { error: (e as Error).message };
    }
  }
  const rounds: Measured[][] = racers.map(() => []);
  for (let round = pace.warmUp > 0 ? -1 : 0; round < pace.rounds; round++) {
    for (const [i, r] of racers.entries()) {
      if (out[i]) continue;
      try {
        const measured = await ask<Measured>(r, { run: round < 0 ? pace.warmUp : pace.turn });
        if (round >= 0) rounds[i].push(measured);
      } catch (e) {
        out[i] = { error: (e as Error).message };
      }
    }
  }
  for (const r of racers) await r.ask({ close: true }).catch(() => {});
  return rounds.map((turns, i) => {
    const { warmUp, memory, pipelines } = checks[i] ?? {};
    const [cpu, wall] = [median(turns.map((t) => t.cpu)), median(turns.map((t) => t.wall))];
    return out[i] ?? { cpu, wall, warmUp, memory, pipelines };
  });
}

async function ask<T extends Answer>(racer: Racer, request: Request): Promise<T> {
  const answer = await racer.ask(request);
  if ('error' in answer) throw new Error(answer.error);
  return answer as T;
}

function compare(first: Checked, other: Checked): void {
  first.results.forEach((want, step) => {
    const size = Math.sqrt(want.reduce((sum, x) => sum + x * x, 0) / want.length);
    want.forEach((x, i) => {
      const got = other.results[step][i];
      if (Math.abs(got - x) <= TOLERANCE * size) return;
      throw new Error(`not the same work: ${got} at step ${step + 1}, where the first contender has ${x}`);
    });
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** How an answer of a contender's process begins; whatever else it prints, such as tfjs's advice, is no part of the result. */
export const ANSWER = 'answer ';

/** A contender in a process of its own, which reads requests from its input line by line and prints its answers. */
export class ProcessRacer implements Racer {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<never>;

  constructor(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.name = name;
    const silent = process.env.BENCH_DEBUG ? 'inherit' : 'ignore';
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', silent], env: { ...process.env, ...env } });
    this.#process = child;
    this.#ended = new Promise((_, reject) => {
      child.once('error', (e) => reject(e));
      child.once('exit', (code, signal) => reject(new Error(`its process ended: ${signal ?? `exit code ${code}`}`)));
    });
    this.#ended.catch(() => {});
    child.stdin?.on('error', () => {});
    this.#lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
  }

  ask(request: Request): Promise<Answer> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    return Promise.race([this.#answer(), this.#ended]);
  }

  async #answer(): Promise<Answer> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return this.#ended;
      if (value.startsWith(ANSWER)) return JSON.parse(value.slice(ANSWER.length)) as Answer;
    }
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}

/** A library in Node. */
export const inNode = (library: Library, built: string, env: NodeJS.ProcessEnv = {}): Racer =>
  new ProcessRacer(library.name, process.execPath, turnOf(library, built), env);

/** What a process of a library runs. */
export const turnOf = (library: Library, built: string): string[] => [
  join(built, 'turn.js'),
  join(built, `${library.module}.js`),
  library.open,
];

/** One work, with a fresh process for each library. */
export async function raceFresh(
  libraries: readonly Library[],
  built: string,
  work: Work,
  place: Place,
  pace: Pace,
): Promise<Outcome[]> {
  const racers = libraries.map((l) => inNode(l, built));
  try {
    return await race(racers, work, place, pace);
  } finally {
    for (const r of racers) r.stop();
  }
}
