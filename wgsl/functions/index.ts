/** Every op of the scalar IR in WGSL. Values between ops are `u32`: f32 as its pattern, in which a NaN may have any. */

import type { ScalarOp } from '../../sdk/core/scalar/ir.ts';
import { add, mul, sub } from './arithmetic.ts';
import { f2i, f2u, i2f, u2f } from './cast.ts';
import { eq, le, lt, max, min, ne } from './compare.ts';
import { div } from './div.ts';
import { erf } from './erf.ts';
import { exp } from './exp.ts';
import { bf2f, f2bf, f2h, h2f, narrow } from './half.ts';
import { log } from './log.ts';
import { normal, philox, unit } from './philox.ts';
import { pow } from './pow.ts';
import { ceil, floor, round, trunc } from './round.ts';
import { sigmoid } from './sigmoid.ts';
import { neg, sign } from './sign.ts';
import { softplus } from './softplus.ts';
import { rsqrt, sqrt } from './sqrt.ts';
import { tanh } from './tanh.ts';
import { cos, sin } from './trig.ts';
import type { Wgsl } from './wgsl.ts';

export { add, mul, sub } from './arithmetic.ts';
export { canonical, isnan, leaf, order, snap, window } from './bits.ts';
export { max, min } from './compare.ts';
export { div } from './div.ts';
export { guard, unguarded } from './guard.ts';
export { mulhi } from './mulhi.ts';
export { normal4, philox4 } from './philox.ts';
export { constant, f32, include, type Wgsl, wgsl } from './wgsl.ts';

/** One op: an expression of u32 expressions, and the pieces it uses. Arguments are names, literals or in parentheses. */
export interface WgslOp {
  readonly needs: readonly Wgsl[];
  /**
   * Unary (a), binary (a, b), where (c, a, b), iota (index), philox and normal (index, step, seedLo, seedHi, stream);
   * the index is the flat one.
   */
  call(...args: string[]): string;
}

/** An op that is a function `op_…` of the same name. */
const calls = (f: Wgsl): WgslOp => ({ needs: [f], call: (...args) => `op_${f.name}(${args.join(', ')})` });
const inline = (call: (...args: string[]) => string): WgslOp => ({ needs: [], call });
const infix = (symbol: string): WgslOp => inline((a, b) => `(${a} ${symbol} ${b})`);
const signed = (a: string): string => `bitcast<i32>(${a})`;
const bool = (condition: string): string => `select(0u, 1u, ${condition})`;
const test = (symbol: string): WgslOp => inline((a, b) => bool(`${a} ${symbol} ${b}`));
const testSigned = (symbol: string): WgslOp => inline((a, b) => bool(`${signed(a)} ${symbol} ${signed(b)}`));
const nonzero: WgslOp = inline((a) => bool(`${a} != 0u`));

export const FUNCTIONS: Readonly<Record<ScalarOp, WgslOp>> = {
  copy: inline((a) => a),
  neg_f: calls(neg),
  abs_f: inline((a) => `(${a} & 0x7fffffffu)`),
  sign_f: calls(sign),
  exp: calls(exp),
  log: calls(log),
  sqrt: calls(sqrt),
  rsqrt: calls(rsqrt),
  tanh: calls(tanh),
  sigmoid: calls(sigmoid),
  softplus: calls(softplus),
  sin: calls(sin),
  cos: calls(cos),
  erf: calls(erf),
  floor: calls(floor),
  ceil: calls(ceil),
  trunc: calls(trunc),
  round: calls(round),
  add_f: calls(add),
  sub_f: calls(sub),
  mul_f: calls(mul),
  div_f: calls(div),
  pow: calls(pow),
  max_f: calls(max),
  min_f: calls(min),
  eq_f: calls(eq),
  ne_f: calls(ne),
  lt_f: calls(lt),
  le_f: calls(le),
  isFinite: inline((a) => bool(`(${a} & 0x7f800000u) != 0x7f800000u`)),
  neg_i: inline((a) => `(0u - ${a})`),
  abs_s: inline((a) => `select(${a}, 0u - ${a}, ${a} >= 0x80000000u)`),
  sign_s: inline((a) => `select(select(1u, 0xffffffffu, ${a} >= 0x80000000u), 0u, ${a} == 0u)`),
  sign_u: nonzero,
  add_i: infix('+'),
  sub_i: infix('-'),
  mul_i: infix('*'),
  max_s: inline((a, b) => `select(${b}, ${a}, ${signed(a)} > ${signed(b)})`),
  min_s: inline((a, b) => `select(${b}, ${a}, ${signed(a)} < ${signed(b)})`),
  max_u: inline((a, b) => `select(${b}, ${a}, ${a} > ${b})`),
  min_u: inline((a, b) => `select(${b}, ${a}, ${a} < ${b})`),
  eq_i: test('=='),
  ne_i: test('!='),
  lt_s: testSigned('<'),
  le_s: testSigned('<='),
  lt_u: test('<'),
  le_u: test('<='),
  and: infix('&'),
  or: infix('|'),
  xor: infix('^'),
  not: inline((a) => bool(`${a} == 0u`)),
  where: inline((c, a, b) => `select(${b}, ${a}, ${c} != 0u)`),
  f2i: calls(f2i),
  f2u: calls(f2u),
  i2f: calls(i2f),
  u2f: calls(u2f),
  f2b: nonzero,
  i2b: nonzero,
  f2h: calls(f2h),
  h2f: calls(h2f),
  f2bf: calls(f2bf),
  bf2f: calls(bf2f),
  narrow: calls(narrow),
  unit: calls(unit),
  iota: inline((i) => i),
  philox: calls(philox),
  normal: calls(normal),
};
