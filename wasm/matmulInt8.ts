/**
 * Rows of C = A B of i8, each element held in 32 bits, as i32 sums modulo 2^32 (N6, mode int8): any order gives the same.
 *
 * Operands are packed as pairs of i16, k and k+1 in one word: a word stands where the f32 kernel has an element, and
 * `i32x4.dot_i16x8_s` multiplies and adds both. Panels are 4 rows of A and 8 columns of B.
 */

/** Terms packed at once: as many words as the f32 kernel has elements. */
const TERMS: usize = 512;

/** Elements at k (low) and k+1 of four lines. */
@inline
function paired(low: v128, high: v128): v128 {
  return v128.or(v128.and(low, i32x4.splat(0xffff)), i32x4.shl(high, 16));
}

/** Four lines from src on, `lines` of which exist, `line` and `step` (along k) in bytes, one of them 4. */
function packFour(dst: usize, pitch: usize, src: usize, line: usize, step: usize, lines: usize, k: usize): void {
  const odd = (k & 1) != 0;
  let d = dst;
  let end = dst + (k >> 1) * pitch;
  if (line == 4) {
    let s = src;
    for (; d < end; d += pitch, s += 2 * step) v128.store(d, paired(v128.load(s), v128.load(s + step)));
    if (odd) v128.store(d, v128.and(v128.load(s), i32x4.splat(0xffff)));
  } else {
    if (odd) end += pitch;
    let p0 = src;
    let p1 = lines > 1 ? p0 + line : p0;
    let p2 = lines > 2 ? p1 + line : p1;
    let p3 = lines > 3 ? p2 + line : p2;
    for (; d < end; d += 2 * pitch) {
      const r0 = v128.load(p0);
      const r1 = v128.load(p1);
      const r2 = v128.load(p2);
      const r3 = v128.load(p3);
      const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
      const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const e = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
      const f = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      v128.store(d, paired(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3)));
      v128.store(d + pitch, paired(v128.shuffle<i64>(e, f, 0, 2), v128.shuffle<i64>(e, f, 1, 3)));
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
    }
    // The last pair of an odd k has no second element: what was read for it lies behind.
    if (odd) v128.store(end - pitch, v128.and(v128.load(end - pitch), i32x4.splat(0xffff)));
  }
}

/** 4x8 tiles, one below the other, as the f32 kernel's. */
function sweep(pa: usize, pb: usize, c: usize, pairs: usize, ldc: usize, tiles: usize, accumulate: bool): void {
  const bytes = pairs << 4;
  do {
    const end = pa + bytes;
    let b = pb;
    let c00 = i32x4.splat(0);
    let c01 = i32x4.splat(0);
    let c10 = i32x4.splat(0);
    let c11 = i32x4.splat(0);
    let c20 = i32x4.splat(0);
    let c21 = i32x4.splat(0);
    let c30 = i32x4.splat(0);
    let c31 = i32x4.splat(0);
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(pa);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(a0, b0));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(a0, b1));
      const a1 = v128.load32_splat(pa, 4);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(a1, b0));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(a1, b1));
      const a2 = v128.load32_splat(pa, 8);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(a2, b0));
      c21 = i32x4.add(c21, i32x4.dot_i16x8_s(a2, b1));
      const a3 = v128.load32_splat(pa, 12);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(a3, b0));
      c31 = i32x4.add(c31, i32x4.dot_i16x8_s(a3, b1));
      pa += 16;
      b += 32;
    } while (pa != end);
    const r1 = c + ldc;
    const r2 = r1 + ldc;
    const r3 = r2 + ldc;
    if (accumulate) {
      c00 = i32x4.add(v128.load(c), c00);
      c01 = i32x4.add(v128.load(c, 16), c01);
      c10 = i32x4.add(v128.load(r1), c10);
      c11 = i32x4.add(v128.load(r1, 16), c11);
      c20 = i32x4.add(v128.load(r2), c20);
      c21 = i32x4.add(v128.load(r2, 16), c21);
      c30 = i32x4.add(v128.load(r3), c30);
      c31 = i32x4.add(v128.load(r3, 16), c31);
    }
    v128.store(c, c00);
    v128.store(c, c01, 16);
    v128.store(r1, c10);
    v128.store(r1, c11, 16);
    v128.store(r2, c20);
    v128.store(r2, c21, 16);
    v128.store(r3, c30);
    v128.store(r3, c31, 16);
    c = r3 + ldc;
  } while (--tiles);
}

/**
 * Rows [0, rows) of C, all terms; strides in bytes. Scratch: panels of A (rows * 1024 bytes), of B (8192 and 16 more) and a
 * tile of as many rows of 8.
 */
export function rowBlockInt8(
  panelsA: usize, panelB: usize, tile: usize, rows: usize, n: usize, terms: usize, a: usize, aRow: usize, aCol: usize,
  b: usize, bRow: usize, bCol: usize, c: usize, ldc: usize,
): void {
  for (let k0: usize = 0; k0 < terms; k0 += TERMS) {
    const k = min(TERMS, terms - k0);
    const pairs = (k + 1) >> 1;
    const whole = rows & ~3;
    for (let i: usize = 0; i < rows; i += 4) {
      packFour(panelsA + i * (pairs << 2), 16, a + k0 * aCol + i * aRow, aRow, aCol, min<usize>(4, rows - i), k);
    }
    for (let j: usize = 0; j < n; j += 8) {
      const columns = min<usize>(8, n - j);
      const from = b + k0 * bRow + j * bCol;
      packFour(panelB, 32, from, bCol, bRow, min<usize>(4, columns), k);
      if (columns > 4) packFour(panelB + 16, 32, from + 4 * bCol, bCol, bRow, columns - 4, k);
      const at = c + (j << 2);
      const done = columns == 8 ? whole : 0;
      if (done != 0) sweep(panelsA, panelB, at, pairs, ldc, done >> 2, k0 != 0);
      if (done == rows) continue;
      sweep(panelsA + done * (pairs << 2), panelB, tile, pairs, 32, (rows - done + 3) >> 2, false);
      for (let i = done; i < rows; i++) {
        const row = tile + ((i - done) << 5);
        for (let x: usize = 0; x < columns << 2; x += 4) {
          const y = at + i * ldc + x;
          store<i32>(y, load<i32>(row + x) + (k0 != 0 ? load<i32>(y) : 0));
        }
      }
    }
  }
}
