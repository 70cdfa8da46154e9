/** N5, tanh: odd polynomial below 0.625, else (1 - e^-2a) / (1 + e^-2a) as an integer ratio. */

import { isnan, snap } from './bits.ts';
import { q4, red } from './exp.ts';
import { guard } from './guard.ts';
import { ratio } from './ratio.ts';
import { scaled } from './sigmoid.ts';
import { horner, wgsl } from './wgsl.ts';

const T = ['bbbabad9', '3ca90621', 'bd5c1bf1', '3e088380', 'beaaaa99'];

export const tanh = wgsl(
  'tanh',
  [red, q4, scaled, ratio, guard, snap, isnan],
  /* wgsl */ `
fn op_tanh(u: u32) -> u32 {
  let magnitude = u & 0x7fffffffu;
  let a = bitcast<f32>(select(magnitude, 0x41200000u, magnitude > 0x41200000u));
  let s = G(a * a);
  let small = G(a + G(G(a * s) * ${horner('s', T)}));
  let b = red(G(-2.0 * a));
  let t = G(G(G(b.r * b.r) * q4(b.r)) + b.r);
  let e = scaled(t, -i32(b.n));
  let large = ratio(0x8000000u - e, 0x8000000u + e);
  let y = select(large, bitcast<u32>(small), magnitude < 0x3f200000u);
  return select(S(y | (u & 0x80000000u)), 0x7fc00000u, isnan(u));
}`,
);
