/**
 * One row times a matrix, by the same rules as the tiles of matmul.ts (N6). Each element of B is met once, so B is read
 * where it is, in long streams: packing it would cost more than the product.
 */
import { CONTRACTION_WINDOW, windowed, windowed1 } from './constants';
import { copyExact } from './copy';
import { own } from './own';

/** Terms of a chunk (N6), and of the row that are made ready at once. */
const TERMS: usize = 256;
const READY: usize = 4096;
const ROW: usize = memory.data(4096 * 4 + 64, 64);
/** A chunk's results for as many columns. */
const SUMS: usize = memory.data(1024 * 4 + 64, 64);
const COLUMNS: usize = 1024;

/** Results to C: exactly n of them, in place of what is there or added. */
function putSums(c: usize, from: usize, n: usize, accumulate: bool): void {
  if (!accumulate) return copyExact(c, from, n);
  const end = c + (n << 2);
  for (; c + 16 <= end; c += 16, from += 16) v128.store(c, f32x4.add(v128.load(c), v128.load(from)));
  for (; c < end; c += 4, from += 4) store<f32>(c, load<f32>(c) + load<f32>(from));
}

/** Adds 8 rows of B to the sums, each times its term; rows `step` bytes apart. */
function addEight(sums: usize, end: usize, row: usize, b: usize, step: usize, limit: v128): void {
  const a0 = v128.load32_splat(row);
  const a1 = v128.load32_splat(row, 4);
  const a2 = v128.load32_splat(row, 8);
  const a3 = v128.load32_splat(row, 12);
  const a4 = v128.load32_splat(row, 16);
  const a5 = v128.load32_splat(row, 20);
  const a6 = v128.load32_splat(row, 24);
  const a7 = v128.load32_splat(row, 28);
  const step4 = step << 2;
  const step3 = step4 - step;
  for (; sums < end; sums += 16, b += 16) {
    const far = b + step4;
    let x = f32x4.add(v128.load(sums), f32x4.mul(a0, windowed(v128.load(b), limit)));
    x = f32x4.add(x, f32x4.mul(a1, windowed(v128.load(b + step), limit)));
    x = f32x4.add(x, f32x4.mul(a2, windowed(v128.load(b + (step << 1)), limit)));
    x = f32x4.add(x, f32x4.mul(a3, windowed(v128.load(b + step3), limit)));
    x = f32x4.add(x, f32x4.mul(a4, windowed(v128.load(far), limit)));
    x = f32x4.add(x, f32x4.mul(a5, windowed(v128.load(far + step), limit)));
    x = f32x4.add(x, f32x4.mul(a6, windowed(v128.load(far + (step << 1)), limit)));
    x = f32x4.add(x, f32x4.mul(a7, windowed(v128.load(far + step3), limit)));
    v128.store(sums, x);
  }
}

/** Columns of B that lie next to each other: rows of B, times their terms, are added up. */
function alongRows(
  row: usize, k: usize, b: usize, step: usize, c: usize, n: usize, accumulate: bool,
): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  const sums = own(SUMS);
  for (let j: usize = 0; j < n; j += COLUMNS, b += COLUMNS << 2, c += COLUMNS << 2) {
    const width = min(COLUMNS, n - j);
    const end = sums + (width << 2);
    for (let p = sums; p < end; p += 16) v128.store(p, i32x4.splat(0));
    let i: usize = 0;
    let from = b;
    for (; i + 8 <= k; i += 8, from += step << 3) addEight(sums, end, row + (i << 2), from, step, limit);
    for (; i < k; i++, from += step) {
      const a = v128.load32_splat(row + (i << 2));
      for (let p = sums, q = from; p < end; p += 16, q += 16) {
        v128.store(p, f32x4.add(v128.load(p), f32x4.mul(a, windowed(v128.load(q), limit))));
      }
    }
    putSums(c, sums, width, accumulate);
  }
}

/** Rows of B that run along k: eight columns at a time, turned by 4x4 on the way. */
function alongTerms(row: usize, end: usize, b: usize, column: usize, c: usize, n: usize, accumulate: bool): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  const sums = own(SUMS);
  const last = b + (n - 1) * column;
  for (let j: usize = 0; j < n; j += 8, c += 32) {
    const p0 = b + j * column;
    let q0 = p0;
    let q1 = min(p0 + column, last);
    let q2 = min(p0 + 2 * column, last);
    let q3 = min(p0 + 3 * column, last);
    let q4 = min(p0 + 4 * column, last);
    let q5 = min(p0 + 5 * column, last);
    let q6 = min(p0 + 6 * column, last);
    let q7 = min(p0 + 7 * column, last);
    const columns = min<usize>(8, n - j);
    for (let chunk = row; chunk < end; chunk += TERMS << 2) {
      const stop = min(end, chunk + (TERMS << 2));
      const later = accumulate || chunk != row;
      let x = f32x4.splat(0);
      let y = x;
      for (let a = chunk; a < stop; a += 16) {
        const r0 = windowed(v128.load(q0), limit);
        const r1 = windowed(v128.load(q1), limit);
        const r2 = windowed(v128.load(q2), limit);
        const r3 = windowed(v128.load(q3), limit);
        const s0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
        const s1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
        const s2 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
        const s3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
        const r4 = windowed(v128.load(q4), limit);
        const r5 = windowed(v128.load(q5), limit);
        const r6 = windowed(v128.load(q6), limit);
        const r7 = windowed(v128.load(q7), limit);
        const t0 = v128.shuffle<i32>(r4, r5, 0, 4, 1, 5);
        const t1 = v128.shuffle<i32>(r6, r7, 0, 4, 1, 5);
        const t2 = v128.shuffle<i32>(r4, r5, 2, 6, 3, 7);
        const t3 = v128.shuffle<i32>(r6, r7, 2, 6, 3, 7);
        const a0 = v128.load32_splat(a);
        x = f32x4.add(x, f32x4.mul(a0, v128.shuffle<i64>(s0, s1, 0, 2)));
        y = f32x4.add(y, f32x4.mul(a0, v128.shuffle<i64>(t0, t1, 0, 2)));
        if (a + 4 == stop) break;
        const a1 = v128.load32_splat(a, 4);
        x = f32x4.add(x, f32x4.mul(a1, v128.shuffle<i64>(s0, s1, 1, 3)));
        y = f32x4.add(y, f32x4.mul(a1, v128.shuffle<i64>(t0, t1, 1, 3)));
        if (a + 8 == stop) break;
        const a2 = v128.load32_splat(a, 8);
        x = f32x4.add(x, f32x4.mul(a2, v128.shuffle<i64>(s2, s3, 0, 2)));
        y = f32x4.add(y, f32x4.mul(a2, v128.shuffle<i64>(t2, t3, 0, 2)));
        if (a + 12 == stop) break;
        const a3 = v128.load32_splat(a, 12);
        x = f32x4.add(x, f32x4.mul(a3, v128.shuffle<i64>(s2, s3, 1, 3)));
        y = f32x4.add(y, f32x4.mul(a3, v128.shuffle<i64>(t2, t3, 1, 3)));
        q0 += 16;
        q1 += 16;
        q2 += 16;
        q3 += 16;
        q4 += 16;
        q5 += 16;
        q6 += 16;
        q7 += 16;
      }
      v128.store(sums, x);
      v128.store(sums, y, 16);
      putSums(c, sums, columns, later);
    }
  }
}

/**
 * The row at a, terms `aCol` bytes apart, times n columns of B, of whose strides one is 4. The results are n neighbours
 * at c.
 */
export function gemv(
  a: usize, aCol: usize, b: usize, bRow: usize, bCol: usize, c: usize, n: usize, terms: usize,
): void {
  const row = own(ROW);
  const limit: f32 = load<f32>(CONTRACTION_WINDOW);
  for (let t: usize = 0; t < terms; t += READY) {
    const end = row + (min(READY, terms - t) << 2);
    for (let p = row; p < end; p += 4, a += aCol) store<f32>(p, windowed1(load<f32>(a), limit));
    if (bCol != 4) alongTerms(row, end, b + (t << 2), bCol, c, n, t != 0);
    else {
      let from = b + t * bRow;
      for (let at = row; at < end; at += TERMS << 2, from += TERMS * bRow) {
        alongRows(at, min(TERMS, (end - at) >> 2), from, bRow, c, n, t != 0 || at != row);
      }
    }
  }
}
