/**
 * max and argmax over the middle dimension of [outer, n, inner] (N7): NaN wins; of equals the lowest position.
 *
 * Elements are compared as integers: i32 by themselves, u32 with the top bit flipped, f32 by the order key of N3, in
 * which NaN is the greatest. Record: [kind, words, elem, prog, src, outer, n, inner, dst, epilogue].
 */
import { ELEM_F32, ELEM_U32, REC_MAX, REGISTER_STRIDE } from './build/opcodes';
import { BLOCK, INDICES, NAN_BITS } from './constants';
import { copyExact } from './copy';
import { ewRange, ewSetup } from './interpreter';
import { operand } from './operand';
import { own } from './own';
import { word } from './words';

/** Best keys of up to 256 columns, and where they are. */
const KEYS: usize = memory.data(REGISTER_STRIDE, 64);
const WHERE: usize = memory.data(REGISTER_STRIDE, 64);

@inline
function keys(elem: i32, x: v128): v128 {
  if (elem == ELEM_F32) {
    const key = v128.xor(x, i32x4.shr_u(i32x4.shr_s(x, 31), 1));
    return v128.bitselect(i32x4.splat(0x7fffffff), key, f32x4.ne(x, x));
  }
  return elem == ELEM_U32 ? v128.xor(x, i32x4.splat(i32.MIN_VALUE)) : x;
}

/** The element that a key stands for. */
@inline
function element(elem: i32, key: i32): u32 {
  if (elem == ELEM_F32) return key == i32.MAX_VALUE ? NAN_BITS : key ^ ((key >> 31) & 0x7fffffff);
  return elem == ELEM_U32 ? key ^ i32.MIN_VALUE : key;
}

/** A key above the complement of its position: the greater i64 is the better, and of equal keys the earlier. */
@inline
function ranked(key: i32, at: u32): i64 {
  return ((<i64>key) << 32) | (<i64>~at & 0xffffffff);
}

/** The best of n elements at p, the first of which has position `first`. */
@inline
function bestOf(elem: i32, p: usize, n: usize, first: u32, wantsIndex: bool): i64 {
  if (n < 4) {
    let best = i64.MIN_VALUE;
    for (let i: usize = 0; i < n; i++) {
      const x = ranked(i32x4.extract_lane(keys(elem, v128.load32_splat(p + (i << 2))), 0), first + <u32>i);
      if (x > best) best = x;
    }
    return best;
  }
  const end = p + (n << 2);
  let at = i32x4.add(v128.load(INDICES), i32x4.splat(first));
  let where = at;
  let best = keys(elem, v128.load(p));
  const four = i32x4.splat(4);
  for (p += 16; p + 16 <= end; p += 16) {
    at = i32x4.add(at, four);
    const key = keys(elem, v128.load(p));
    if (wantsIndex) where = v128.bitselect(at, where, i32x4.gt_s(key, best));
    best = i32x4.max_s(best, key);
  }
  if (p < end) {
    // The last four once more: an element that is met twice changes nothing.
    const key = keys(elem, v128.load(end - 16));
    at = i32x4.add(v128.load(INDICES), i32x4.splat(first + <u32>n - 4));
    where = v128.bitselect(at, where, i32x4.gt_s(key, best));
    best = i32x4.max_s(best, key);
  }
  let top = i32x4.max_s(best, v128.shuffle<i32>(best, best, 2, 3, 0, 1));
  top = i32x4.max_s(top, v128.shuffle<i32>(top, top, 1, 0, 3, 2));
  if (!wantsIndex) return ranked(i32x4.extract_lane(top, 0), 0);
  where = v128.or(where, i32x4.ne(best, top)); // lanes that lost are -1, the last of positions
  where = i32x4.min_u(where, v128.shuffle<i32>(where, where, 2, 3, 0, 1));
  where = i32x4.min_u(where, v128.shuffle<i32>(where, where, 1, 0, 3, 2));
  return ranked(i32x4.extract_lane(top, 0), i32x4.extract_lane(where, 0));
}

@inline
function put(elem: i32, dst: usize, best: i64, wantsIndex: bool): void {
  store<u32>(dst, wantsIndex ? ~(<u32>best) : element(elem, <i32>(best >> 32)));
}

/** Rows of n elements; short ones are evaluated several at a time. */
@inline
function reduceRows(
  elem: i32, prog: usize, src: usize, begin: usize, end: usize, n: usize, dst: usize, wantsIndex: bool,
): void {
  const many = prog == 0 ? end - begin : BLOCK / n;
  dst += begin << 2;
  if (many == 0) {
    for (let o = begin; o < end; o++, dst += 4) {
      let best = i64.MIN_VALUE;
      for (let i: usize = 0; i < n; i += BLOCK) {
        const m = min(BLOCK, n - i);
        const x = bestOf(elem, operand(prog, src, o * n + i, m), m, <u32>i, wantsIndex);
        if (x > best) best = x;
      }
      put(elem, dst, best, wantsIndex);
    }
    return;
  }
  for (let o = begin; o < end; o += many) {
    const rows = min(many, end - o);
    let p = operand(prog, src, o * n, rows * n);
    for (let t: usize = 0; t < rows; t++, p += n << 2, dst += 4) {
      put(elem, dst, bestOf(elem, p, n, 0, wantsIndex), wantsIndex);
    }
  }
}

/** Row i of up to 256 columns against the best so far. */
@inline
function addRow(elem: i32, p: usize, i: usize, bytes: usize): void {
  const index = i32x4.splat(<i32>i);
  const best = own(KEYS);
  const where = own(WHERE);
  for (let at: usize = 0; at < bytes; at += 16) {
    const key = keys(elem, v128.load(p + at));
    const old = v128.load(best + at);
    const better = i == 0 ? i32x4.splat(-1) : i32x4.gt_s(key, old);
    v128.store(best + at, v128.bitselect(key, old, better));
    v128.store(where + at, v128.bitselect(index, v128.load(where + at), better));
  }
}

@inline
function reduceColumns(
  elem: i32, prog: usize, src: usize, begin: usize, end: usize, n: usize, inner: usize, from: usize, to: usize, dst: usize,
  wantsIndex: bool,
): void {
  for (let o = begin; o < end; o++) {
    for (let j = from; j < to; j += BLOCK) {
      const width = min(BLOCK, to - j);
      const put = dst + ((o * inner + j) << 2);
      const bytes = ((width + 3) & ~3) << 2;
      const many = width == inner ? BLOCK / inner : 1;
      for (let i: usize = 0; i < n; i += many) {
        const rows = min(many, n - i);
        let p = operand(prog, src, (o * n + i) * inner + j, rows == 1 ? width : rows * inner);
        for (let t = i; t < i + rows; t++, p += inner << 2) addRow(elem, p, t, bytes);
      }
      if (wantsIndex) copyExact(put, own(WHERE), width);
      else for (let at: usize = 0; at < width << 2; at += 4) store<u32>(put + at, element(elem, load<i32>(own(KEYS) + at)));
    }
  }
}

@inline
function reduce(elem: i32, r: usize, begin: usize, end: usize, from: usize, to: usize, wantsIndex: bool): void {
  const prog = word(r, 3);
  const inner = word(r, 7);
  if (prog != 0) ewSetup(prog);
  if (inner == 1) reduceRows(elem, prog, word(r, 4), begin, end, word(r, 6), word(r, 8), wantsIndex);
  else reduceColumns(elem, prog, word(r, 4), begin, end, word(r, 6), inner, from, to, word(r, 8), wantsIndex);
}

/** Slabs [begin, end) of the record, columns [from, to) of them. */
export function maxPart(r: usize, begin: usize, end: usize, from: usize, to: usize): void {
  const elem = load<i32>(r, 8);
  if (elem == ELEM_F32) reduce(ELEM_F32, r, begin, end, from, to, false);
  else reduce(elem, r, begin, end, from, to, false);
}

export function argmaxPart(r: usize, begin: usize, end: usize, from: usize, to: usize): void {
  const elem = load<i32>(r, 8);
  if (elem == ELEM_F32) reduce(ELEM_F32, r, begin, end, from, to, true);
  else reduce(elem, r, begin, end, from, to, true);
}

/** The whole record, of max or argmax. */
export function max(r: usize): void {
  const outer = word(r, 5);
  const inner = word(r, 7);
  if (load<i32>(r) == REC_MAX) maxPart(r, 0, outer, 0, inner);
  else argmaxPart(r, 0, outer, 0, inner);
  const epilogue = word(r, 9);
  if (epilogue != 0) ewRange(epilogue, 0, outer * inner);
}
