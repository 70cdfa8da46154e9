/** SHA-256 of many parts of one memory, where the platform does it best. */

import { CheckpointError } from '../core/errors.ts';
import { sha256Aside } from '../core/sha256.ts';
import { DIGEST, LEAF } from './layout.ts';

/** Where a part begins in its memory, and its length. */
export type Part = readonly [at: number, length: number];

export interface Hashed {
  /** What was given, maybe in another buffer. */
  readonly memory: Uint8Array;
  /** One behind the other. */
  readonly digests: Uint8Array;
}

/** Bytes from which a thread for their digests is worth its start. */
export const WORTH = 16 * 2 ** 20;

/** Bytes below which what is hashed together does not go to it. */
export const SMALL = LEAF / 4;

/** So many are asked for at once: browsers hash them on threads of their own, and copy each. */
const TOGETHER = 8;

/** Found once: looking for a module takes longer than hashing some. */
let hasher: Promise<typeof import('#hasher') | null> | undefined;

/**
 * Digests of parts of some memory. With `threads`, where nobody else uses its buffer: all of that goes to one of so many other
 * threads, if there can be one, and comes back.
 * @throws CheckpointError E_IO where the thread has ended.
 */
export async function digestsOf(memory: Uint8Array, parts: readonly Part[], threads = 0): Promise<Hashed> {
  const { buffer, byteOffset, length } = memory;
  if (threads && buffer instanceof ArrayBuffer) {
    hasher ??= import('#hasher').catch(() => null);
    const platform = await hasher;
    const there = parts.map(([at, n]): Part => [byteOffset + at, n]);
    const found = await platform?.hash(buffer, there, threads).catch((cause) => {
      throw new CheckpointError('E_IO', 'the thread that hashes has ended', {
        cause,
        retryable: true,
        hint: 'try again',
      });
    });
    if (found) return { memory: new Uint8Array(found.memory, byteOffset, length), digests: found.digests };
  }
  const digests = new Uint8Array(parts.length * DIGEST);
  for (let i = 0; i < parts.length; i += TOGETHER) {
    const some = parts.slice(i, i + TOGETHER).map(([at, n]) => sha256Aside(memory.subarray(at, at + n)));
    (await Promise.all(some)).forEach((d, k) => {
      digests.set(d, (i + k) * DIGEST);
    });
  }
  return { memory, digests };
}
