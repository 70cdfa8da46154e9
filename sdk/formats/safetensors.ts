/**
 * safetensors (github.com/huggingface/safetensors): a little-endian u64 with the header's length, the header in JSON, then the
 * tensors one behind the other without holes. Written the same way every time: tensors by descending alignment and then by name,
 * as the reference implementation does, metadata by key (which the reference leaves to a hash map's order).
 */

import type { DType } from '../core/dtype.ts';
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
  shown,
  spanOf,
  textMetadata,
} from './archive.ts';

const FORMAT = 'safetensors';
/** The reference implementation's own limit. */
const MAX_HEADER = 100_000_000;

/** From the least to the greatest alignment, in the order in which the reference sorts. */
const TYPES: readonly (readonly [name: string, type: Foreign])[] = [
  ['BOOL', 'bool'],
  ['U8', 'u8'],
  ['I8', 'i8'],
  ['I16', 'i16'],
  ['U16', 'u16'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I32', 'i32'],
  ['U32', 'u32'],
  ['F32', 'f32'],
  ['F64', 'f64'],
  ['I64', 'i64'],
  ['U64', 'u64'],
];
const TYPE = new Map(TYPES);
const RANK = new Map(TYPES.map(([name, type], i) => [type, { name, rank: i }]));

interface Entry {
  readonly name: string;
  readonly type: Foreign;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file.
 *
 * @example
 *   const { tensors } = readSafetensors(await readFile('model.safetensors'));
 * @throws DataError (E_FORMAT) on a file that is malformed, cut off, has holes, overlaps or something behind its end, or holds
 *   a type we do not have
 */
export function readSafetensors(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  const { entries, metadata, start } = readHeader(bytes);
  const out = new Collector(FORMAT, o);
  for (const { name, type, shape, begin, end } of entries) {
    if (o.only?.(name) ?? true) out.add(name, type, shape, bytes.subarray(start + begin, start + end));
  }
  return out.archive(metadata);
}

function readHeader(bytes: Uint8Array): { entries: Entry[]; metadata: Record<string, string>; start: number } {
  if (bytes.length < 8) throw fault(FORMAT, `${bytes.length} bytes are too few`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > bytes.length) {
    throw fault(FORMAT, `its header claims ${length} bytes of ${bytes.length - 8}`, { details: { offset: 0 } });
  }
  const raw = bytes.subarray(8, 8 + length);
  if (raw[0] !== 0x7b) throw fault(FORMAT, 'its header does not start with {', { details: { offset: 8 } });
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    throw fault(FORMAT, 'its header is not JSON', { details: { offset: 8 } });
  }
  const { __metadata__: meta = {}, ...rest } = header as Record<string, unknown>;
  if (!isRecord(meta) || Object.values(meta).some((v) => typeof v !== 'string')) {
    throw fault(FORMAT, '__metadata__ is not a map of texts');
  }
  const start = 8 + length;
  const entries = Object.entries(rest).map(([name, v]) => entryOf(name, v));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const e of entries) {
    if (e.begin !== at) {
      throw fault(FORMAT, `begins at byte ${e.begin} of the data, expected ${at}`, { tensor: e.name });
    }
    at = e.end;
  }
  if (at !== bytes.length - start) {
    throw fault(FORMAT, `${bytes.length - start} bytes of data, expected ${at}`, { details: { offset: start } });
  }
  return { entries, metadata: meta as Record<string, string>, start };
}

function entryOf(name: string, v: unknown): Entry {
  const { dtype, ...span } = spanOf(FORMAT, name, v);
  const type = TYPE.get(dtype as string);
  if (!type) {
    throw fault(FORMAT, `has dtype ${shown(dtype)}`, {
      tensor: name,
      hint: `Save it as one of ${[...TYPE.keys()].join(' ')}.`,
    });
  }
  const need = bytesOf(FORMAT, name, type, span.shape);
  const bytes = span.end - span.begin;
  if (bytes !== need) {
    throw fault(FORMAT, `${bytes} bytes for ${dtype} [${span.shape}], expected ${need}`, { tensor: name });
  }
  return { name, type, ...span };
}

/**
 * Writes a safetensors file: the same archive gives the same bytes, and without metadata those of the reference implementation.
 * Metadata that is no text is written as JSON.
 */
export function writeSafetensors(a: Archive): Uint8Array {
  const rank = (d: DType) => RANK.get(d)?.rank as number;
  const sorted = [...a.tensors].sort(([n, x], [m, y]) => rank(y.dtype) - rank(x.dtype) || compareText(n, m));
  const metadata = textMetadata(a.metadata);
  const members: string[] = metadata.length > 0 ? [member('__metadata__', object(metadata))] : [];
  let at = 0;
  for (const [name, t] of sorted) {
    if (name === '__metadata__')
      throw fault(FORMAT, "that name is the format's own", { tensor: name, hint: 'Rename it.' });
    const end = at + rawBytes(FORMAT, name, t).length;
    const entry = { dtype: RANK.get(t.dtype)?.name, shape: [...t.shape], data_offsets: [at, end] };
    members.push(member(name, JSON.stringify(entry)));
    at = end;
  }
  const text = new TextEncoder().encode(`{${members.join(',')}}`);
  const length = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + length + at);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.fill(0x20, 8 + text.length, 8 + length);
  out.set(text, 8);
  let to = 8 + length;
  for (const [name, t] of sorted) {
    const raw = rawBytes(FORMAT, name, t);
    out.set(raw, to);
    to += raw.length;
  }
  return out;
}

const member = (key: string, json: string): string => `${JSON.stringify(key)}:${json}`;
const object = (entries: readonly (readonly [string, string])[]): string =>
  `{${entries.map(([k, v]) => member(k, JSON.stringify(v))).join(',')}}`;

/** By UTF-8 bytes, which is the order of code points and differs from JavaScript's beyond U+FFFF. */
function compareText(a: string, b: string): number {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  const n = Math.min(x.length, y.length);
  for (let i = 0; i < n; i++) if (x[i] !== y[i]) return x[i] - y[i];
  return x.length - y.length;
}
