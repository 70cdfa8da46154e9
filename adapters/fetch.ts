/**
 * A store on an HTTP server, for every runtime that has fetch. Keys are paths below one address. It needs of the server:
 *
 * - GET and HEAD. Ranges are used where the server gives them, and the Content-Range of each answer is checked.
 * - To write, PUT and DELETE; and for `ifAbsent`, that it obeys `If-None-Match: *` (412 where something is there). Some
 *   servers ignore it and overwrite, so that is tried on the object `.isobit-probe` before it is promised.
 * - To list, an answer to `GET <address>?list=<prefix>&after=<key>` (`after` only where needed) of the form
 *   `{"isobit": "list/1", "entries": [{"key", "size", "modified"?}], "more": boolean}`: keys that start with the prefix,
 *   from behind `after`, in ascending order of their UTF-8 bytes; `more` where it stopped before the last.
 *
 * Between two origins the server must expose Content-Range and ETag by CORS.
 */

import { CheckpointError, OptionError } from '../sdk/core/errors.ts';
import { canStream, takesStreams, type Upload, uploadOf } from './fetch-body.ts';
import { readObject, sizeOf } from './fetch-read.ts';
import { type Ask, drop, type HttpOptions, retrying, send, statusError } from './http.ts';
import { checkKey, checkRange, compareKeys, notFound } from './key.ts';
import type { Store, StoreIO } from './store.ts';

export interface FetchStoreOptions extends HttpOptions {
  /** Never writes, and does not try what the server promises to writers. */
  readOnly?: boolean;
  /**
   * Bodies of more than 8 MiB go out as streams, in little memory; without it a put holds the body once. True in Node, Bun
   * and Deno unless given. Of browsers Chromium can, over HTTP/2 or newer, where the server allows PUT and streams.
   */
  stream?: boolean;
}

interface Entry {
  key: string;
  size: number;
  modified?: number;
}

interface Page {
  entries: readonly Entry[];
  more: boolean;
}

/** What the server does for writers; `refusal` where it does not keep `ifAbsent`. */
interface Writing {
  refusal?: CheckpointError;
  range: boolean;
}

const PROBE = '.isobit-probe';
const PROBE_TEXT = 'isobit asks whether this server obeys If-None-Match';

/** Bytes that are compared at a time. */
const PIECE = 4 * 2 ** 20;

/**
 * A store at an address such as 'https://example.org/runs/iris/'. A query in it (a signature, say) goes with every
 * request and, like the headers, into no message.
 *
 * Requests whose answer was lost are sent again, by this store and by browsers unasked, so that a put may meet what it has
 * itself written. Therefore the bytes decide: with `ifAbsent`, 'exists' is the answer where other bytes are there, and
 * 'written' where these are.
 *
 * @example
 *   const store = fetchStore('https://example.org/runs/iris/', { headers: { authorization: `Bearer ${token}` } });
 * @throws CheckpointError E_UNSUPPORTED (what the server does not do), E_PERMISSION, E_QUOTA, E_LIMIT, E_RANGE, E_IO;
 *   each names the address and the key. OptionError for an address that cannot be used.
 */
export function fetchStore(address: string | URL, o: FetchStoreOptions = {}): Store {
  const base = baseOf(address);
  const name = (base.origin + base.pathname).replace(/\/$/, '');
  const place = (key: string) => `${name}/${checkKey(name, key)}`;
  let ranged = false;
  let streams = o.stream ?? canStream();
  let writing: Promise<Writing> | undefined;
  let listing: Promise<boolean> | undefined;

  function ask(method: Ask['method'], key: string, io: StoreIO): Ask {
    const url = new URL(base);
    url.pathname += key.split('/').map(encodeURIComponent).join('/');
    return { method, url, path: `${name}/${key}`, signal: io.signal };
  }

  async function read(key: string, io: StoreIO, offset: number, length?: number): Promise<Uint8Array> {
    const answer = await readObject(o, ask('GET', key, io), { offset, length });
    ranged ||= answer.ranged;
    return answer.bytes;
  }

  /** One PUT. 412 where something is there and `ifAbsent`. */
  async function putOnce(key: string, upload: Upload, ifAbsent: boolean, io: StoreIO): Promise<Response> {
    const headers: Record<string, string> = ifAbsent ? { 'if-none-match': '*' } : {};
    // Where a stream's length cannot be told, the platform leaves it out.
    if (upload.streamed) headers['content-length'] = String(upload.size);
    const sending = send(o, { ...ask('PUT', key, io), headers, body: upload.body() });
    const response = await sending.catch((e) => {
      throw upload.fault()?.error ?? e;
    });
    await drop(response);
    const fault = upload.fault();
    if (fault) throw fault.error;
    return response;
  }

  const isWritten = ({ status }: Response) => status === 200 || status === 201 || status === 204;

  /** What is there has these bytes. */
  async function holds(key: string, upload: Upload, io: StoreIO): Promise<boolean> {
    if ((await sizeOf(o, ask('GET', key, io))) !== upload.size) return false;
    let at = 0;
    for await (const want of upload.pieces(PIECE)) {
      const got = await read(key, io, at, want.length);
      if (!got.every((v, i) => v === want[i])) return false;
      at += want.length;
    }
    return true;
  }

  /** Puts the probe where nothing may be, until the server has once said that something is there. */
  async function tryWriting(io: StoreIO): Promise<Writing> {
    if (o.readOnly) return { refusal: readOnly(), range: false };
    const body = await uploadOf(name, new TextEncoder().encode(PROBE_TEXT), false, io.signal);
    let refused = false;
    for (let n = 0; n < 2 && !refused; n++) {
      const response = await retrying(o, io.signal, async () => {
        const answer = await putOnce(PROBE, body, true, io);
        const fault = statusError(answer, ask('PUT', PROBE, io));
        if (fault.retryable) throw fault;
        return answer;
      });
      refused = response.status === 412;
      if (!refused && !isWritten(response))
        return { refusal: statusError(response, ask('PUT', PROBE, io)), range: false };
    }
    const found = new TextDecoder().decode(await read(PROBE, io, 7).catch(ifThere));
    const obeys = refused && found === PROBE_TEXT.slice(7);
    return {
      range: ranged,
      ...(!obeys && { refusal: unsupported(name, 'the server ignores If-None-Match', TWO_WRITERS) }),
    };
  }

  const readOnly = () => unsupported(name, 'was opened to be read only', 'leave out readOnly');

  /** Null where the server does not list: it may answer anything to what it does not know. */
  async function listPage(prefix: string, after: string | undefined, io: StoreIO): Promise<Page | null> {
    const url = new URL(base);
    url.searchParams.set('list', prefix);
    if (after !== undefined) url.searchParams.set('after', after);
    const request: Ask = { method: 'GET', url, path: name, headers: { accept: 'application/json' }, signal: io.signal };
    try {
      const { bytes } = await readObject(o, request, { offset: 0, length: undefined });
      return pageOf(new TextDecoder().decode(bytes), name, prefix, after);
    } catch (e) {
      if (e instanceof CheckpointError && e.details.status !== undefined && !e.retryable) return null;
      throw e;
    }
  }

  async function caps() {
    listing ??= listPage(PROBE, undefined, {}).then((page) => page !== null);
    writing ??= tryWriting({});
    try {
      const [list, { refusal, range }] = await Promise.all([listing, writing]);
      return {
        ifAbsent: refusal === undefined,
        lateKey: false,
        range: range || ranged,
        list,
        durable: true, // what the server has answered for is no longer here to be lost
        maxObject: Number.MAX_SAFE_INTEGER,
      };
    } catch (e) {
      listing = undefined;
      writing = undefined;
      throw e;
    }
  }

  return {
    name,

    caps,

    async head(key, io = {}) {
      io.signal?.throwIfAborted();
      place(key);
      const size = await sizeOf(o, ask('GET', key, io));
      return size === null ? null : { size };
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      const { offset = 0, length } = io;
      const isCount = (n: number) => Number.isSafeInteger(n) && n >= 0;
      // No header can ask for nothing, or for what cannot be.
      if (length === 0 || !isCount(offset) || !isCount(length ?? 0)) {
        const size = await sizeOf(o, ask('GET', key, io));
        if (size === null) throw notFound(path);
        checkRange(path, size, io);
        return new Uint8Array(0);
      }
      return read(key, io, offset, length);
    },

    async put(key, body, io = {}) {
      io.signal?.throwIfAborted();
      if (typeof key === 'function') throw unsupported(name, 'needs the key before the body', 'hash first');
      const path = place(key);
      if (o.readOnly) throw readOnly();
      const ifAbsent = io.ifAbsent === true;
      if (ifAbsent && !(await caps()).ifAbsent) throw (await writing)?.refusal;
      const attempt = (upload: Upload) =>
        retrying(o, io.signal, async () => {
          const response = await putOnce(key, upload, ifAbsent, io);
          if (isWritten(response)) return 'written';
          if (ifAbsent && response.status === 412) return (await holds(key, upload, io)) ? 'written' : 'exists';
          if (upload.streamed && response.status === 411) return 'length';
          throw statusError(response, ask('PUT', key, io));
        });
      streams &&= takesStreams();
      if (streams) {
        const answer = await attempt(await uploadOf(path, body, true, io.signal));
        if (answer !== 'length') return answer;
        // The server wants to know the length before, which this platform tells of whole bodies only.
        streams = false;
      }
      return (await attempt(await uploadOf(path, body, false, io.signal))) as 'written' | 'exists';
    },

    async delete(key, io = {}) {
      io.signal?.throwIfAborted();
      place(key);
      if (o.readOnly) throw readOnly();
      await retrying(o, io.signal, async () => {
        const request = ask('DELETE', key, io);
        const response = await send(o, request);
        await drop(response);
        if (!response.ok && response.status !== 404 && response.status !== 410) throw statusError(response, request);
      });
    },

    async *list(prefix, io = {}) {
      for (let after = io.after; ; ) {
        io.signal?.throwIfAborted();
        const page = await listPage(prefix, after, io);
        if (!page)
          throw unsupported(name, 'the server does not list', 'use one that answers `?list=`, see adapters/fetch');
        for (const entry of page.entries) {
          io.signal?.throwIfAborted();
          if (entry.key !== PROBE) yield entry;
        }
        if (!page.more) return;
        after = page.entries.at(-1)?.key;
      }
    },

    async close() {},
  };
}

const TWO_WRITERS = 'two writers could overwrite each other there: use a server that obeys it, or write elsewhere';

const unsupported = (path: string, why: string, hint: string) =>
  new CheckpointError('E_UNSUPPORTED', `${path}: ${why}`, { path, hint });

/** For `catch`: what is not there has no bytes. */
function ifThere(e: unknown): Uint8Array {
  const { code } = e as CheckpointError;
  if (code === 'E_NOT_FOUND' || code === 'E_RANGE') return new Uint8Array(0);
  throw e;
}

/** The address with a '/' at its end, without a fragment. Its text is in no message: it may hold a secret. */
function baseOf(address: string | URL): URL {
  const fail = (why: string, hint: string) => new OptionError(`fetchStore: the address ${why}`, { hint });
  let url: URL;
  try {
    url = new URL(address, globalThis.location?.href);
  } catch {
    throw fail('is not a URL', "use one like 'https://example.org/runs/iris/'");
  }
  if (!/^https?:$/.test(url.protocol)) throw fail('is not of http or https', 'use a server that fetch can reach');
  if (url.username || url.password) {
    throw fail(
      'holds a user name or password',
      'give them as `headers: { authorization }`, fetch refuses them in URLs',
    );
  }
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Null where the text is no listing; E_IO where it is one that breaks its own rules. */
function pageOf(text: string, name: string, prefix: string, after: string | undefined): Page | null {
  let page: Partial<Page> & { isobit?: unknown };
  try {
    page = JSON.parse(text);
  } catch {
    return null;
  }
  if (page?.isobit !== 'list/1') return null;
  const { entries, more } = page;
  let last = after;
  const isNext = (e: Entry): boolean => {
    const ok =
      typeof e?.key === 'string' &&
      e.key.startsWith(prefix) &&
      (last === undefined || compareKeys(e.key, last) > 0) &&
      Number.isSafeInteger(e.size) &&
      (e.modified === undefined || Number.isFinite(e.modified));
    last = e?.key;
    return ok;
  };
  if (Array.isArray(entries) && entries.every(isNext) && typeof more === 'boolean' && !(more && entries.length === 0)) {
    return { entries, more };
  }
  throw new CheckpointError('E_IO', `cannot list ${name}: the server's answer is not in order`, {
    path: name,
    hint: 'entries are {key, size, modified?} in ascending order of the UTF-8 bytes of their keys, from behind `after`',
  });
}
