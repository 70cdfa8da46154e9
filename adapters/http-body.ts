/**
 * The body of a PUT. A small one goes out whole. A large one is streamed where the platform can, so that no more than a few
 * pieces of it are in memory; each attempt reads it anew.
 */

import { wrongSize } from './key.ts';
import type { StoreBody } from './store.ts';

/** Larger bodies are streamed. */
const WHOLE = 8 * 2 ** 20;
/** What a stream hands on at a time. */
const PIECE = 2 ** 20;

export interface Upload {
  readonly size: number;
  readonly streamed: boolean;
  /** For one request. */
  body(): Blob | ReadableStream<Uint8Array>;
  /** What the body itself has thrown in the last attempt. */
  fault(): { readonly error: unknown } | null;
  /** The bytes, in pieces of this size but the last. */
  pieces(size: number): AsyncIterable<Uint8Array>;
}

/**
 * True in Node, Bun and Deno. Of browsers only Chromium streams requests, over HTTP/2 and with a preflight; workerd ends a
 * stream that fails as if it were complete, so that a server would keep half of it.
 */
export function canStream(): boolean {
  const { process, navigator } = globalThis as {
    process?: { versions?: { node?: string } };
    navigator?: { userAgent?: string };
  };
  const other = /^(Mozilla\/|Cloudflare-Workers)/.test(navigator?.userAgent ?? '');
  return process?.versions?.node !== undefined && !other;
}

/** False where a stream as a body is sent as the text '[object ReadableStream]', as Firefox does. */
export function takesStreams(): boolean {
  const body = new ReadableStream();
  const init = { method: 'PUT', body, duplex: 'half' };
  return !new Request('http://127.0.0.1/', init).headers.has('content-type');
}

export async function uploadOf(
  path: string,
  body: Uint8Array | StoreBody,
  streams: boolean,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  const size = body instanceof Uint8Array ? body.length : body.size;
  const read = () => checked(path, size, body instanceof Uint8Array ? [body] : body.chunks(), signal);
  if (!streams || size <= WHOLE) {
    const parts: Blob[] = [];
    // A Blob holds its bytes outside of the heap, where the platform wants them.
    for await (const piece of read()) parts.push(new Blob([piece]));
    const blob = new Blob(parts, { type: 'application/octet-stream' });
    return { size, streamed: false, body: () => blob, fault: () => null, pieces: (n) => slices(blob, n) };
  }
  let fault: { readonly error: unknown } | null = null;
  const failed = (error: unknown) => {
    fault = { error };
  };
  return {
    size,
    streamed: true,
    body: () => {
      fault = null;
      return streamOf(read(), failed);
    },
    fault: () => fault,
    pieces: (n) => regrouped(read(), n),
  };
}

/**
 * Copies of what comes, because the next chunk may use the same memory, and senders refuse what threads share. The last of
 * them is held back until the size is known to be right: a server that has not got every byte publishes nothing.
 */
async function* checked(
  path: string,
  size: number,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let held: Uint8Array<ArrayBuffer> | undefined;
  let total = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    total += chunk.length;
    if (total > size) throw wrongSize(path, size, total);
    for (let at = 0; at < chunk.length; at += PIECE) {
      if (held) yield held;
      held = new Uint8Array(Math.min(PIECE, chunk.length - at));
      held.set(chunk.subarray(at, at + PIECE));
    }
  }
  if (total !== size) throw wrongSize(path, size, total);
  signal?.throwIfAborted();
  if (held) yield held;
}

/** Reads only when asked to. */
function streamOf(
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>,
  failed: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(control) {
        try {
          const { done, value } = await pieces.next();
          if (done) control.close();
          else control.enqueue(value);
        } catch (e) {
          failed(e);
          control.error(e);
        }
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* slices(blob: Blob, n: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += n) yield new Uint8Array(await blob.slice(at, at + n).arrayBuffer());
}

async function* regrouped(chunks: AsyncIterable<Uint8Array>, n: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(n);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + n - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < n) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
