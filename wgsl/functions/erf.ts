/** N5, erf: odd polynomial to 0.875, else 1 - exp(P) with the low part of P. */

import { isnan, snap } from './bits.ts';
import { q4, red } from './exp.ts';
import { guard } from './guard.ts';
import { f32, horner, wgsl } from './wgsl.ts';

const P = ['38a4c53b', 'ba525d11', '3baa1812', 'bcdbffc1', '3de716ae', 'bec093a0', '3e0375d4'];
const Q0 = f32('b7910000');
const Q1 = f32('39c8e7d9');
const V0 = f32('bb7e8a1c');
const V1 = f32('3cc6b1a1');
const Q2 = f32('bddaae5c');
const Q3 = f32('bf228550');
const Q4 = f32('be03ce86');

/** Of a pattern t >= 0. Tiny t is taken 2^64 times larger, so that P * t cannot be flushed. */
export const erfSmall = wgsl(
  'erfSmall',
  [guard],
  /* wgsl */ `
fn erfSmall(t: u32) -> u32 {
  let s = G(bitcast<f32>(t) * bitcast<f32>(t));
  let h = select(0u, 0x20000000u, t < 0x21000000u);
  let x = bitcast<f32>(t + h);
  let p = ${horner('s', P)};
  return bitcast<u32>(G(G(p * x) + x)) - h;
}`,
);

export const erfLarge = wgsl(
  'erfLarge',
  [red, q4, guard],
  /* wgsl */ `
fn erfLarge(t: f32) -> u32 {
  let s = G(t * t);
  let v = G(G(${V0} * t) + ${V1});
  let q1 = G(G(G(G(${Q0} * t) + ${Q1}) * s) + v);
  let q2 = G(G(q1 * t) + ${Q2});
  let q3 = G(G(q2 * t) + ${Q3});
  let w = G(G(G(q3 * t) + ${Q4}) * t);
  let e = G(w - t);
  let c = G(w - G(e + t));
  let a = red(e);
  let j = G(G(G(G(a.r * a.r) * q4(a.r)) + c) + a.r);
  let p = bitcast<f32>(bitcast<u32>(127 + i32(a.n)) << 23u);
  return bitcast<u32>(G(G(1.0 - p) - p * j)); // exact: a power of two
}`,
);

export const erf = wgsl(
  'erf',
  [erfSmall, erfLarge, snap, isnan],
  /* wgsl */ `
fn op_erf(u: u32) -> u32 {
  let magnitude = u & 0x7fffffffu;
  let t = select(magnitude, 0x40800000u, magnitude > 0x40800000u);
  let y = select(erfLarge(bitcast<f32>(t)), erfSmall(t), t <= 0x3f600000u);
  return select(S(y | (u & 0x80000000u)), 0x7fc00000u, isnan(u));
}`,
);
