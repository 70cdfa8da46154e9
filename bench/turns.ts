/** The side of a contender: it steps when it is asked to, and measures itself. In Node a process of its own, in a browser a page. */

import { pipelines } from './gpu.ts';
import type { Contender, Open, Place, Work } from './work.ts';

export type Request =
  | { readonly open: Work; readonly place: Place }
  /** So many steps, with the numbers that stand for each result. */
  | { readonly check: number }
  /** Steps for so many milliseconds of CPU time, one at least, so that a turn is as long on a busy machine. */
  | { readonly run: number }
  | { readonly close: true };

export interface Measured {
  /** Microseconds a step: of the processor, and of the clock. */
  readonly cpu: number;
  readonly wall: number;
  readonly steps: number;
}

export interface Checked {
  readonly results: readonly (readonly number[])[];
  /** Milliseconds of the clock from nothing to the first result; the library was loaded before. */
  readonly warmUp: number;
  /** Megabytes of the process, or of the page's heap. */
  readonly memory: number;
  /** Of a GPU, made so far. */
  readonly pipelines: number;
}

export type Answer = Measured | Checked | Record<string, never> | { readonly error: string };

/** What differs between a process and a page. */
export interface Host {
  load(): Promise<Open>;
  /** Microseconds of CPU time so far, or of the clock where a page cannot know. */
  cpu(): number;
  memory(): number;
}

const SLICE_MS = 10;

export function turns(host: Host): (request: Request) => Promise<Answer> {
  let contender: Contender | undefined;
  let taken = 0;
  let opening = 0;

  const step = () => (contender as Contender).step(taken++);

  async function check(steps: number): Promise<Checked> {
    const results: (readonly number[])[] = [];
    let warmUp = 0;
    while (results.length < steps) {
      const start = performance.now();
      await step();
      if (results.length === 0) warmUp = opening + performance.now() - start;
      results.push(await (contender as Contender).probe());
    }
    return { results, warmUp, memory: host.memory(), pipelines: pipelines() };
  }

  async function run(ms: number): Promise<Measured> {
    const before = host.cpu();
    const start = performance.now();
    let steps = 0;
    let cpu = 0;
    while (cpu < ms * 1000) {
      // Asking for the CPU time costs as much as a small step does: once a slice is often enough.
      const slice = performance.now();
      do {
        await step();
        steps++;
      } while (performance.now() - slice < SLICE_MS);
      cpu = host.cpu() - before;
    }
    return { cpu: cpu / steps, wall: ((performance.now() - start) * 1000) / steps, steps };
  }

  async function answer(request: Request): Promise<Answer> {
    if ('check' in request) return check(request.check);
    if ('run' in request) return run(request.run);
    if ('close' in request) {
      await contender?.close?.();
      contender = undefined;
      return {};
    }
    const open = await host.load();
    const start = performance.now();
    taken = 0;
    contender = await open(request.open, request.place);
    opening = performance.now() - start;
    return {};
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (e) {
      return { error: (e as Error).message };
    }
  };
}
