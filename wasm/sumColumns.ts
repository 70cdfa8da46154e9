/**
 * R of N7 over the middle dimension of [outer, n, inner], for as many columns at a time as a block holds: a lane is a
 * row of partial sums. Same order as sumRows, so a shape's layout cannot change a bit.
 */
import { LANES, LEVEL_COLUMNS, addRow, pushChunk, settle, startChunks, tree } from './columnLanes';
import { BLOCK, SUM_WINDOW } from './constants';
import { copyExact } from './copy';
import { operand } from './operand';
import { own } from './own';
import { CHUNK } from './sumRows';

/** Columns [column, column+width) of slab o: returns where their sums are. */
function sumPiece(
  prog: usize, src: usize, o: usize, n: usize, inner: usize, column: usize, width: usize, limit: v128,
): usize {
  const bytes = ((width + 3) & ~3) << 2;
  // Whole rows lie next to each other, so a block holds several when they are short.
  const many = width == inner ? BLOCK / inner : 1;
  startChunks();
  for (let c: usize = 0; c < n; c += CHUNK) {
    const end = min(n, c + CHUNK);
    for (let i = c; i < end; i += many) {
      const rows = min(many, end - i);
      let p = operand(prog, src, (o * n + i) * inner + column, rows == 1 ? width : rows * inner);
      for (let r = i - c; r < i - c + rows; r++, p += inner << 2) addRow(own(LANES), r, p, bytes, limit);
    }
    tree(own(LANES), end - c, bytes);
    if (n > CHUNK) pushChunk(bytes);
  }
  return n > CHUNK ? settle(bytes) : own(LANES);
}

/** dst[o, j] = R over i of element [o, i, j]. */
export function sumColumns(prog: usize, src: usize, outer: usize, n: usize, inner: usize, dst: usize): void {
  const limit = v128.load(SUM_WINDOW);
  const most: usize = n > CHUNK ? LEVEL_COLUMNS : BLOCK;
  for (let o: usize = 0; o < outer; o++) {
    for (let j: usize = 0; j < inner; j += most) {
      const width = min(most, inner - j);
      copyExact(dst, sumPiece(prog, src, o, n, inner, j, width, limit), width);
      dst += width << 2;
    }
  }
}
