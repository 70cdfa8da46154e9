/**
 * From bytes that must be in the canonical profile of docs/checkpoint.md to their value, in one linear pass. It allocates nothing
 * that the input's numbers ask for, so that hostile lengths and nesting cost nothing.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { compareBytes } from './bytes.ts';
import { headSize } from './head.ts';
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
  lastKey: Uint8Array | undefined;
}

const MAX_INT = 2n ** 53n;

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
    if (info > 27) fail('E_NONCANONICAL', start, info === 31 ? 'indefinite length' : 'reserved head');

    let arg = info;
    let big = 0n;
    if (info >= 24) {
      const width = 1 << (info - 24);
      need(width, start);
      if (width === 8) big = view.getBigUint64(at);
      arg = width === 1 ? bytes[at] : width === 2 ? view.getUint16(at) : width === 4 ? view.getUint32(at) : Number(big);
      at += width;
      if (major < 7 && headSize(arg) !== 1 + width) fail('E_NONCANONICAL', start, 'head is not in its shortest form');
    }

    const frame = stack.at(-1);
    const isKey = frame !== undefined && !Array.isArray(frame.into) && frame.left % 2 === 0;
    if (isKey && major !== 3) fail('E_NONCANONICAL', start, 'map key is not text');
    if (frame) frame.left--;

    switch (major) {
      case 0:
      case 1:
        // -1 - arg must stay above -2^53, hence the same bound less one
        if (big >= (major === 0 ? MAX_INT : MAX_INT - 1n)) fail('E_NONCANONICAL', start, 'integer beyond 2^53 - 1');
        add(frame, major === 0 ? arg : -1 - arg);
        break;
      case 2:
        fail('E_NONCANONICAL', start, 'byte string');
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
        if (raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf) fail('E_NONCANONICAL', start, 'text starts U+FEFF');
        at += arg;
        if (isKey) {
          const key = bytes.subarray(start, at);
          if (frame.lastKey && compareBytes(frame.lastKey, key) >= 0) {
            fail('E_NONCANONICAL', start, 'map key is repeated or out of order');
          }
          frame.lastKey = key;
          frame.key = read;
        } else add(frame, read);
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
        stack.push({ into, left: count, key: '', lastKey: undefined });
        break;
      }
      case 6:
        fail('E_NONCANONICAL', start, `tag ${arg}`);
        break;
      default: {
        if (info === 27) {
          const v = view.getFloat64(at - 8);
          if (!Number.isFinite(v)) fail('E_NONCANONICAL', start, 'NaN or infinity');
          if (Object.is(v, -0) || Number.isSafeInteger(v)) {
            fail('E_NONCANONICAL', start, 'whole number written as a float');
          }
          add(frame, v);
        } else if (info < 20 || info > 22) {
          fail('E_NONCANONICAL', start, info === 25 || info === 26 ? 'float is not float64' : `simple value ${arg}`);
        } else add(frame, info === 22 ? null : info === 21);
      }
    }
    while (stack.length > 0 && stack[stack.length - 1].left === 0) stack.pop();
  } while (stack.length > 0);

  if (at !== bytes.length) fail('E_TRAILING', at, `${bytes.length - at} bytes behind the end`);
  return root;
}
