/** N5, exp: Cody-Waite reduction, a polynomial of degree 6. */

import { isnan, snap } from './bits.ts';
import { guard } from './guard.ts';
import { f32, horner, wgsl } from './wgsl.ts';

const LOG2E = f32('3fb8aa3b');
/** ln 2 in two pieces of 16 bits, so that n times each is exact. */
const LN2_HIGH = f32('3f317200');
const LN2_LOW = f32('35bfbf00');

/** x = n ln 2 + r; r1 and w let callers recover the low bits of r. */
export const red = wgsl(
  'red',
  [guard],
  /* wgsl */ `
struct Reduced {
  n: f32,
  r1: f32,
  w: f32,
  r: f32,
}

fn red(x: f32) -> Reduced {
  let n = round(G(x * ${LOG2E}));
  let r1 = G(x - n * ${LN2_HIGH}); // exact: 8 bits of n times 16
  let w = n * ${LN2_LOW}; // exact: 8 bits of n times 16
  return Reduced(n, r1, w, G(r1 - w));
}`,
);

/** (e^r - 1 - r) / r^2 */
export const q4 = wgsl(
  'q4',
  [guard],
  /* wgsl */ `
fn q4(r: f32) -> f32 {
  return ${horner('r', ['3ab5259b', '3c091cc7', '3d2aac59', '3e2aaa49', '3efffffe'])};
}`,
);

/** +Inf above 42b17217, 0 below c2ad496b. */
export const exp = wgsl(
  'exp',
  [red, q4, guard, snap, isnan],
  /* wgsl */ `
fn op_exp(u: u32) -> u32 {
  let above = bitcast<i32>(u) > 0x42b17217;
  let x = select(select(u, 0xc2ae0000u, u > 0xc2ae0000u), 0x42b17217u, above);
  let a = red(bitcast<f32>(x));
  let t = G(G(G(a.r * a.r) * q4(a.r)) + a.r);
  let y = S(bitcast<u32>(G(t + 1.0)) + (bitcast<u32>(i32(a.n)) << 23u));
  return select(select(y, 0x7f800000u, above), 0x7fc00000u, isnan(u));
}`,
);
