/** G of N2: the guard around each rounding. */

import { wgsl } from './wgsl.ts';

/**
 * `gz` holds 0, which only run time knows: the entry point reads it from a read_write storage word. The xor is integer
 * work on an unknown value, so the f32 result has to exist as bits, rounded, and no f32 algebra reaches across.
 */
export const guard = wgsl(
  'guard',
  [],
  /* wgsl */ `
var<private> gz: u32;

fn G(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) ^ gz);
}`,
);

/** A kernel without its guards: what the compiler may then do to the roundings is the driver's own affair. */
export const unguarded = (code: string): string =>
  code.replace(guard.code, 'var<private> gz: u32;\n\nfn G(x: f32) -> f32 {\n  return x;\n}');
