/**
 * C = A B in the f32 mode of N6: in chunks of 256 terms acc = acc + (a*b) from +0, k ascending; chunk results are added
 * left to right. Each product and each sum is rounded by itself.
 *
 * A chunk is also the cache block. 128 rows of A are packed for one chunk, then B by 16 columns (a cache line), and
 * each panel of 8 columns sweeps over all packed rows. C holds the sum of the chunks so far.
 *
 * Records `matmul` and, of i8 (matmulInt8.ts), `matmulInt8`: [kind, words, M, N, K, aPtr, aRow, aCol, bPtr, bRow, bCol,
 * cPtr, ldc, prologueA, epilogue, nb, dims[nb], strideA[nb], strideB[nb], strideC[nb]], strides in elements; aRow or aCol
 * is 1, and bRow or bCol.
 */
import { REC_MATMULINT8 } from './build/opcodes';
import { fillExact } from './copy';
import { gemv } from './gemv';
import { ewRange } from './interpreter';
import { rowBlockInt8 } from './matmulInt8';
import { packA, packB } from './pack';
import { own } from './own';
import { word } from './words';

const TERMS: usize = 256;
const ROWS: usize = 128;

const PANELS_A: usize = memory.data(128 * 256 * 4 + 64, 64);
const PANELS_B: usize = memory.data(256 * 32 + 128, 64);
const SECOND_B: usize = memory.data(256 * 32 + 128, 64);
/** Results of panels that stick out of C: 128 rows of 8. */
const TILE: usize = memory.data(128 * 32, 64);
/** Counters of the batch dimensions. */
const AT: usize = memory.data(4 * 32, 16);

/**
 * 4x8 tiles, one below the other: `tiles` panels of A against one panel of B; results go to c, rows `ldc` bytes apart.
 * The walk over tiles belongs inside: a call a tile costs a sixth of the speed. More accumulators than these 8 spill.
 * Two steps of k a turn save its overhead (13 % on a Zen 3); the way out between them keeps V8 from mixing the two,
 * which spills.
 */
function sweep(pa: usize, pb: usize, c: usize, k: usize, ldc: usize, tiles: usize, accumulate: bool): void {
  const bytes = k << 4;
  do {
    const end = pa + bytes;
    let b = pb;
    let c00 = f32x4.splat(0);
    let c01 = f32x4.splat(0);
    let c10 = f32x4.splat(0);
    let c11 = f32x4.splat(0);
    let c20 = f32x4.splat(0);
    let c21 = f32x4.splat(0);
    let c30 = f32x4.splat(0);
    let c31 = f32x4.splat(0);
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(pa);
      c00 = f32x4.add(c00, f32x4.mul(a0, b0));
      c01 = f32x4.add(c01, f32x4.mul(a0, b1));
      const a1 = v128.load32_splat(pa, 4);
      c10 = f32x4.add(c10, f32x4.mul(a1, b0));
      c11 = f32x4.add(c11, f32x4.mul(a1, b1));
      const a2 = v128.load32_splat(pa, 8);
      c20 = f32x4.add(c20, f32x4.mul(a2, b0));
      c21 = f32x4.add(c21, f32x4.mul(a2, b1));
      const a3 = v128.load32_splat(pa, 12);
      c30 = f32x4.add(c30, f32x4.mul(a3, b0));
      c31 = f32x4.add(c31, f32x4.mul(a3, b1));
      if (pa + 16 == end) break;
      const b0n = v128.load(b, 32);
      const b1n = v128.load(b, 48);
      const a0n = v128.load32_splat(pa, 16);
      c00 = f32x4.add(c00, f32x4.mul(a0n, b0n));
      c01 = f32x4.add(c01, f32x4.mul(a0n, b1n));
      const a1n = v128.load32_splat(pa, 20);
      c10 = f32x4.add(c10, f32x4.mul(a1n, b0n));
      c11 = f32x4.add(c11, f32x4.mul(a1n, b1n));
      const a2n = v128.load32_splat(pa, 24);
      c20 = f32x4.add(c20, f32x4.mul(a2n, b0n));
      c21 = f32x4.add(c21, f32x4.mul(a2n, b1n));
      const a3n = v128.load32_splat(pa, 28);
      c30 = f32x4.add(c30, f32x4.mul(a3n, b0n));
      c31 = f32x4.add(c31, f32x4.mul(a3n, b1n));
      pa += 32;
      b += 64;
    } while (pa != end);
    pa = end;
    const r1 = c + ldc;
    const r2 = r1 + ldc;
    const r3 = r2 + ldc;
    if (accumulate) {
      c00 = f32x4.add(v128.load(c), c00);
      c01 = f32x4.add(v128.load(c, 16), c01);
      c10 = f32x4.add(v128.load(r1), c10);
      c11 = f32x4.add(v128.load(r1, 16), c11);
      c20 = f32x4.add(v128.load(r2), c20);
      c21 = f32x4.add(v128.load(r2, 16), c21);
      c30 = f32x4.add(v128.load(r3), c30);
      c31 = f32x4.add(v128.load(r3, 16), c31);
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

/** The same with panels of B of 4 columns: 4x4 tiles, for what is left of C beside panels of 8. */
function sweepNarrow(pa: usize, pb: usize, c: usize, k: usize, ldc: usize, tiles: usize, accumulate: bool): void {
  const bytes = k << 4;
  do {
    const end = pa + bytes;
    let b = pb;
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let c2 = f32x4.splat(0);
    let c3 = f32x4.splat(0);
    do {
      const b0 = v128.load(b);
      c0 = f32x4.add(c0, f32x4.mul(v128.load32_splat(pa), b0));
      c1 = f32x4.add(c1, f32x4.mul(v128.load32_splat(pa, 4), b0));
      c2 = f32x4.add(c2, f32x4.mul(v128.load32_splat(pa, 8), b0));
      c3 = f32x4.add(c3, f32x4.mul(v128.load32_splat(pa, 12), b0));
      pa += 16;
      b += 16;
    } while (pa < end);
    const r1 = c + ldc;
    const r2 = r1 + ldc;
    const r3 = r2 + ldc;
    if (accumulate) {
      c0 = f32x4.add(v128.load(c), c0);
      c1 = f32x4.add(v128.load(r1), c1);
      c2 = f32x4.add(v128.load(r2), c2);
      c3 = f32x4.add(v128.load(r3), c3);
    }
    v128.store(c, c0);
    v128.store(r1, c1);
    v128.store(r2, c2);
    v128.store(r3, c3);
    c = r3 + ldc;
  } while (--tiles);
}

/** Results that stick out: the valid part of TILE to C. */
function copyOut(c: usize, ldc: usize, from: usize, pitch: usize, rows: usize, columns: usize, accumulate: bool): void {
  const width = columns << 2;
  for (let i: usize = 0; i < rows; i++, c += ldc, from += pitch) {
    for (let j: usize = 0; j < width; j += 4) {
      const x = load<f32>(from + j);
      store<f32>(c + j, accumulate ? load<f32>(c + j) + x : x);
    }
  }
}

/** All packed rows against the panel of B in PANELS_B, `width` (8 or 4) columns of which `columns` are in C. */
@inline
function panel(
  width: usize, pb: usize, c: usize, k: usize, ldc: usize, rows: usize, columns: usize, accumulate: bool,
): void {
  const whole = columns == width ? rows >> 2 : 0;
  const done = whole << 2;
  if (whole != 0) {
    if (width == 8) sweep(own(PANELS_A), pb, c, k, ldc, whole, accumulate);
    else sweepNarrow(own(PANELS_A), pb, c, k, ldc, whole, accumulate);
  }
  if (done == rows) return;
  const rest = own(PANELS_A) + done * (k << 2);
  const tiles = (rows - done + 3) >> 2;
  if (width == 8) sweep(rest, pb, own(TILE), k, 32, tiles, false);
  else sweepNarrow(rest, pb, own(TILE), k, 16, tiles, false);
  copyOut(c + done * ldc, ldc, own(TILE), width << 2, rows - done, columns, accumulate);
}

/** Rows [0, rows) of C, all chunks. Strides in bytes. */
function rowBlock(
  rows: usize, n: usize, terms: usize, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize, c: usize,
  ldc: usize,
): void {
  // A product commutes, so a single column is a row of the other side.
  if (rows == 1) return gemv(a, aCol, b, bRow, bCol, c, n, terms);
  if (n == 1 && ldc == 4) return gemv(b, bRow, a, aCol, aRow, c, rows, terms);
  for (let k0: usize = 0; k0 < terms; k0 += TERMS) {
    const k = min(TERMS, terms - k0);
    packA(own(PANELS_A), a + k0 * aCol, aRow, aCol, rows, k);
    let pb = b + k0 * bRow;
    let at = c;
    for (let j: usize = 0; j < n; j += 16, pb += 16 * bCol, at += 64) {
      const columns = min<usize>(16, n - j);
      const first = min<usize>(8, columns);
      const second = columns - first;
      // Both panels first: together they use up the cache lines that they read.
      if (first > 4) packB(8, own(PANELS_B), pb, bRow, bCol, first, k);
      else packB(4, own(PANELS_B), pb, bRow, bCol, first, k);
      if (second > 4) packB(8, own(SECOND_B), pb + 8 * bCol, bRow, bCol, second, k);
      else if (second != 0) packB(4, own(SECOND_B), pb + 8 * bCol, bRow, bCol, second, k);
      if (first > 4) panel(8, own(PANELS_B), at, k, ldc, rows, first, k0 != 0);
      else panel(4, own(PANELS_B), at, k, ldc, rows, first, k0 != 0);
      if (second > 4) panel(8, own(SECOND_B), at + 32, k, ldc, rows, second, k0 != 0);
      else if (second != 0) panel(4, own(SECOND_B), at + 32, k, ldc, rows, second, k0 != 0);
    }
  }
}

export function matmul(r: usize): void {
  const int8 = load<i32>(r) == REC_MATMULINT8;
  const m: usize = word(r, 2);
  const n: usize = word(r, 3);
  const terms: usize = word(r, 4);
  const a0: usize = word(r, 5);
  const aRow: usize = word(r, 6) << 2;
  const aCol: usize = word(r, 7) << 2;
  const b0: usize = word(r, 8);
  const bRow: usize = word(r, 9) << 2;
  const bCol: usize = word(r, 10) << 2;
  const c0: usize = word(r, 11);
  const ldc: usize = word(r, 12) << 2;
  const prologue: usize = word(r, 13);
  const epilogue: usize = word(r, 14);
  const nb: usize = word(r, 15);
  const dims = r + 64;
  const axes = nb << 2;
  let batches: usize = 1;
  for (let d: usize = 0; d < axes; d += 4) {
    batches *= load<usize>(dims + d);
    store<usize>(own(AT) + d, 0);
  }
  let a = a0;
  let b = b0;
  let c = c0;
  // A broadcast A is met again: its elements are computed the first time only.
  let ready: usize = 0;
  for (; batches != 0; batches--) {
    for (let i: usize = 0; i < m; i += ROWS) {
      const rows = min(ROWS, m - i);
      if (prologue != 0) {
        const start = ((a - a0) >> 2) + i * terms;
        const end = start + rows * terms;
        if (end > ready) {
          ewRange(prologue, start, end);
          ready = end;
        }
      }
      const ai = a + i * aRow;
      const ci = c + i * ldc;
      if (terms != 0) {
        if (int8) {
          rowBlockInt8(
            own(PANELS_A), own(PANELS_B), own(TILE), rows, n, terms, ai, aRow, aCol, b, bRow, bCol, ci, ldc,
          );
        } else rowBlock(rows, n, terms, ai, aRow, aCol, b, bRow, bCol, ci, ldc);
      } else for (let t = i; t < i + rows; t++) fillExact(c + t * ldc, 0, n);
      if (epilogue != 0) {
        const start = ((c - c0) >> 2) + i * n;
        ewRange(epilogue, start, start + rows * n);
      }
    }
    // The next batch: an odometer over the batch dimensions, the last one fastest.
    for (let d: usize = axes; d != 0; ) {
      d -= 4;
      const stride = dims + axes + d;
      const at = load<usize>(own(AT) + d) + 1;
      const dim = load<usize>(dims + d);
      const back = at == dim ? at : 0;
      a += (load<usize>(stride) * (1 - back)) << 2;
      b += (load<usize>(stride + axes) * (1 - back)) << 2;
      c += (load<usize>(stride + 2 * axes) * (1 - back)) << 2;
      store<usize>(own(AT) + d, back != 0 ? 0 : at);
      if (back == 0) break;
    }
  }
}
