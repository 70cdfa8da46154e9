/** Places for buffers in one growing memory, taken again by exact size so that a steady loop allocates nothing. */

import { DeviceError } from '../core/errors.ts';

const PAGE = 65536;

/** The memory behind a heap. */
export interface Space {
  /** Bytes there are. */
  readonly bytes: number;
  /** Makes it at least `bytes` large; false when that cannot be. */
  grow(bytes: number): boolean;
}

export class Heap {
  readonly #memory: Space;
  readonly #limit: number;
  readonly #bins = new Map<number, number[]>();
  #free: { at: number; bytes: number }[] = [];
  #top: number;
  live = 0;
  peak = 0;

  constructor(memory: Space, base: number, limit: number) {
    this.#memory = memory;
    this.#top = base;
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** A place for `bytes` (a multiple of 64). */
  take(bytes: number): number {
    this.live += bytes;
    if (this.live > this.peak) this.peak = this.live;
    const bin = this.#bins.get(bytes);
    if (bin && bin.length > 0) return bin.pop()!;
    return this.#cut(bytes) ?? this.#grow(bytes) ?? this.#afterMerge(bytes);
  }

  give(at: number, bytes: number): void {
    this.live -= bytes;
    const bin = this.#bins.get(bytes);
    if (bin) bin.push(at);
    else this.#bins.set(bytes, [at]);
  }

  #cut(bytes: number): number | null {
    const i = this.#free.findIndex((f) => f.bytes >= bytes);
    if (i < 0) return null;
    const f = this.#free[i];
    const at = f.at;
    if (f.bytes === bytes) this.#free.splice(i, 1);
    else this.#free[i] = { at: at + bytes, bytes: f.bytes - bytes };
    return at;
  }

  #grow(bytes: number): number | null {
    const end = this.#top + bytes;
    // Binned places are merged before the memory grows much beyond what is live.
    const idle = this.#top - this.live;
    if (idle > this.live + 64 * PAGE && this.#bins.size > 0) return null;
    return this.#extend(end);
  }

  #extend(end: number): number | null {
    if (end > this.#limit) return null;
    const have = this.#memory.bytes;
    // Growing in steps of an eighth keeps the number of growths logarithmic.
    const want = Math.min(this.#limit, Math.max(end, have + (have >> 3)));
    if (end > have && !this.#memory.grow(want) && !this.#memory.grow(end)) return null;
    const at = this.#top;
    this.#top = end;
    return at;
  }

  #afterMerge(bytes: number): number {
    for (const [size, places] of this.#bins) for (const at of places) this.#free.push({ at, bytes: size });
    this.#bins.clear();
    this.#free.sort((a, b) => a.at - b.at);
    const merged: { at: number; bytes: number }[] = [];
    for (const f of this.#free) {
      const last = merged.at(-1);
      if (last && last.at + last.bytes === f.at) last.bytes += f.bytes;
      else merged.push({ ...f });
    }
    this.#free = merged;
    const at = this.#cut(bytes) ?? this.#extend(this.#top + bytes);
    if (at !== null) return at;
    this.live -= bytes;
    throw new DeviceError('E_OOM', `device: no room for ${bytes} bytes (${this.live} of ${this.#limit} are in use)`, {
      hint: 'Use a smaller batch, or dispose tensors.',
      details: { bytes, live: this.live, limit: this.#limit },
    });
  }
}
