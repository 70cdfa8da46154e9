/**
 * Partial sums of N7 for many columns at once: a lane is a row of them. Lists longer than a chunk go up a level, where
 * chunk results are the elements.
 */
import { windowed } from './constants';
import { CHUNK } from './sumRows';
import { own } from './own';
import { word } from './words';

/** 64 lanes of up to 256 columns, or three levels of 64 lanes of up to 64 columns. */
export const LANES: usize = memory.data(64 * 256 * 4, 64);
export const LEVEL_COLUMNS: usize = 64;
const LEVEL_BYTES: usize = 64 * LEVEL_COLUMNS * 4;
const COUNTS: usize = memory.data(3 * 4, 16);

/** Adds row i of a list, `bytes` wide (a multiple of 16), to its lane; a lane's first element starts it. */
@inline
export function addRow(lanes: usize, i: usize, p: usize, bytes: usize, limit: v128): void {
  let lane = lanes + (i & 63) * bytes;
  const end = lane + bytes;
  if (i < 64) {
    for (; lane < end; lane += 16, p += 16) v128.store(lane, windowed(v128.load(p), limit));
  } else {
    for (; lane < end; lane += 16, p += 16) v128.store(lane, f32x4.add(v128.load(lane), windowed(v128.load(p), limit)));
  }
}

/** The tree over the first `count` lanes; the sums are left in lane 0. Lanes without elements are skipped. */
export function tree(lanes: usize, count: usize, bytes: usize): void {
  if (count > 64) count = 64;
  for (let s: usize = 32; s != 0; s >>= 1) {
    if (count <= s) continue;
    const step = s * bytes;
    const end = lanes + (count - s) * bytes;
    for (let p = lanes; p < end; p += 16) v128.store(p, f32x4.add(v128.load(p), v128.load(p + step)));
    count = s;
  }
}

/** Appends a row of chunk results to a level's lanes; after 2048 rows the level's own sums go one level up. */
function push(level: usize, p: usize, bytes: usize): void {
  const count = own(COUNTS) + (level << 2);
  const lanes = own(LANES) + level * LEVEL_BYTES;
  let n = load<usize>(count);
  if (n == CHUNK) {
    tree(lanes, n, bytes);
    push(level + 1, lanes, bytes);
    n = 0;
  }
  addRow(lanes, n, p, bytes, i32x4.splat(0));
  store<usize>(count, n + 1);
}

/** Starts a list of several chunks. */
export function startChunks(): void {
  store<u64>(own(COUNTS), 0);
  store<u32>(own(COUNTS), 0, 8);
}

/** Adds the result of one chunk, at p, to a list of several. */
export function pushChunk(p: usize, bytes: usize): void {
  push(1, p, bytes);
}

/** Room for the results of 64 chunks of up to 64 columns, behind the levels; the caller's, for all threads. */
@inline
export function results(): usize {
  return own(LANES) + 3 * LEVEL_BYTES;
}

/** R over the chunk results; where they are. */
export function settle(bytes: usize): usize {
  const first = own(LANES) + LEVEL_BYTES;
  tree(first, word(own(COUNTS), 1), bytes);
  if (word(own(COUNTS), 2) == 0) return first;
  push(2, first, bytes);
  tree(first + LEVEL_BYTES, word(own(COUNTS), 2), bytes);
  return first + LEVEL_BYTES;
}
