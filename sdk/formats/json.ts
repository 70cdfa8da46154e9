/**
 * A model as JSON that people can read: {format_version, model_info, architecture, parameters, metadata}. Elements are decimal
 * numbers, the shortest that give the same bits again; Inf and NaN are texts.
 */

import { ARRAY, type DType, isDType, isFloat } from '../core/dtype.ts';
import { fromBf16, fromF16 } from '../core/half.ts';
import type { HostArray, Json } from '../core/host.ts';
import { f32ToBf16, f32ToF16 } from '../core/scalar/cast.ts';
import { sizeOf } from '../core/shape.ts';
import {
  type Archive,
  fault,
  isDeep,
  isRecord,
  type ReadArchive,
  type ReadArchiveOptions,
  rawBytes,
  shown,
} from './archive.ts';

const FORMAT = 'JSON';
const VERSION = '1.0';
/** Elements that are written at a time. */
const PIECE = 1 << 16;

/**
 * Writes a model as JSON; the same archive gives the same bytes.
 *
 * @returns UTF-8 text, one tensor a line
 */
export function writeJson(a: Archive): Uint8Array {
  // Only a text is a name: of anything else a reader would not know what it was.
  const { name, ...others } = a.metadata;
  const [title, metadata] = typeof name === 'string' ? [name, others] : [null, a.metadata];
  const count = [...a.tensors.values()].reduce((n, t) => n + t.data.length, 0);
  const info = { name: title, framework: 'isobit', tensors: a.tensors.size, parameters: count };
  // Piece by piece, because the numbers of a large tensor are more than a text can hold.
  const pieces: Uint8Array[] = [];
  const put = (text: string): void => void pieces.push(new TextEncoder().encode(text));
  put(`{
  "format_version": ${JSON.stringify(VERSION)},
  "model_info": ${JSON.stringify(info)},
  "architecture": ${JSON.stringify(a.architecture ?? null)},
  "parameters": {`);
  let between = '';
  for (const [key, t] of a.tensors) {
    rawBytes(FORMAT, key, t);
    put(`${between}\n    ${JSON.stringify(key)}: {"dtype":"${t.dtype}","shape":${JSON.stringify(t.shape)},"data":[`);
    for (let i = 0; i < t.data.length; i += PIECE) {
      const part = t.data.subarray(i, i + PIECE) as ArrayLike<number>;
      put((i > 0 ? ',' : '') + Array.from(part, (v) => decimal(v, t.dtype)).join(','));
    }
    put(']}');
    between = ',';
  }
  put(`
  },
  "metadata": ${JSON.stringify(metadata)}
}
`);
  const out = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** The number that an element stands for. */
const numberOf = (element: number, dtype: DType): number =>
  dtype === 'f16' ? fromF16(element) : dtype === 'bf16' ? fromBf16(element) : element;

/** The shortest decimal that rounds to the same element again. */
function decimal(element: number, dtype: DType): string {
  const v = numberOf(element, dtype);
  if (!Number.isFinite(v)) return JSON.stringify(String(v));
  if (!isFloat(dtype)) return String(v);
  if (v === 0) return Object.is(v, -0) ? '-0' : '0';
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(v.toPrecision(digits));
    if (Math.fround(short) === v) return String(short);
  }
  return String(Number(v.toPrecision(9)));
}

/**
 * Reads a model from JSON. Also takes `parameters` as a list of {name, shape, data}, with f32 where no dtype is given.
 *
 * @throws DataError (E_FORMAT) on what is not JSON, another version, and tensors whose data do not fit
 */
export function readJson(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw fault(FORMAT, `not JSON (${String(cause)})`);
  }
  if (!isRecord(root) || typeof root.format_version !== 'string') throw fault(FORMAT, 'has no format_version');
  if (root.format_version.split('.')[0] !== '1') {
    throw fault(FORMAT, `format_version ${root.format_version} is not supported`, { hint: 'Version 1 is read.' });
  }
  const { model_info: info, architecture, parameters, metadata = {} } = root;
  if (!isRecord(metadata)) throw fault(FORMAT, 'metadata is no object');
  if (isDeep(architecture) || isDeep(metadata)) {
    throw fault(FORMAT, 'architecture or metadata nest deeper than any model');
  }
  const entries = Array.isArray(parameters)
    ? parameters.map((p, i) => [isRecord(p) ? p.name : i, p] as const)
    : isRecord(parameters)
      ? Object.entries(parameters)
      : null;
  if (!entries) throw fault(FORMAT, 'parameters is neither an object nor a list');
  const tensors = new Map<string, HostArray>();
  for (const [name, p] of entries) {
    if (typeof name !== 'string') throw fault(FORMAT, `parameter ${shown(name)} has no name`);
    if (tensors.has(name)) throw fault(FORMAT, 'occurs twice', { tensor: name });
    if (o.only?.(name) ?? true) tensors.set(name, tensorOf(name, p));
  }
  const named: Record<string, Json> = isRecord(info) && typeof info.name === 'string' ? { name: info.name } : {};
  return {
    tensors,
    metadata: { ...(metadata as Record<string, Json>), ...named },
    architecture: (architecture ?? null) as Json,
    narrowed: [],
  };
}

function tensorOf(name: string, p: unknown): HostArray {
  const { shape, data, dtype = 'f32' } = isRecord(p) ? p : {};
  if (!isDType(dtype)) throw fault(FORMAT, `has dtype ${shown(dtype)}`, { tensor: name });
  if (!Array.isArray(shape) || !shape.every((d) => Number.isSafeInteger(d) && d >= 0) || !Array.isArray(data)) {
    throw fault(FORMAT, 'needs a shape and a flat list of data', { tensor: name });
  }
  if (data.length !== sizeOf(shape)) {
    throw fault(FORMAT, `shape [${shape}] needs ${sizeOf(shape)} elements, got ${data.length}`, { tensor: name });
  }
  const out = new ARRAY[dtype](data.length);
  data.forEach((x: unknown, i) => {
    const v = typeof x === 'string' && isFloat(dtype) && SPECIAL.has(x) ? Number(x) : x;
    if (typeof v !== 'number') throw fault(FORMAT, `element ${i} is ${shown(x)}`, { tensor: name });
    // Casts of the contract give no -0, but a file may hold one.
    const half = dtype === 'f16' ? f32ToF16 : dtype === 'bf16' ? f32ToBf16 : null;
    out[i] = !half ? v : Object.is(v, -0) ? 0x8000 : half(Math.fround(v));
    const got = numberOf(out[i], dtype);
    // A number in JSON is finite, however large.
    const fits = isFloat(dtype) ? typeof x === 'string' || Number.isFinite(got) : got === v;
    if (!fits || (dtype === 'bool' && v > 1)) {
      throw fault(FORMAT, `element ${i} is ${v}, no ${dtype}`, { tensor: name });
    }
  });
  return { data: out, shape, dtype };
}

const SPECIAL = new Set(['NaN', 'Infinity', '-Infinity']);
