/**
 * Where everything lies in a file `isobit/1`, derived from the index's length and the tensor list alone, so that a
 * file cannot state overlaps or holes. docs/checkpoint.md draws the bytes.
 */

import { BYTES, type DType } from '../core/dtype.ts';
import { CheckpointError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { concatBytes, sameBytes, utf8 } from './bytes.ts';
import { head, headSize, MAJOR } from './head.ts';
import type { Limits } from './limits.ts';

export const MAGIC = 'isobit/1';
/** Tag 55799 (RFC 8949, 3.4.6), array(5), the magic, the head of the prologue. */
export const PREFIX = /* @__PURE__ */ concatBytes([
  /* @__PURE__ */ Uint8Array.of(0xd9, 0xd9, 0xf7, 0x85, 0x60 | MAGIC.length),
  /* @__PURE__ */ utf8(MAGIC),
  /* @__PURE__ */ Uint8Array.of(0x58, 112),
]);
export const PROLOGUE = 112;
export const INDEX_OFF = 127;
/** A file maps into memory and binds as GPU buffers: WebGPU's minStorageBufferOffsetAlignment. */
export const ALIGN = 256;
export const LEAF = 1 << 20;
export const DIGEST = 32;

/** RFC 8746 typed-array tags, little-endian; bf16 and bool have none of their own and take u16's and u8's. */
export const TAG: { readonly [D in DType]: number } = {
  f32: 85,
  i32: 78,
  u32: 70,
  bool: 64,
  f16: 84,
  bf16: 69,
  i8: 72,
  u8: 64,
};

/** One tensor as the index lists it. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Where one tensor lies. */
export interface Placed extends TensorSpec {
  /** Offset of the pad item before the data, and the bytes from there to the data. */
  readonly frame: number;
  readonly pad: number;
  /** Offset of the data, a multiple of 256, and its length in bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** Its leaves are `leaf .. leaf + leaves - 1` of the seal. */
  readonly leaf: number;
  readonly leaves: number;
}

export interface Layout {
  readonly indexLen: number;
  /** Offset of the head of the tensor array. */
  readonly tensorsOff: number;
  readonly tensors: readonly Placed[];
  readonly leafCount: number;
  /** Offset of the seal's head, and of the first leaf behind it. */
  readonly sealOff: number;
  readonly leavesOff: number;
  readonly fileLen: number;
}

/** Bytes of a tensor, with every product checked: E_LIMIT beyond `limits.tensor`. */
export function tensorBytes(t: TensorSpec, limits: Limits): number {
  let n = t.shape.includes(0) ? 0 : BYTES[t.dtype];
  for (const d of t.shape) {
    n *= d;
    if (n > limits.tensor) {
      throw new CheckpointError('E_LIMIT', `tensor '${t.name}': over ${limits.tensor} bytes`, {
        tensor: t.name,
        expected: limits.tensor,
        hint: 'split the tensor, or raise limits.tensor',
      });
    }
  }
  return n;
}

/** The smallest pad that puts the data behind it at a multiple of ALIGN; some totals are skipped by head sizes. */
function padFor(frame: number, bytes: number): number {
  const rest = 2 + headSize(bytes);
  for (let q = 0; ; q++) if ((frame + headSize(q) + q + rest) % ALIGN === 0) return q;
}

/** E_LIMIT for files beyond `limits.file`. */
export function layOut(indexLen: number, specs: readonly TensorSpec[], limits: Limits): Layout {
  const tensorsOff = INDEX_OFF + indexLen;
  let at = tensorsOff + headSize(2 * specs.length);
  let leaf = 0;
  const tensors = specs.map((spec): Placed => {
    const bytes = tensorBytes(spec, limits);
    const frame = at;
    const pad = padFor(frame, bytes);
    const offset = frame + headSize(pad) + pad + 2 + headSize(bytes);
    const leaves = Math.ceil(bytes / LEAF);
    const placed = { ...spec, frame, pad, offset, bytes, leaf, leaves };
    at = offset + bytes;
    leaf += leaves;
    return placed;
  });
  const seal = DIGEST * (leaf + 1);
  const leavesOff = at + headSize(seal);
  const fileLen = leavesOff + seal;
  if (fileLen > limits.file) {
    throw new CheckpointError('E_LIMIT', `the file would take ${fileLen} bytes, over ${limits.file}`, {
      expected: limits.file,
      actual: fileLen,
      hint: 'store less, or raise limits.file',
    });
  }
  return { indexLen, tensorsOff, tensors, leafCount: leaf, sealOff: at, leavesOff, fileLen };
}

/** Everything between two tensors' data: the pad item and the head of the typed array. */
export function frameBytes(t: Placed): Uint8Array {
  const tag = Uint8Array.of(0xd8, TAG[t.dtype]);
  return concatBytes([head(MAJOR.bytes, t.pad), new Uint8Array(t.pad), tag, head(MAJOR.bytes, t.bytes)]);
}

export function tensorsHead(l: Layout): Uint8Array {
  return head(MAJOR.array, 2 * l.tensors.length);
}

export function sealHead(l: Layout): Uint8Array {
  return head(MAJOR.bytes, DIGEST * (l.leafCount + 1));
}

const FIELDS = ['indexOff', 'indexLen', 'tensorCount', 'leafCount', 'align', 'leaf', 'sealOff', 'fileLen'] as const;

/** The 112 bytes behind the magic; `digest` is SHA-256 of the index. */
export function prologueBytes(l: Layout, digest: Uint8Array, minor = 0): Uint8Array {
  const out = new Uint8Array(PROLOGUE);
  const view = new DataView(out.buffer);
  view.setUint16(0, 1, true); // major; flags are 0
  view.setUint16(2, minor, true);
  [INDEX_OFF, l.indexLen, l.tensors.length, l.leafCount, ALIGN, LEAF, l.sealOff, l.fileLen].forEach((v, i) => {
    view.setBigUint64(8 + 8 * i, BigInt(v), true);
  });
  out.set(digest, 72);
  return out;
}

export interface Prologue {
  readonly minor: number;
  readonly indexLen: number;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * Reads magic and prologue from the first bytes of a file of `size` bytes, and bounds every number; checkLayout() compares them
 * when the index is known. E_MAGIC, E_VERSION, E_TRUNCATED, E_TRAILING, E_LAYOUT or E_LIMIT.
 */
export function readPrologue(start: Uint8Array, size: number, limits: Limits): Prologue {
  const magic = start.subarray(0, PREFIX.length);
  if (!sameBytes(magic, PREFIX.subarray(0, magic.length))) {
    const version = PREFIX.indexOf('1'.charCodeAt(0), 5);
    const other = magic.slice();
    if (other.length > version) other[version] = PREFIX[version];
    const digit = magic[version] >= 0x30 && magic[version] <= 0x39;
    if (digit && sameBytes(other, PREFIX.subarray(0, other.length))) {
      refuse('E_VERSION', `format isobit/${String.fromCharCode(magic[version])}`, version, MAGIC);
    }
    refuse('E_MAGIC', 'not an isobit checkpoint', 0, MAGIC);
  }
  if (start.length < INDEX_OFF)
    refuse('E_TRUNCATED', `${size} bytes, shorter than its prologue`, size, INDEX_OFF, size);

  const bytes = start.slice(PREFIX.length, INDEX_OFF);
  const view = new DataView(bytes.buffer);
  const major = view.getUint16(0, true);
  if (major !== 1) refuse('E_VERSION', `format major ${major}`, PREFIX.length, 1, major);
  const fields = FIELDS.map((name, i) => {
    const big = view.getBigUint64(8 + 8 * i, true);
    if (big > BigInt(limits.file)) refuse('E_LIMIT', `${name} is ${big}`, PREFIX.length + 8 + 8 * i, limits.file, big);
    return Number(big);
  });
  const [, indexLen, tensors, , , , sealOff, fileLen] = fields;
  if (fileLen > size) refuse('E_TRUNCATED', `${size} of ${fileLen} bytes`, size, fileLen, size);
  if (fileLen < size) refuse('E_TRAILING', `${size - fileLen} bytes behind the end`, fileLen);
  if (indexLen > limits.index) refuse('E_LIMIT', `index of ${indexLen} bytes`, 31, limits.index);
  if (tensors > limits.tensors) refuse('E_LIMIT', `${tensors} tensors`, 39, limits.tensors);
  if (INDEX_OFF + indexLen > sealOff || sealOff >= size) {
    refuse('E_LAYOUT', `index of ${indexLen} bytes and seal at ${sealOff} do not fit`, 31);
  }
  return { minor: view.getUint16(2, true), indexLen, digest: bytes.subarray(72, 104), bytes };
}

/** E_LAYOUT unless the prologue is what the index implies. */
export function checkLayout({ minor, digest, bytes }: Prologue, l: Layout): void {
  const at = prologueBytes(l, digest, minor).findIndex((b, i) => b !== bytes[i]);
  if (at < 0) return;
  refuse('E_LAYOUT', `${FIELDS[(at >> 3) - 1] ?? 'a flag'} is not what the index implies`, PREFIX.length + at);
}

function refuse(code: `E_${string}`, why: string, offset: number, expected?: unknown, actual?: unknown): never {
  throw new CheckpointError(code, why, {
    offset,
    expected,
    actual,
    hint: code === 'E_VERSION' ? 'read it with a newer isobit' : 'the bytes are damaged; restore an earlier checkpoint',
  });
}
