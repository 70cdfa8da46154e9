/**
 * NumPy's .npy format, versions 1.0 and 2.0 (NEP 1, and numpy.lib.format): magic, version, header length, a Python dict
 * with dtype, order and shape, then the elements. Read in either order of bytes and of dimensions; written little-endian and in
 * C order, in which the bytes are those of a HostArray.
 */

import { ARRAY, BYTES, type Data, type DType } from '../core/dtype.ts';
import { DataError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { checkShape, type Shape, sizeOf } from '../core/shape.ts';
import { rowMajor } from '../core/strided.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER = 65536;

/** NumPy's kinds and bytes with the same elements as a dtype of ours. */
const DTYPES: Readonly<Record<string, DType>> = {
  f4: 'f32',
  f2: 'f16',
  i4: 'i32',
  u4: 'u32',
  i1: 'i8',
  u1: 'u8',
  b1: 'bool',
};
/** Those whose elements become f32 (f8) or i32. */
const NARROWED = ['f8', 'i8', 'u8', 'i2', 'u2'];

/** One-byte elements have no byte order. */
const DESCRIPTORS = Object.fromEntries(
  Object.entries(DTYPES).map(([kind, dtype]) => [dtype, `${BYTES[dtype] === 1 ? '|' : '<'}${kind}`]),
);

export interface NpyReadOptions {
  /** Round float64 elements to f32; without it they are refused. */
  cast?: boolean;
}

interface Header {
  descr: string;
  fortran: boolean;
  shape: Shape;
}

/**
 * Reads a .npy file. Integers of 64 and 16 bits become i32 where each one fits.
 *
 * @throws DataError (E_NPY) on a malformed or truncated file, or a dtype we do not have
 */
export const readNpy = (bytes: Uint8Array, o: NpyReadOptions = {}): HostArray => parseNpy(bytes, o).array;

/** The array, and the descriptor of the file where its elements had to change their type. */
export function parseNpy(bytes: Uint8Array, o: NpyReadOptions): { array: HostArray; from: string | null } {
  const { header, start } = readHeader(bytes);
  const { descr, shape } = header;
  const [, order, kind] = /^([<>|])([a-z]\d)$/.exec(descr) ?? [];
  const width = Number(kind?.[1]);
  const narrows = NARROWED.includes(kind);
  const dtype = narrows ? (kind === 'f8' ? 'f32' : 'i32') : Object.hasOwn(DTYPES, kind) ? DTYPES[kind] : null;
  if (!dtype || (order === '|' && width > 1)) {
    throw bad(`dtype ${descr} is not supported`, {
      hint: `Save one of ${[...Object.keys(DTYPES), ...NARROWED].join(' ')}: x.astype('f4'), for example.`,
      details: { descr },
    });
  }
  const expected = sizeOf(shape) * width;
  if (bytes.length - start !== expected) {
    throw bad(`${bytes.length - start} bytes of elements, ${expected} expected for ${descr} (${shape.join(', ')})`, {
      hint: 'The file is cut off or has something behind it: make it again.',
      details: { offset: start, expected, got: bytes.length - start },
    });
  }
  const raw = bytes.subarray(start);
  if (dtype === 'bool') {
    const at = raw.findIndex((v) => v > 1);
    if (at >= 0) throw bad(`element ${at} of a bool array is neither 0 nor 1`, { details: { offset: start + at } });
  }
  // A copy: it is aligned, and the file's bytes need not live on. Not slice(), which of a Buffer of Node's copies nothing.
  const body = header.fortran ? rowMajor(raw, { width, shape, strides: fortran(shape) }) : new Uint8Array(raw);
  if (order === '>') for (let i = 0; i < body.length; i += width) body.subarray(i, i + width).reverse();
  const data = narrows ? narrow(kind, body.buffer, o.cast ?? false) : viewOf(dtype, body.buffer);
  return { array: { data, shape, dtype }, from: narrows ? descr : null };
}

/** The strides of elements whose first dimension runs fastest. */
const fortran = (shape: Shape): number[] => shape.map((_, d) => sizeOf(shape.slice(0, d)));

/** Writes a .npy file of version 1.0, the same bytes as numpy.save. bf16 has no descriptor: DataError. */
export function writeNpy(a: HostArray): Uint8Array {
  const descr = DESCRIPTORS[a.dtype];
  if (!descr) throw bad(`dtype ${a.dtype} has no NumPy descriptor`, { hint: 'Cast it to f32 first.' });
  if (sizeOf(a.shape) !== a.data.length) {
    throw bad(`shape (${a.shape.join(', ')}) does not hold ${a.data.length} elements`, { details: { shape: a.shape } });
  }
  const shape = a.shape.length === 1 ? `(${a.shape[0]},)` : `(${a.shape.join(', ')})`;
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  // numpy leaves room for the first dimension to grow to 21 digits in place, then pads to a multiple of 64.
  if (a.shape.length > 0) header += ' '.repeat(21 - String(a.shape[0]).length);
  header = `${header}${' '.repeat(63 - ((10 + header.length) % 64))}\n`;
  const out = new Uint8Array(10 + header.length + a.data.byteLength);
  out.set([...MAGIC, 1, 0, header.length & 255, header.length >> 8]);
  out.set(new TextEncoder().encode(header), 10);
  out.set(new Uint8Array(a.data.buffer, a.data.byteOffset, a.data.byteLength), 10 + header.length);
  return out;
}

function readHeader(bytes: Uint8Array): { header: Header; start: number } {
  if (MAGIC.some((b, i) => bytes[i] !== b)) {
    throw bad('does not begin with the magic of a .npy file', { details: { offset: 0 } });
  }
  const [major, minor] = [bytes[6], bytes[7]];
  if (minor !== 0 || (major !== 1 && major !== 2)) {
    throw bad(`version ${major}.${minor} is not supported`, { hint: 'Versions 1.0 and 2.0 are read.' });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = major === 1 ? 10 : 12;
  if (bytes.length < at) throw bad('ends inside its header', { details: { offset: bytes.length } });
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER)
    throw bad(`its header claims ${length} bytes`, { details: { offset: 8, limit: MAX_HEADER } });
  if (bytes.length < at + length) throw bad('ends inside its header', { details: { offset: bytes.length } });
  const text = new TextDecoder('latin1').decode(bytes.subarray(at, at + length));
  return { header: parseDict(text), start: at + length };
}

/** The header's dict literal: exactly the three keys, in any order, nothing else. */
function parseDict(text: string): Header {
  const malformed = () => bad(`its header is malformed: ${JSON.stringify(text.trim().slice(0, 120))}`);
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) throw malformed();
  const found = new Map<string, string>();
  const entry = /\s*'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([\d\s,]*\))\s*(,|$)\s*/y;
  while (entry.lastIndex < inner.length) {
    const m = entry.exec(inner);
    if (!m || found.has(m[1])) throw malformed();
    found.set(m[1], m[2]);
  }
  const descr = /^'(.*)'$/.exec(found.get('descr') ?? '')?.[1];
  const order = found.get('fortran_order');
  const dims = /^\(\s*((?:\d+\s*,\s*)*\d*)\s*\)$/.exec(found.get('shape') ?? '')?.[1];
  // `(3)` is a number in Python, not a tuple.
  if (descr === undefined || dims === undefined || /^\d+$/.test(dims)) throw malformed();
  if (order !== 'True' && order !== 'False') throw malformed();
  const shape = dims
    .split(',')
    .filter((d) => d.trim() !== '')
    .map(Number);
  return { descr, fortran: order === 'True' && shape.length > 1, shape: checkShape('readNpy', shape) };
}

function viewOf<D extends DType>(dtype: D, body: ArrayBuffer): Data[D] {
  const View = ARRAY[dtype] as unknown as new (b: ArrayBuffer) => Data[D];
  return new View(body);
}

function narrow(kind: string, body: ArrayBuffer, cast: boolean): Float32Array | Int32Array {
  if (kind === 'i2') return Int32Array.from(new Int16Array(body));
  if (kind === 'u2') return Int32Array.from(new Uint16Array(body));
  if (kind !== 'f8') return fit(kind === 'i8' ? new BigInt64Array(body) : new BigUint64Array(body));
  if (cast) return Float32Array.from(new Float64Array(body));
  throw bad('the elements are float64, and f32 is the widest float here', {
    hint: "Pass { cast: true } to round them to f32, or save x.astype('<f4').",
  });
}

function fit(values: BigInt64Array | BigUint64Array): Int32Array {
  const at = (values as BigInt64Array).findIndex((v) => BigInt.asIntN(32, v) !== v);
  if (at >= 0) {
    throw bad(`element ${at} is ${values[at]}, which does not fit i32`, {
      hint: '64-bit integers are read only where each fits 32 bits.',
      details: { element: at },
    });
  }
  return Int32Array.from(values as BigInt64Array, Number);
}

function bad(message: string, info: { hint?: string; details?: Record<string, unknown> } = {}): DataError {
  return new DataError(`.npy: ${message}`, { code: 'E_NPY', ...info });
}
