/**
 * Sums along the middle dimension of [outer, n, inner] (N7): a local prefix p in each chunk of 256, and the total o of the
 * chunks before it; each element is o + p.
 *
 * Record: [kind, words, elem, outer, n, inner, src, slab, step, dst]: slab and step lead to the next [n, inner] and the
 * next [inner] of the source; dst is contiguous.
 */
import { ELEM_F32, REGISTER_STRIDE } from './build/opcodes';
import { BLOCK, SUM_WINDOW, windowed, windowed1 } from './constants';
import { own } from './own';
import { word } from './words';

/** Elements of a chunk. */
const CHUNK: usize = 256;
/** p and o of up to 256 columns. */
const LOCAL: usize = memory.data(REGISTER_STRIDE, 64);
const BEFORE: usize = memory.data(REGISTER_STRIDE, 64);

/** The element at p, under the load rule of R if it is an f32. */
@inline
function element<T>(p: usize, limit: f32): T {
  if (isFloat<T>()) return <T>windowed1(load<f32>(p), limit);
  return load<T>(p);
}

@inline
function alongRow<T>(src: usize, step: usize, n: usize, dst: usize): void {
  const limit = load<f32>(SUM_WINDOW);
  let o: T = 0;
  for (let c: usize = 0; c < n; c += CHUNK) {
    let p: T = 0;
    for (const end = dst + (min(CHUNK, n - c) << 2); dst < end; dst += 4, src += step) {
      p += element<T>(src, limit);
      store<T>(dst, o + p);
    }
    o += p;
  }
}

/** One row of `width` columns: adds it to p, and stores o + p. */
@inline
function addRow<T>(src: usize, dst: usize, width: usize, local: usize, before: usize): void {
  const limit = v128.load(SUM_WINDOW);
  const limit1 = load<f32>(SUM_WINDOW);
  const wide = (width & ~3) << 2;
  let at: usize = 0;
  for (; at < wide; at += 16) {
    let x = v128.load(src + at);
    if (isFloat<T>()) x = windowed(x, limit);
    const p = v128.add<T>(v128.load(local + at), x);
    v128.store(local + at, p);
    v128.store(dst + at, v128.add<T>(v128.load(before + at), p));
  }
  for (; at < width << 2; at += 4) {
    const p: T = load<T>(local + at) + element<T>(src + at, limit1);
    store<T>(local + at, p);
    store<T>(dst + at, load<T>(before + at) + p);
  }
}

@inline
function downColumns<T>(src: usize, step: usize, n: usize, inner: usize, dst: usize, first: usize, end: usize): void {
  const local = own(LOCAL);
  const before = own(BEFORE);
  for (let j = first; j < end; j += BLOCK) {
    const width = min(BLOCK, end - j);
    memory.fill(before, 0, REGISTER_STRIDE);
    let from = src + (j << 2);
    let to = dst + (j << 2);
    for (let c: usize = 0; c < n; c += CHUNK) {
      memory.fill(local, 0, REGISTER_STRIDE);
      for (let i = min(CHUNK, n - c); i != 0; i--, from += step, to += inner << 2) addRow<T>(from, to, width, local, before);
      for (let at: usize = 0; at < BLOCK << 2; at += 16) {
        v128.store(before + at, v128.add<T>(v128.load(before + at), v128.load(local + at)));
      }
    }
  }
}

@inline
function part<T>(r: usize, begin: usize, end: usize, first: usize, last: usize): void {
  const n: usize = word(r, 4);
  const inner: usize = word(r, 5);
  const slab: usize = word(r, 7) << 2;
  const step: usize = word(r, 8) << 2;
  let src = word(r, 6) + begin * slab;
  let dst = word(r, 9) + ((begin * n * inner) << 2);
  for (let o = begin; o < end; o++, src += slab, dst += (n * inner) << 2) {
    if (inner == 1) alongRow<T>(src, step, n, dst);
    else downColumns<T>(src, step, n, inner, dst, first, last);
  }
}

/** Slabs [begin, end), and columns [first, last) of each. */
export function cumsumPart(r: usize, begin: usize, end: usize, first: usize, last: usize): void {
  if (load<i32>(r, 8) == ELEM_F32) part<f32>(r, begin, end, first, last);
  else part<u32>(r, begin, end, first, last);
}

export function cumsum(r: usize): void {
  cumsumPart(r, 0, word(r, 3), 0, word(r, 5));
}
