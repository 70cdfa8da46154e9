/** N9: f32 to the bits of f16 and bf16 and back, on integers. Halves are canonical: f16 has no -0, bf16 nothing that S would change. */

import { isnan } from './bits.ts';
import { wgsl } from './wgsl.ts';

/** The nearest f16, ties to even; subnormals are kept, overflow is Inf. */
export const f2h = wgsl(
  'f2h',
  [isnan],
  /* wgsl */ `
fn op_f2h(u: u32) -> u32 {
  let a = u & 0x7fffffffu;
  let m = (a & 0x7fffffu) | 0x800000u;
  let h = (126u - (a >> 23u)) & 31u;
  let small = (m + ((1u << h) >> 1u) - 1u + ((m >> h) & 1u)) >> h;
  let normal = (a - 0x38000000u + 0xfffu + ((a >> 13u) & 1u)) >> 13u;
  let half = select(select(small, normal, a >= 0x38800000u), 0x7c00u, a >= 0x477ff000u);
  let signed = select(((u >> 16u) & 0x8000u) | half, 0u, a <= 0x33000000u);
  return select(signed, 0x7e00u, isnan(u));
}`,
);

export const h2f = wgsl(
  'h2f',
  [],
  /* wgsl */ `
fn op_h2f(u: u32) -> u32 {
  let sign = (u & 0x8000u) << 16u;
  let a = (u & 0x7fffu) << 13u;
  let m = u & 0x3ffu;
  let z = countLeadingZeros(m);
  let small = ((134u - z) << 23u) | ((m << ((z - 8u) & 31u)) & 0x7fffffu);
  let normal = select(a + 0x38000000u, a | 0x7f800000u, (u & 0x7c00u) == 0x7c00u);
  let value = select(normal, small, (u & 0x7c00u) == 0u);
  return select(sign | value, 0u, (u & 0x7fffu) == 0u);
}`,
);

/** The nearest bf16, ties to even. */
export const f2bf = wgsl(
  'f2bf',
  [isnan],
  /* wgsl */ `
fn op_f2bf(u: u32) -> u32 {
  return select((u + 0x7fffu + ((u >> 16u) & 1u)) >> 16u, 0x7fc0u, isnan(u));
}`,
);

/** N6: an operand rounded to a multiple of `place` of its pattern, ties to even; Inf of its sign from 2^64 on. */
export const narrow = wgsl(
  'narrow',
  [isnan],
  /* wgsl */ `
fn op_narrow(u: u32, place: u32) -> u32 {
  let r = (u + (place >> 1u) - select(1u, 0u, (u & place) != 0u)) & (0u - place);
  let inf = (u & 0x80000000u) | 0x7f800000u;
  return select(select(r, inf, (r & 0x7fffffffu) >= 0x5f800000u), u, isnan(u));
}`,
);

export const bf2f = wgsl(
  'bf2f',
  [],
  /* wgsl */ `
fn op_bf2f(u: u32) -> u32 {
  return u << 16u;
}`,
);
