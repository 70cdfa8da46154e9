/**
 * Strided operands: the elements of a view, read into a block or written from one.
 *
 * A pattern is [ndim, dims, strides] in words: the flat index of the program runs over dims in row-major order, strides
 * (signed, in elements) lead from one element to the next. Work goes by runs along the innermost dimension.
 */
import { BLOCK } from './constants';
import { copyExact, copyRounded } from './copy';
import { own } from './own';
import { word } from './words';

/** Coordinates of all dimensions but the innermost while a walk goes on, numbered from 1 as the pattern's words are. */
const AT: usize = memory.data(4 * 32, 16);
/** Elements after which a row that repeats is copied from the block itself, 4 vectors at a time. */
const REPEAT: usize = 16;
/** Runs that are not worth a call. */
const SHORT: usize = 4;

/** Address of the element at flat index `row * inner` and, behind AT, its outer coordinates. */
function locate(base: usize, pattern: usize, outer: usize, row: usize): usize {
  for (let d = outer; d != 0; d--) {
    const dim = word(pattern, d);
    const rest = row / dim;
    const at = row - rest * dim;
    store<usize>(own(AT) + (d << 2), at);
    base += (at * word(pattern, outer + 1 + d)) << 2;
    row = rest;
  }
  return base;
}

/** The next row's address; carries from the innermost outer dimension on. */
function advance(base: usize, pattern: usize, outer: usize): usize {
  for (let d = outer; d != 0; d--) {
    const at = word(own(AT), d) + 1;
    const stride = word(pattern, outer + 1 + d) << 2;
    base += stride;
    if (at < word(pattern, d)) {
      store<usize>(own(AT) + (d << 2), at);
      break;
    }
    store<usize>(own(AT) + (d << 2), 0);
    base -= at * stride;
  }
  return base;
}

/** A run of n elements, `stride` bytes apart, into a block register (up to 3 elements more are written). */
@inline
function readRun(dst: usize, src: usize, stride: usize, n: usize): void {
  if (stride == 4) {
    copyRounded(dst, src, n);
  } else if (stride == 0) {
    const x = v128.load32_splat(src);
    const end = dst + (n << 2);
    for (; dst < end; dst += 16) v128.store(dst, x);
  } else {
    const end = dst + (n << 2);
    for (; dst + 16 <= end; dst += 16) {
      store<u32>(dst, load<u32>(src));
      store<u32>(dst, load<u32>(src + stride), 4);
      store<u32>(dst, load<u32>(src + 2 * stride), 8);
      store<u32>(dst, load<u32>(src + 3 * stride), 12);
      src += 4 * stride;
    }
    for (; dst < end; dst += 4, src += stride) store<u32>(dst, load<u32>(src));
  }
}

/** One contiguous row that repeats (a bias): written out once or a few times, then copied from the block itself. */
function readRepeated(dst: usize, base: usize, inner: usize, at: usize, n: usize): void {
  let period = inner;
  while (period < REPEAT) period += inner;
  const start = dst;
  const end = dst + (n << 2);
  const once = start + (min(period, n) << 2);
  while (dst < once) {
    const run = inner - at;
    copyRounded(dst, base + (at << 2), run);
    dst += run << 2;
    at = 0;
  }
  dst = once;
  const back = period << 2;
  for (; dst < end; dst += 64) {
    v128.store(dst, v128.load(dst - back));
    v128.store(dst, v128.load(dst - back + 16), 16);
    v128.store(dst, v128.load(dst - back + 32), 32);
    v128.store(dst, v128.load(dst - back + 48), 48);
  }
}

/**
 * Short runs, of which the outer coordinates are behind AT: one by one, without a call for each. Two rows of 2 at a time where
 * they repeat one element, or one row: so a 2x2 window's value comes back to its elements.
 */
function readShort(
  dst: usize, base: usize, pattern: usize, outer: usize, inner: usize, stride: usize, at: usize, n: usize,
): void {
  const place = own(AT) + (outer << 2);
  const dim = word(pattern, outer);
  const step = word(pattern, 2 * outer + 1) << 2;
  const pairs = inner == 2 && stride + step == 4 && (stride == 0 || step == 0);
  const end = dst + (n << 2);
  let row = load<usize>(place);
  while (true) {
    if (pairs && at == 0) {
      for (; row + 1 < dim && dst + 16 <= end; row += 2, base += 2 * step, dst += 16) {
        const x = v128.load64_splat(base);
        v128.store(dst, step == 0 ? x : v128.shuffle<i32>(x, x, 0, 0, 1, 1));
      }
      if (dst == end) return;
    }
    if (row < dim) {
      const stop = min(end, dst + ((inner - at) << 2));
      for (let p = base + at * stride; dst != stop; p += stride, dst += 4) store<u32>(dst, load<u32>(p));
      if (dst == end) return;
      at = 0;
      base += step;
      row++;
    }
    if (row == dim) {
      store<usize>(place, dim - 1);
      base = advance(base - step, pattern, outer);
      row = 0;
    }
  }
}

/** Elements [e0, e0+n) of the pattern into a block register; n <= BLOCK. */
export function readPattern(dst: usize, base: usize, pattern: usize, e0: usize, n: usize): void {
  const outer = word(pattern, 0) - 1;
  const inner = word(pattern, outer + 1);
  const stride = word(pattern, 2 * outer + 2) << 2;
  if (outer == 0) return readRun(dst, base + e0 * stride, stride, n);
  const row = e0 / inner;
  let at = e0 - row * inner;
  if (outer == 1) {
    const step = word(pattern, 3) << 2;
    if (step == 0 && stride == 4 && inner <= BLOCK / 2) return readRepeated(dst, base, inner, at, n);
  }
  if (inner <= SHORT) return readShort(dst, locate(base, pattern, outer, row), pattern, outer, inner, stride, at, n);
  if (outer == 1) {
    const step = word(pattern, 3) << 2;
    base += row * step;
    while (true) {
      const run = min(inner - at, n);
      readRun(dst, base + at * stride, stride, run);
      n -= run;
      if (n == 0) return;
      dst += run << 2;
      base += step;
      at = 0;
    }
  }
  base = locate(base, pattern, outer, row);
  while (true) {
    const run = min(inner - at, n);
    readRun(dst, base + at * stride, stride, run);
    n -= run;
    if (n == 0) return;
    dst += run << 2;
    base = advance(base, pattern, outer);
    at = 0;
  }
}

/** The n elements at src to elements [e0, e0+n) of the pattern; nothing else is written. */
export function writePattern(base: usize, src: usize, pattern: usize, e0: usize, n: usize): void {
  const outer = word(pattern, 0) - 1;
  const inner = word(pattern, outer + 1);
  const stride = word(pattern, 2 * outer + 2) << 2;
  const row = e0 / inner;
  let at = e0 - row * inner;
  base = locate(base, pattern, outer, row);
  while (true) {
    const run = min(inner - at, n);
    let p = base + at * stride;
    if (stride == 4) {
      copyExact(p, src, run);
    } else {
      const end = src + (run << 2);
      for (let s = src; s < end; s += 4, p += stride) store<u32>(p, load<u32>(s));
    }
    n -= run;
    if (n == 0) return;
    src += run << 2;
    base = advance(base, pattern, outer);
    at = 0;
  }
}
