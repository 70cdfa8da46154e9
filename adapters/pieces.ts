/** A body in buffers of one size. */

import { wrongSize } from './key.ts';
import type { StoreBody } from './store.ts';

export const sizeOf = (body: Uint8Array | StoreBody): number => (body instanceof Uint8Array ? body.length : body.size);

/** The chunks of a body, checked against its size, and for an abort before each. */
export async function* chunksOf(
  path: string,
  body: Uint8Array | StoreBody,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const size = sizeOf(body);
  let total = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body.chunks()) {
    signal?.throwIfAborted();
    total += chunk.length;
    if (total > size) throw wrongSize(path, size, total);
    yield chunk;
  }
  if (total !== size) throw wrongSize(path, size, total);
  signal?.throwIfAborted();
}

/**
 * A body in buffers of `length` bytes, the last one shorter; an empty body has none. Each is a buffer of its own: it shows
 * no part of a larger one, and is no memory that threads share, which platforms do not take.
 */
export async function* piecesOf(
  path: string,
  body: Uint8Array | StoreBody,
  length: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = sizeOf(body);
  let piece = new Uint8Array(Math.min(length, left));
  let filled = 0;
  for await (const chunk of chunksOf(path, body, signal)) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + piece.length - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < piece.length) continue;
      yield piece;
      left -= filled;
      piece = new Uint8Array(Math.min(length, left));
      filled = 0;
    }
  }
}

/** A body in one buffer. */
export async function collect(
  path: string,
  body: Uint8Array | StoreBody,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  let all = new Uint8Array(0);
  for await (const piece of piecesOf(path, body, sizeOf(body), signal)) all = piece;
  return all;
}

/** The same bytes in memory that no thread shares. */
export const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
