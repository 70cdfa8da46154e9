/**
 * Mutation of the WebGPU device: each mutant of the WGSL, on Dawn and SwiftShader, through the parts of the suite that reach it;
 * what this driver does not show must at least be found by the static check (N2) or by the test of the page's constants, or stand
 * among the equivalent ones with its reason.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scan } from '../../wgsl/scan.ts';
import { strangeConstants } from '../constants.ts';
import { reasonFor } from './equivalent.ts';
import type { Caught } from './judge.ts';
import { LOWERING_MUTANTS } from './lowering.ts';
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
  ask(list: 'wgsl' | 'lowering', index: number): Promise<Answer | null> {
    const answer = this.hear();
    this.#child.send({ list, index });
    this.judged++;
    return answer;
  }
  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Found by the static check: its roundings are not guarded. */
const scanned = ({ code, module, mutated }: WgslMutant): boolean => scan(module.split(code).join(mutated)).length > 0;

const PAGE = readFileSync(new URL('../../docs/numerics.md', import.meta.url), 'utf8');
/** Found by the test of the page: a constant that the contract does not have. */
const misprinted = ({ mutated }: WgslMutant): boolean => strangeConstants(mutated, PAGE).length > 0;

export interface Tally {
  readonly count: number;
  /** By the part of the suite that caught them; `driver` is a process that died. */
  readonly by: Readonly<Record<string, number>>;
}

/** A mutant of either list: its name, what finds it without a driver, and why nothing could. */
interface Entry {
  readonly list: 'wgsl' | 'lowering';
  readonly index: number;
  readonly kind: string;
  readonly id: string;
  readonly fallback: () => string | null;
}

function entries(): Entry[] {
  const wgsl = wgslMutants().map(
    (m, index): Entry => ({
      list: 'wgsl',
      index,
      kind: m.kind,
      id: m.id,
      fallback: () => (scanned(m) ? 'scan' : reasonFor(m.id) ? 'equivalent' : misprinted(m) ? 'page' : null),
    }),
  );
  const lowering = LOWERING_MUTANTS.map(({ file, find, replace }, index): Entry => {
    const line = (text: string) => text.split('\n')[0];
    const id = `${file}: ${line(find)}  ->  ${line(replace)}`;
    return { list: 'lowering', index, kind: 'lowering', id, fallback: () => (reasonFor(id) ? 'equivalent' : null) };
  });
  return [...wgsl, ...lowering];
}

/** A process that is ready; null where the machine has no WebGPU. */
async function start(): Promise<Worker | null> {
  const worker = new Worker();
  const first = await worker.hear();
  if (first?.kind === 'ready') return worker;
  worker.end();
  if (first === null) throw new Error('mutation: the process of the GPU does not start');
  return null;
}

/** Tries the mutants whose ids are wanted. Null where the machine has no WebGPU. */
export async function mutateWebGpu(survivors: string[], wanted: (id: string) => boolean): Promise<Tally | null> {
  const by: Record<string, number> = {};
  let worker = await start();
  if (!worker) return null;
  let count = 0;
  try {
    for (const { list, index, kind, id, fallback } of entries()) {
      if (!wanted(id)) continue;
      if (worker && worker.judged >= BATCH) {
        worker.end();
        worker = null;
      }
      worker ??= await start();
      if (!worker) throw new Error('mutation: the GPU is gone');
      const answer = await worker.ask(list, index);
      if (answer?.kind === 'threw' && /does not compile|occurrences of/.test(answer.what))
        throw new Error(`${id}: ${answer.what}`);
      let caught: { readonly by: string; readonly what: string } | null;
      if (answer?.kind === 'judged') ({ caught } = answer);
      else {
        caught = { by: 'driver', what: answer?.kind === 'threw' ? answer.what : 'its process ended' };
        worker.end();
        worker = null;
      }
      const verdict = caught?.by ?? fallback();
      count++;
      by[verdict ?? 'survived'] = (by[verdict ?? 'survived'] ?? 0) + 1;
      if (!verdict) survivors.push(id);
      const how = caught ? `  (${caught.what.split('\n')[0].slice(0, 60)})` : '';
      console.log(`${(verdict ?? 'SURVIVED').padEnd(10)} ${kind}: ${id}${how}`);
    }
  } finally {
    worker?.end();
  }
  return { count, by };
}
