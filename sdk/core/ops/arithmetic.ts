/** neg abs sign · add sub mul div · maximum minimum relu clamp (N1, N3); integers wrap modulo 2^32. */

import { apply } from '../build.ts';
import type { ComputeDType } from '../dtype.ts';
import { OptionError } from '../errors.ts';
import type { Node } from '../node.ts';
import { attrNumber, type Op } from '../op.ts';
import type { ScalarOp } from '../scalar/ir.ts';
import { and, eq, ge, gt, le, lt } from './compare.ts';
import { binary, type Local, mapOp, same, unary } from './elementwise.ts';
import { where } from './select.ts';

const NUMBERS: readonly ComputeDType[] = ['f32', 'i32', 'u32'];

/** An op with one scalar row a dtype. */
function rows(name: string, table: Partial<Record<ComputeDType, ScalarOp>>, expr?: Local): Op {
  const allowed = Object.keys(table) as ComputeDType[];
  return mapOp(
    name,
    same(name, allowed),
    (e, args, _, dtypes) => e.row(table[dtypes[0] as ComputeDType]!, ...args),
    expr,
  );
}

export const NEG = rows('neg', { f32: 'neg_f', i32: 'neg_i', u32: 'neg_i' }, (g) => neg(g));
export const ABS = rows('abs', { f32: 'abs_f', i32: 'abs_s', u32: 'copy' }, (g, { inputs: [x] }) => mul(g, sign(x)));
export const SIGN = rows('sign', { f32: 'sign_f', i32: 'sign_s', u32: 'sign_u' });
export const ADD = rows('add', { f32: 'add_f', i32: 'add_i', u32: 'add_i' }, (g) => g);
export const SUB = rows('sub', { f32: 'sub_f', i32: 'sub_i', u32: 'sub_i' }, (g, _, i) => (i === 0 ? g : neg(g)));
export const MUL = rows('mul', { f32: 'mul_f', i32: 'mul_i', u32: 'mul_i' }, (g, { inputs }, i) =>
  mul(g, inputs[1 - i]),
);
export const DIV = rows('div', { f32: 'div_f' }, (g, { inputs: [, b], y }, i) => {
  const t = div(g, b);
  return i === 0 ? t : neg(mul(t, y));
});

/** g where this operand is strictly chosen, half of it at ties, else 0. */
const chosen =
  (better: (a: Node, b: Node) => Node): Local =>
  (g, { inputs }, i) => {
    const [mine, other] = [inputs[i], inputs[1 - i]];
    return where(better(mine, other), g, where(eq(mine, other), mul(0.5, g), 0));
  };
export const MAXIMUM = rows('maximum', { f32: 'max_f', i32: 'max_s', u32: 'max_u' }, chosen(gt));
export const MINIMUM = rows('minimum', { f32: 'min_f', i32: 'min_s', u32: 'min_u' }, chosen(lt));

export const RELU = mapOp(
  'relu',
  same('relu', ['f32']),
  (e, [x]) => e.row('max_f', x, e.constant(0, 'f32')),
  (g, { inputs: [x] }) => where(gt(x, 0), g, 0),
);

export const CLAMP = mapOp(
  'clamp',
  same('clamp', NUMBERS),
  (e, [x], attrs, [dtype]) => {
    const s = dtype === 'f32' ? 'f' : dtype === 'i32' ? 's' : 'u';
    const low = e.row(`max_${s}`, x, e.constant(attrNumber(attrs, 'low'), dtype));
    return e.row(`min_${s}`, low, e.constant(attrNumber(attrs, 'high'), dtype));
  },
  (g, { inputs: [x], attrs }) => where(and(ge(x, attrNumber(attrs, 'low')), le(x, attrNumber(attrs, 'high'))), g, 0),
);

export const neg = unary(NEG);
export const abs = unary(ABS);
export const sign = unary(SIGN);
export const add = binary(ADD);
export const sub = binary(SUB);
export const mul = binary(MUL);
export const div = binary(DIV);
export const maximum = binary(MAXIMUM);
export const minimum = binary(MINIMUM);
export const relu = unary(RELU);

export function clamp(x: Node, low: number, high: number): Node {
  if (!(low <= high)) {
    throw new OptionError(`clamp: low ${low} is above high ${high}`, {
      hint: 'Give low <= high.',
      details: { low, high },
    });
  }
  return apply(CLAMP, [x], { low, high });
}
