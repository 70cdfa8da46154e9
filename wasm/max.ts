/**
 * max and argmax over the middle dimension of [outer, n, inner] (N7): NaN wins; of equals the lowest position.
 *
 * Elements are compared as integers: i32 by themselves, u32 with the top bit flipped, f32 by the order key of N3, in which
 * NaN is the greatest. Record: [kind, words, elem, prog, src, outer, n, inner, dst, epilogue].
 */
import { ELEM_F32, ELEM_U32, REGISTER_STRIDE } from './build/opcodes';
import { BLOCK, INDICES, NAN_BITS } from './constants';
import { copyExact } from './copy';
import { ewRange, ewSetup } from './interpreter';
import { operand } from './operand';
import { word } from './words';

const LEAST: i32 = i32.MIN_VALUE;
/** The position of a best key that there is not yet. */
const NONE: u32 = 0xffffffff;
/** Best keys and their positions: of 256 columns, or of the 4 lanes of a row. */
const KEYS: usize = memory.data(REGISTER_STRIDE, 64);
const WHERE: usize = memory.data(REGISTER_STRIDE, 64);

@inline
function keys(elem: i32, x: v128): v128 {
  if (elem == ELEM_F32) {
    const key = v128.xor(x, v128.and(i32x4.shr_s(x, 31), i32x4.splat(0x7fffffff)));
    return v128.bitselect(i32x4.splat(0x7fffffff), key, f32x4.ne(x, x));
  }
  return elem == ELEM_U32 ? v128.xor(x, i32x4.splat(LEAST)) : x;
}

/** The element that a key stands for. */
@inline
function element(elem: i32, key: i32): u32 {
  if (elem == ELEM_F32) return key == i32.MAX_VALUE ? NAN_BITS : key ^ ((key >> 31) & 0x7fffffff);
  return elem == ELEM_U32 ? key ^ LEAST : key;
}

/** Row r: the best of each residue mod 4 in vector lanes, then the best of those. */
function row(elem: i32, prog: usize, src: usize, e0: usize, n: usize, wantsIndex: bool): u32 {
  let best = i32x4.splat(LEAST);
  let where = i32x4.splat(-1);
  let bestTail = LEAST;
  let whereTail: u32 = NONE;
  for (let i: usize = 0; i < n; i += BLOCK) {
    const m = min(BLOCK, n - i);
    const p = operand(prog, src, e0 + i, m);
    const vectors = m >> 2;
    let at = i32x4.add(v128.load(INDICES), i32x4.splat(<i32>i));
    const four = i32x4.splat(4);
    for (let v: usize = 0; v < vectors; v++) {
      const key = keys(elem, v128.load(p + (v << 4)));
      // The first of all must win even if it is the least key there is: -1 marks a lane without one.
      const better = v128.or(i32x4.gt_s(key, best), i32x4.eq(where, i32x4.splat(-1)));
      best = v128.bitselect(key, best, better);
      where = v128.bitselect(at, where, better);
      at = i32x4.add(at, four);
    }
    for (let j = vectors << 2; j < m; j++) {
      const key = i32x4.extract_lane(keys(elem, v128.load32_splat(p + (j << 2))), 0);
      if (key > bestTail || whereTail == NONE) {
        bestTail = key;
        whereTail = <u32>(i + j);
      }
    }
  }
  v128.store(KEYS, best);
  v128.store(WHERE, where);
  for (let lane: usize = 0; lane < 16; lane += 4) {
    const key = load<i32>(KEYS + lane);
    const index = load<u32>(WHERE + lane);
    if (key > bestTail || (key == bestTail && index < whereTail)) {
      bestTail = key;
      whereTail = index;
    }
  }
  return wantsIndex ? whereTail : element(elem, bestTail);
}

/** Rows [i, i+rows) of up to 256 columns against the best so far. */
@inline
function addRow(elem: i32, p: usize, i: usize, bytes: usize): void {
  const index = i32x4.splat(<i32>i);
  for (let at: usize = 0; at < bytes; at += 16) {
    const key = keys(elem, v128.load(p + at));
    const best = v128.load(KEYS + at);
    const better = i == 0 ? i32x4.splat(-1) : i32x4.gt_s(key, best);
    v128.store(KEYS + at, v128.bitselect(key, best, better));
    v128.store(WHERE + at, v128.bitselect(index, v128.load(WHERE + at), better));
  }
}

@inline
function reduce(elem: i32, r: usize, wantsIndex: bool): void {
  const prog: usize = word(r, 3);
  const src: usize = word(r, 4);
  const outer: usize = word(r, 5);
  const n: usize = word(r, 6);
  const inner: usize = word(r, 7);
  let dst: usize = word(r, 8);
  if (prog != 0) ewSetup(prog);
  if (inner == 1) {
    for (let o: usize = 0; o < outer; o++, dst += 4) store<u32>(dst, row(elem, prog, src, o * n, n, wantsIndex));
    return;
  }
  for (let o: usize = 0; o < outer; o++) {
    for (let j: usize = 0; j < inner; j += BLOCK) {
      const width = min(BLOCK, inner - j);
      const bytes = ((width + 3) & ~3) << 2;
      const many: usize = width == inner ? BLOCK / inner : 1;
      for (let i: usize = 0; i < n; i += many) {
        const rows = min(many, n - i);
        let p = operand(prog, src, (o * n + i) * inner + j, rows == 1 ? width : rows * inner);
        for (let t = i; t < i + rows; t++, p += inner << 2) addRow(elem, p, t, bytes);
      }
      if (wantsIndex) copyExact(dst, WHERE, width);
      else for (let at: usize = 0; at < width << 2; at += 4) store<u32>(dst + at, element(elem, load<i32>(KEYS + at)));
      dst += width << 2;
    }
  }
}

export function max(r: usize, wantsIndex: bool): void {
  const elem = load<i32>(r, 8);
  if (elem == ELEM_F32) reduce(ELEM_F32, r, wantsIndex);
  else reduce(elem, r, wantsIndex);
  const epilogue: usize = word(r, 9);
  if (epilogue != 0) ewRange(epilogue, 0, word(r, 5) * word(r, 7));
}
