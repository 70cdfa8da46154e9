/**
 * dst[o, i, j] = the position along the axis of the element that belongs at i (N7): by the order key, NaN greatest, ties by
 * ascending position.
 *
 * Record: [kind, words, elem, descending, outer, n, inner, src, srcOuter, srcAxis, srcInner, dst, scratch, pitch]. Scratch holds
 * two lists of n keys and n positions, for each thread `pitch` bytes further. Long lists go through a radix sort, byte by byte from the lowest, which keeps the order of
 * equals; short ones are sorted by insertion.
 */
import { ELEM_F32, ELEM_I32 } from './build/opcodes';
import { own, thread } from './own';
import { word } from './words';

/** Up to here moving elements is less than counting bytes. */
const SHORT: usize = 32;
/** Of each of the four bytes: how many elements have it, then where the next of them goes. */
const COUNTS: usize = memory.data(4 * 256 * 4, 64);

/** The key as u32: smaller comes first. */
@inline
function keyOf(elem: i32, flip: u32, u: u32): u32 {
  if (elem == ELEM_F32) {
    const key: u32 = (u & 0x7fffffff) > 0x7f800000 ? 0x7fffffff : u ^ ((<u32>(<i32>u >> 31)) >> 1);
    return key ^ flip;
  }
  return u ^ flip;
}

function insertion(keys: usize, places: usize, n: usize): void {
  for (let i: usize = 4; i < n << 2; i += 4) {
    const key = load<u32>(keys + i);
    const place = load<u32>(places + i);
    let at = i;
    for (; at != 0; at -= 4) {
      const before = load<u32>(keys + at - 4);
      if (before <= key) break;
      store<u32>(keys + at, before);
      store<u32>(places + at, load<u32>(places + at - 4));
    }
    store<u32>(keys + at, key);
    store<u32>(places + at, place);
  }
}

/** Answers where the sorted positions are: in one of the two lists. */
function radix(keys: usize, places: usize, n: usize, other: usize): usize {
  const counts = own(COUNTS);
  const bytes = n << 2;
  memory.fill(counts, 0, 4 * 256 * 4);
  for (let p = keys; p < keys + bytes; p += 4) {
    const key = load<u32>(p);
    for (let b: u32 = 0; b < 4; b++) {
      const at = counts + (((b << 8) | ((key >> (b << 3)) & 255)) << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
  }
  let toKeys = other;
  let toPlaces = other + bytes;
  for (let b: u32 = 0; b < 4; b++) {
    const row = counts + (b << 10);
    const shift = b << 3;
    // All have the same byte: the order is that of the bytes below.
    if (load<u32>(row + (((load<u32>(keys) >> shift) & 255) << 2)) == n) continue;
    let total: u32 = 0;
    for (let at = row; at < row + 1024; at += 4) {
      const count = load<u32>(at);
      store<u32>(at, total);
      total += count;
    }
    for (let i: usize = 0; i < bytes; i += 4) {
      const key = load<u32>(keys + i);
      const at = row + (((key >> shift) & 255) << 2);
      const to = load<usize>(at);
      store<usize>(at, to + 1);
      store<u32>(toKeys + (to << 2), key);
      store<u32>(toPlaces + (to << 2), load<u32>(places + i));
    }
    const k = keys;
    const p = places;
    keys = toKeys;
    places = toPlaces;
    toKeys = k;
    toPlaces = p;
  }
  return places;
}

@inline
function lists(elem: i32, r: usize, begin: usize, end: usize): void {
  const n: usize = word(r, 5);
  const inner: usize = word(r, 6);
  const srcOuter: usize = word(r, 8) << 2;
  const srcAxis: usize = word(r, 9) << 2;
  const srcInner: usize = word(r, 10) << 2;
  const scratch = word(r, 12) + thread() * word(r, 13);
  const places = scratch + (n << 2);
  const flip: u32 = (elem == ELEM_F32 || elem == ELEM_I32 ? 0x80000000 : 0) ^ (0 - load<u32>(r, 12));
  for (; begin < end; begin++) {
    const o = begin / inner;
    const j = begin % inner;
    for (let i: usize = 0, p = word(r, 7) + o * srcOuter + j * srcInner; i < n; i++, p += srcAxis) {
      store<u32>(scratch + (i << 2), keyOf(elem, flip, load<u32>(p)));
      store<u32>(places + (i << 2), <u32>i);
    }
    let sorted = places;
    if (n <= SHORT) insertion(scratch, places, n);
    else sorted = radix(scratch, places, n, scratch + (n << 3));
    for (let i: usize = 0, p = word(r, 11) + ((o * n * inner + j) << 2); i < n; i++, p += inner << 2) {
      store<u32>(p, load<u32>(sorted + (i << 2)));
    }
  }
}

/** Lists of the record, how many there are. */
@inline
export function listsOf(r: usize): usize {
  return word(r, 4) * word(r, 6);
}

/** Lists [begin, end). */
export function argsortPart(r: usize, begin: usize, end: usize): void {
  const elem = load<i32>(r, 8);
  if (elem == ELEM_F32) lists(ELEM_F32, r, begin, end);
  else lists(elem, r, begin, end);
}
