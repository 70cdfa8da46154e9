/** N3: rounding to integers. From 2^23 up, Inf and NaN included, an f32 stays as it is. */

import { snap } from './bits.ts';
import { type Wgsl, wgsl } from './wgsl.ts';

/** WGSL's `round` takes ties to even. */
const rounding = (name: 'floor' | 'ceil' | 'trunc' | 'round'): Wgsl =>
  wgsl(
    name,
    [snap],
    /* wgsl */ `
fn op_${name}(u: u32) -> u32 {
  return select(S(bitcast<u32>(${name}(bitcast<f32>(u)))), u, (u & 0x7fffffffu) >= 0x4b000000u);
}`,
  );

export const floor = rounding('floor');
export const ceil = rounding('ceil');
export const trunc = rounding('trunc');
export const round = rounding('round');
