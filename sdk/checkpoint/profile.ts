/**
 * From a JavaScript value to what is encoded: checked against the canonical profile, maps sorted.
 * RFC 8949, 4.2.1, save that every number which is no integer below 2^53 in magnitude is a float64.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { compareBytes, concatBytes, isWellFormed, utf8 } from './bytes.ts';
import { head, MAJOR } from './head.ts';
import type { Limits } from './limits.ts';

/** What may be encoded: Json, and byte strings where a digest is taken over them (never inside a file's index). */
export type Encodable = Json | Uint8Array | readonly Encodable[] | { readonly [k: string]: Encodable };

/** The value an encoder is given: no plain objects, because they cannot hold an order of keys like '10'. */
export type Prepared = null | boolean | number | bigint | string | Uint8Array | Prepared[] | Map<string, Prepared>;

/** How a path is written in messages: `state.optim.lr`, `state["a b"][3]`. */
function join(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (path === '') return key;
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function refuse(path: string, why: string, hint: string): never {
  throw new CheckpointError('E_ENCODE', `${path}: ${why}`, { path, hint });
}

function text(s: string, path: string, limits: Limits): string {
  if (!isWellFormed(s))
    refuse(path, 'text holds a lone surrogate', 'use s.toWellFormed(), or store the units as a tensor');
  if (s.startsWith('\uFEFF')) refuse(path, 'text starts with U+FEFF', 'remove the byte order mark');
  // a UTF-16 unit takes at most three bytes, so short text needs no second look
  if (s.length * 3 > limits.text && utf8(s).length > limits.text) {
    refuse(path, `text is over ${limits.text} bytes`, 'store long text as a u8 tensor');
  }
  return s;
}

/** RFC 8949, 4.2.1: bytewise order of the encoded keys, so shorter keys come first. */
function byEncodedKey(keys: readonly string[]): string[] {
  return keys
    .map((k) => {
      const raw = utf8(k);
      return { k, enc: concatBytes([head(MAJOR.text, raw.length), raw]) };
    })
    .sort((a, b) => compareBytes(a.enc, b.enc))
    .map((e) => e.k);
}

/**
 * Checks and sorts. Throws E_ENCODE with the path of the first value outside the profile: -0, NaN, infinities,
 * undefined, bigints, functions, class instances, holes, ill-formed text, nesting beyond the limit.
 */
export function prepare(value: unknown, limits: Limits, path: string, byteStrings = false): Prepared {
  let items = 0;
  const walk = (v: unknown, at: string, depth: number): Prepared => {
    if (++items > limits.items) refuse(at, `more than ${limits.items} items`, 'store long lists as tensors');
    switch (typeof v) {
      case 'boolean':
        return v;
      case 'string':
        return text(v, at, limits);
      case 'number':
        if (!Number.isFinite(v)) refuse(at, `${v} cannot be stored`, 'store null for a missing or non-finite number');
        if (Object.is(v, -0)) refuse(at, '-0 cannot be stored', 'add 0 to make it 0, or store it in a tensor');
        // cbor-x writes integers beyond 32 bits as floats unless they are bigints
        return Number.isSafeInteger(v) && (v > 0xffff_ffff || v < -0x1_0000_0000) ? BigInt(v) : v;
      case 'object': {
        if (v === null) return null;
        if (byteStrings && v instanceof Uint8Array) return v;
        if (depth >= limits.depth) {
          refuse(at, `nested deeper than ${limits.depth}`, 'flatten the value; a cycle can never be stored');
        }
        if (Array.isArray(v)) return Array.from(v, (e, i) => walk(e, join(at, i), depth + 1));
        const proto: unknown = Object.getPrototypeOf(v);
        if (proto !== null && Object.getPrototypeOf(proto) !== null) {
          refuse(
            at,
            'an instance of a class cannot be stored',
            'store a plain object of numbers, text, arrays and null',
          );
        }
        const out = new Map<string, Prepared>();
        for (const k of Object.keys(v)) text(k, join(at, k), limits);
        for (const k of byEncodedKey(Object.keys(v))) {
          items++;
          out.set(k, walk((v as Readonly<Record<string, unknown>>)[k], join(at, k), depth + 1));
        }
        return out;
      }
      case 'bigint':
        return refuse(at, 'a bigint cannot be stored', 'store 64-bit words as two u32, in the state or in a tensor');
      default:
        return refuse(at, `${typeof v} cannot be stored`, 'store null, or leave the key out');
    }
  };
  return walk(value, path, 0);
}

/** The plain form of a decoded value. `__proto__` becomes an own property, as in JSON.parse, never a prototype. */
export function restore(v: unknown): Encodable {
  if (v instanceof Map) {
    const out: Record<string, Encodable> = {};
    for (const [k, e] of v as Map<string, unknown>) {
      Object.defineProperty(out, k, { value: restore(e), enumerable: true, writable: true, configurable: true });
    }
    return out;
  }
  if (Array.isArray(v)) return v.map(restore);
  if (typeof v === 'bigint') return Number(v);
  return v as Encodable;
}
