/**
 * What each opcode of the scalar IR does to four elements (N3, N5, N9).
 *
 * `op` is a literal at every call, so that only its own line is left after inlining; `k` is the vector at
 * constantOf(op). f32 results are snapped (N0); a NaN may have any pattern until it leaves the program. No value is -0.
 */
import {
  OP_ABS_F, OP_ABS_S, OP_ADDRAW, OP_ADD_F, OP_ADD_I, OP_AND, OP_CEIL, OP_COPY, OP_DIV_F, OP_EQ_F, OP_EQ_I, OP_BF2F, OP_F2B, OP_F2BF, OP_F2H, OP_F2I, OP_F2U,
  OP_FLOOR, OP_H2F, OP_I2B, OP_I2F, OP_ISFINITE, OP_LE_F, OP_LE_S, OP_LE_U, OP_LT_F, OP_LT_S, OP_LT_U, OP_MAXNUMBER, OP_MAX_F, OP_MAX_S,
  OP_MAX_U, OP_MINNUMBER, OP_MIN_F, OP_MIN_S, OP_MIN_U, OP_MULADD, OP_MULRAW, OP_MULSUB, OP_MUL_F, OP_MUL_I, OP_NARROW, OP_NEG_F, OP_NEG_I, OP_NE_F, OP_NE_I, OP_NOT, OP_OR,
  OP_ROUND, OP_SIGN_F, OP_SIGN_S, OP_SIGN_U, OP_SQRT, OP_SUBMUL, OP_SUBRAW, OP_SUB_F, OP_SUB_I, OP_TRUNC, OP_U2F, OP_UNIT, OP_XOR,
} from './build/opcodes';
import { INFINITE, ONE, SNAP_BITS, TRUE_BITS, UNIT_STEP, snap } from './constants';

/** Where the constant of an operation is. */
@inline
export function constantOf(op: i32): usize {
  if (op == OP_SIGN_F) return ONE;
  if (op == OP_ISFINITE) return INFINITE;
  if (op == OP_UNIT) return UNIT_STEP;
  if (
    op == OP_FLOOR || op == OP_CEIL || op == OP_TRUNC || op == OP_ROUND ||
    op == OP_ADD_F || op == OP_SUB_F || op == OP_MUL_F || op == OP_DIV_F ||
    op == OP_MULADD || op == OP_MULSUB || op == OP_SUBMUL
  ) return SNAP_BITS;
  return TRUE_BITS;
}

/** The f16 nearest an f32, ties to even (N9). */
@inline
function halfOf(x: v128): v128 {
  const a = v128.and(x, i32x4.splat(0x7fffffff));
  const odd = v128.and(i32x4.shr_u(a, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(a, odd), i32x4.splat(0xfff - 0x38000000)), 13);
  // Beside 0.5 an f32 has the spacing of f16 subnormals, so one addition rounds to it.
  const small = i32x4.sub(f32x4.add(a, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  let h = v128.bitselect(small, normal, i32x4.lt_s(a, i32x4.splat(0x38800000)));
  h = v128.bitselect(i32x4.splat(0x7c00), h, i32x4.ge_s(a, i32x4.splat(0x477ff000)));
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  h = v128.or(h, v128.and(sign, i32x4.ne(h, i32x4.splat(0))));
  return v128.bitselect(i32x4.splat(0x7e00), h, f32x4.ne(x, x));
}

/** The f32 that a canonical f16 pattern stands for: no -0, so nothing is snapped. */
@inline
function ofHalf(h: v128): v128 {
  const a = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  // 2^112 is the difference of the exponent biases; the product is exact, from subnormal patterns too.
  const finite = f32x4.mul(a, i32x4.splat(0x77800000));
  const infinite = v128.or(a, i32x4.splat(0x7f800000));
  const magnitude = v128.bitselect(infinite, finite, i32x4.ge_s(a, i32x4.splat(0x7c00 << 13)));
  return v128.or(magnitude, i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16));
}

/** The operand of an exact product: a multiple of y of its pattern, ties to even, Inf from 2^64 on (N6). */
@inline
function narrowed(x: v128, y: v128): v128 {
  const even = i32x4.eq(v128.and(x, y), i32x4.splat(0));
  const r = v128.and(i32x4.add(i32x4.add(x, i32x4.shr_u(y, 1)), even), i32x4.neg(y));
  const magnitude = v128.and(r, i32x4.splat(0x7fffffff));
  const inf = v128.or(v128.and(r, i32x4.splat(0x80000000)), i32x4.splat(0x7f800000));
  const limited = v128.bitselect(inf, r, i32x4.ge_s(magnitude, i32x4.splat(0x5f800000)));
  return v128.or(limited, f32x4.ne(x, x));
}

@inline
export function apply1(op: i32, x: v128, k: v128): v128 {
  const zero = i32x4.splat(0);
  if (op == OP_COPY) return x;
  if (op == OP_NEG_F) return f32x4.sub(zero, x); // 0 - 0 is +0, unlike a flipped sign
  if (op == OP_ABS_F) return f32x4.abs(x);
  if (op == OP_SIGN_F) {
    const sign = f32x4.sub(v128.and(f32x4.gt(x, zero), k), v128.and(f32x4.lt(x, zero), k));
    return v128.or(sign, f32x4.ne(x, x));
  }
  if (op == OP_SQRT) return f32x4.sqrt(x); // a root of a canonical number is never small
  if (op == OP_FLOOR) return snap(f32x4.floor(x), k);
  if (op == OP_CEIL) return snap(f32x4.ceil(x), k);
  if (op == OP_TRUNC) return snap(f32x4.trunc(x), k);
  if (op == OP_ROUND) return snap(f32x4.nearest(x), k);
  if (op == OP_ISFINITE) return i32x4.shr_u(f32x4.lt(f32x4.abs(x), k), 31);
  if (op == OP_NEG_I) return i32x4.neg(x);
  if (op == OP_ABS_S) return i32x4.abs(x);
  if (op == OP_SIGN_S) return i32x4.sub(i32x4.lt_s(x, zero), i32x4.gt_s(x, zero));
  if (op == OP_SIGN_U) return i32x4.min_u(x, k);
  if (op == OP_NOT) return v128.xor(x, k);
  if (op == OP_F2I) return i32x4.trunc_sat_f32x4_s(x);
  if (op == OP_F2U) return i32x4.trunc_sat_f32x4_u(x);
  if (op == OP_I2F) return f32x4.convert_i32x4_s(x);
  if (op == OP_U2F) return f32x4.convert_i32x4_u(x);
  if (op == OP_F2B) return v128.and(f32x4.ne(x, zero), k);
  if (op == OP_I2B) return v128.and(i32x4.ne(x, zero), k);
  if (op == OP_F2H) return halfOf(x);
  if (op == OP_H2F) return ofHalf(x);
  if (op == OP_F2BF) {
    const even = i32x4.add(i32x4.splat(0x7fff), v128.and(i32x4.shr_u(x, 16), k));
    return v128.bitselect(i32x4.splat(0x7fc0), i32x4.shr_u(i32x4.add(x, even), 16), f32x4.ne(x, x));
  }
  if (op == OP_BF2F) return i32x4.shl(x, 16);
  if (op == OP_UNIT) return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(x, 8)), k);
  return x;
}

@inline
export function apply2(op: i32, x: v128, y: v128, k: v128): v128 {
  if (op == OP_ADD_F) return snap(f32x4.add(x, y), k);
  if (op == OP_SUB_F) return snap(f32x4.sub(x, y), k);
  if (op == OP_MUL_F) return snap(f32x4.mul(x, y), k);
  if (op == OP_DIV_F) return snap(f32x4.div(x, y), k);
  // pmax gives x when either is NaN: only a NaN in y is left to add. f32x4.max is 8 instructions on x64.
  if (op == OP_MAX_F) return v128.or(f32x4.pmax(x, y), f32x4.ne(y, y));
  if (op == OP_MIN_F) return v128.or(f32x4.pmin(x, y), f32x4.ne(y, y));
  if (op == OP_EQ_F) return v128.and(f32x4.eq(x, y), k);
  if (op == OP_NE_F) return v128.and(f32x4.ne(x, y), k);
  if (op == OP_LT_F) return v128.and(f32x4.lt(x, y), k);
  if (op == OP_LE_F) return v128.and(f32x4.le(x, y), k);
  if (op == OP_ADD_I) return i32x4.add(x, y);
  if (op == OP_SUB_I) return i32x4.sub(x, y);
  if (op == OP_MUL_I) return i32x4.mul(x, y);
  if (op == OP_MAX_S) return i32x4.max_s(x, y);
  if (op == OP_MIN_S) return i32x4.min_s(x, y);
  if (op == OP_MAX_U) return i32x4.max_u(x, y);
  if (op == OP_MIN_U) return i32x4.min_u(x, y);
  if (op == OP_EQ_I) return v128.and(i32x4.eq(x, y), k);
  if (op == OP_NE_I) return v128.and(i32x4.ne(x, y), k);
  if (op == OP_LT_S) return v128.and(i32x4.lt_s(x, y), k);
  if (op == OP_LE_S) return v128.and(i32x4.le_s(x, y), k);
  if (op == OP_LT_U) return v128.and(i32x4.lt_u(x, y), k);
  if (op == OP_LE_U) return v128.and(i32x4.le_u(x, y), k);
  if (op == OP_AND) return v128.and(x, y);
  if (op == OP_OR) return v128.or(x, y);
  if (op == OP_XOR) return v128.xor(x, y);
  if (op == OP_NARROW) return narrowed(x, y);
  // The lowering chooses these where they give the bits of the above (sdk/engine/wasm/facts.ts).
  if (op == OP_ADDRAW) return f32x4.add(x, y);
  if (op == OP_SUBRAW) return f32x4.sub(x, y);
  if (op == OP_MULRAW) return f32x4.mul(x, y);
  if (op == OP_MAXNUMBER) return f32x4.pmax(x, y);
  if (op == OP_MINNUMBER) return f32x4.pmin(x, y);
  return x;
}

/** A product and the sum that takes it, each a result of its own (N1). */
@inline
export function apply3(op: i32, x: v128, y: v128, z: v128, k: v128): v128 {
  const product = snap(f32x4.mul(x, y), k);
  if (op == OP_MULADD) return snap(f32x4.add(product, z), k);
  if (op == OP_MULSUB) return snap(f32x4.sub(product, z), k);
  return snap(f32x4.sub(z, product), k);
}

/** Four results a turn of an operation on one operand; `bytes` is a multiple of 64. */
@inline
export function each1(op: i32, d: usize, a: usize, bytes: usize): void {
  const k = v128.load(constantOf(op));
  const end = d + bytes;
  for (; d < end; d += 64, a += 64) {
    v128.store(d, apply1(op, v128.load(a), k));
    v128.store(d, apply1(op, v128.load(a, 16), k), 16);
    v128.store(d, apply1(op, v128.load(a, 32), k), 32);
    v128.store(d, apply1(op, v128.load(a, 48), k), 48);
  }
}

/** The same with two operands. */
@inline
export function each2(op: i32, d: usize, a: usize, b: usize, bytes: usize): void {
  const k = v128.load(constantOf(op));
  const end = d + bytes;
  for (; d < end; d += 64, a += 64, b += 64) {
    v128.store(d, apply2(op, v128.load(a), v128.load(b), k));
    v128.store(d, apply2(op, v128.load(a, 16), v128.load(b, 16), k), 16);
    v128.store(d, apply2(op, v128.load(a, 32), v128.load(b, 32), k), 32);
    v128.store(d, apply2(op, v128.load(a, 48), v128.load(b, 48), k), 48);
  }
}

/** The same with three. */
@inline
export function each3(op: i32, d: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  const k = v128.load(constantOf(op));
  const end = d + bytes;
  for (; d < end; d += 64, a += 64, b += 64, c += 64) {
    v128.store(d, apply3(op, v128.load(a), v128.load(b), v128.load(c), k));
    v128.store(d, apply3(op, v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), k), 16);
    v128.store(d, apply3(op, v128.load(a, 32), v128.load(b, 32), v128.load(c, 32), k), 32);
    v128.store(d, apply3(op, v128.load(a, 48), v128.load(b, 48), v128.load(c, 48), k), 48);
  }
}

/** where(a, b, c): bits of b where a is not 0, else of c. */
@inline
export function eachWhere(d: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 32, a += 32, b += 32, c += 32) {
    const zero = i32x4.splat(0);
    v128.store(d, v128.bitselect(v128.load(c), v128.load(b), i32x4.eq(v128.load(a), zero)));
    v128.store(d, v128.bitselect(v128.load(c, 16), v128.load(b, 16), i32x4.eq(v128.load(a, 16), zero)), 16);
  }
}
