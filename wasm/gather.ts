/**
 * dst[o, i, j] = src[o, index, j]; out of range gives `missing` (NaN, or 0 for integers) and raises a flag (N7).
 *
 * Record: [kind, words, missing, outer, v, n, inner, src, idx, idxOuter, idxAxis, idxInner, dst].
 */
import { FLAG_INDEX } from './build/opcodes';
import { copyExact, fillExact } from './copy';
import { raise } from './flags';
import { word } from './words';

export function gather(r: usize): void {
  gatherRows(r, 0, word(r, 3) * word(r, 5));
}

/** Rows [begin, end) of the outer * n rows of dst. */
export function gatherRows(r: usize, begin: usize, end: usize): void {
  const missing = load<u32>(r, 8);
  const v: usize = word(r, 4);
  const n: usize = word(r, 5);
  const inner: usize = word(r, 6);
  let src: usize = word(r, 7);
  let idx: usize = word(r, 8);
  const idxOuter: usize = word(r, 9) << 2;
  const idxAxis: usize = word(r, 10) << 2;
  const idxInner: usize = word(r, 11) << 2;
  let dst: usize = word(r, 12);
  const row = inner << 2;
  let failed = false;
  const first: usize = n == 0 ? 0 : begin / n;
  src += first * v * row;
  idx += first * idxOuter;
  dst += begin * row;
  for (let at0 = begin; at0 < end; ) {
    const i0 = at0 % n;
    const last = min(n, i0 + end - at0);
    for (let i = i0, at = idx + i0 * idxAxis; i < last; i++, at += idxAxis, dst += row) {
      if (inner == 1) {
        const d = load<usize>(at);
        if (d >= v) failed = true;
        store<u32>(dst, d < v ? load<u32>(src + (d << 2)) : missing);
      } else if (idxInner == 0) {
        const d = load<usize>(at);
        if (d < v) copyExact(dst, src + d * row, inner);
        else {
          failed = true;
          fillExact(dst, missing, inner);
        }
      } else {
        for (let j: usize = 0, p = at; j < row; j += 4, p += idxInner) {
          const d = load<usize>(p);
          if (d >= v) failed = true;
          store<u32>(dst + j, d < v ? load<u32>(src + d * row + j) : missing);
        }
      }
    }
    at0 += last - i0;
    src += v * row;
    idx += idxOuter;
  }
  if (failed) raise(FLAG_INDEX);
}
