/** What other programs' files come to: named arrays and metadata, as every format here reads and writes them. */

import { ARRAY, BYTES, type Data, type DType, RANGE } from '../core/dtype.ts';
import { DataError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import { type Shape, sizeOf } from '../core/shape.ts';

export interface Archive {
  /** In the order in which they are written and were read. */
  readonly tensors: ReadonlyMap<string, HostArray>;
  /** The model's own description, as `build()` of isobit/nn takes it; only some formats have a place for it. */
  readonly architecture?: Json;
  /** Texts only in formats that hold nothing else: there, other values are JSON. */
  readonly metadata: Readonly<Record<string, Json>>;
}

/** A tensor whose elements had to change their type. */
export interface Narrowed {
  readonly name: string;
  readonly from: string;
  readonly to: DType;
}

/** An archive as it came from a file. */
export interface ReadArchive extends Archive {
  /** 64-bit and 16-bit elements that became 32-bit ones. */
  readonly narrowed: readonly Narrowed[];
}

export interface ReadArchiveOptions {
  /** Round float64 to f32; without it such tensors are refused. Integers become i32 wherever each one fits, else are refused. */
  cast?: boolean;
  /** Only these tensors are read. */
  only?: (name: string) => boolean;
}

/** Element types of files, by the name that messages use; ours keep their bytes. */
export type Foreign = DType | 'f64' | 'i64' | 'u64' | 'i16' | 'u16';

const WIDTH: { readonly [F in Exclude<Foreign, DType>]: number } = { f64: 8, i64: 8, u64: 8, i16: 2, u16: 2 };

export const widthOf = (f: Foreign): number => (f in BYTES ? BYTES[f as DType] : WIDTH[f as keyof typeof WIDTH]);

/** A fault of a file, naming its format and, where one is meant, the tensor. */
export function fault(
  format: string,
  message: string,
  info: { hint?: string; tensor?: string; details?: Readonly<Record<string, unknown>> } = {},
): DataError {
  const { hint, tensor, details } = info;
  const where = tensor === undefined ? '' : `tensor ${JSON.stringify(tensor)}: `;
  return new DataError(`${format}: ${where}${message}`, {
    code: 'E_FORMAT',
    hint: hint ?? 'The file is damaged or of another format; make it again.',
    details: { format, ...(tensor === undefined ? {} : { tensor }), ...details },
  });
}

/** Bytes of a tensor of this type and shape; a fault where they are no safe number. */
export function bytesOf(format: string, tensor: string, type: Foreign, shape: Shape): number {
  const n = sizeOf(shape) * widthOf(type);
  if (shape.every((d) => Number.isSafeInteger(d) && d >= 0) && Number.isSafeInteger(n)) return n;
  throw fault(format, `shape [${shape}] is not possible`, { tensor });
}

/** Collects tensors while a file is read: copies their bytes, and narrows what has no type of its own here. */
export class Collector {
  readonly tensors = new Map<string, HostArray>();
  readonly narrowed: Narrowed[] = [];
  readonly #format: string;
  readonly #cast: boolean;

  constructor(format: string, o: ReadArchiveOptions) {
    this.#format = format;
    this.#cast = o.cast ?? false;
  }

  /** Little-endian row-major elements; their bytes are copied. */
  add(name: string, type: Foreign, shape: Shape, bytes: Uint8Array): void {
    if (this.tensors.has(name)) throw fault(this.#format, 'occurs twice', { tensor: name });
    // Not slice(), which of a Buffer of Node's copies nothing.
    const body = new Uint8Array(bytes).buffer;
    if (type in BYTES) {
      const dtype = type as DType;
      const View = ARRAY[dtype] as unknown as new (b: ArrayBuffer) => Data[DType];
      const data = new View(body);
      if (dtype === 'bool' && (data as Uint8Array).some((v) => v > 1)) {
        throw fault(this.#format, 'a bool is neither 0 nor 1', { tensor: name });
      }
      this.tensors.set(name, { data, shape, dtype });
      return;
    }
    const to = type === 'f64' ? 'f32' : 'i32';
    this.narrowed.push({ name, from: type, to });
    this.tensors.set(name, { data: this.#narrow(name, type as keyof typeof WIDTH, body), shape, dtype: to });
  }

  #narrow(name: string, type: keyof typeof WIDTH, body: ArrayBuffer): Float32Array | Int32Array {
    switch (type) {
      case 'f64':
        if (this.#cast) return Float32Array.from(new Float64Array(body));
        throw fault(this.#format, 'is float64, and f32 is the widest float here', {
          tensor: name,
          hint: 'Pass { cast: true } to round it to f32.',
        });
      case 'i16':
        return Int32Array.from(new Int16Array(body));
      case 'u16':
        return Int32Array.from(new Uint16Array(body));
      default: {
        const wide = type === 'i64' ? new BigInt64Array(body) : new BigUint64Array(body);
        const [low, high] = RANGE.i32;
        const out = new Int32Array(wide.length);
        wide.forEach((v: bigint, i: number) => {
          if (v < low || v > high) {
            throw fault(this.#format, `element ${i} is ${v}, which does not fit i32`, {
              tensor: name,
              hint: '64-bit integers are read only where each fits 32 bits.',
            });
          }
          out[i] = Number(v);
        });
        return out;
      }
    }
  }

  archive(metadata: Archive['metadata'], architecture?: Json): ReadArchive {
    const { tensors, narrowed } = this;
    return { tensors, metadata, narrowed, ...(architecture === undefined ? {} : { architecture }) };
  }
}

/** An array's bytes without a copy; a fault where it does not hold what its shape says. */
export function rawBytes(format: string, name: string, a: HostArray): Uint8Array {
  if (a.data.length !== sizeOf(a.shape)) {
    throw fault(format, `shape [${a.shape}] needs ${sizeOf(a.shape)} elements, got ${a.data.length}`, {
      tensor: name,
      hint: 'Give all elements in row-major order.',
    });
  }
  return new Uint8Array(a.data.buffer, a.data.byteOffset, a.data.byteLength);
}

/** Metadata for formats that hold texts alone. */
export function textMetadata(metadata: Archive['metadata']): [key: string, text: string][] {
  return Object.keys(metadata)
    .sort()
    .map((k) => [k, typeof metadata[k] === 'string' ? (metadata[k] as string) : JSON.stringify(metadata[k])]);
}

/**
 * A value of another program as metadata: numbers that JSON cannot say are texts ('Infinity', 'NaN', whole numbers above 2^53), and
 * -0 is 0. None for what is neither a number, a text, a boolean nor null.
 */
export function scalarOf(v: unknown): Json | undefined {
  if (typeof v === 'number') return Number.isFinite(v) ? v + 0 : String(v);
  if (typeof v === 'bigint') return v.toString();
  return v === null || typeof v === 'string' || typeof v === 'boolean' ? v : undefined;
}

/** How deep architecture and metadata may nest: what goes through them has a stack. */
const MAX_DEPTH = 64;

/** True for a value that nests deeper than anyone's own. */
export const isDeep = (v: unknown, room = MAX_DEPTH): boolean =>
  typeof v === 'object' && v !== null && (room === 0 || Object.values(v).some((x) => isDeep(x, room - 1)));

/** A value of a file in a message, whatever it is. */
export const shown = (v: unknown): string =>
  typeof v === 'object' && v !== null ? (Array.isArray(v) ? 'a list' : 'an object') : JSON.stringify(v)?.slice(0, 100);

/** A map of a decoded file: neither a list nor bytes. */
export const isRecord = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && !ArrayBuffer.isView(v);

/** An entry of a header that says where a tensor lies among the data: safetensors and burnpack have the same three fields. */
export interface Span {
  readonly dtype: unknown;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** A fault where an entry is not {dtype, shape, data_offsets} of whole numbers. */
export function spanOf(format: string, tensor: string, v: unknown): Span {
  const list = (x: unknown): x is number[] =>
    Array.isArray(x) && x.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  if (!isRecord(v) || !list(v.shape) || !list(v.data_offsets) || v.data_offsets.length !== 2) {
    throw fault(format, 'its entry is not {dtype, shape, data_offsets}', { tensor });
  }
  const [begin, end] = v.data_offsets;
  return { dtype: v.dtype, shape: v.shape, begin, end };
}
