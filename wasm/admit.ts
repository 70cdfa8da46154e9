/** Uploads enter canonical (N0): small values and -0 become +0, any NaN becomes 7fc00000. */
import { FLAG_NONFINITE } from './build/opcodes';
import { finish } from './finish';
import { takeFlags } from './flags';

/** n f32 elements at p, in place; answers FLAG_NONFINITE when one is Inf or NaN. */
export function admit(p: usize, n: usize): u32 {
  const exponent = i32x4.splat(0x7f000000);
  const end = p + (n << 2);
  let at = p;
  for (; at + 16 <= end; at += 16) {
    const x = v128.load(at);
    v128.store(at, v128.andnot(x, i32x4.eq(v128.and(x, exponent), i32x4.splat(0))));
  }
  for (; at < end; at += 4) if ((load<u32>(at) & 0x7f000000) == 0) store<u32>(at, 0);
  finish(p, n);
  return takeFlags() & FLAG_NONFINITE;
}
