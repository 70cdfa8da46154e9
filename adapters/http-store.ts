/** The store that an HTTP server is. What differs from one kind of server to another is its dialect: fetch.ts, s3.ts. */

import { drop, faultOf, retrying, send } from './http.ts';
import { canStream, takesStreams, type Upload, uploadOf } from './http-body.ts';
import { askOf, type Dialect, isWritten, type Page, putOnce, unsupported } from './http-dialect.ts';
import { isProbe, tryWriting, type Writing } from './http-probe.ts';
import { readObject, sizeOf } from './http-read.ts';
import { checkKey, checkRange, notFound } from './key.ts';
import type { Store, StoreBody, StoreIO } from './store.ts';

/** Bytes that are compared at a time. */
const PIECE = 4 * 2 ** 20;

export function httpStore(d: Dialect): Store {
  const { name, http } = d;
  const place = (key: string) => `${name}/${checkKey(name, key)}`;
  let ranged = false;
  let streams = d.stream ?? canStream();
  let writing: Promise<Writing> | undefined;
  let listing: Promise<boolean> | undefined;
  /** The last put of each key, where one writer alone keeps the order. */
  const turns = new Map<string, Promise<unknown>>();

  async function read(key: string, io: StoreIO, offset: number, length?: number): Promise<Uint8Array> {
    const answer = await readObject(http, askOf(d, 'GET', key, io), { offset, length });
    ranged ||= answer.ranged;
    return answer.bytes;
  }

  /** What is there has these bytes. */
  async function holds(key: string, upload: Upload, io: StoreIO): Promise<boolean> {
    if ((await sizeOf(http, askOf(d, 'GET', key, io))) !== upload.size) return false;
    let at = 0;
    for await (const want of upload.pieces(PIECE)) {
      const got = await read(key, io, at, want.length);
      if (!got.every((v, i) => v === want[i])) return false;
      at += want.length;
    }
    return true;
  }

  const readOnly = () => unsupported(name, 'was opened to be read only', 'leave out readOnly');

  /** What the server keeps for writers; tried once, where nobody gives a word for it. */
  function promised(): Promise<Writing> {
    if (d.readOnly) return Promise.resolve({ refusal: readOnly() });
    writing ??= tryWriting(d, canStream() && d.stream !== false, (key) => read(key, {}, 7));
    return writing.catch((e) => {
      writing = undefined;
      throw e;
    });
  }

  async function caps() {
    listing ??= d.page('.isobit-probe', undefined, null, {}).then((page) => page !== null);
    try {
      const [list, { refusal }] = await Promise.all([listing, promised()]);
      return {
        ifAbsent: refusal === undefined,
        lateKey: false,
        range: ranged,
        list,
        durable: true, // what the server has answered for is no longer here to be lost
        maxObject: d.maxObject,
      };
    } catch (e) {
      listing = undefined;
      throw e;
    }
  }

  /** 'length': the server wants to know it before. */
  function attempt(
    key: string,
    upload: Upload,
    ifAbsent: boolean,
    io: StoreIO,
  ): Promise<'written' | 'exists' | 'length'> {
    return retrying(http, io.signal, async () => {
      const response = await putOnce(d, key, upload, ifAbsent, io);
      if (isWritten(response)) return 'written';
      const { status } = response;
      if (ifAbsent && status === 412) {
        await drop(response);
        return (await holds(key, upload, io)) ? 'written' : 'exists';
      }
      if (upload.streamed && status === 411) {
        await drop(response);
        return 'length';
      }
      throw await faultOf(http, response, askOf(d, 'PUT', key, io));
    });
  }

  async function put(
    key: string,
    body: Uint8Array | StoreBody,
    ifAbsent: boolean,
    io: StoreIO,
  ): Promise<'written' | 'exists'> {
    const path = place(key);
    if (ifAbsent && d.oneWriter) {
      const size = await sizeOf(http, askOf(d, 'GET', key, io));
      if (size !== null)
        return (await holds(key, await uploadOf(path, body, true, io.signal), io)) ? 'written' : 'exists';
    }
    if (d.large && (body instanceof Uint8Array ? body.length : body.size) > d.large.over) {
      const upload = await uploadOf(path, body, true, io.signal);
      const answer = await d.large.put(key, upload, ifAbsent, io);
      return answer === 'there' && !(await holds(key, upload, io)) ? 'exists' : 'written';
    }
    streams &&= takesStreams();
    if (streams) {
      const answer = await attempt(key, await uploadOf(path, body, true, io.signal), ifAbsent, io);
      if (answer !== 'length') return answer;
      // The server wants to know the length before, which this platform tells of whole bodies only.
      streams = false;
    }
    return (await attempt(key, await uploadOf(path, body, false, io.signal), ifAbsent, io)) as 'written' | 'exists';
  }

  /** One after the other for each key. */
  async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = (turns.get(key) ?? Promise.resolve()).then(work, work);
    turns.set(key, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(key) === mine) turns.delete(key);
    }
  }

  return {
    name,

    caps,

    async head(key, io = {}) {
      io.signal?.throwIfAborted();
      place(key);
      const size = await sizeOf(http, askOf(d, 'GET', key, io));
      return size === null ? null : { size };
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      const { offset = 0, length } = io;
      const isCount = (n: number) => Number.isSafeInteger(n) && n >= 0;
      // No header can ask for nothing, or for what cannot be.
      if (length === 0 || !isCount(offset) || !isCount(length ?? 0)) {
        const size = await sizeOf(http, askOf(d, 'GET', key, io));
        if (size === null) throw notFound(path);
        checkRange(path, size, io);
        return new Uint8Array(0);
      }
      return read(key, io, offset, length);
    },

    async put(key, body, io = {}) {
      io.signal?.throwIfAborted();
      if (typeof key === 'function') throw unsupported(name, 'needs the key before the body', 'hash first');
      place(key);
      if (d.readOnly) throw readOnly();
      const ifAbsent = io.ifAbsent === true;
      const { refusal } = ifAbsent ? await promised() : {};
      if (refusal) throw refusal;
      const work = () => put(key, body, ifAbsent, io);
      return d.oneWriter ? inTurn(key, work) : work();
    },

    async delete(key, io = {}) {
      io.signal?.throwIfAborted();
      place(key);
      if (d.readOnly) throw readOnly();
      await retrying(http, io.signal, async () => {
        const request = askOf(d, 'DELETE', key, io);
        const response = await send(http, request);
        const { status, ok } = response;
        if (!ok && status !== 404 && status !== 410) throw await faultOf(http, response, request);
        await drop(response);
      });
    },

    async *list(prefix, io = {}) {
      for (let page: Page | null = null; ; ) {
        io.signal?.throwIfAborted();
        page = await d.page(prefix, page?.entries.at(-1)?.key ?? io.after, page, io);
        if (!page)
          throw unsupported(name, 'the server does not list', 'use one that answers `?list=`, see adapters/fetch');
        for (const entry of page.entries) {
          io.signal?.throwIfAborted();
          if (!isProbe(entry.key)) yield entry;
        }
        if (!page.more) return;
      }
    },

    async close() {},
  };
}
