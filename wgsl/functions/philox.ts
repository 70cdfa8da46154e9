/** N8: Philox4x32-10 and what is made of its words. */

import { mul } from './arithmetic.ts';
import { snap } from './bits.ts';
import { guard } from './guard.ts';
import { log } from './log.ts';
import { mulhi } from './mulhi.ts';
import { sqrt } from './sqrt.ts';
import { kern } from './trig.ts';
import { f32, wgsl } from './wgsl.ts';

/** The words of elements 4 block .. 4 block + 3. A flat index has 32 bits, so the counter's second word is 0. */
export const philox4 = wgsl(
  'philox4',
  [mulhi],
  /* wgsl */ `
fn philox4(block: u32, step: u32, seedLo: u32, seedHi: u32, stream: u32) -> vec4<u32> {
  var c = vec4<u32>(block, 0u, stream, step);
  var k0 = seedLo;
  var k1 = seedHi;
  for (var i = 0u; i < 10u; i++) {
    let h0 = mulhi(0xd2511f53u, c.x);
    let h1 = mulhi(0xcd9e8d57u, c.z);
    c = vec4<u32>(h1 ^ c.y ^ k0, 0xcd9e8d57u * c.z, h0 ^ c.w ^ k1, 0xd2511f53u * c.x);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return c;
}`,
);

export const philox = wgsl(
  'philox',
  [philox4],
  /* wgsl */ `
fn op_philox(i: u32, step: u32, seedLo: u32, seedHi: u32, stream: u32) -> u32 {
  return philox4(i >> 2u, step, seedLo, seedHi, stream)[i & 3u];
}`,
);

/** In [0, 1), a multiple of 2^-24. */
export const unit = wgsl(
  'unit',
  [guard, snap],
  /* wgsl */ `
fn op_unit(w: u32) -> u32 {
  return S(bitcast<u32>(G(f32(w >> 8u) * bitcast<f32>(0x33800000u))));
}`,
);

/** sqrt(-2 log u) for the u in (0, 1) of a word: Box-Muller's radius. */
export const radius = wgsl(
  'radius',
  [mul, log, sqrt, guard],
  /* wgsl */ `
fn radius(w: u32) -> u32 {
  let u = G(G(f32(w >> 9u) + 0.5) * bitcast<f32>(0x34000000u));
  return op_sqrt(op_mul(0xc0000000u, op_log(bitcast<u32>(u))));
}`,
);

/** sin of a word's angle, turned: the top two bits are the quadrant, the next 22 the angle in it, from -1/2 to 1/2. */
export const turn = wgsl(
  'turn',
  [kern, guard],
  /* wgsl */ `
fn turn(w: u32, quarter: u32) -> u32 {
  let t = G(G(f32((w >> 8u) & 0x3fffffu) - 2097151.5) * bitcast<f32>(0x34800000u));
  return kern(bitcast<i32>((w >> 30u) + quarter), G(t * ${f32('3fc90fdb')}), bitcast<f32>(gz));
}`,
);

/** The normal numbers of elements 4 block .. 4 block + 3. */
export const normal4 = wgsl(
  'normal4',
  [philox4, radius, turn, mul],
  /* wgsl */ `
fn normal4(block: u32, step: u32, seedLo: u32, seedHi: u32, stream: u32) -> vec4<u32> {
  let w = philox4(block, step, seedLo, seedHi, stream);
  let m0 = radius(w.x);
  let m1 = radius(w.z);
  return vec4<u32>(
    op_mul(m0, turn(w.y, 1u)),
    op_mul(m0, turn(w.y, 0u)),
    op_mul(m1, turn(w.w, 1u)),
    op_mul(m1, turn(w.w, 0u)),
  );
}`,
);

export const normal = wgsl(
  'normal',
  [philox4, radius, turn, mul],
  /* wgsl */ `
fn op_normal(i: u32, step: u32, seedLo: u32, seedHi: u32, stream: u32) -> u32 {
  let w = philox4(i >> 2u, step, seedLo, seedHi, stream);
  let pair = select(w.xy, w.zw, (i & 2u) != 0u);
  return op_mul(radius(pair.x), turn(pair.y, 1u - (i & 1u)));
}`,
);
