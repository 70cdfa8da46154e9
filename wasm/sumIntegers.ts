/** Integer sums wrap modulo 2^32 (N7), so their order is free. */
import { REGISTER_STRIDE } from './build/opcodes';
import { BLOCK } from './constants';
import { copyExact } from './copy';
import { operand } from './operand';
import { own } from './own';

const TOTALS: usize = memory.data(REGISTER_STRIDE, 64);

@inline
function sumWords(p: usize, n: usize): u32 {
  let lanes = i32x4.splat(0);
  const end = p + (n << 2);
  for (; p + 16 <= end; p += 16) lanes = i32x4.add(lanes, v128.load(p));
  lanes = i32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3));
  let total: u32 = i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1);
  for (; p < end; p += 4) total += load<u32>(p);
  return total;
}

/** dst[o, j] = sum over i of element [o, i, j], for slabs o of [begin, end) and columns j of [from, to). */
export function sumIntegers(
  prog: usize, src: usize, begin: usize, end: usize, n: usize, inner: usize, from: usize, to: usize, dst: usize,
): void {
  if (inner == 1) {
    for (let o = begin; o < end; o++) {
      let total: u32 = 0;
      for (let i: usize = 0; i < n; i += BLOCK) {
        const m = min(BLOCK, n - i);
        total += sumWords(operand(prog, src, o * n + i, m), m);
      }
      store<u32>(dst + (o << 2), total);
    }
    return;
  }
  for (let o = begin; o < end; o++) {
    for (let j = from; j < to; j += BLOCK) {
      const width = min(BLOCK, to - j);
      const bytes = ((width + 3) & ~3) << 2;
      memory.fill(own(TOTALS), 0, bytes);
      for (let i: usize = 0; i < n; i++) {
        const p = operand(prog, src, (o * n + i) * inner + j, width);
        for (let at: usize = 0; at < bytes; at += 16) {
          v128.store(own(TOTALS) + at, i32x4.add(v128.load(own(TOTALS) + at), v128.load(p + at)));
        }
      }
      copyExact(dst + ((o * inner + j) << 2), own(TOTALS), width);
    }
  }
}
