/** Entry of the tests' module: loops over the functions, and over the single operations of the interpreter. */
import {
  OP_ABS_F, OP_ADD_F, OP_BF2F, OP_CEIL, OP_DIV_F, OP_EQ_F, OP_F2B, OP_F2BF, OP_F2H, OP_F2I, OP_F2U, OP_FLOOR, OP_H2F, OP_I2B, OP_I2F, OP_ISFINITE, OP_LE_F,
  OP_LT_F, OP_MAX_F, OP_MIN_F, OP_MUL_F, OP_NARROW, OP_NEG_F, OP_NE_F, OP_ROUND, OP_SIGN_F, OP_SQRT, OP_SUB_F, OP_TRUNC, OP_U2F, OP_UNIT,
} from '../build/opcodes';
import { finish } from '../finish';
import { each1, each2, eachWhere } from '../ops';
import { exp4, eachExp } from './exp';
import { log4, eachLog } from './log';
import { eachErf } from './erf';
import { eachNormal, eachPhilox } from './philox';
import { eachPow, powi4 } from './pow';
import { eachRsqrt } from './roots';
import { eachSigmoid } from './sigmoid';
import { eachSoftplus } from './softplus';
import { eachTanh } from './tanh';
import { eachCos, eachSin } from './trig';

/** Bytes free for the host behind the module's own data. */
export function heap(): usize {
  return (__heap_base + 63) & ~63;
}

/** Every NaN as 7fc00000, as where a result leaves a program. */
export function canonical(d: usize, bytes: usize): void {
  finish(d, bytes >> 2);
}

// By blocks, as the interpreter calls them: these two choose their form by what a block holds. `bytes` is a multiple of 1024.
export function exp(d: usize, a: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 1024) eachExp(d + at, a + at, 1024);
}
export function log(d: usize, a: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 1024) eachLog(d + at, a + at, 1024);
}
export function rsqrt(d: usize, a: usize, bytes: usize): void { eachRsqrt(d, a, bytes); }
export function tanh(d: usize, a: usize, bytes: usize): void { eachTanh(d, a, bytes); }
export function sigmoid(d: usize, a: usize, bytes: usize): void { eachSigmoid(d, a, bytes); }
export function softplus(d: usize, a: usize, bytes: usize): void { eachSoftplus(d, a, bytes); }
export function sin(d: usize, a: usize, bytes: usize): void { eachSin(d, a, bytes); }
export function cos(d: usize, a: usize, bytes: usize): void { eachCos(d, a, bytes); }
export function erf(d: usize, a: usize, bytes: usize): void { eachErf(d, a, bytes); }
export function pow(d: usize, a: usize, b: usize, bytes: usize): void { eachPow(d, a, b, bytes); }

/** exp and log by the forms for any operand. */
export function expWhole(d: usize, a: usize, bytes: usize): void {
  for (const end = d + bytes; d < end; d += 16, a += 16) v128.store(d, exp4(v128.load(a)));
}
export function logWhole(d: usize, a: usize, bytes: usize): void {
  for (const end = d + bytes; d < end; d += 16, a += 16) v128.store(d, log4(v128.load(a)));
}
export function powi(d: usize, a: usize, n: i32, bytes: usize): void {
  for (const end = d + bytes; d < end; d += 16, a += 16) v128.store(d, powi4(v128.load(a), n));
}

export function philox(d: usize, e0: usize, bytes: usize, stream: u32, step: u32, lo: u32, hi: u32): void {
  eachPhilox(d, e0, bytes, stream, step, lo, hi);
}
export function normal(d: usize, e0: usize, bytes: usize, stream: u32, step: u32, lo: u32, hi: u32): void {
  eachNormal(d, e0, bytes, stream, step, lo, hi);
}

export function neg(d: usize, a: usize, bytes: usize): void { each1(OP_NEG_F, d, a, bytes); }
export function abs(d: usize, a: usize, bytes: usize): void { each1(OP_ABS_F, d, a, bytes); }
export function sign(d: usize, a: usize, bytes: usize): void { each1(OP_SIGN_F, d, a, bytes); }
export function sqrt(d: usize, a: usize, bytes: usize): void { each1(OP_SQRT, d, a, bytes); }
export function floor(d: usize, a: usize, bytes: usize): void { each1(OP_FLOOR, d, a, bytes); }
export function ceil(d: usize, a: usize, bytes: usize): void { each1(OP_CEIL, d, a, bytes); }
export function trunc(d: usize, a: usize, bytes: usize): void { each1(OP_TRUNC, d, a, bytes); }
export function round(d: usize, a: usize, bytes: usize): void { each1(OP_ROUND, d, a, bytes); }
export function isFinite32(d: usize, a: usize, bytes: usize): void { each1(OP_ISFINITE, d, a, bytes); }
export function f32ToI32(d: usize, a: usize, bytes: usize): void { each1(OP_F2I, d, a, bytes); }
export function f32ToU32(d: usize, a: usize, bytes: usize): void { each1(OP_F2U, d, a, bytes); }
export function i32ToF32(d: usize, a: usize, bytes: usize): void { each1(OP_I2F, d, a, bytes); }
export function u32ToF32(d: usize, a: usize, bytes: usize): void { each1(OP_U2F, d, a, bytes); }
export function f32ToBool(d: usize, a: usize, bytes: usize): void { each1(OP_F2B, d, a, bytes); }
export function i32ToBool(d: usize, a: usize, bytes: usize): void { each1(OP_I2B, d, a, bytes); }
export function f32ToF16(d: usize, a: usize, bytes: usize): void { each1(OP_F2H, d, a, bytes); }
export function f16ToF32(d: usize, a: usize, bytes: usize): void { each1(OP_H2F, d, a, bytes); }
export function f32ToBf16(d: usize, a: usize, bytes: usize): void { each1(OP_F2BF, d, a, bytes); }
export function bf16ToF32(d: usize, a: usize, bytes: usize): void { each1(OP_BF2F, d, a, bytes); }
export function narrow(d: usize, a: usize, place: usize, bytes: usize): void { each2(OP_NARROW, d, a, place, bytes); }
export function uniform(d: usize, a: usize, bytes: usize): void { each1(OP_UNIT, d, a, bytes); }
export function add(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_ADD_F, d, a, b, bytes); }
export function sub(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_SUB_F, d, a, b, bytes); }
export function mul(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_MUL_F, d, a, b, bytes); }
export function div(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_DIV_F, d, a, b, bytes); }
export function max(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_MAX_F, d, a, b, bytes); }
export function min(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_MIN_F, d, a, b, bytes); }
export function eq(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_EQ_F, d, a, b, bytes); }
export function ne(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_NE_F, d, a, b, bytes); }
export function lt(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_LT_F, d, a, b, bytes); }
export function le(d: usize, a: usize, b: usize, bytes: usize): void { each2(OP_LE_F, d, a, b, bytes); }
export function where(d: usize, c: usize, a: usize, b: usize, bytes: usize): void { eachWhere(d, c, a, b, bytes); }
