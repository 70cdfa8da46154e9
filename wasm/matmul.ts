/**
 * C = A B in the f32 mode of N6: in chunks of 256 terms acc = acc + (a*b) from +0, k ascending; chunk results are added
 * left to right. Each product and each sum is rounded by itself.
 *
 * A chunk is also the cache block. 128 rows of A are packed for one chunk, then B by 16 columns (a cache line), and
 * each panel of 8 columns sweeps over all packed rows. C holds the sum of the chunks so far.
 *
 * Records `matmul`, of i8 (matmulInt8.ts) `matmulInt8`, and with more behind (walked.ts) `walked`: [kind, words, M, N, K, aPtr, aRow, aCol, bPtr, bRow, bCol,
 * cPtr, ldc, prologueA, epilogue, packed, columns, nb, dims[nb], strideA[nb], strideB[nb], strideC[nb]], strides in elements; aRow
 * or aCol is 1, and bRow or bCol. `packed` is 0, or scratch for so many columns of B (packed.ts; of `matmul` alone).
 */
import { REC_MATMULINT8, REC_WALKED, ROWS } from './build/opcodes';
import { fillExact } from './copy';
import { gemv } from './gemv';
import { ewRange } from './interpreter';
import { rowBlockInt8 } from './matmulInt8';
import { own } from './own';
import { packA, packB } from './pack';
import { hold, packColumns, panelAt, pitchOf } from './packed';
import { sweep, sweepNarrow, sweepPair } from './sweep';
import { rowBlockWalked } from './walked';
import { word } from './words';

export const TERMS: usize = 256;

export const PANELS_A: usize = memory.data(128 * 256 * 4 + 64, 64);
export const PANELS_B: usize = memory.data(256 * 32 + 128, 64);
export const SECOND_B: usize = memory.data(256 * 32 + 128, 64);
/** Results of panels that stick out of C: 128 rows of 8. */
const TILE: usize = memory.data(128 * 32, 64);
/** Counters of the batch dimensions. */
const AT: usize = memory.data(4 * 32, 16);

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
export function panel(
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
  if (width == 8 && rows - done <= 2) sweepPair(rest, pb, own(TILE), k);
  else if (width == 8) sweep(rest, pb, own(TILE), k, 32, tiles, false);
  else sweepNarrow(rest, pb, own(TILE), k, 16, tiles, false);
  copyOut(c + done * ldc, ldc, own(TILE), width << 2, rows - done, columns, accumulate);
}

/** Rows [0, rows) of C, all chunks. Strides in bytes. `ready`: the columns from j on are packed as the record says. */
function rowBlock(
  r: usize, rows: usize, j: usize, n: usize, terms: usize, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize,
  bCol: usize, c: usize, ldc: usize, ready: bool,
): void {
  // A product commutes, so a single column is a row of the other side.
  if (rows == 1) return gemv(a, aCol, b, bRow, bCol, c, n, terms);
  if (n == 1 && ldc == 4) return gemv(b, bRow, a, aCol, aRow, c, rows, terms);
  for (let k0: usize = 0; k0 < terms; k0 += TERMS) {
    const k = min(TERMS, terms - k0);
    packA(own(PANELS_A), a + k0 * aCol, aRow, aCol, rows, k);
    let pb = b + k0 * bRow;
    let at = c;
    const pitch = pitchOf(k);
    let p0 = ready ? panelAt(r, j, k0, k) : own(PANELS_B);
    let p1 = ready ? p0 + pitch : own(SECOND_B);
    for (let q: usize = 0; q < n; q += 16, pb += 16 * bCol, at += 64) {
      const columns = min<usize>(16, n - q);
      const first = min<usize>(8, columns);
      const second = columns - first;
      if (!ready) {
        // Both panels first: together they use up the cache lines that they read.
        if (first > 4) packB(8, p0, pb, bRow, bCol, first, k);
        else packB(4, p0, pb, bRow, bCol, first, k);
        if (second > 4) packB(8, p1, pb + 8 * bCol, bRow, bCol, second, k);
        else if (second != 0) packB(4, p1, pb + 8 * bCol, bRow, bCol, second, k);
      }
      if (first > 4) panel(8, p0, at, k, ldc, rows, first, k0 != 0);
      else panel(4, p0, at, k, ldc, rows, first, k0 != 0);
      if (second > 4) panel(8, p1, at + 32, k, ldc, rows, second, k0 != 0);
      else if (second != 0) panel(4, p1, at + 32, k, ldc, rows, second, k0 != 0);
      if (ready) {
        p0 += pitch << 1;
        p1 += pitch << 1;
      }
    }
  }
}

@inline
function block(
  r: usize, rows: usize, j: usize, n: usize, terms: usize, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize,
  bCol: usize, c: usize, ldc: usize,
): void {
  const kind = load<i32>(r);
  if (kind == REC_WALKED) {
    const walks = r + 72 + (word(r, 17) << 4);
    rowBlockWalked(walks, rows, j, n, terms, a, aRow, aCol, b, c, ldc);
  } else if (kind == REC_MATMULINT8) {
    rowBlockInt8(own(PANELS_A), own(PANELS_B), own(TILE), rows, n, terms, a, aRow, aCol, b, bRow, bCol, c, ldc);
  } else rowBlock(r, rows, j, n, terms, a, aRow, aCol, b, bRow, bCol, c, ldc, word(r, 15) != 0);
}

/** What lies before batch `batch` of the operand whose pointer is word i: its strides are the group-th behind the dims. */
export function batchOf(r: usize, i: usize, group: usize, batch: usize): usize {
  const nb: usize = word(r, 17);
  let p = word(r, i);
  for (let d = nb; d != 0; d--) {
    const dim = word(r, 17 + d);
    p += ((batch % dim) * word(r, 17 + group * nb + d)) << 2;
    batch /= dim;
  }
  return p;
}

/**
 * Rows [i, i+rows) and columns [j, j+columns) of one batch, without what goes before and after. Of packed columns j counts from
 * the first that is held.
 */
export function matmulPart(r: usize, batch: usize, i: usize, rows: usize, j: usize, columns: usize): void {
  const aRow: usize = word(r, 6) << 2;
  const bCol: usize = word(r, 10) << 2;
  const ldc: usize = word(r, 12) << 2;
  const at = word(r, 15) != 0 ? j + word(word(r, 15), 1) : j;
  const a = batchOf(r, 5, 1, batch) + i * aRow;
  const b = batchOf(r, 8, 2, batch) + at * bCol;
  const c = batchOf(r, 11, 3, batch) + i * ldc + (at << 2);
  block(r, rows, j, columns, word(r, 4), a, aRow, word(r, 7) << 2, b, word(r, 9) << 2, bCol, c, ldc);
}

export function matmul(r: usize): void {
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
  const packed: usize = word(r, 15);
  const step = packed != 0 ? word(r, 16) : max<usize>(n, 1);
  const nb: usize = word(r, 17);
  const dims = r + 72;
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
    for (let j: usize = 0; j < n; j += step) {
      const columns = min(step, n - j);
      if (packed != 0) {
        hold(packed, b, j, 0);
        packColumns(r, 0, columns);
      }
      for (let i: usize = 0; i < m; i += <usize>ROWS) {
        const rows = min(<usize>ROWS, m - i);
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
        if (terms != 0) block(r, rows, 0, columns, terms, ai, aRow, aCol, b + j * bCol, bRow, bCol, ci + (j << 2), ldc);
        else for (let t = i; t < i + rows; t++) fillExact(c + t * ldc, 0, n);
        if (epilogue != 0 && j + columns == n) {
          const start = ((c - c0) >> 2) + i * n;
          ewRange(epilogue, start, start + rows * n);
        }
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
