/** N3 on f32: one rounding, then S. */

import { snap } from './bits.ts';
import { guard } from './guard.ts';
import { wgsl } from './wgsl.ts';

// Operands may come from code that the compiler knows: b could be a itself, or a select with a 0 in it. Hidden by `| gz`,
// a - a and x * select(0, y) cannot be folded to a 0 where Inf or NaN make NaN. It is not `^ gz`, which would cancel the
// guard that the operand has already: (x ^ gz) ^ gz is x, but (x ^ gz) | gz is x | gz.

export const add = wgsl(
  'add',
  [guard, snap],
  /* wgsl */ `
fn op_add(a: u32, b: u32) -> u32 {
  return S(bitcast<u32>(G(bitcast<f32>(a) + bitcast<f32>(b | gz))));
}`,
);

export const sub = wgsl(
  'sub',
  [guard, snap],
  /* wgsl */ `
fn op_sub(a: u32, b: u32) -> u32 {
  return S(bitcast<u32>(G(bitcast<f32>(a) - bitcast<f32>(b | gz))));
}`,
);

export const mul = wgsl(
  'mul',
  [guard, snap],
  /* wgsl */ `
fn op_mul(a: u32, b: u32) -> u32 {
  return S(bitcast<u32>(G(bitcast<f32>(a | gz) * bitcast<f32>(b | gz))));
}`,
);
