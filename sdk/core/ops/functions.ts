/** exp log sqrt rsqrt tanh sigmoid softplus sin cos erf (N5) · pow powi · floor ceil trunc round (N3), with N12's derivatives. */

import { apply } from '../build.ts';
import { OptionError } from '../errors.ts';
import type { Node } from '../node.ts';
import { attrNumber, type Emit, type Op, type Value } from '../op.ts';
import type { ScalarOp } from '../scalar/ir.ts';
import { div, mul, neg, sub } from './arithmetic.ts';
import { eq, gt } from './compare.ts';
import { binary, type Local, mapOp, same, unary } from './elementwise.ts';
import { zeros } from './move.ts';
import { where } from './select.ts';

const fn = (name: ScalarOp, expr?: Local): Op => mapOp(name, same(name, ['f32']), (e, [x]) => e.row(name, x), expr);

/** 2/sqrt(pi) as f32, the bits 3f906ebb of N12. */
const TWO_OVER_SQRT_PI = 1.1283792;

export const EXP = fn('exp', (g, { y }) => mul(g, y));
export const LOG = fn('log', (g, { inputs: [x] }) => div(g, x));
export const SQRT = fn('sqrt', (g, { y }) => where(eq(y, 0), 0, div(mul(0.5, g), y)));
export const RSQRT = fn('rsqrt', (g, { y }) => mul(mul(neg(mul(0.5, g)), y), mul(y, y)));
export const TANH = fn('tanh', (g, { y }) => mul(g, sub(1, mul(y, y))));
export const SIGMOID = fn('sigmoid', (g, { y }) => mul(g, mul(y, sub(1, y))));
export const SOFTPLUS = fn('softplus', (g, { inputs: [x] }) => mul(g, sigmoid(x)));
export const SIN = fn('sin', (g, { inputs: [x] }) => mul(g, cos(x)));
export const COS = fn('cos', (g, { inputs: [x] }) => neg(mul(g, sin(x))));
export const ERF = fn('erf', (g, { inputs: [x] }) => mul(g, mul(TWO_OVER_SQRT_PI, exp(neg(mul(x, x))))));
export const FLOOR = fn('floor');
export const CEIL = fn('ceil');
export const TRUNC = fn('trunc');
export const ROUND = fn('round');

export const POW = mapOp(
  'pow',
  same('pow', ['f32']),
  (e, args) => e.row('pow', ...args),
  (g, { inputs: [a, b], y }, i) =>
    i === 0 ? where(eq(b, 0), 0, mul(g, mul(b, pow(a, sub(b, 1))))) : where(gt(a, 0), mul(g, mul(y, log(a))), 0),
);

/** Binary powering from the top bit (N5); each product is a rounding of its own. */
function powers(e: Emit, x: Value, n: number): Value {
  if (n === 0) return e.constant(1, 'f32');
  if (n < 0) return e.row('div_f', e.constant(1, 'f32'), powers(e, x, -n));
  let p = x;
  for (let bit = 30 - Math.clz32(n); bit >= 0; bit--) {
    p = e.row('mul_f', p, p);
    if ((n >>> bit) & 1) p = e.row('mul_f', p, x);
  }
  return p;
}

export const POWI = mapOp(
  'powi',
  same('powi', ['f32']),
  (e, [x], attrs) => powers(e, x, attrNumber(attrs, 'n')),
  (g, { inputs: [x], attrs }) => {
    const n = attrNumber(attrs, 'n');
    // x^0 is the constant 1: its derivative is 0 also where powi(x, -1) would be infinite.
    return n === 0 ? zeros(g, g.shape) : mul(g, mul(n, powi(x, n - 1)));
  },
);

export const exp = unary(EXP);
export const log = unary(LOG);
export const sqrt = unary(SQRT);
export const rsqrt = unary(RSQRT);
export const tanh = unary(TANH);
export const sigmoid = unary(SIGMOID);
export const softplus = unary(SOFTPLUS);
export const sin = unary(SIN);
export const cos = unary(COS);
export const erf = unary(ERF);
export const floor = unary(FLOOR);
export const ceil = unary(CEIL);
export const trunc = unary(TRUNC);
export const round = unary(ROUND);
export const pow = binary(POW);

/** x to a static integer power. */
export function powi(x: Node, n: number): Node {
  if (!Number.isInteger(n) || Math.abs(n) > 2 ** 24) {
    throw new OptionError(`powi: ${n} is no integer of at most 2^24 in magnitude`, {
      hint: 'Use pow() for other exponents.',
      details: { n },
    });
  }
  return apply(POWI, [x], { n });
}
