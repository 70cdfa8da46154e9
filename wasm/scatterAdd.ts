/**
 * dst[o, d, j] = base[o, d, j] + R(src[o, i, j] over ascending i with index d); places without sources keep their bits,
 * sources out of range are dropped (N7).
 *
 * Record: [kind, words, elem, outer, v, n, inner, base, src, idx, idxOuter, idxAxis, idxInner, dst, scratch]. The
 * sources are listed by destination (a counting sort, in scratch: v ends, then n source numbers), then each list is
 * summed, by several threads where there are some.
 */
import { ELEM_F32 } from './build/opcodes';
import { LANES, LEVEL_COLUMNS, addRow, pushChunk, settle, startChunks, tree } from './columnLanes';
import { SNAP_BITS, SUM_WINDOW, snap, snap1, windowed, windowed1 } from './constants';
import { own } from './own';
import { CHUNK } from './sumRows';
import { listsDivided } from './tasks';
import { word } from './words';

/** In place of a slab's number: its columns go different ways, and one thread does them. */
const ALONE: usize = 0xffffffff;

/** dst += the sums at p, snapped (N3). */
@inline
function addTo(dst: usize, p: usize, width: usize): void {
  const bits = v128.load(SNAP_BITS);
  const end = dst + (width << 2);
  for (; dst + 16 <= end; dst += 16, p += 16) v128.store(dst, snap(f32x4.add(v128.load(dst), v128.load(p)), bits));
  for (; dst < end; dst += 4, p += 4) store<f32>(dst, snap1(load<f32>(dst) + load<f32>(p)));
}

/** dst += R of one source, which is the source under the load rule. */
@inline
function addSource(dst: usize, p: usize, width: usize): void {
  const bits = v128.load(SNAP_BITS);
  const limit = v128.load(SUM_WINDOW);
  const end = dst + (width << 2);
  for (; dst + 16 <= end; dst += 16, p += 16) {
    v128.store(dst, snap(f32x4.add(v128.load(dst), windowed(v128.load(p), limit)), bits));
  }
  for (; dst < end; dst += 4, p += 4) {
    store<f32>(dst, snap1(load<f32>(dst) + windowed1(load<f32>(p), load<f32>(SUM_WINDOW))));
  }
}

/** Adds R of the listed source rows to the row at dst. */
function addNumbers(list: usize, count: usize, src: usize, row: usize, dst: usize, columns: usize): void {
  if (count == 1) return addSource(dst, src + word(list, 0) * row, columns);
  const limit = v128.load(SUM_WINDOW);
  for (let j: usize = 0; j < columns; j += LEVEL_COLUMNS) {
    const width = min(LEVEL_COLUMNS, columns - j);
    const bytes = ((width + 3) & ~3) << 2;
    startChunks();
    for (let c: usize = 0; c < count; c += CHUNK) {
      const m = min(CHUNK, count - c);
      for (let t: usize = 0; t < m; t++) addRow(own(LANES), t, src + word(list, c + t) * row + (j << 2), bytes, limit);
      tree(own(LANES), m, bytes);
      if (count > CHUNK) pushChunk(own(LANES), bytes);
    }
    addTo(dst + (j << 2), count > CHUNK ? settle(bytes) : own(LANES), width);
  }
}

@inline
function addWords(dst: usize, p: usize, width: usize): void {
  const end = dst + (width << 2);
  for (; dst < end; dst += 4, p += 4) store<u32>(dst, load<u32>(dst) + load<u32>(p));
}

/**
 * Sources of one slab whose columns all go the same way; `row` is the bytes from one source or destination to the next.
 */
function scatter(
  r: usize, elem: i32, idx: usize, step: usize, v: usize, n: usize, src: usize, row: usize, dst: usize, columns: usize,
  scratch: usize, o: usize,
): void {
  if (n == 1) {
    const d = load<usize>(idx);
    if (d >= v) return;
    if (elem == ELEM_F32) addSource(dst + d * row, src, columns);
    else addWords(dst + d * row, src, columns);
    return;
  }
  const list = scratch + (v << 2);
  memory.fill(scratch, 0, v << 2);
  for (let i: usize = 0, p = idx; i < n; i++, p += step) {
    const d = load<usize>(p);
    if (d < v) store<usize>(scratch + (d << 2), word(scratch, d) + 1);
  }
  let total: usize = 0;
  for (let p = scratch; p < list; p += 4) {
    const count = load<usize>(p);
    store<usize>(p, total);
    total += count;
  }
  for (let i: usize = 0, p = idx; i < n; i++, p += step) {
    const d = load<usize>(p);
    if (d >= v) continue;
    const at = word(scratch, d);
    store<usize>(list + (at << 2), i);
    store<usize>(scratch + (d << 2), at + 1);
  }
  if (o == ALONE || !listsDivided(r, o)) addLists(elem, scratch, v, 0, v, src, row, dst, columns);
}

/** Adds the lists of places [from, to) of v, as they stand in the scratch: there each place has the end of its list. */
function addLists(
  elem: i32, scratch: usize, v: usize, from: usize, to: usize, src: usize, row: usize, dst: usize, columns: usize,
): void {
  const list = scratch + (v << 2);
  let begin = from != 0 ? word(scratch, from - 1) : 0;
  for (let d = from; d < to; d++) {
    const end = word(scratch, d);
    if (end == begin) continue;
    const at = dst + d * row;
    if (elem == ELEM_F32) addNumbers(list + (begin << 2), end - begin, src, row, at, columns);
    else for (let t = begin; t < end; t++) addWords(at, src + word(list, t) * row, columns);
    begin = end;
  }
}

/** The same of slab o, as a task of the record. */
export function scatterPart(r: usize, o: usize, from: usize, to: usize): void {
  const v = word(r, 4);
  const row = word(r, 6) << 2;
  const src = word(r, 8) + o * word(r, 5) * row;
  addLists(load<i32>(r, 8), word(r, 14), v, from, to, src, row, word(r, 13) + o * v * row, word(r, 6));
}

export function scatterAdd(r: usize): void {
  const elem = load<i32>(r, 8);
  const outer: usize = word(r, 3);
  const v: usize = word(r, 4);
  const n: usize = word(r, 5);
  const inner: usize = word(r, 6);
  const base: usize = word(r, 7);
  let src: usize = word(r, 8);
  let idx: usize = word(r, 9);
  const idxOuter: usize = word(r, 10) << 2;
  const idxAxis: usize = word(r, 11) << 2;
  const idxInner: usize = word(r, 12) << 2;
  let dst: usize = word(r, 13);
  const scratch: usize = word(r, 14);
  const row = inner << 2;
  if (base != dst) memory.copy(dst, base, outer * v * row);
  for (let o: usize = 0; o < outer; o++, src += n * row, dst += v * row, idx += idxOuter) {
    if (idxInner == 0 || inner == 1) scatter(r, elem, idx, idxAxis, v, n, src, row, dst, inner, scratch, o);
    else {
      for (let j: usize = 0; j < inner; j++) {
        scatter(r, elem, idx + j * idxInner, idxAxis, v, n, src + (j << 2), row, dst + (j << 2), 1, scratch, ALONE);
      }
    }
  }
}
