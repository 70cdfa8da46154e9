/** The high word of a product of two u32, by limbs of 16 bits: WGSL has no 64-bit integers. */

import { wgsl } from './wgsl.ts';

export const mulhi = wgsl(
  'mulhi',
  [],
  /* wgsl */ `
fn mulhi(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let t = ah * bl + ((al * bl) >> 16u);
  let w = al * bh + (t & 0xffffu);
  return ah * bh + (t >> 16u) + (w >> 16u);
}`,
);
