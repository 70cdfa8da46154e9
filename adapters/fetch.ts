/**
 * A store on an HTTP server, for every runtime that has fetch. Keys are paths below one address. It needs of the server:
 *
 * - GET and HEAD. Ranges are used where the server gives them, and the Content-Range of each answer is checked.
 * - To write, PUT and DELETE; and for `ifAbsent`, that it obeys `If-None-Match: *` (412 where something is there), also
 *   when two write at once. nginx ignores it and overwrites, Apache's mod_dav looks first and writes later; so both are
 *   tried on objects `.isobit-probe…` before it is promised. Elsewhere one writer has `oneWriter`.
 * - WebDAV servers want collections to be made first (MKCOL); that is done where a PUT is answered by 409.
 * - To list, an answer to `GET <address>?list=<prefix>&after=<key>` (`after` only where needed) of the form
 *   `{"isobit": "list/1", "entries": [{"key", "size", "modified"?}], "more": boolean}`: keys that start with the prefix,
 *   from behind `after`, in ascending order of their UTF-8 bytes; `more` where it stopped before the last.
 *
 * Between two origins the server must expose Content-Range and ETag by CORS.
 */

import { CheckpointError } from '../sdk/core/errors.ts';
import { anything, callable, checkOptions, flag, type OptionTable, object } from '../sdk/core/options.ts';
import { type Ask, drop, type HttpOptions, send } from './http.ts';
import { addressOf } from './http-address.ts';
import type { Dialect, Entry, Page } from './http-dialect.ts';
import { readObject } from './http-read.ts';
import { httpStore } from './http-store.ts';
import { compareKeys } from './key.ts';
import type { Store } from './store.ts';

export interface FetchStoreOptions extends HttpOptions {
  /** Never writes, and does not try what the server promises to writers. */
  readOnly?: boolean;
  /**
   * Your word that nothing but this one store ever writes there. `ifAbsent` then looks before it writes, so that a run can be
   * saved on servers which do not keep it, such as nginx. Two writers would overwrite each other, unseen.
   */
  oneWriter?: boolean;
  /**
   * Bodies of more than 8 MiB go out as streams, in little memory; without it a put holds the body once. True in Node, Bun
   * and Deno unless given. Of browsers Chromium can, over HTTP/2 or newer, where the server allows PUT and streams.
   */
  stream?: boolean;
}

const OPTIONS: OptionTable<FetchStoreOptions> = {
  headers: anything,
  fetch: callable('a function as fetch'),
  retry: object('{ attempts, ms }'),
  readOnly: flag,
  oneWriter: flag,
  stream: flag,
};

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
  checkOptions('fetchStore', OPTIONS, o);
  const base = addressOf('fetchStore', address);
  const name = (base.origin + base.pathname).replace(/\/$/, '');
  const at = (key: string): URL => {
    const url = new URL(base);
    url.pathname += key.split('/').map(encodeURIComponent).join('/');
    return url;
  };
  const { readOnly, oneWriter, stream, ...http } = o;
  return httpStore({
    name,
    http,
    maxObject: Number.MAX_SAFE_INTEGER,
    readOnly,
    oneWriter,
    stream,
    address: at,

    /** Null where the server does not list: it may answer anything to what it does not know. */
    async page(prefix, after, _, io) {
      const url = new URL(base);
      url.searchParams.set('list', prefix);
      if (after !== undefined) url.searchParams.set('after', after);
      const headers = { accept: 'application/json' };
      const request: Ask = { method: 'GET', url, path: name, headers, signal: io.signal };
      try {
        const { bytes } = await readObject(http, request, { offset: 0, length: undefined });
        return pageOf(new TextDecoder().decode(bytes), name, prefix, after);
      } catch (e) {
        if (e instanceof CheckpointError && e.details.status !== undefined && !e.retryable) return null;
        throw e;
      }
    },

    /** Collections of WebDAV, from the outermost. */
    async makeRoom(key, io) {
      const path = at(key).pathname;
      let made = false;
      for (let i = path.indexOf('/', 1); i > 0; i = path.indexOf('/', i + 1)) {
        const url = at(key);
        url.pathname = path.slice(0, i + 1);
        const answer = await send(http, { method: 'MKCOL', url, path: `${name}/${key}`, signal: io.signal });
        await drop(answer);
        made ||= answer.status === 201;
      }
      return made;
    },
  } satisfies Dialect);
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
