/** What a cache holds: blocks of objects, each with a digest of what it is and where it belongs. */

import { sha256 } from '../sdk/core/sha256.ts';
import type { Store } from './store.ts';

export const BLOCK = 2 ** 20;
/** A block is its digest, the size of its object, and its bytes. */
const HEAD = 40;

/** Blocks in a store, by `<folder>/<number>`, as many bytes of them as may be. Its faults are nobody's: a block is there or not. */
export class Blocks {
  readonly #store: Store;
  readonly #most: number;
  /** Bytes of each block, the one read longest ago first. */
  #index: Map<string, number> | undefined;
  #loading: Promise<Map<string, number>> | undefined;
  #total = 0;

  constructor(store: Store, most: number) {
    this.#store = store;
    this.#most = most;
  }

  /** As far as is known without asking. */
  has(folder: string, n: number): boolean {
    return this.#index?.has(`${folder}/${n}`) ?? false;
  }

  async read(folder: string, n: number, size: number): Promise<Uint8Array | null> {
    const key = `${folder}/${n}`;
    const block = await this.#verified(key);
    if (!block) return null;
    if (block.size === size && block.bytes.length === Math.min(BLOCK, size - n * BLOCK)) return block.bytes;
    await this.#remove(key);
    return null;
  }

  /** Of the object, as a block of it says. */
  async sizeOf(folder: string): Promise<number | undefined> {
    for (const key of (await this.#open()).keys()) {
      const block = key.startsWith(`${folder}/`) ? await this.#verified(key) : null;
      if (block) return block.size;
    }
    return undefined;
  }

  async write(folder: string, n: number, size: number, bytes: Uint8Array): Promise<void> {
    const key = `${folder}/${n}`;
    const index = await this.#open();
    const length = HEAD + bytes.length;
    if (length > this.#most) return;
    const block = new Uint8Array(length);
    new DataView(block.buffer).setBigUint64(32, BigInt(size), true);
    block.set(bytes, HEAD);
    block.set(await digestOf(key, block));
    try {
      await this.#store.put(key, block);
    } catch {
      return; // full, or gone: it is only a cache
    }
    this.#forget(key);
    index.set(key, length);
    this.#total += length;
    for (const oldest of index.keys()) {
      if (this.#total <= this.#most) break;
      await this.#remove(oldest);
    }
  }

  async drop(folder: string): Promise<void> {
    const index = await this.#open();
    for (const key of [...index.keys()]) if (key.startsWith(`${folder}/`)) await this.#remove(key);
  }

  async #verified(key: string): Promise<{ size: number; bytes: Uint8Array } | null> {
    const index = await this.#open();
    const length = index.get(key);
    if (length === undefined) return null;
    try {
      const block = await this.#store.get(key);
      const digest = await digestOf(key, block);
      if (block.length >= HEAD && digest.every((v, i) => v === block[i])) {
        // read last
        index.delete(key);
        index.set(key, length);
        const size = Number(new DataView(block.buffer, block.byteOffset).getBigUint64(32, true));
        return { size, bytes: block.subarray(HEAD) };
      }
    } catch {
      // not there any more, or not readable
    }
    await this.#remove(key);
    return null;
  }

  #forget(key: string): void {
    this.#total -= this.#index?.get(key) ?? 0;
    this.#index?.delete(key);
  }

  async #remove(key: string): Promise<void> {
    this.#forget(key);
    await this.#store.delete(key).catch(() => {});
  }

  #open(): Promise<Map<string, number>> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** What an earlier process has left, in the order in which it was written. */
  async #load(): Promise<Map<string, number>> {
    const found: { key: string; size: number; modified?: number }[] = [];
    try {
      for await (const entry of this.#store.list('')) if (/^[0-9a-f]{64}\/\d+$/.test(entry.key)) found.push(entry);
    } catch {
      // nothing is known to be there
    }
    found.sort((a, b) => (a.modified ?? 0) - (b.modified ?? 0));
    this.#index = new Map(found.map(({ key, size }) => [key, size]));
    this.#total = found.reduce((n, { size }) => n + size, 0);
    return this.#index;
  }
}

/** Of what a block is, and of where it belongs. */
const digestOf = (key: string, block: Uint8Array): Promise<Uint8Array> =>
  sha256(new TextEncoder().encode(`${key}\n`), block.subarray(32));
