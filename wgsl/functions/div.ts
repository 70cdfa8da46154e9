/** N5, div: correctly rounded by an integer residual. */

import { isnan, snap } from './bits.ts';
import { quotient } from './quotient.ts';
import { wgsl } from './wgsl.ts';

/** a / b for the patterns of two finite positive numbers. No tie can arise. */
export const idiv = wgsl(
  'idiv',
  [quotient],
  /* wgsl */ `
fn idiv(a: u32, b: u32) -> u32 {
  let ma = (a & 0x7fffffu) | 0x800000u;
  let mb = (b & 0x7fffffu) | 0x800000u;
  let less = ma < mb;
  let e = bitcast<i32>(a & 0x7f800000u) - bitcast<i32>(b & 0x7f800000u) - select(0, 0x800000, less);
  let t = quotient(select(ma, 2u * ma, less), mb);
  let y = bitcast<u32>(e) + 0x3f000000u + t.q + select(0u, 1u, 2 * t.r > bitcast<i32>(mb));
  return select(select(y, 0u, e < -0x3e800000), 0x7f800000u, e > 0x3f800000);
}`,
);

/** 0/0 and Inf/Inf are NaN, x/0 and Inf/x Inf, 0/x and x/Inf 0. */
export const div = wgsl(
  'div',
  [idiv, isnan, snap],
  /* wgsl */ `
fn op_div(a: u32, b: u32) -> u32 {
  let sign = (a ^ b) & 0x80000000u;
  let x = a & 0x7fffffffu;
  let y = b & 0x7fffffffu;
  var q = S(idiv(x, y) | sign);
  q = select(q, 0u, (x == 0u) | (y == 0x7f800000u));
  q = select(q, sign | 0x7f800000u, (y == 0u) | (x == 0x7f800000u));
  return select(q, 0x7fc00000u, isnan(a) | isnan(b) | ((x == y) & ((x == 0u) | (x == 0x7f800000u))));
}`,
);
