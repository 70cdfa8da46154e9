/** N9: casts, in integers. Elements are held as sdk/core/dtype.ts says: f16 and bf16 as their bits, bool as 0 or 1. */

import { type DType, isFloat } from '../dtype.ts';
import { bitsOf, C, ofBits } from './bits.ts';

const f = Math.fround;

/** Bits of the bf16 nearest an f32, ties to even. */
export function f32ToBf16(v: number): number {
  if (Number.isNaN(v)) return 0x7fc0;
  const u = bitsOf(v);
  return (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
}

/** Bits of the f16 nearest an f32, ties to even; subnormals are kept, overflow is Inf. */
export function f32ToF16(v: number): number {
  if (Number.isNaN(v)) return 0x7e00;
  const u = bitsOf(v);
  const a = u & 0x7fffffff;
  const s = (u >>> 16) & 0x8000;
  if (a >= 0x477ff000) return s | 0x7c00;
  if (a >= 0x38800000) return s | ((a - 0x38000000 + 0xfff + ((a >>> 13) & 1)) >>> 13);
  if (a <= 0x33000000) return 0;
  const m = (a & 0x7fffff) | 0x800000;
  const h = 126 - (a >>> 23);
  return s | ((m + (1 << (h - 1)) - 1 + ((m >>> h) & 1)) >>> h);
}

/**
 * The operand of a product that is exact (N6): rounded to a multiple of `place`, a power of two, of its pattern, ties to even;
 * Inf of its sign from 2^64 on.
 */
export function narrow(v: number, place: number): number {
  if (Number.isNaN(v)) return v;
  const u = bitsOf(v);
  const r = (u + (place >>> 1) - (u & place ? 0 : 1)) & -place;
  return (r & 0x7fffffff) >= 0x5f800000 ? v * Number.POSITIVE_INFINITY : ofBits(r >>> 0);
}

export function bf16ToF32(h: number): number {
  return C(ofBits(h << 16));
}

export function f16ToF32(h: number): number {
  const e = (h >>> 10) & 31;
  const m = h & 0x3ff;
  const v =
    e === 31 ? (m === 0 ? Number.POSITIVE_INFINITY : Number.NaN) : e === 0 ? m * 2 ** -24 : (m + 1024) * 2 ** (e - 25);
  return C(h & 0x8000 ? -v : v);
}

/** i32 or u32 to f32: nearest, ties to even. */
export function intToF32(v: number): number {
  return f(v);
}

/** f32 to an integer from low to high: toward zero, saturating; NaN is 0. */
function saturate(v: number, low: number, high: number): number {
  if (Number.isNaN(v)) return 0;
  return v <= low ? low : v >= high ? high : Math.trunc(v) + 0;
}

export function f32ToI32(v: number): number {
  return saturate(v, -2147483648, 2147483647);
}

export function f32ToU32(v: number): number {
  return saturate(v, 0, 4294967295);
}

export function f32ToI8(v: number): number {
  return saturate(v, -128, 127);
}

export function f32ToU8(v: number): number {
  return saturate(v, 0, 255);
}

/** v != 0, NaN included; any dtype held as a number. */
export function toBool(v: number): number {
  return v !== 0 ? 1 : 0;
}

function toInteger(v: number, to: 'i32' | 'u32' | 'i8' | 'u8'): number {
  switch (to) {
    case 'i32':
      return v | 0;
    case 'u32':
      return v >>> 0;
    case 'i8':
      return (v << 24) >> 24;
    case 'u8':
      return v & 255;
  }
}

/** What a device holds of an element (N0): halves have one NaN, no -0, and nothing that f32 would not hold. */
export function canonicalOf(v: number, dtype: DType): number {
  if (dtype === 'f32') return C(v);
  return dtype === 'f16' ? f32ToF16(f16ToF32(v)) : dtype === 'bf16' ? f32ToBf16(bf16ToF32(v)) : v;
}

/**
 * One element from one dtype to another, in the host's representation of each. What has no rule of its own goes by
 * f32 (f16 to bf16, integers to f16 and bf16, f16 to integers).
 */
export function castOf(v: number, from: DType, to: DType): number {
  if (from === to) return from === 'f32' ? C(v) : v;
  if (!isFloat(from) && !isFloat(to)) return to === 'bool' ? toBool(v) : toInteger(v, to);
  const x = from === 'f32' ? v : from === 'f16' ? f16ToF32(v) : from === 'bf16' ? bf16ToF32(v) : intToF32(v);
  switch (to) {
    case 'f32':
      return x;
    case 'f16':
      return f32ToF16(x);
    case 'bf16':
      return f32ToBf16(x);
    case 'i32':
      return f32ToI32(x);
    case 'u32':
      return f32ToU32(x);
    case 'i8':
      return f32ToI8(x);
    case 'u8':
      return f32ToU8(x);
    case 'bool':
      return toBool(x);
  }
}
