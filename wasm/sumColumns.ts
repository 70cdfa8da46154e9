/**
 * R of N7 over the middle dimension of [outer, n, inner], for as many columns at a time as a block holds: a lane is a
 * row of partial sums. Same order as sumRows, so a shape's layout cannot change a bit.
 */
import { LANES, LEVEL_COLUMNS, addRow, pushChunk, settle, startChunks, tree } from './columnLanes';
import { BLOCK, SUM_WINDOW } from './constants';
import { copyExact, copyRounded } from './copy';
import { ewSetup } from './interpreter';
import { operand } from './operand';
import { own } from './own';
import { CHUNK } from './sumRows';

/** One chunk of n rows from flat index e0 on, `width` columns: their sums are left in the first lane. */
function sumOne(prog: usize, src: usize, e0: usize, n: usize, inner: usize, width: usize, limit: v128): void {
  const bytes = ((width + 3) & ~3) << 2;
  // Whole rows lie next to each other, so a block holds several when they are short.
  const many = width == inner ? BLOCK / inner : 1;
  for (let i: usize = 0; i < n; i += many) {
    const rows = min(many, n - i);
    let p = operand(prog, src, e0 + i * inner, rows == 1 ? width : rows * inner);
    for (let r = i; r < i + rows; r++, p += inner << 2) addRow(own(LANES), r, p, bytes, limit);
  }
  tree(own(LANES), n, bytes);
}

/** Columns [column, column+width) of slab o: returns where their sums are. */
function sumPiece(
  prog: usize, src: usize, o: usize, n: usize, inner: usize, column: usize, width: usize, limit: v128,
): usize {
  const bytes = ((width + 3) & ~3) << 2;
  startChunks();
  for (let c: usize = 0; c < n; c += CHUNK) {
    sumOne(prog, src, (o * n + c) * inner + column, min(CHUNK, n - c), inner, width, limit);
    if (n > CHUNK) pushChunk(own(LANES), bytes);
  }
  return n > CHUNK ? settle(bytes) : own(LANES);
}

/** dst[o, j] = R over i of element [o, i, j], for slabs o of [begin, end) and columns j of [from, to). */
export function sumColumns(
  prog: usize, src: usize, begin: usize, end: usize, n: usize, inner: usize, from: usize, to: usize, dst: usize,
): void {
  const limit = v128.load(SUM_WINDOW);
  const most: usize = n > CHUNK ? LEVEL_COLUMNS : BLOCK;
  for (let o = begin; o < end; o++) {
    for (let j = from; j < to; j += most) {
      const width = min(most, to - j);
      copyExact(dst + ((o * inner + j) << 2), sumPiece(prog, src, o, n, inner, j, width, limit), width);
    }
  }
}

/** The chunk of n rows from flat index e0 on, on whatever thread: its sums go to `dst`, some more columns with them. */
export function sumChunkOfColumns(
  prog: usize, src: usize, e0: usize, n: usize, inner: usize, width: usize, dst: usize,
): void {
  if (prog != 0) ewSetup(prog);
  sumOne(prog, src, e0, n, inner, width, v128.load(SUM_WINDOW));
  copyRounded(dst, own(LANES), width);
}
