/**
 * From a JavaScript value to its canonical bytes: checked against the profile, maps sorted. RFC 8949, 4.2.1, save that every
 * number which is no integer below 2^53 in magnitude is a float64.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { compareBytes, isWellFormed, utf8 } from './bytes.ts';
import { head, MAJOR, SIMPLE } from './head.ts';
import type { Limits } from './limits.ts';

/** What may be encoded: Json, and byte strings where a digest is taken over them (never inside a file's index). */
export type Encodable = Json | Uint8Array | readonly Encodable[] | { readonly [k: string]: Encodable };

/** How a path is written in messages: `state.optim.lr`, `state["a b"][3]`. */
function join(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (path === '') return key;
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function refuse(path: string, why: string, hint: string): never {
  throw new CheckpointError('E_ENCODE', `${path}: ${why}`, { path, hint });
}

/** Bytes that grow. */
class Sink {
  #bytes = new Uint8Array(256);
  #at = 0;

  put(part: Uint8Array): void {
    const end = this.#at + part.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#at);
    this.#at = end;
  }
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}

const float64 = (v: number): Uint8Array => {
  const out = new Uint8Array(9);
  out[0] = SIMPLE.float64;
  new DataView(out.buffer).setFloat64(1, v);
  return out;
};

/**
 * Throws E_ENCODE with the path of the first value outside the profile: -0, NaN, infinities, undefined, bigints, functions, class
 * instances, holes, ill-formed text, nesting beyond the limit.
 */
export function encode(value: unknown, limits: Limits, path: string, byteStrings = false): Uint8Array {
  const sink = new Sink();
  let items = 0;
  const text = (s: string, at: string): Uint8Array => {
    if (!isWellFormed(s)) refuse(at, 'text holds a lone surrogate', 'use s.toWellFormed()');
    if (s.startsWith('\uFEFF')) refuse(at, 'text starts with U+FEFF', 'remove the byte order mark');
    const raw = utf8(s);
    if (raw.length > limits.text) {
      refuse(at, `text is over ${limits.text} bytes`, 'store long text as a u8 tensor');
    }
    return raw;
  };
  const block = (major: number, raw: Uint8Array): void => {
    sink.put(head(major, raw.length));
    sink.put(raw);
  };
  const walk = (v: unknown, at: string, depth: number): void => {
    if (++items > limits.items) refuse(at, `more than ${limits.items} items`, 'store long lists as tensors');
    if (v === null) sink.put(Uint8Array.of(SIMPLE.null));
    else if (typeof v === 'boolean') sink.put(Uint8Array.of(v ? SIMPLE.true : SIMPLE.false));
    else if (typeof v === 'string') block(MAJOR.text, text(v, at));
    else if (typeof v === 'number') {
      if (!Number.isFinite(v)) refuse(at, `${v} cannot be stored`, 'store null, or leave the key out');
      if (Object.is(v, -0)) refuse(at, '-0 cannot be stored', 'add 0 to it');
      if (!Number.isSafeInteger(v)) sink.put(float64(v));
      else sink.put(v < 0 ? head(MAJOR.negative, -1 - v) : head(MAJOR.uint, v));
    } else if (typeof v === 'bigint') {
      refuse(at, 'a bigint cannot be stored', 'store 64-bit words as two u32, in the state or in a tensor');
    } else if (typeof v !== 'object') refuse(at, `${typeof v} cannot be stored`, 'store null, or leave the key out');
    else if (byteStrings && v instanceof Uint8Array) block(MAJOR.bytes, v);
    else {
      if (depth >= limits.depth) {
        refuse(at, `nested deeper than ${limits.depth}`, 'flatten the value');
      }
      if (Array.isArray(v)) {
        sink.put(head(MAJOR.array, v.length));
        for (let i = 0; i < v.length; i++) walk(v[i], join(at, i), depth + 1);
        return;
      }
      const proto: unknown = Object.getPrototypeOf(v);
      if (proto !== null && Object.getPrototypeOf(proto) !== null) {
        refuse(at, 'an instance of a class cannot be stored', 'store plain objects, arrays, numbers, text and null');
      }
      // RFC 8949, 4.2.1: bytewise order of the encoded keys, so shorter keys come first.
      const keys = Object.keys(v)
        .map((k) => ({ k, raw: text(k, join(at, k)) }))
        .sort((a, b) => a.raw.length - b.raw.length || compareBytes(a.raw, b.raw));
      sink.put(head(MAJOR.map, keys.length));
      for (const { k, raw } of keys) {
        items++;
        block(MAJOR.text, raw);
        walk((v as Readonly<Record<string, unknown>>)[k], join(at, k), depth + 1);
      }
    }
  };
  walk(value, path, 0);
  return sink.done();
}
