/** N5, sin and cos: one reduction, one kernel. */

import { Angle, rc, rp } from './angle.ts';
import { snap } from './bits.ts';
import { guard } from './guard.ts';
import { horner, wgsl } from './wgsl.ts';

/** The pattern of sin(r + c) turned by q quarter turns. */
export const kern = wgsl(
  'kern',
  [guard, snap],
  /* wgsl */ `
fn kern(q: i32, r: f32, c: f32) -> u32 {
  let z = G(r * r);
  var y: f32;
  if ((q & 1) != 0) {
    let w = G(G(G(z * z) * ${horner('z', ['37ccf40b', 'bab60614', '3d2aaaa5'])}) - G(r * c));
    let d = 0.5 * z; // exact: a power of two
    let h = G(1.0 - d);
    y = G(h + G(G(G(1.0 - h) - d) + w));
  } else {
    y = G(r + G(G(G(r * z) * ${horner('z', ['b94ca8fd', '3c0883ba', 'be2aaaa3'])}) + c));
  }
  return S(bitcast<u32>(y) ^ (bitcast<u32>(q & 2) << 30u));
}`,
);

/** sin of the pattern u, turned; NaN for Inf and NaN. */
export const turned = wgsl(
  'turned',
  [Angle, rc, rp, kern],
  /* wgsl */ `
fn turned(u: u32, quarter: i32) -> u32 {
  var a: Angle;
  if ((u & 0x7fffffffu) <= 0x46000000u) {
    a = rc(bitcast<f32>(u));
  } else {
    a = rp(u);
  }
  return select(kern(a.n + quarter, a.r, a.c), 0x7fc00000u, (u & 0x7f800000u) == 0x7f800000u);
}`,
);

export const sin = wgsl(
  'sin',
  [turned],
  /* wgsl */ `
fn op_sin(u: u32) -> u32 {
  return turned(u, 0);
}`,
);

export const cos = wgsl(
  'cos',
  [turned],
  /* wgsl */ `
fn op_cos(u: u32) -> u32 {
  return turned(u, 1);
}`,
);
