/** Contenders in turns, A B C A B C …: what slows the machine down for a while then falls on all of them. */

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Entry } from './contender.ts';
import type { Answer, Request } from './turn.ts';

export interface Pace {
  readonly rounds: number;
  /** Milliseconds of CPU time of a turn. */
  readonly turn: number;
  /** Of the first turn, which is not counted. */
  readonly warmUp: number;
}

/** Medians over the rounds, microseconds a step. */
export interface Figures {
  readonly cpu: number;
  readonly wall: number;
}

/** Steps whose losses are compared before anything is timed. */
const CHECKED = 12;
/** Most by which two libraries' losses may differ, relative to the loss: float32, summed in other orders, through Adam. */
const TOLERANCE = 1e-3;

/** @throws Error where the contenders do not do the same work. */
export async function race(
  work: { readonly name: string },
  entries: readonly Entry[],
  built: string,
  pace: Pace,
): Promise<Figures[]> {
  const racers = entries.map((e) => new Racer(e, work.name, built));
  try {
    const losses: (readonly number[])[] = [];
    for (const r of racers) losses.push((await r.ask<{ losses: readonly number[] }>({ steps: CHECKED })).losses);
    losses.forEach((mine, i) => {
      mine.forEach((loss, step) => {
        const first = losses[0][step];
        if (Math.abs(loss - first) <= TOLERANCE * Math.abs(first)) return;
        throw new Error(
          `bench: ${work.name}: at step ${step + 1} the result is ${loss} in ${entries[i].name} and ${first} in ${entries[0].name}: not the same work`,
        );
      });
    });
    for (const r of racers) await r.ask({ ms: pace.warmUp });
    const turns: Figures[][] = racers.map(() => []);
    for (let round = 0; round < pace.rounds; round++) {
      for (const [i, r] of racers.entries()) turns[i].push(await r.ask<Figures>({ ms: pace.turn }));
    }
    return turns.map((t) => ({ cpu: median(t.map((f) => f.cpu)), wall: median(t.map((f) => f.wall)) }));
  } finally {
    for (const r of racers) r.stop();
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

class Racer {
  readonly #name: string;
  readonly #process: ChildProcess;

  constructor(e: Entry, work: string, built: string) {
    this.#name = e.name;
    const module = join(built, `${e.module}.js`);
    // The child's own words, such as tfjs's advice, are not part of the result.
    this.#process = fork(join(built, 'turn.js'), [module, e.make, work], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  ask<T extends Answer>(request: Request): Promise<T> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`bench: ${this.#name} ended with exit code ${code}`));
      this.#process.once('exit', ended);
      this.#process.once('message', (m) => {
        this.#process.off('exit', ended);
        resolve(m as T);
      });
      this.#process.send(request);
    });
  }

  stop(): void {
    this.#process.kill();
  }
}
