/** A device's buffer: a place in its heap that goes back with its last holder. */

import type { Held } from '../core/node.ts';
import type { Heap } from './heap.ts';

export class Buffer implements Held {
  readonly at: number;
  readonly bytes: number;
  readonly #heap: Heap;
  #holders = 1;
  constructor(heap: Heap, bytes: number) {
    this.#heap = heap;
    this.bytes = bytes;
    this.at = heap.take(bytes);
  }
  retain(): this {
    this.#holders++;
    return this;
  }
  release(): void {
    if (this.#holders <= 0) return;
    if (--this.#holders === 0) this.#heap.give(this.at, this.bytes);
  }
}
