/**
 * Vector constants that op loops keep in locals, and N0's snap and the windows of N6 and N7 made of them.
 *
 * They are loaded from memory before a loop: some engines rebuild a literal vector on every turn.
 */
import { BLOCK as BLOCK_ELEMENTS, REGISTER_STRIDE, REGISTERS } from './build/opcodes';

/** Elements of a block. */
export const BLOCK: usize = BLOCK_ELEMENTS;

/** 0x7f000000: the exponent bits that S tests. */
export const SNAP_BITS: usize = memory.data<u32>([0x7f000000, 0x7f000000, 0x7f000000, 0x7f000000], 16);
/** 1 as an integer: what a true bool holds. */
export const TRUE_BITS: usize = memory.data<u32>([1, 1, 1, 1], 16);
/** 1 as a number. */
export const ONE: usize = memory.data<u32>([0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000], 16);
/** +Inf. */
export const INFINITE: usize = memory.data<u32>([0x7f800000, 0x7f800000, 0x7f800000, 0x7f800000], 16);
/** All bits but the sign. */
export const MAGNITUDE: usize = memory.data<u32>([0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff], 16);
/** 2^-24, the step of N8's uniform numbers. */
export const UNIT_STEP: usize = memory.data<u32>([0x33800000, 0x33800000, 0x33800000, 0x33800000], 16);
/** 2^-51: contractions read anything smaller as +0 (N6). */
export const CONTRACTION_WINDOW: usize = memory.data<u32>([0x26000000, 0x26000000, 0x26000000, 0x26000000], 16);
/** 2^-102: sums read anything smaller as +0 (N7). */
export const SUM_WINDOW: usize = memory.data<u32>([0x0c800000, 0x0c800000, 0x0c800000, 0x0c800000], 16);
/** 0, 1, 2, 3. */
export const INDICES: usize = memory.data<u32>([0, 1, 2, 3], 16);
/** At 16*k: ones in the first k elements of a vector, k = 0..4. */
export const FIRST: usize = memory.data<i32>([
  0, 0, 0, 0, -1, 0, 0, 0, -1, -1, 0, 0, -1, -1, -1, 0, -1, -1, -1, -1,
], 16);

export const NAN_BITS: u32 = 0x7fc00000;

/** The block registers. Their distance keeps them off multiples of 4096 bytes, where loads wait for earlier stores. */
export const REGISTER_BASE: usize = memory.data(REGISTERS * REGISTER_STRIDE, 64);
/** A block of its own for results that may not be written past their end. */
export const TAIL: usize = memory.data(REGISTER_STRIDE, 64);

/** S of N0; `bits` is the vector at SNAP_BITS. */
@inline
export function snap(x: v128, bits: v128): v128 {
  return v128.andnot(x, i32x4.eq(v128.and(x, bits), i32x4.splat(0)));
}

/** The load rules of N6 and N7: magnitudes below `limit` become +0; NaN stays. */
@inline
export function windowed(x: v128, limit: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), limit));
}

@inline
export function windowed1(x: f32, limit: f32): f32 {
  return abs<f32>(x) < limit ? 0 : x;
}

/** S of N0 for one number. */
@inline
export function snap1(x: f32): f32 {
  return reinterpret<u32>(x) & 0x7f000000 ? x : 0;
}
