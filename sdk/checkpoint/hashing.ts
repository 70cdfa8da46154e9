/** The leaves of a file that is being written, hashed while it is handed on. */

import { digestsOf, type Part, SMALL, WORTH } from './digests.ts';
import { DIGEST, type Layout, LEAF } from './layout.ts';

/** Leaves that are handed on as one piece: a save that has few turns needs few. */
export const TOGETHER = 4;
/** Pieces that are hashed at most while others are handed on. */
const BEHIND = 3;

/** The leaves of so many bytes from there on. */
export const leavesOf = (at: number, bytes: number): Part[] =>
  Array.from({ length: Math.ceil(bytes / LEAF) }, (_, i) => [at + i * LEAF, Math.min(LEAF, bytes - i * LEAF)]);

/** Hashes the leaves of one pass behind whoever reads them, a few pieces at a time. */
export class Hashing {
  readonly #found: Uint8Array;
  readonly #aside: boolean;
  #flights: Promise<void>[] = [];
  /** What a thread hashes is a copy, because the tensors stay here; it is made in the same few places. */
  #rooms: Uint8Array[] = [];

  constructor(l: Layout) {
    this.#found = new Uint8Array(l.leafCount * DIGEST);
    this.#aside = l.fileLen >= WORTH;
  }

  /** Begins with a piece, whose first leaf is that one, once there is room. */
  async add(bytes: Uint8Array, leaf: number): Promise<void> {
    if (this.#flights.length === BEHIND) await this.#flights.shift();
    const flight = this.#hash(bytes, leaf);
    flight.catch(() => {}); // a store that fails never comes to await it
    this.#flights.push(flight);
  }

  async #hash(bytes: Uint8Array, leaf: number): Promise<void> {
    let room = bytes;
    const aside = this.#aside && bytes.length >= SMALL;
    if (aside) {
      room = this.#rooms.pop() ?? new Uint8Array(TOGETHER * LEAF);
      room.set(bytes);
    }
    const { memory, digests } = await digestsOf(room, leavesOf(0, bytes.length), aside);
    if (aside) this.#rooms.push(memory);
    this.#found.set(digests, leaf * DIGEST);
  }

  /** All digests, one behind the other. */
  async end(): Promise<Uint8Array> {
    for (const flight of this.#flights) await flight;
    return this.#found;
  }
}
