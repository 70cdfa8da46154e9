/**
 * Canonical CBOR over cbor-x. By itself cbor-x neither sorts keys nor refuses other spellings of a value, so what goes
 * in is prepared (profile.ts), what comes in is scanned (scan.ts), and each direction is checked by running the other.
 */

import { Encoder } from 'cbor-x/index-no-eval';
import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { sameBytes } from './bytes.ts';
import { LIMITS, type Limits } from './limits.ts';
import { type Encodable, type Prepared, prepare, restore } from './profile.ts';
import { type ScanOptions, scan } from './scan.ts';

export type { Encodable } from './profile.ts';

// Maps go in as Map and come out as Map: plain objects would reorder integer-like keys and rename `__proto__`.
const OPTIONS = {
  useRecords: false,
  mapsAsObjects: false,
  variableMapSize: true,
  useTag259ForMaps: false,
  tagUint8Array: false,
};

let shared: Encoder | undefined;
const codec = (): Encoder => {
  shared ??= new Encoder(OPTIONS);
  return shared;
};

/** cbor-x answers with a slice of a pool that it goes on using: copy. */
function write(v: Prepared): Uint8Array {
  return Uint8Array.from(codec().encode(v) as Uint8Array);
}

/** cbor-x caches a DataView on its input: give it a view of its own. */
function read(bytes: Uint8Array): unknown {
  return codec().decode(bytes.subarray()) as unknown;
}

/** Canonical bytes of a value. Throws E_ENCODE naming the path (below `path`) of whatever the profile does not hold. */
export function encodeCanonical(value: Json, path = 'value', limits: Limits = LIMITS): Uint8Array {
  return encodePrepared(prepare(value, limits, path), path);
}

/** The same for bytes that are only hashed, never read back: any number of items, and byte strings among them. */
export function encodeForDigest(value: Encodable, path = 'value'): Uint8Array {
  return encodePrepared(prepare(value, { ...LIMITS, items: Number.POSITIVE_INFINITY }, path, true), path);
}

function encodePrepared(prepared: Prepared, path: string): Uint8Array {
  const bytes = write(prepared);
  if (!same(prepared, read(bytes))) {
    throw new CheckpointError('E_ENCODE', `${path}: the CBOR encoder gave bytes that decode to another value`, {
      path,
      hint: 'this is a fault of the library; please report the value',
    });
  }
  return bytes;
}

/** The value that canonical bytes stand for; E_TRUNCATED, E_TRAILING, E_LIMIT or E_NONCANONICAL for all others. */
export function decodeCanonical(bytes: Uint8Array, o: ScanOptions): Json {
  scan(bytes, o);
  let value: Json;
  try {
    value = restore(read(bytes)) as Json;
  } catch (cause) {
    throw new CheckpointError('E_NONCANONICAL', `${o.what}: not readable CBOR`, { cause, offset: o.base });
  }
  if (!sameBytes(encodeCanonical(value, o.what, o.limits), bytes)) {
    throw new CheckpointError('E_NONCANONICAL', `${o.what}: not the canonical spelling of its value`, {
      offset: o.base,
      hint: 'the bytes are damaged or were not written by isobit; restore an earlier checkpoint',
    });
  }
  return value;
}

/** Same value and same order of keys. */
function same(a: Prepared, b: unknown): boolean {
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    const other = b.entries();
    for (const [k, v] of a) {
      const [bk, bv] = other.next().value as [unknown, unknown];
      if (k !== bk || !same(v, bv)) return false;
    }
    return true;
  }
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => same(v, b[i]));
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameBytes(a, b);
  return Object.is(a, b);
}
