/**
 * C = A B as matmul.ts makes it, where B is no matrix in memory: element (k, j) lies at its base + T(k) + J(j), and T and J each
 * walk some dims by strides. Windows of a padded input are of this kind, so a convolution needs no matrix of them.
 *
 * Record `walked`: as `matmul`'s (bRow and bCol are 0), and behind it [terms' dims nt, columns' dims nc, dims[nt],
 * strides[nt], dims[nc], strides[nc]], strides in elements.
 */
import { CONTRACTION_WINDOW, windowed } from './constants';
import { PANELS_A, PANELS_B, panel, SECOND_B, TERMS } from './matmul';
import { own } from './own';
import { packA, transpose } from './pack';
import { word } from './words';

/** Bytes from the base to each term of a chunk, and to each of 16 columns. */
const OFFSETS: usize = memory.data(256 * 4 + 64, 64);
const COLUMNS: usize = memory.data(16 * 4, 64);
/** Runs of terms that lie side by side: bytes from the base, and how many. */
const RUNS: usize = memory.data(256 * 8, 64);
/** Coordinates of a walk, but the innermost. */
const AT: usize = memory.data(4 * 16, 16);

/** Where a walk of `nd` dims is at its element `from`; answers the innermost coordinate, and the rest's bytes in `start`. */
let start: usize = 0;
function locate(walk: usize, nd: usize, from: usize): usize {
  let at: usize = 0;
  start = 0;
  for (let d = nd; d != 0; d--) {
    const dim = word(walk, d - 1);
    const rest = from / dim;
    const here = from - rest * dim;
    store<usize>(own(AT) + ((d - 1) << 2), here);
    if (d == nd) at = here;
    else start += (here * word(walk, nd + d - 1)) << 2;
    from = rest;
  }
  return at;
}

/** The next step of all dims but the innermost. */
function advance(walk: usize, nd: usize): void {
  for (let d = nd - 1; d != 0; d--) {
    const place = own(AT) + ((d - 1) << 2);
    const stride = word(walk, nd + d - 1) << 2;
    const at = load<usize>(place) + 1;
    start += stride;
    if (at < word(walk, d - 1)) {
      store<usize>(place, at);
      return;
    }
    start -= at * stride;
    store<usize>(place, 0);
  }
}

/** Bytes from the base to elements [from, from+n) of a walk. */
function offsets(out: usize, walk: usize, nd: usize, from: usize, n: usize): void {
  const inner = word(walk, nd - 1);
  const stride = word(walk, 2 * nd - 1) << 2;
  let at = locate(walk, nd, from);
  const end = out + (n << 2);
  while (true) {
    let p = start + at * stride;
    const stop = min(end, out + ((inner - at) << 2));
    for (; out < stop; out += 4, p += stride) store<usize>(out, p);
    if (out == end) return;
    advance(walk, nd);
    at = 0;
  }
}

/** The same as runs along the innermost dim, and how many there are. */
function runs(walk: usize, nd: usize, from: usize, n: usize): usize {
  const inner = word(walk, nd - 1);
  let at = locate(walk, nd, from);
  let out = own(RUNS);
  while (true) {
    const run = min(inner - at, n);
    store<usize>(out, start + (at << 2));
    store<usize>(out, run, 4);
    out += 8;
    n -= run;
    if (n == 0) return (out - own(RUNS)) >> 3;
    advance(walk, nd);
    at = 0;
  }
}

/** 4 columns of a panel, from the offsets at `c` on, k terms: a load where they lie side by side, else one for each. */
function packFour(dst: usize, width: usize, b: usize, c: usize, k: usize): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  const c0 = load<usize>(c);
  const c1 = load<usize>(c, 4);
  const c2 = load<usize>(c, 8);
  const c3 = load<usize>(c, 12);
  let at = own(OFFSETS);
  const end = at + (k << 2);
  const p0 = b + c0;
  if (c1 == c0 + 4 && c2 == c0 + 8 && c3 == c0 + 12) {
    for (; at < end; at += 4, dst += width) v128.store(dst, windowed(v128.load(p0 + load<usize>(at)), limit));
    return;
  }
  const p1 = b + c1;
  const p2 = b + c2;
  const p3 = b + c3;
  for (; at < end; at += 4, dst += width) {
    const o = load<usize>(at);
    let x = v128.load32_zero(p0 + o);
    x = v128.load32_lane(p1 + o, x, 1);
    x = v128.load32_lane(p2 + o, x, 2);
    x = v128.load32_lane(p3 + o, x, 3);
    v128.store(dst, windowed(x, limit));
  }
}

/** The same where the terms lie side by side, in so many runs: each is a transposition. */
function packRuns(dst: usize, width: usize, b: usize, c: usize, count: usize): void {
  const limit = v128.load(CONTRACTION_WINDOW);
  const p0 = b + load<usize>(c);
  const p1 = b + load<usize>(c, 4);
  const p2 = b + load<usize>(c, 8);
  const p3 = b + load<usize>(c, 12);
  let at = own(RUNS);
  for (; count != 0; count--, at += 8) {
    const o = load<usize>(at);
    const n = load<usize>(at, 4);
    transpose(dst, width, p0 + o, p1 + o, p2 + o, p3 + o, n, limit);
    dst += n * width;
  }
}

/** One panel of up to 8 columns, and the product with it. `count` is the runs of the chunk, or 0. */
@inline
function panelOf(
  to: usize, b: usize, offset: usize, c: usize, k: usize, count: usize, ldc: usize, rows: usize, columns: usize,
  accumulate: bool,
): void {
  const width: usize = columns > 4 ? 8 : 4;
  for (let j: usize = 0; j < width; j += 4) {
    if (count != 0) packRuns(to + (j << 2), width << 2, b, offset + (j << 2), count);
    else packFour(to + (j << 2), width << 2, b, offset + (j << 2), k);
  }
  if (width == 8) panel(8, to, c, k, ldc, rows, columns, accumulate);
  else panel(4, to, c, k, ldc, rows, columns, accumulate);
}

/** Columns [j, j+columns) of the rows of one block, all chunks; `walks` are the words behind the record. */
export function rowBlockWalked(
  walks: usize, rows: usize, j: usize, columns: usize, terms: usize, a: usize, aRow: usize, aCol: usize, b: usize, c: usize,
  ldc: usize,
): void {
  const nt = word(walks, 0);
  const nc = word(walks, 1);
  const walkTerms = walks + 8;
  const walkColumns = walkTerms + (nt << 3);
  // What lies side by side for longer is read by vectors.
  const besides =
    word(walkTerms, 2 * nt - 1) == 1 &&
    (word(walkColumns, 2 * nc - 1) != 1 || word(walkTerms, nt - 1) > word(walkColumns, nc - 1));
  for (let k0: usize = 0; k0 < terms; k0 += TERMS) {
    const k = min(TERMS, terms - k0);
    packA(own(PANELS_A), a + k0 * aCol, aRow, aCol, rows, k);
    let count: usize = 0;
    if (besides) count = runs(walkTerms, nt, k0, k);
    else offsets(own(OFFSETS), walkTerms, nt, k0, k);
    let at = c;
    for (let q: usize = 0; q < columns; q += 16, at += 64) {
      const some = min<usize>(16, columns - q);
      const offset = own(COLUMNS);
      offsets(offset, walkColumns, nc, j + q, some);
      // A panel that sticks out repeats its last column.
      for (let t = some; (t & 7) != 0; t++) store<usize>(offset + (t << 2), load<usize>(offset + ((t - 1) << 2)));
      const first = min<usize>(8, some);
      panelOf(own(PANELS_B), b, offset, at, k, count, ldc, rows, first, k0 != 0);
      if (some > 8) panelOf(own(SECOND_B), b, offset + 32, at + 32, k, count, ldc, rows, some - 8, k0 != 0);
    }
  }
}
