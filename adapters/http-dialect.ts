/** What is said of a kind of HTTP server, and one PUT to it. */

import { CheckpointError } from '../sdk/core/errors.ts';
import { type Ask, drop, type Http, send } from './http.ts';
import type { Upload } from './http-body.ts';
import type { StoreIO } from './store.ts';

export interface Entry {
  key: string;
  size: number;
  modified?: number;
}

export interface Page {
  entries: readonly Entry[];
  more: boolean;
  /** Where the next page begins, if the server says so in its own way. */
  token?: string;
}

/** A kind of server. */
export interface Dialect {
  /** The place, for messages. */
  readonly name: string;
  readonly http: Http;
  readonly maxObject: number;
  readonly readOnly?: boolean;
  /** The caller's word that nobody else writes. */
  readonly oneWriter?: boolean;
  /** The server's word that it obeys conditions in one step with the write; else that is tried. */
  readonly atomic?: boolean;
  readonly stream?: boolean;
  address(key: string): URL;
  /** Keys from behind `after`, or those behind the page before; null where the server does not list. */
  page(prefix: string, after: string | undefined, before: Page | null, io: StoreIO): Promise<Page | null>;
  /** How bodies of more than `over` bytes are sent, with its own retries, if not as one PUT. 'there': something was, with `ifAbsent`. */
  readonly large?: {
    readonly over: number;
    put(key: string, upload: Upload, ifAbsent: boolean, io: StoreIO): Promise<'written' | 'there'>;
  };
  /** Makes what must be there before `key` can be written; false where nothing was missing. */
  makeRoom?(key: string, io: StoreIO): Promise<boolean>;
}

export const isWritten = ({ status }: Response): boolean => status === 200 || status === 201 || status === 204;

export function askOf(d: Dialect, method: Ask['method'], key: string, io: StoreIO): Ask {
  return { method, url: d.address(key), path: `${d.name}/${key}`, signal: io.signal };
}

/** One PUT. 412 where something is there and `ifAbsent`. */
export async function putOnce(
  d: Dialect,
  key: string,
  upload: Upload,
  ifAbsent: boolean,
  io: StoreIO,
): Promise<Response> {
  const headers: Record<string, string> = ifAbsent ? { 'if-none-match': '*' } : {};
  // Where a stream's length cannot be told, the platform leaves it out.
  if (upload.streamed) headers['content-length'] = String(upload.size);
  for (let made = false; ; made = true) {
    const sending = send(d.http, { ...askOf(d, 'PUT', key, io), headers, body: upload.body() });
    const response = await sending.catch((e) => {
      throw upload.fault()?.error ?? e;
    });
    const fault = upload.fault();
    if (fault || isWritten(response)) await drop(response);
    if (fault) throw fault.error;
    if (made || response.status !== 409 || !(await d.makeRoom?.(key, io))) return response;
    await drop(response);
  }
}

export const unsupported = (path: string, why: string, hint: string): CheckpointError =>
  new CheckpointError('E_UNSUPPORTED', `${path}: ${why}`, { path, hint });
