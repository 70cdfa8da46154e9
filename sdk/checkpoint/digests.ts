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

/** Digests of what stays where it is. */
export async function digestsOf(memory: Uint8Array, parts: readonly Part[]): Promise<Hashed> {
  const digests = new Uint8Array(parts.length * DIGEST);
  for (let i = 0; i < parts.length; i += TOGETHER) {
    const some = parts.slice(i, i + TOGETHER).map(([at, length]) => sha256Aside(memory.subarray(at, at + length)));
    (await Promise.all(some)).forEach((d, k) => digests.set(d, (i + k) * DIGEST));
  }
  return { memory, digests };
}

/**
 * Digests of memory that nobody else uses: where there are threads it goes to one with its whole buffer, and comes back.
 * @throws CheckpointError E_IO where the thread has ended.
 */
export async function digestsAside(memory: Uint8Array, parts: readonly Part[]): Promise<Hashed> {
  const { buffer, byteOffset, length } = memory;
  const platform = buffer instanceof ArrayBuffer && (await import('#hasher').catch(() => null));
  try {
    const there = parts.map(([at, n]): Part => [byteOffset + at, n]);
    const found = platform && (await platform.hash(buffer as ArrayBuffer, there));
    if (!found) return digestsOf(memory, parts);
    return { memory: new Uint8Array(found.memory, byteOffset, length), digests: found.digests };
  } catch (cause) {
    throw new CheckpointError('E_IO', 'the thread that makes digests has ended', {
      cause,
      retryable: true,
      hint: 'try again',
    });
  }
}
