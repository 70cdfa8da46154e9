/**
 * Burn's burnpack (.bpk): "NRUB", a version, the length of a CBOR map {tensors, metadata, scalars}, then the tensors at offsets that
 * the map gives. Burn 0.19 puts them right behind the map, 0.20 and later from the next multiple of 256 on, under the same version
 * number: the length of the file tells which. Source: burn-store's burnpack/base.rs and burn-pack.
 */

import { decode, encode } from 'cborg';
import type { DType } from '../core/dtype.ts';
import type { Json } from '../core/host.ts';
import type { Shape } from '../core/shape.ts';
import {
  type Archive,
  bytesOf,
  Collector,
  type Foreign,
  fault,
  isRecord,
  type ReadArchive,
  type ReadArchiveOptions,
  rawBytes,
  scalarOf,
  spanOf,
  textMetadata,
} from './archive.ts';

const FORMAT = 'burnpack';
const MAGIC = 0x4255524e;
const VERSION = 1;
const HEAD = 10;
const ALIGN = 256;
/** Burn's own limits. */
const MAX_METADATA = 100 * 2 ** 20;
const MAX_TENSORS = 100_000;

/** Burn's names of element types, which .mpk uses too. */
export const BURN_TYPES: Readonly<Record<string, Foreign>> = {
  F64: 'f64',
  F32: 'f32',
  Flex32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I64: 'i64',
  I32: 'i32',
  I16: 'i16',
  I8: 'i8',
  U64: 'u64',
  U32: 'u32',
  U16: 'u16',
  U8: 'u8',
  Bool: 'bool',
};

const NAMES: { readonly [D in DType]: string | { readonly Bool: string } } = {
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
  i32: 'I32',
  i8: 'I8',
  u32: 'U32',
  u8: 'U8',
  bool: { Bool: 'Native' },
};

const aligned = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

/** The element type by Burn's name: a text, or since 0.21 for bool a map such as {Bool: "Native"}. */
export function burnType(format: string, tensor: string, dtype: unknown): Foreign {
  const bool = isRecord(dtype) ? dtype.Bool : undefined;
  const name = bool === 'Native' || bool === 'U8' ? 'Bool' : dtype;
  const type = typeof name === 'string' ? BURN_TYPES[name] : undefined;
  if (type) return type;
  throw fault(format, `has dtype ${typeof dtype === 'string' ? JSON.stringify(dtype) : `of type ${typeof dtype}`}`, {
    tensor,
    hint: 'Quantised tensors and bools of 32 bits are not read: save it in another type.',
  });
}

interface Entry {
  readonly name: string;
  readonly type: Foreign;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a burnpack file of Burn 0.19 or later. Names and layouts stay Burn's: a Linear's weight is [in, out], a norm has gamma and
 * beta; `fromBurn` turns them.
 *
 * @throws DataError (E_FORMAT) on damage, overlaps, and a length that fits neither layout
 */
export function readBurnpack(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  const { entries, metadata, start } = readHeader(bytes);
  const out = new Collector(FORMAT, o);
  for (const { name, type, shape, begin, end } of entries) {
    if (o.only?.(name) ?? true) out.add(name, type, shape, bytes.subarray(start + begin, start + end));
  }
  return out.archive(metadata);
}

function readHeader(bytes: Uint8Array): { entries: Entry[]; metadata: Record<string, Json>; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD || view.getUint32(0, true) !== MAGIC) {
    throw fault(FORMAT, 'does not begin with NRUB', { details: { offset: 0 } });
  }
  const version = view.getUint16(4, true);
  if (version !== VERSION) throw fault(FORMAT, `version ${version} is not supported`, { hint: 'Version 1 is read.' });
  const length = view.getUint32(6, true);
  if (length > MAX_METADATA || HEAD + length > bytes.length) throw fault(FORMAT, `its map claims ${length} bytes`);
  let map: unknown;
  try {
    map = decode(bytes.subarray(HEAD, HEAD + length), { allowIndefinite: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw fault(FORMAT, `its map is not CBOR that can be read (${String(cause)})`, { details: { offset: HEAD } });
  }
  if (!isRecord(map) || !isRecord(map.tensors)) throw fault(FORMAT, 'its map has no tensors');
  const entries = Object.entries(map.tensors).map(([name, v]) => entryOf(name, v));
  if (entries.length > MAX_TENSORS) throw fault(FORMAT, `${entries.length} tensors are too many`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const e of entries) {
    if (e.begin < end) throw fault(FORMAT, `begins at byte ${e.begin}, inside another tensor`, { tensor: e.name });
    end = e.end;
  }
  const metadata = { ...texts(record(map.metadata)), ...scalars(record(map.scalars)) };
  const unaligned = HEAD + length;
  for (const start of [aligned(unaligned), unaligned]) {
    // Without tensors a file may end right behind its map.
    if (start + end === bytes.length || (end === 0 && bytes.length === unaligned)) return { entries, metadata, start };
  }
  throw fault(
    FORMAT,
    `${bytes.length} bytes, expected ${aligned(unaligned) + end} (Burn 0.20) or ${unaligned + end} (0.19)`,
  );
}

function entryOf(name: string, v: unknown): Entry {
  const { dtype, ...span } = spanOf(FORMAT, name, v);
  const type = burnType(FORMAT, name, dtype);
  const need = bytesOf(FORMAT, name, type, span.shape);
  const bytes = span.end - span.begin;
  if (bytes !== need) throw fault(FORMAT, `${bytes} bytes, expected ${need}`, { tensor: name });
  return { name, type, ...span };
}

const record = (v: unknown): Record<string, unknown> => (isRecord(v) ? v : {});

function texts(map: Record<string, unknown>): Record<string, Json> {
  if (Object.values(map).every((v) => typeof v === 'string')) return map as Record<string, string>;
  throw fault(FORMAT, 'its metadata are not a map of texts');
}

/** Scalars of optimizer and scheduler records, {Int: 3} and the like. */
function scalars(map: Record<string, unknown>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(map).map(([name, v]) => {
      const value = scalarOf(Object.values(record(v))[0]);
      if (value === undefined) throw fault(FORMAT, `its scalar ${JSON.stringify(name)} is no number or text`);
      return [name, value];
    }),
  );
}

/** Writes a burnpack file as Burn 0.20 and later read it; the same archive gives the same bytes. */
export function writeBurnpack(a: Archive): Uint8Array {
  let at = 0;
  const placed = [...a.tensors].map(([name, t]) => {
    const raw = rawBytes(FORMAT, name, t);
    const begin = aligned(at);
    at = begin + raw.length;
    return { name, t, raw, begin };
  });
  const tensors = Object.fromEntries(
    placed.map(({ name, t, raw, begin }) => [
      name,
      { dtype: NAMES[t.dtype], shape: [...t.shape], data_offsets: [begin, begin + raw.length] },
    ]),
  );
  const map = encode({ tensors, metadata: Object.fromEntries(textMetadata(a.metadata)) });
  const start = aligned(HEAD + map.length);
  const out = new Uint8Array(start + at);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, VERSION, true);
  view.setUint32(6, map.length, true);
  out.set(map, HEAD);
  for (const { raw, begin } of placed) out.set(raw, start + begin);
  return out;
}
