/**
 * The threads of one memory, as the host sees them: instances of the kernels in workers, which wait in WASM for tasks
 * (wasm/crew.ts). A thread that does not start, or dies in its sleep, is one less; the bits are the same.
 */

import type { Errand, Start } from './parts.ts';

interface Hands {
  enlist(threads: number, maySleep: number, worth: number): void;
  dismiss(): void;
}

/** Milliseconds for a thread to start. */
const PATIENCE = 20_000;

export class Crew {
  /** At most; their scratch lies below the heap. */
  readonly size: number;
  readonly #kernels: Hands;
  readonly #errand: Omit<Errand, 'thread'>;
  readonly #start: Start;
  readonly #others = new Set<{ end(): void }>();
  #begun: Promise<void> | null = null;
  #ended = false;
  /** Why there are fewer than there could be. */
  why = '';
  /** Nanoseconds of work below which a kernel is left to the caller: to divide it costs about 1000, and much more on a busy machine. */
  worth = 20_000;

  constructor(instance: WebAssembly.Instance, errand: Omit<Errand, 'thread'>, size: number, start: Start) {
    this.#kernels = instance.exports as unknown as Hands;
    this.#errand = errand;
    this.size = size;
    this.#start = start;
  }

  /** Threads at work, the caller's included. */
  get threads(): number {
    return 1 + this.#others.size;
  }

  /** Starts them all, once. Never throws: `threads` and `why` tell what came of it. */
  begin(): Promise<void> {
    this.#begun ??= Promise.all(Array.from({ length: this.size - 1 }, (_, i) => this.#add(i + 1))).then(() =>
      this.#enlist(),
    );
    return this.#begun;
  }

  async #add(thread: number): Promise<void> {
    let other: { end(): void } | undefined;
    let gone: Error | undefined;
    const start = this.#start({ ...this.#errand, thread }, (why) => {
      gone = why;
      if (other) this.#lose(other, why);
    });
    let late: (why: Error) => void = () => {};
    const timer = setTimeout(() => late(new Error('a thread does not start')), PATIENCE);
    try {
      const started = await Promise.race([
        start,
        new Promise<never>((_, fail) => {
          late = fail;
        }),
      ]);
      if (gone) throw gone;
      if (this.#ended) return started.end();
      other = started;
      this.#others.add(other);
    } catch (e) {
      this.why = (e as Error).message;
      // It may yet come.
      start.then(
        (o) => o.end(),
        () => {},
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #lose(other: { end(): void }, why: Error): void {
    if (!this.#others.delete(other)) return;
    this.why = why.message;
    this.#enlist();
  }

  #enlist(): void {
    if (!this.#ended) this.#kernels.enlist(this.threads, Number(maySleep()), this.worth);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#kernels.dismiss();
    for (const other of this.#others) other.end();
    this.#others.clear();
  }
}

/** A page's thread may not sleep. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
