/**
 * Mutation of the WebGPU device: each mutant of the WGSL, on Dawn and SwiftShader, through the parts of the suite that reach it;
 * what no driver shows must at least be found by the static check (N2), or stand among the exceptions with its reason.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { scan } from '../../wgsl/scan.ts';
import { EQUIVALENT } from './equivalent.ts';
import type { Caught } from './judge.ts';
import { type WgslMutant, wgslMutants } from './wgsl.ts';

/** A mutant may make a loop that does not end; compiling takes long on a busy machine. */
const PATIENCE = 180_000;
/** Mutants a process: a driver keeps what it has compiled. */
const BATCH = 150;

type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'no device' }
  | { readonly kind: 'judged'; readonly caught: Caught }
  | { readonly kind: 'threw'; readonly what: string };

class Worker {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  judged = 0;

  /** Null when the process has died or hangs. */
  hear(): Promise<Answer | null> {
    return new Promise((resolve) => {
      const done = (a: Answer | null) => {
        clearTimeout(timer);
        this.#child.off('message', onMessage).off('exit', onExit);
        resolve(a);
      };
      const onMessage = (a: unknown) => done(a as Answer);
      const onExit = () => done(null);
      const timer = setTimeout(onExit, PATIENCE);
      this.#child.once('message', onMessage).once('exit', onExit);
    });
  }
  ask(index: number): Promise<Answer | null> {
    const answer = this.hear();
    this.#child.send(index);
    this.judged++;
    return answer;
  }
  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Found by the static check: its roundings are not guarded. */
const scanned = ({ code, module, mutated }: WgslMutant): boolean => scan(module.split(code).join(mutated)).length > 0;

export interface Tally {
  readonly count: number;
  /** By the part of the suite that caught them; `driver` is a process that died. */
  readonly by: Readonly<Record<string, number>>;
}

/** Tries every `every`th mutant whose id holds `part`. Null where the machine has no WebGPU. */
export async function mutateWebGpu(survivors: string[], part = '', every = 1): Promise<Tally | null> {
  const all = wgslMutants();
  const by: Record<string, number> = {};
  const tally = (what: string) => {
    by[what] = (by[what] ?? 0) + 1;
  };
  let worker: Worker | null = null;
  let count = 0;
  const fresh = async (): Promise<Worker | null> => {
    worker?.end();
    const next = new Worker();
    const first = await next.hear();
    if (first?.kind === 'ready') return next;
    next.end();
    if (first === null) throw new Error('mutation: the process of the GPU does not start');
    return null;
  };
  worker = await fresh();
  if (!worker) return null;
  try {
    for (const [index, m] of all.entries()) {
      if (index % every !== 0 || !m.id.includes(part)) continue;
      if (!worker || worker.judged >= BATCH) worker = await fresh();
      if (!worker) throw new Error('mutation: the GPU is gone');
      count++;
      const answer: Answer | null = await worker.ask(index);
      if (answer?.kind === 'threw' && /does not compile/.test(answer.what)) throw new Error(`${m.id}: ${answer.what}`);
      const caught =
        answer?.kind === 'judged' ? answer.caught : { by: 'driver' as const, what: answer ? 'an error' : 'its end' };
      if (answer?.kind !== 'judged') {
        worker.end();
        worker = null;
      }
      const reason = EQUIVALENT[m.id];
      const verdict = caught?.by ?? (scanned(m) ? 'scan' : reason ? 'equivalent' : null);
      tally(verdict ?? 'survived');
      if (!verdict) survivors.push(m.id);
      if (reason && verdict !== 'equivalent')
        survivors.push(`${m.id}: is caught by ${verdict}, and need not be an exception`);
      console.log(
        `${verdict ? verdict.padEnd(10) : 'SURVIVED  '} ${m.kind}: ${m.id}${caught ? `  (${caught.what.slice(0, 60)})` : ''}`,
      );
    }
  } finally {
    worker?.end();
  }
  return { count, by };
}
