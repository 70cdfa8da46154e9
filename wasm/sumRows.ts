/**
 * R of N7 over contiguous lists: 64 lanes, lane j adding elements j, j+64, … of a chunk of 2048, then a tree over the
 * lanes; the results of the chunks are a list again, summed in the same way without the load rule.
 */
import { BLOCK, FIRST, SUM_WINDOW, windowed } from './constants';
import { ewSetup } from './interpreter';
import { operand } from './operand';
import { own } from './own';
import { word } from './words';

/** Elements of one chunk, and of one level's list of chunk results. */
export const CHUNK: usize = 2048;

const LANES: usize = memory.data(64 * 4, 64);
/** Lists of chunk results, one a level: 2048^3 elements are more than memory holds. */
const LEVELS: usize = memory.data(2 * 2048 * 4 + 64, 64);
const COUNTS: usize = memory.data(2 * 4, 16);

@inline
function group(p: usize, limit: v128): v128 {
  return windowed(v128.load(p), limit);
}

/** The first n - 4i elements of vector i, at most 4; the others are +0, which changes no sum. */
@inline
function partial(p: usize, i: usize, n: usize, limit: v128): v128 {
  const count = n > i << 2 ? min<usize>(4, n - (i << 2)) : 0;
  return v128.and(group(p + (i << 4), limit), v128.load(FIRST + (count << 4)));
}

/** v[0..4) of the lane tree, from its last vector of four: s = 2, then 1. */
@inline
function lastFour(x: v128): f32 {
  x = f32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 2, 3));
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1);
}

/** Adds `groups` times 32 neighbouring elements, 64 apart, to 32 lanes, which are +0 when `fresh`. */
@inline
function addHalf(lanes: usize, p: usize, groups: usize, limit: v128, fresh: bool): void {
  const zero = i32x4.splat(0);
  let v0 = fresh ? zero : v128.load(lanes);
  let v1 = fresh ? zero : v128.load(lanes, 16);
  let v2 = fresh ? zero : v128.load(lanes, 32);
  let v3 = fresh ? zero : v128.load(lanes, 48);
  let v4 = fresh ? zero : v128.load(lanes, 64);
  let v5 = fresh ? zero : v128.load(lanes, 80);
  let v6 = fresh ? zero : v128.load(lanes, 96);
  let v7 = fresh ? zero : v128.load(lanes, 112);
  for (; groups != 0; groups--, p += 256) {
    v0 = f32x4.add(v0, group(p, limit));
    v1 = f32x4.add(v1, group(p + 16, limit));
    v2 = f32x4.add(v2, group(p + 32, limit));
    v3 = f32x4.add(v3, group(p + 48, limit));
    v4 = f32x4.add(v4, group(p + 64, limit));
    v5 = f32x4.add(v5, group(p + 80, limit));
    v6 = f32x4.add(v6, group(p + 96, limit));
    v7 = f32x4.add(v7, group(p + 112, limit));
  }
  v128.store(lanes, v0);
  v128.store(lanes, v1, 16);
  v128.store(lanes, v2, 32);
  v128.store(lanes, v3, 48);
  v128.store(lanes, v4, 64);
  v128.store(lanes, v5, 80);
  v128.store(lanes, v6, 96);
  v128.store(lanes, v7, 112);
}

/**
 * Adds n elements, the first of which belongs to lane 0; `fresh` starts the lanes. Half the lanes at a time: 8 sums
 * stay in vector registers.
 */
function addBlock(p: usize, n: usize, limit: v128, fresh: bool): void {
  const groups = n >> 6;
  if (fresh) {
    addHalf(own(LANES), p, groups, limit, true);
    addHalf(own(LANES) + 128, p + 128, groups, limit, true);
  } else if (groups != 0) {
    addHalf(own(LANES), p, groups, limit, false);
    addHalf(own(LANES) + 128, p + 128, groups, limit, false);
  }
  const rest = n & 63;
  if (rest == 0) return;
  p += groups << 8;
  const vectors = (rest + 3) >> 2;
  for (let i: usize = 0; i < vectors; i++) {
    const lane = own(LANES) + (i << 4);
    v128.store(lane, f32x4.add(v128.load(lane), partial(p, i, rest, limit)));
  }
}

/** The tree over all 64 lanes. */
function tree(): f32 {
  for (let i: usize = 0; i < 128; i += 16) {
    v128.store(own(LANES) + i, f32x4.add(v128.load(own(LANES) + i), v128.load(own(LANES) + 128 + i)));
  }
  const a = f32x4.add(v128.load(own(LANES)), v128.load(own(LANES), 64));
  const b = f32x4.add(v128.load(own(LANES), 16), v128.load(own(LANES), 80));
  const c = f32x4.add(v128.load(own(LANES), 32), v128.load(own(LANES), 96));
  const d = f32x4.add(v128.load(own(LANES), 48), v128.load(own(LANES), 112));
  return lastFour(f32x4.add(f32x4.add(a, c), f32x4.add(b, d)));
}

/** R of up to 2048 elements in memory. Steps of the tree that would only add empty lanes are left out. */
function sumChunk(p: usize, n: usize, limit: v128): f32 {
  if (n <= 4) return lastFour(partial(p, 0, n, limit));
  if (n <= 8) return lastFour(f32x4.add(group(p, limit), partial(p, 1, n, limit)));
  if (n <= 16) {
    const even = f32x4.add(group(p, limit), partial(p, 2, n, limit));
    return lastFour(f32x4.add(even, f32x4.add(group(p + 16, limit), partial(p, 3, n, limit))));
  }
  for (let at: usize = 0; at < n; at += BLOCK) addBlock(p + (at << 2), min(BLOCK, n - at), limit, at == 0);
  return tree();
}

/** Appends a chunk's result to a level's list; a full list is itself summed first, and goes one level up. */
function push(level: usize, x: f32): void {
  const count = own(COUNTS) + (level << 2);
  const list = own(LEVELS) + level * (CHUNK << 2);
  let n = load<usize>(count);
  if (n == CHUNK) {
    push(level + 1, sumChunk(list, n, i32x4.splat(0)));
    n = 0;
  }
  store<f32>(list + (n << 2), x);
  store<usize>(count, n + 1);
}

/** R of the lists that `push` has filled. */
function settle(): f32 {
  const below = sumChunk(own(LEVELS), word(own(COUNTS), 0), i32x4.splat(0));
  if (word(own(COUNTS), 1) == 0) return below;
  push(1, below);
  return sumChunk(own(LEVELS) + (CHUNK << 2), word(own(COUNTS), 1), i32x4.splat(0));
}

/** R of one chunk, the n elements from flat index e0 on. */
function sumOne(prog: usize, src: usize, e0: usize, n: usize, limit: v128): f32 {
  for (let at: usize = 0; at < n; at += BLOCK) {
    const m = min(BLOCK, n - at);
    addBlock(operand(prog, src, e0 + at, m), m, limit, at == 0);
  }
  return tree();
}

/** R of the n elements from flat index e0 on. */
function sumLong(prog: usize, src: usize, e0: usize, n: usize, limit: v128): f32 {
  store<u64>(own(COUNTS), 0);
  let x: f32 = 0;
  for (let c: usize = 0; c < n; c += CHUNK) {
    x = sumOne(prog, src, e0 + c, min(CHUNK, n - c), limit);
    if (n > CHUNK) push(0, x);
  }
  return n > CHUNK ? settle() : x;
}

/** Starts the list of a long row whose chunks are summed on several threads. */
export function startList(): void {
  store<u64>(own(COUNTS), 0);
}

/** Where the results of up to 2048 chunks go; the caller's, for all threads. */
@inline
export function list(): usize {
  return own(LEVELS);
}

/** Chunks [begin, end) of row `row`, to places of the list at `to`, which begins with chunk `first`. */
export function sumChunks(
  prog: usize, src: usize, row: usize, n: usize, begin: usize, end: usize, first: usize, to: usize,
): void {
  const limit = v128.load(SUM_WINDOW);
  if (prog != 0) ewSetup(prog);
  for (let c = begin; c < end; c++) {
    const at = c * CHUNK;
    store<f32>(to + ((c - first) << 2), sumOne(prog, src, row * n + at, min(CHUNK, n - at), limit));
  }
}

/** Takes the list of `count` results; the row's last list gives its sum. */
export function takeList(count: usize, last: bool): f32 {
  store<usize>(own(COUNTS), count);
  if (last) return settle();
  push(1, sumChunk(own(LEVELS), count, i32x4.splat(0)));
  return 0;
}

/** dst[r] = R of row r, for rows [begin, end) of n elements. Short rows are evaluated several at a time. */
export function sumRows(prog: usize, src: usize, begin: usize, end: usize, n: usize, dst: usize): void {
  const limit = v128.load(SUM_WINDOW);
  const many = prog != 0 ? BLOCK / n : n <= CHUNK ? end - begin : 0;
  dst += begin << 2;
  if (many == 0) {
    for (let r = begin; r < end; r++, dst += 4) store<f32>(dst, sumLong(prog, src, r * n, n, limit));
    return;
  }
  for (let r = begin; r < end; r += many) {
    const rows = min(many, end - r);
    let p = operand(prog, src, r * n, rows * n);
    for (let i: usize = 0; i < rows; i++, p += n << 2, dst += 4) store<f32>(dst, sumChunk(p, n, limit));
  }
}
