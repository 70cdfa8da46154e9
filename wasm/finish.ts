/** Program outputs leave canonical: NaN becomes 7fc00000, and an exponent field of 255 raises the flag (N0). */
import { FLAG_NONFINITE } from './build/opcodes';
import { INFINITE, MAGNITUDE, NAN_BITS } from './constants';
import { raise } from './flags';

/** n elements of f16 or bf16 at p, in 32 bits each: `mask` has their exponent bits. */
export function check(p: usize, n: usize, mask: u32): void {
  const end = p + (n << 2);
  for (; p < end; p += 4) if ((load<u32>(p) & mask) == mask) raise(FLAG_NONFINITE);
}

/** n elements at p; healthy ones are only read. */
export function finish(p: usize, n: usize): void {
  const end = p + (n << 2);
  let at = p;
  // The greatest magnitudes, as integers: Inf and NaN are the patterns from 7f800000 on.
  const magnitude = v128.load(MAGNITUDE);
  let a = i32x4.splat(0);
  let b = a;
  for (; at + 64 <= end; at += 64) {
    a = i32x4.max_s(a, v128.and(v128.load(at), magnitude));
    b = i32x4.max_s(b, v128.and(v128.load(at, 16), magnitude));
    a = i32x4.max_s(a, v128.and(v128.load(at, 32), magnitude));
    b = i32x4.max_s(b, v128.and(v128.load(at, 48), magnitude));
  }
  let healthy = i32x4.all_true(i32x4.lt_s(i32x4.max_s(a, b), v128.load(INFINITE)));
  for (; at < end; at += 4) healthy = healthy && (load<u32>(at) & 0x7f800000) != 0x7f800000;
  if (healthy) return;
  raise(FLAG_NONFINITE);
  for (at = p; at < end; at += 4) if ((load<u32>(at) & 0x7fffffff) > 0x7f800000) store<u32>(at, NAN_BITS);
}
