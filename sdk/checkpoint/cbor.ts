/**
 * Canonical CBOR. The profile is a few kinds of items in one spelling each, so that a library for all of CBOR, which neither sorts
 * keys nor refuses other spellings, would be most of a page's bytes and none of the rules. The tests hold both directions to
 * three such libraries.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { sameBytes } from './bytes.ts';
import { type DecodeOptions, decode } from './decode.ts';
import { type Encodable, encode } from './encode.ts';
import { LIMITS, type Limits } from './limits.ts';

export type { Encodable } from './encode.ts';

/** Canonical bytes of a value. Throws E_ENCODE naming the path (below `path`) of whatever the profile does not hold. */
export function encodeCanonical(value: Json, path = 'value', limits: Limits = LIMITS): Uint8Array {
  return encode(value, limits, path);
}

/** The same for bytes that are only hashed, never read back: any number of items, and byte strings among them. */
export function encodeForDigest(value: Encodable, path = 'value'): Uint8Array {
  return encode(value, { ...LIMITS, items: Number.POSITIVE_INFINITY }, path, true);
}

/** The value that canonical bytes stand for; E_TRUNCATED, E_TRAILING, E_LIMIT or E_NONCANONICAL for all others. */
export function decodeCanonical(bytes: Uint8Array, o: DecodeOptions): Json {
  const { limits, what, base = 0 } = o;
  const value = decode(bytes, o);
  let own: Uint8Array | undefined;
  try {
    own = encodeCanonical(value, what, limits);
  } catch {
    // NaN, -0, text that starts with U+FEFF: there is no spelling.
  }
  if (own && sameBytes(own, bytes)) return value;
  const offset = base + Math.max(own?.findIndex((b, i) => b !== bytes[i]) ?? 0, 0);
  throw new CheckpointError('E_NONCANONICAL', `${what}: not the canonical spelling of its value, near byte ${offset}`, {
    offset,
    hint: 'the bytes are damaged; restore an earlier checkpoint',
  });
}

/** A copy of a value as a file will hold it. Throws E_ENCODE as `encodeCanonical`. */
export function ownJson<T extends Json>(value: T, what: string): T {
  return decodeCanonical(encodeCanonical(value, what), { limits: LIMITS, what }) as T;
}
