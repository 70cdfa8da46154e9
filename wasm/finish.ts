/** Program outputs leave canonical: NaN becomes 7fc00000, and an exponent field of 255 raises the flag (N0). */
import { FLAG_NONFINITE } from './build/opcodes';
import { INFINITE, NAN_BITS } from './constants';
import { raise } from './flags';

/** n elements at p; healthy ones are only read. */
export function finish(p: usize, n: usize): void {
  const inf = v128.load(INFINITE);
  const end = p + (n << 2);
  let at = p;
  let finite = i32x4.splat(-1);
  for (; at + 64 <= end; at += 64) {
    const a = v128.and(f32x4.lt(f32x4.abs(v128.load(at)), inf), f32x4.lt(f32x4.abs(v128.load(at, 16)), inf));
    const b = v128.and(f32x4.lt(f32x4.abs(v128.load(at, 32)), inf), f32x4.lt(f32x4.abs(v128.load(at, 48)), inf));
    finite = v128.and(finite, v128.and(a, b));
  }
  let healthy = i32x4.all_true(finite);
  for (; at < end; at += 4) healthy = healthy && (load<u32>(at) & 0x7f800000) != 0x7f800000;
  if (healthy) return;
  raise(FLAG_NONFINITE);
  for (at = p; at < end; at += 4) if ((load<u32>(at) & 0x7fffffff) > 0x7f800000) store<u32>(at, NAN_BITS);
}
