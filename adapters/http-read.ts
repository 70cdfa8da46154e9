/** Reading an object over HTTP: the size of it, all of it or a part, whatever share of that each answer brings. */

import { CheckpointError } from '../sdk/core/errors.ts';
import { type Ask, bytesOf, drop, faultOf, type Http, retrying, send } from './http.ts';
import { checkRange, notFound } from './key.ts';

/** Memory taken on a server's word alone; beyond it memory grows with what has really come. */
const TRUSTED = 64 * 2 ** 20;

export interface Range {
  readonly offset: number;
  /** Undefined: to the end. */
  readonly length: number | undefined;
}

/** What has come of a range so far. */
interface Piece extends Range {
  bytes: Uint8Array<ArrayBuffer>;
  filled: number;
  /** Names the version of the object that the bytes are of; null where the server names none. */
  etag: string | null;
  done: boolean;
  ranged: boolean;
}

const isAbsent = (status: number): boolean => status === 404 || status === 410;

/** Null where there is no object. */
export function sizeOf(http: Http, ask: Ask): Promise<number | null> {
  return retrying(http, ask.signal, async () => {
    const head = await send(http, { ...ask, method: 'HEAD' });
    await drop(head);
    if (isAbsent(head.status)) return null;
    if (head.status !== 200 && head.status !== 405 && head.status !== 501) throw await faultOf(http, head, ask);
    const said = head.status === 200 ? contentLength(head) : undefined;
    if (said !== undefined) return said;
    // A server that does not say: the range of the first byte does, or all of them.
    const first = await send(http, { ...ask, headers: { range: 'bytes=0-0' } });
    const size = first.status === 200 ? contentLength(first) : contentRange(first)?.size;
    if (size === undefined && first.status === 200) {
      let count = 0;
      for await (const chunk of bytesOf(first, ask)) count += chunk.length;
      return count;
    }
    if (size === undefined && !isAbsent(first.status)) throw await faultOf(http, first, ask);
    await drop(first);
    return isAbsent(first.status) ? null : (size as number);
  });
}

/**
 * Exactly the bytes asked for. A connection that breaks goes on where it broke, if the server names the version of the
 * object by a strong ETag, so that bytes of two versions are never joined; else it begins again.
 *
 * @returns `ranged`: the server gave a range when asked for one.
 */
export async function readObject(
  http: Http,
  ask: Ask,
  { offset, length }: Range,
): Promise<{ bytes: Uint8Array; ranged: boolean }> {
  const piece: Piece = { offset, length, bytes: new Uint8Array(0), filled: 0, etag: null, done: false, ranged: false };
  // Not a limit on the number of answers: each brings something, or counts as a failure inside.
  while (!piece.done) await retrying(http, ask.signal, () => readOn(http, ask, piece));
  const { bytes, filled, ranged } = piece;
  return { bytes: filled === bytes.length ? bytes : bytes.slice(0, filled), ranged };
}

/** One answer more. */
async function readOn(http: Http, ask: Ask, piece: Piece): Promise<void> {
  const { path } = ask;
  const { offset, length } = piece;
  const from = offset + piece.filled;
  const last = length === undefined ? '' : offset + length - 1;
  const whole = from === 0 && length === undefined;
  const response = await send(
    http,
    whole ? ask : { ...ask, headers: { ...ask.headers, range: `bytes=${from}-${last}` } },
  );
  /** Ends the exchange with an error; what is retryable begins the piece again. */
  const fail = async (e: CheckpointError): Promise<never> => {
    await drop(response);
    piece.filled = 0;
    throw e;
  };

  const { status } = response;
  if (isAbsent(status)) return fail(notFound(path, { status }));
  const range = contentRange(response);
  if (status === 416) {
    if (piece.filled > 0) return fail(changed(path));
    await drop(response);
    const size = range?.size ?? (await sizeOf(http, ask)); // Apache does not tell it here
    if (size === null) throw notFound(path);
    checkRange(path, size, piece);
    if (length !== undefined || offset !== size) throw await faultOf(http, response, ask);
    piece.done = true; // nothing lies behind the end
    return;
  }
  if (status !== 200 && status !== 206) return fail(await faultOf(http, response, ask));
  const part = status === 206;
  if (part && (range?.from !== from || range.to < from || (last !== '' && range.to > last) || isEncoded(response))) {
    return fail(altered(path, from, response));
  }
  const etag = strongEtag(response);
  if (piece.filled > 0 && (etag === null || etag !== piece.etag)) return fail(changed(path));
  piece.etag = etag;
  piece.ranged ||= part;

  const size = part ? range?.size : contentLength(response);
  if (size !== undefined) {
    try {
      checkRange(path, size, piece);
    } catch (e) {
      await drop(response);
      throw e;
    }
  }
  const end = length === undefined ? size : offset + length;
  if (part && end === undefined) return fail(altered(path, from, response));
  const want = end === undefined ? undefined : end - offset;
  const before = piece.filled;
  let came = part ? from : 0; // position of the next byte in the object
  try {
    if (want === undefined || piece.filled < want) {
      for await (const chunk of bytesOf(response, ask)) {
        append(piece, chunk.subarray(Math.max(0, offset + piece.filled - came)), want);
        came += chunk.length;
        if (piece.filled === want) break;
      }
    } else await drop(response);
  } catch (e) {
    if (!(e instanceof CheckpointError)) throw e;
    if (etag !== null && piece.filled > before) return;
    piece.filled = 0;
    throw e;
  }
  if (size === undefined && !part && piece.filled !== want) checkRange(path, came, piece); // its end is the object's
  piece.done = want === undefined || piece.filled === want;
  if (piece.done || (etag !== null && piece.filled > before)) return;
  if (part && range?.to === came - 1) return fail(altered(path, from, response));
  return fail(cut(path, offset + piece.filled));
}

/** No more than `want` bytes in all. */
function append(piece: Piece, chunk: Uint8Array, want: number | undefined): void {
  const part = want === undefined ? chunk : chunk.subarray(0, want - piece.filled);
  const filled = piece.filled + part.length;
  if (filled > piece.bytes.length) {
    const room = Math.max(filled, Math.min(want ?? 0, TRUSTED), 2 * piece.bytes.length);
    const bytes = new Uint8Array(want === undefined ? room : Math.min(room, want));
    bytes.set(piece.bytes.subarray(0, piece.filled));
    piece.bytes = bytes;
  }
  piece.bytes.set(part, piece.filled);
  piece.filled = filled;
}

/** Its lengths are those of the encoded bytes, which nobody sees. */
function isEncoded(response: Response): boolean {
  return !['identity', null].includes(response.headers.get('content-encoding'));
}

function contentLength(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  return length !== null && /^\d{1,15}$/.test(length) && !isEncoded(response) ? Number(length) : undefined;
}

/** `bytes a-b/size`, where the size may be unknown (`*`), or `bytes` and a size alone where no range could be had. */
function contentRange(response: Response): { from: number; to: number; size: number | undefined } | undefined {
  const m = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(response.headers.get('content-range') ?? '');
  return m
    ? { from: Number(m[1] ?? -1), to: Number(m[2] ?? -1), size: m[3] === '*' ? undefined : Number(m[3]) }
    : (m ?? undefined);
}

function strongEtag(response: Response): string | null {
  const etag = response.headers.get('etag');
  return etag?.startsWith('"') ? etag : null;
}

function altered(path: string, offset: number, response: Response): CheckpointError {
  const got = response.headers.get('content-range') ?? 'no Content-Range';
  return new CheckpointError('E_RANGE', `${path}: asked for bytes from ${offset} on, the answer has ${got}`, {
    path,
    offset,
    actual: got,
    hint: 'the server must give the range that is asked for; between two origins, expose Content-Range and ETag by CORS',
  });
}

function changed(path: string): CheckpointError {
  return new CheckpointError('E_IO', `${path}: changed while it was read`, {
    path,
    hint: 'try again',
    retryable: true,
  });
}

function cut(path: string, at: number): CheckpointError {
  return new CheckpointError('E_IO', `cannot read ${path}: the answer was cut off at byte ${at}`, {
    path,
    offset: at,
    hint: 'check the network, then try again',
    retryable: true,
  });
}
