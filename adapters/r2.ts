/**
 * A store in a bucket of Cloudflare R2, through the binding of a Worker. The binding is handed in, so that this needs no
 * package and no credentials.
 *
 * A Worker has 128 MB. A body of at most 5 MiB goes up whole, with its SHA-256, which R2 checks. Of a larger one no more is
 * held than the chunk or part under way, and how it goes up is R2's choice: conditions it takes on single uploads only, so
 * with `ifAbsent` it is one stream; without, it is parts of one size, which may make an object of up to 5 TiB.
 */

import { CheckpointError, isIsobitError } from '../sdk/core/errors.ts';
import { anything, checkOptions } from '../sdk/core/options.ts';
import { checkKey, checkRange, notFound } from './key.ts';
import { chunksOf, collect, piecesOf, sizeOf, unshared } from './pieces.ts';
import type { Store, StoreBody } from './store.ts';

export interface R2ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly uploaded: Date;
}

export interface R2Upload {
  uploadPart(n: number, part: ArrayBuffer): Promise<{ partNumber: number; etag: string }>;
  complete(parts: { partNumber: number; etag: string }[]): Promise<unknown>;
  abort(): Promise<void>;
}

/** The part of a Worker's `R2Bucket` that is used. */
export interface R2BucketLike {
  head(key: string): Promise<R2ObjectInfo | null>;
  get(
    key: string,
    o?: { range: { offset: number; length?: number } },
  ): Promise<(R2ObjectInfo & { arrayBuffer(): Promise<ArrayBuffer> }) | null>;
  /** Null where something is there and `onlyIf` says that nothing may be. */
  put(
    key: string,
    body: ArrayBuffer | ReadableStream,
    o?: { onlyIf?: { etagDoesNotMatch: string }; sha256?: ArrayBuffer },
  ): Promise<R2ObjectInfo | null>;
  delete(key: string): Promise<void>;
  list(o: {
    prefix: string;
    startAfter?: string;
    cursor?: string;
  }): Promise<{ objects: readonly R2ObjectInfo[]; truncated: boolean; cursor?: string }>;
  createMultipartUpload(key: string): Promise<R2Upload>;
}

export interface R2StoreOptions {
  /** Of the bucket, for messages: a binding does not tell it. */
  name?: string;
}

const MIB = 2 ** 20;

/** R2 takes parts of 5 MiB or more, all but the last of one size, and 10,000 of them. What is one part goes up whole. */
const PART = 5 * MIB;
const PARTS = 10_000;

/** The largest single upload, and so the largest with a condition. */
const SINGLE = 5 * 2 ** 30;

/** Nothing may be there. */
const ABSENT = { etagDoesNotMatch: '*' };

interface Kind {
  code: `E_${string}`;
  hint: string;
  retryable?: boolean;
}

const LATER: Kind = { code: 'E_IO', hint: 'try again', retryable: true };
const DENIED: Kind = { code: 'E_PERMISSION', hint: 'check the binding of the bucket and the rights of its account' };

/** By the number at the end of R2's messages: https://developers.cloudflare.com/r2/api/error-codes */
const KINDS: Readonly<Record<number, Kind>> = {
  10001: LATER,
  10043: LATER,
  10058: LATER,
  10002: DENIED,
  10003: DENIED,
  10042: DENIED,
  10037: {
    code: 'E_INTEGRITY',
    hint: 'the bytes changed on their way, and nothing was written: try again',
    retryable: true,
  },
  100100: { code: 'E_LIMIT', hint: 'save less at once, or use another store' },
};

/**
 * A store in a bucket. The same code runs in workerd and, over the proxies of miniflare and wrangler, in Node.
 *
 * @example
 *   export default { async fetch(request, env) { const store = r2Store(env.CHECKPOINTS); … } };
 * @throws CheckpointError E_LIMIT, E_INTEGRITY (R2 got other bytes), E_PERMISSION, E_RANGE, E_IO; each names bucket and key.
 */
export function r2Store(bucket: R2BucketLike, o: R2StoreOptions = {}): Store {
  checkOptions('r2Store', { name: anything }, o);
  const name = `r2:${o.name ?? ''}`;
  const place = (key: string) => `${name}/${checkKey(name, key)}`;

  async function tell<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (e) {
      throw r2Error(e, verb, path);
    }
  }

  /** Whole, and checked on arrival. */
  async function putWhole(key: string, path: string, bytes: Uint8Array<ArrayBuffer>, ifAbsent: boolean) {
    const sha256 = await crypto.subtle.digest('SHA-256', bytes);
    const options = { sha256, ...(ifAbsent && { onlyIf: ABSENT }) };
    const put = await tell('write', path, () => bucket.put(key, bytes.buffer, options));
    return put === null ? 'exists' : 'written';
  }

  /** In one upload under way while the body comes; an upload that ends early is nothing. */
  async function putStream(key: string, path: string, body: Uint8Array | StoreBody, signal?: AbortSignal) {
    const { readable, writable } = fixedLength(sizeOf(body));
    const upload = bucket.put(key, readable, { onlyIf: ABSENT });
    // It may end before it has read everything: something is there, or it failed.
    const over = upload.then(
      () => true,
      () => true,
    );
    const writer = writable.getWriter();
    writer.closed.catch(() => {}); // told by `upload`
    const taken = (step: Promise<void>) =>
      Promise.race([
        over,
        step.then(
          () => false,
          () => over,
        ),
      ]);
    try {
      for await (const chunk of chunksOf(path, body, signal)) {
        if (chunk.length > 0 && (await taken(writer.write(unshared(chunk))))) break;
      }
      await taken(writer.close());
    } catch (e) {
      await writer.abort(e).catch(() => {});
      await over;
      throw e;
    }
    const put = await tell('write', path, () => upload);
    return put === null ? 'exists' : 'written';
  }

  /** In parts, of which one is held. Parts of an upload that was never completed are R2's to remove, after seven days. */
  async function putParts(key: string, path: string, body: Uint8Array | StoreBody, signal?: AbortSignal) {
    const length = Math.max(PART, Math.ceil(sizeOf(body) / PARTS / MIB) * MIB);
    const upload = await tell('write', path, () => bucket.createMultipartUpload(key));
    const parts: { partNumber: number; etag: string }[] = [];
    try {
      for await (const { buffer } of piecesOf(path, body, length, signal)) {
        parts.push(await tell('write', path, () => upload.uploadPart(parts.length + 1, buffer)));
      }
      await tell('write', path, () => upload.complete(parts));
    } catch (e) {
      await upload.abort().catch(() => {});
      throw e;
    }
    return 'written' as const;
  }

  return {
    name,

    async caps() {
      return { ifAbsent: true, lateKey: false, range: true, list: true, durable: true, maxObject: SINGLE };
    },

    async head(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      const found = await tell('read', path, () => bucket.head(key));
      return found && { size: found.size };
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      const { offset = 0, length } = io;
      const isCount = (n: number) => Number.isSafeInteger(n) && n >= 0;
      const refuse = async (e?: unknown): Promise<Uint8Array> => {
        const found = await tell('read', path, () => bucket.head(key));
        if (!found) throw notFound(path);
        checkRange(path, found.size, io);
        if (e !== undefined) throw r2Error(e, 'read', path);
        return new Uint8Array(0);
      };
      // R2 cannot be asked for nothing, nor for what cannot be.
      if (length === 0 || !isCount(offset) || !isCount(length ?? 0)) return refuse();
      const range = { offset, ...(length !== undefined && { length }) };
      let found: Awaited<ReturnType<R2BucketLike['get']>>;
      try {
        found = await bucket.get(key, offset === 0 && length === undefined ? undefined : { range });
      } catch (e) {
        return refuse(e); // as it does where a range begins behind the end
      }
      if (!found) throw notFound(path);
      const want = checkRange(path, found.size, io).length;
      const body = found;
      const got = new Uint8Array(await tell('read', path, () => body.arrayBuffer()));
      io.signal?.throwIfAborted();
      if (got.length === want) return got;
      throw new CheckpointError('E_RANGE', `${path}: ${want} bytes were asked for, ${got.length} came`, {
        path,
        offset,
        expected: want,
        actual: got.length,
        hint: 'try again',
      });
    },

    async put(key, body, io = {}) {
      io.signal?.throwIfAborted();
      if (typeof key === 'function') {
        throw new CheckpointError('E_UNSUPPORTED', `${name}: needs the key before the body`, { hint: 'hash first' });
      }
      const path = place(key);
      const ifAbsent = io.ifAbsent === true;
      const size = sizeOf(body);
      if (size > (ifAbsent ? SINGLE : PARTS * SINGLE)) {
        const most = ifAbsent ? SINGLE : PARTS * SINGLE;
        throw new CheckpointError('E_LIMIT', `cannot write ${path}: ${size} bytes, over ${most}`, {
          path,
          expected: most,
          actual: size,
          hint: KINDS[100100].hint,
        });
      }
      if (size > PART && ifAbsent) {
        if (await tell('write', path, () => bucket.head(key))) return 'exists';
        if (canStream()) return putStream(key, path, body, io.signal);
      }
      if (size > PART && !ifAbsent) return putParts(key, path, body, io.signal);
      return putWhole(key, path, await collect(path, body, io.signal), ifAbsent);
    },

    async delete(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      await tell('delete', path, () => bucket.delete(key));
    },

    async *list(prefix, io = {}) {
      io.signal?.throwIfAborted();
      for (let cursor: string | undefined; ; ) {
        const from = cursor === undefined ? { startAfter: io.after } : { cursor };
        const page = await tell('list', name, () => bucket.list({ prefix, ...from }));
        for (const { key, size, uploaded } of page.objects) {
          io.signal?.throwIfAborted();
          yield { key, size, modified: uploaded.getTime() };
        }
        if (!page.truncated) return;
        cursor = page.cursor;
      }
    },

    async close() {},
  };
}

/** In workerd: a stream that says its length, which R2 wants to know. Elsewhere there is memory for the body. */
type FixedLength = new (size: number) => { readable: ReadableStream; writable: WritableStream<Uint8Array> };
const scope = () => globalThis as { FixedLengthStream?: FixedLength };
const canStream = () => scope().FixedLengthStream !== undefined;

function fixedLength(size: number) {
  const { FixedLengthStream } = scope();
  if (!FixedLengthStream) throw new TypeError('FixedLengthStream');
  return new FixedLengthStream(size);
}

function r2Error(e: unknown, verb: string, path: string): unknown {
  if (isIsobitError(e) || !(e instanceof Error)) return e;
  const number = Number(/\((\d+)\)\s*$/.exec(e.message)?.[1] ?? 10001); // without one the connection was lost
  const { code, hint, retryable = false }: Kind = KINDS[number] ?? { code: 'E_IO', hint: 'see the error codes of R2' };
  return new CheckpointError(code, `cannot ${verb} ${path}: ${e.message}`, { path, cause: e, hint, retryable });
}
