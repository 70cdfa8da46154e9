/**
 * From bytes to the value that they could stand for in the profile of docs/checkpoint.md, in one linear pass. It allocates nothing
 * that the input's numbers ask for, so that hostile lengths and nesting cost nothing. That they are the one spelling of that value
 * is for the encoder to say.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import type { Limits } from './limits.ts';

export interface DecodeOptions {
  limits: Limits;
  /** Named in messages: 'index', 'commit record'. */
  what: string;
  /** File offset of the first byte, for messages. */
  base?: number;
}

/** An array or a map that is being read. */
interface Frame {
  into: Json[] | { [k: string]: Json };
  /** Items still to come (two for each entry of a map). */
  left: number;
  key: string;
}

/** Throws E_TRUNCATED, E_TRAILING, E_LIMIT or E_NONCANONICAL with the offset. */
export function decode(bytes: Uint8Array, { limits, what, base = 0 }: DecodeOptions): Json {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const stack: Frame[] = [];
  let at = 0;
  let items = 0;
  let root: Json = null;

  const fail = (code: `E_${string}`, offset: number, why: string): never => {
    throw new CheckpointError(code, `${what}: ${why} at byte ${base + offset}`, {
      offset: base + offset,
      hint:
        code === 'E_LIMIT'
          ? 'raise the limit only for bytes that you trust'
          : 'the bytes are damaged; restore an earlier checkpoint',
    });
  };
  const need = (n: number, offset: number) => {
    if (n > bytes.length - at) fail('E_TRUNCATED', offset, `ends inside an item of ${n} bytes`);
  };

  const add = (frame: Frame | undefined, v: Json): void => {
    if (!frame) root = v;
    else if (Array.isArray(frame.into)) frame.into.push(v);
    // `__proto__` becomes an own property, as in JSON.parse, never a prototype.
    else
      Object.defineProperty(frame.into, frame.key, { value: v, enumerable: true, writable: true, configurable: true });
  };

  do {
    const start = at;
    if (at >= bytes.length) fail('E_TRUNCATED', at, 'ends before an item');
    if (++items > limits.items) fail('E_LIMIT', at, `more than ${limits.items} items`);
    const first = bytes[at++];
    const major = first >> 5;
    const info = first & 31;
    if (info > 27) fail('E_NONCANONICAL', start, 'reserved head');

    let arg = info;
    if (info >= 24) {
      const width = 1 << (info - 24);
      need(width, start);
      if (width === 8) arg = Number(view.getBigUint64(at));
      else arg = width === 1 ? bytes[at] : width === 2 ? view.getUint16(at) : view.getUint32(at);
      at += width;
    }

    const frame = stack.at(-1);
    const isKey = frame !== undefined && !Array.isArray(frame.into) && frame.left % 2 === 0;
    if (isKey && major !== 3) fail('E_NONCANONICAL', start, 'map key is not text');
    if (frame) frame.left--;

    switch (major) {
      case 0:
      case 1:
        add(frame, major === 0 ? arg : -1 - arg);
        break;
      case 3: {
        if (arg > limits.text) fail('E_LIMIT', start, `text of ${arg} bytes, over ${limits.text}`);
        need(arg, start);
        const raw = bytes.subarray(at, at + arg);
        let read = '';
        try {
          read = text.decode(raw);
        } catch {
          fail('E_NONCANONICAL', start, 'text is not well-formed UTF-8');
        }
        at += arg;
        if (isKey) frame.key = read;
        else add(frame, read);
        break;
      }
      case 4:
      case 5: {
        const count = major === 5 ? arg * 2 : arg;
        if (stack.length >= limits.depth) fail('E_LIMIT', start, `nested deeper than ${limits.depth}`);
        if (count > limits.items) fail('E_LIMIT', start, `more than ${limits.items} items`);
        need(count, start); // every item takes at least one byte
        const into = major === 5 ? {} : [];
        add(frame, into);
        stack.push({ into, left: count, key: '' });
        break;
      }
      case 7:
        if (info === 27) add(frame, view.getFloat64(at - 8));
        else if (info < 20 || info > 22) fail('E_NONCANONICAL', start, 'neither float64 nor true, false or null');
        else add(frame, info === 22 ? null : info === 21);
        break;
      default:
        fail('E_NONCANONICAL', start, major === 2 ? 'byte string' : 'tag');
    }
    while (stack.length > 0 && stack[stack.length - 1].left === 0) stack.pop();
  } while (stack.length > 0);

  if (at !== bytes.length) fail('E_TRAILING', at, `${bytes.length - at} bytes behind the end`);
  return root;
}
