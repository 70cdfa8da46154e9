/**
 * Operands of a contraction, brought into the order in which the micro-kernel reads them, with the load rule of N6
 * applied on the way: A in panels of 4 rows, B in panels of 8 columns, k outermost in each.
 *
 * A panel that sticks out of its matrix repeats the last row or holds whatever lies behind: those results are never
 * kept. Where 4 steps of k are handled at once, up to 3 too many are written; panels are packed upwards, and slack
 * follows.
 */
import { CONTRACTION_WINDOW, windowed } from './constants';

/** Panels of 4 (or, twice side by side, 8) rows whose k runs contiguously: a transposition by 4x4. */
@inline
export function transpose(dst: usize, width: usize, p0: usize, p1: usize, p2: usize, p3: usize, k: usize, limit: v128): void {
  for (; k > 0; k = k > 4 ? k - 4 : 0) {
    const r0 = windowed(v128.load(p0), limit);
    const r1 = windowed(v128.load(p1), limit);
    const r2 = windowed(v128.load(p2), limit);
    const r3 = windowed(v128.load(p3), limit);
    const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
    const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(dst, v128.shuffle<i64>(a, b, 0, 2));
    v128.store(dst + width, v128.shuffle<i64>(a, b, 1, 3));
    v128.store(dst + 2 * width, v128.shuffle<i64>(c, d, 0, 2));
    v128.store(dst + 3 * width, v128.shuffle<i64>(c, d, 1, 3));
    dst += 4 * width;
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
  }
}

/** `rows` rows of A from src on, k of each; strides in bytes, one of them 4. */
export function packA(dst: usize, src: usize, row: usize, step: usize, rows: usize, k: usize): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  for (let i: usize = 0; i < rows; i += 4, dst += k << 4) {
    const p = src + i * row;
    const valid = min<usize>(4, rows - i);
    if (step == 4) {
      const p1 = valid > 1 ? p + row : p;
      const p2 = valid > 2 ? p1 + row : p1;
      const p3 = valid > 3 ? p2 + row : p2;
      transpose(dst, 16, p, p1, p2, p3, k, limit);
    } else {
      const end = dst + (k << 4);
      for (let d = dst, s = p; d < end; d += 16, s += step) v128.store(d, windowed(v128.load(s), limit));
    }
  }
}

/** One panel of B, `width` (8 or 4) columns of which `columns` exist, from src on, k of each; one stride is 4 bytes. */
export function packB(
  width: usize, dst: usize, src: usize, step: usize, column: usize, columns: usize, k: usize,
): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  if (column == 4) {
    const end = dst + k * (width << 2);
    if (width == 4) {
      for (; dst < end; dst += 16, src += step) v128.store(dst, windowed(v128.load(src), limit));
    } else {
      for (; dst < end; dst += 32, src += step) {
        v128.store(dst, windowed(v128.load(src), limit));
        v128.store(dst, windowed(v128.load(src, 16), limit), 16);
      }
    }
  } else {
    const p1 = columns > 1 ? src + column : src;
    const p2 = columns > 2 ? p1 + column : p1;
    const p3 = columns > 3 ? p2 + column : p2;
    transpose(dst, width << 2, src, p1, p2, p3, k, limit);
    if (width == 4) return;
    const p4 = p3 + column;
    const p5 = columns > 5 ? p4 + column : p4;
    const p6 = columns > 6 ? p5 + column : p5;
    const p7 = columns > 7 ? p6 + column : p6;
    transpose(dst + 16, 32, p4, p5, p6, p7, k, limit);
  }
}

/** Four panels of 8 columns that lie side by side, `pitch` bytes apart where they go: whole cache lines at a time. */
export function packBs(dst: usize, pitch: usize, src: usize, step: usize, k: usize): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  const end = dst + (k << 5);
  for (; dst < end; dst += 32, src += step) {
    for (let d = dst, s = src, stop = src + 128; s < stop; d += pitch, s += 32) {
      v128.store(d, windowed(v128.load(s), limit));
      v128.store(d, windowed(v128.load(s, 16), limit), 16);
    }
  }
}
