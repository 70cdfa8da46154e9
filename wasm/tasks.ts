/**
 * How the records of a plan are divided into tasks, by their shapes: a task is worth some microseconds, and there are a few for
 * each thread, so that one that is slower or comes later does fewer.
 */
import {
  ELEM_F32, REC_ARGMAX, REC_ARGSORT, REC_CHECK, REC_CUMSUM, REC_FINISH, REC_GATHER, REC_MAP, REC_MATMUL, REC_MATMULINT8, REC_MAX,
  REC_ROWS, REC_SCATTERADD, REC_SUM, REC_WALKED, ROWS,
} from './build/opcodes';
import { argsortPart, listsOf } from './argsort';
import { LEVEL_COLUMNS, pushChunk, results, settle, startChunks } from './columnLanes';
import { copyExact } from './copy';
import { crew, together, worth } from './crew';
import { cumsumPart } from './cumsum';
import { check, finish } from './finish';
import { gatherRows } from './gather';
import { ewRange } from './interpreter';
import { batchOf, matmulPart } from './matmul';
import { argmaxPart, maxPart } from './max';
import { held, hold, packColumns } from './packed';
import { behind, firstOf, rowsPart } from './rows';
import { perform } from './run';
import { scatterPart } from './scatterAdd';
import { sumPart } from './sum';
import { sumChunkOfColumns } from './sumColumns';
import { CHUNK, list, startList, sumChunks, takeList } from './sumRows';
import { callers } from './own';
import { word } from './words';

/** Kinds of tasks that are no record's: elements of a program, chunks of a long row, chunks of long columns, a product's B. */
const ELEMENTS: u32 = 100;
const ROW_CHUNKS: u32 = 101;
const COLUMN_CHUNKS: u32 = 102;
const PACKS: u32 = 103;

/** Chunks of a long list in one task. */
const CHUNKS: usize = 8;

/** Elements of a task of a program or of a reduction, at least. */
@inline
function least(): usize {
  return <usize>worth / 3 + 1;
}

/** Whether so many operations, so many of which take a nanosecond, are work enough. */
@inline
function pays(operations: u64, rate: u64): bool {
  return operations >= <u64>worth * rate;
}

/** Parts to divide n things into, each but the last `unit` or a multiple of it: their size. */
@inline
function portion(n: usize, unit: usize): usize {
  const size = n / (crew() * 4) + 1;
  return size <= unit ? unit : ((size + unit - 1) / unit) * unit;
}

@inline
function parts(n: usize, size: usize): usize {
  return (n + size - 1) / size;
}

/** Does the record on several threads; false where it is left to the caller. */
export function divided(r: usize): bool {
  if (crew() == 1) return false;
  switch (load<i32>(r)) {
    case REC_MAP: return elements(word(r, 2));
    case REC_ROWS: return rows(r);
    case REC_MATMUL: case REC_MATMULINT8: case REC_WALKED: return matmul(r);
    case REC_SUM: case REC_MAX: case REC_ARGMAX: return reduce(r);
    case REC_GATHER: return gather(r);
    case REC_FINISH: {
      const n = word(r, 3);
      if (!pays(n, 16)) return false;
      const size = portion(n, least());
      together(REC_FINISH, r, parts(n, size), size, 0);
      return true;
    }
    case REC_CHECK: {
      const n = word(r, 3);
      if (!pays(n, 4)) return false;
      const size = portion(n, least());
      together(REC_CHECK, r, parts(n, size), size, 0);
      return true;
    }
    case REC_CUMSUM: return cumsum(r);
    case REC_ARGSORT: {
      const n = word(r, 5);
      const count = listsOf(r);
      if (count == 1 || !pays(<u64>count * n * 16, 1)) return false;
      const size = portion(count, least() / (n * 16) + 1);
      together(REC_ARGSORT, r, parts(count, size), size, 0);
      return true;
    }
    default: return false;
  }
}

/** Task t of a job. */
export function task(kind: u32, at: usize, t: usize, x: usize, y: usize): void {
  switch (kind) {
    case ELEMENTS: ewRange(at, t * x, min(t * x + x, word(at, 0))); break;
    case REC_MATMUL: case REC_MATMULINT8: case REC_WALKED: matmulTask(at, t, x, y); break;
    case REC_ROWS: rowsPart(at, t * x, min(t * x + x, word(at, 2))); break;
    case REC_SUM: sumTask(at, t, x, y); break;
    case REC_MAX: case REC_ARGMAX: maxTask(at, t, x, y); break;
    case REC_GATHER: gatherRows(at, t * x, min(t * x + x, word(at, 3) * word(at, 5))); break;
    case REC_FINISH: finish(word(at, 2) + ((t * x) << 2), min(x, word(at, 3) - t * x)); break;
    case REC_CHECK: check(word(at, 2) + ((t * x) << 2), min(x, word(at, 3) - t * x), <u32>word(at, 4)); break;
    case REC_CUMSUM: cumsumTask(at, t, x, y); break;
    case REC_ARGSORT: argsortPart(at, t * x, min(t * x + x, listsOf(at))); break;
    case REC_SCATTERADD: scatterPart(at, y, t * x, min(t * x + x, word(at, 4))); break;
    case ROW_CHUNKS: rowChunksTask(at, t, x, y); break;
    case COLUMN_CHUNKS: columnChunkTask(at, t, x, y); break;
    case PACKS: packColumns(at, t * x, min(t * x + x, held(at))); break;
    default: unreachable();
  }
}

/** All elements of a program. */
function elements(prog: usize): bool {
  const n = word(prog, 0);
  if (!pays(<u64>n * (<u64>word(prog, 2) + 1), 8)) return false;
  const size = portion(n, least());
  if (size >= n) return false;
  together(ELEMENTS, prog, parts(n, size), size, 0);
  return true;
}

/** Rows, where there are some for each thread; else one record after the other. */
function rows(r: usize): bool {
  const n = word(r, 2);
  const width = word(r, 3);
  if (!pays(<u64>n * width, 1)) return false;
  if (n >= 2 * crew()) {
    const size = portion(n, least() / width + 1);
    together(REC_ROWS, r, parts(n, size), size, 0);
  } else {
    for (let k = firstOf(r); k < behind(r); k = behind(k)) if (!divided(k)) perform(k);
  }
  return true;
}

function gather(r: usize): bool {
  const inner = word(r, 6);
  const rows = word(r, 3) * word(r, 5);
  if (rows < 2 || !pays(<u64>rows * (<u64>inner + 4), 6)) return false;
  const size = portion(rows, least() / (inner + 4) + 1);
  together(REC_GATHER, r, parts(rows, size), size, 0);
  return true;
}

/** Blocks of rows, cut again by columns where there are few. C is written once, so every block does all of its chunks. */
function matmul(r: usize): bool {
  const m = word(r, 2);
  const n = word(r, 3);
  const terms = word(r, 4);
  const packed = word(r, 15);
  // Columns of B that are packed for all come one group after the other, and so do the batches then.
  const group = packed != 0 ? min(word(r, 16), n) : n;
  let batches: usize = 1;
  for (let d: usize = 0; d < word(r, 17); d++) batches *= word(r, 18 + d);
  if (terms == 0 || !pays(<u64>m * n * batches * terms, 20)) return false;
  const atOnce: usize = packed != 0 ? 1 : batches;
  let rows = min<usize>(ROWS, (m + 3) & ~3);
  let columns = (group + 15) & ~15;
  const many = crew() * 8;
  while (columns >= 512 && parts(m, rows) * parts(group, columns) * atOnce < many) columns = half(columns, 16);
  while (parts(m, rows) * parts(group, columns) * atOnce < crew()) {
    if (columns >= rows && columns > 16) columns = half(columns, 16);
    else if (rows > 4) rows = half(rows, 4);
    else break;
  }
  const count = parts(m, rows) * parts(group, columns) * atOnce;
  if (count == 1) return false;
  const prologue = word(r, 13);
  const epilogue = word(r, 14);
  // What A is made of is needed by all columns, and all batches; what C becomes, needs whole rows.
  const alone = columns >= n && word(r, 17) == 0;
  if (!alone && prologue != 0 && !elements(prologue)) ewRange(prologue, 0, word(prologue, 0));
  if (packed == 0) together(load<u32>(r), r, count, rows, columns);
  else for (let batch: usize = 0; batch < batches; batch++) {
    const b = batchOf(r, 8, 2, batch);
    for (let j: usize = 0; j < n; j += group) {
      hold(packed, b, j, batch);
      const width = held(r);
      const some = portion(width, 32);
      together(PACKS, r, parts(width, some), some, 0);
      together(load<u32>(r), r, parts(m, rows) * parts(width, columns), rows, columns);
    }
  }
  if (columns < n && epilogue != 0 && !elements(epilogue)) ewRange(epilogue, 0, word(epilogue, 0));
  return true;
}

/** Half of a size, up to a multiple of `unit`, which is a power of 2. */
@inline
function half(size: usize, unit: usize): usize {
  return ((size >> 1) + unit - 1) & ~(unit - 1);
}

function matmulTask(r: usize, t: usize, rows: usize, columns: usize): void {
  const m = word(r, 2);
  const all = word(r, 3);
  const packed = word(r, 15);
  const n = packed != 0 ? held(r) : all;
  const across = parts(n, columns);
  const down = parts(m, rows);
  const block = t / across;
  const j = (t - block * across) * columns;
  const batch = packed != 0 ? word(packed, 2) : block / down;
  const i = (block % down) * rows;
  const high = min(rows, m - i);
  const terms = word(r, 4);
  const prologue = word(r, 13);
  const epilogue = word(r, 14);
  if (prologue != 0 && columns >= all && word(r, 17) == 0) ewRange(prologue, i * terms, (i + high) * terms);
  matmulPart(r, batch, i, high, j, min(columns, n - j));
  if (epilogue != 0 && columns >= all) {
    const start = (batch * m + i) * all;
    ewRange(epilogue, start, start + high * all);
  }
}

/** Slabs, or columns of them: along the sum nothing can be divided. */
function cumsum(r: usize): bool {
  const outer = word(r, 3);
  const n = word(r, 4);
  const inner = word(r, 5);
  if (!pays(<u64>outer * n * inner, inner == 1 ? 1 : 3)) return false;
  const size = outer >= 2 * crew() ? portion(outer, least() / (n * inner) + 1) : 1;
  const width = outer >= 2 * crew() ? inner : portion(inner, 64);
  const count = parts(outer, size) * parts(inner, width);
  if (count == 1) return false;
  together(REC_CUMSUM, r, count, size, width);
  return true;
}

function cumsumTask(r: usize, t: usize, size: usize, width: usize): void {
  const inner = word(r, 5);
  const across = parts(inner, width);
  const begin = (t / across) * size;
  const first = (t % across) * width;
  cumsumPart(r, begin, min(begin + size, word(r, 3)), first, min(first + width, inner));
}

/** Sums the lists of a scatterAdd's slab o, places by places; false where that is left to the caller. */
export function listsDivided(r: usize, o: usize): bool {
  const v = word(r, 4);
  if (crew() == 1 || !pays(<u64>word(r, 5) * (word(r, 6) + 4), 3)) return false;
  const size = portion(v, 1);
  if (size >= v) return false;
  together(REC_SCATTERADD, r, parts(v, size), size, o);
  return true;
}

/** Outputs are divided: rows of lists, or columns; of a few long lists the chunks are. */
function reduce(r: usize): bool {
  const kind = load<u32>(r);
  const prog = word(r, 3);
  const outer = word(r, 5);
  const n = word(r, 6);
  const inner = word(r, 7);
  const each = prog != 0 ? <u64>word(prog, 2) + 2 : 2;
  if (n == 0 || !pays(<u64>outer * n * inner * each, 8)) return false;
  const chunked = kind == REC_SUM && load<i32>(r, 8) == ELEM_F32 && n >= 2 * CHUNK;
  if (chunked && outer < 2 * crew() && inner == 1) {
    for (let o: usize = 0; o < outer; o++) sumLongRow(r, o);
  } else if (chunked && outer * inner < 256 * crew()) {
    for (let o: usize = 0; o < outer; o++) {
      for (let j: usize = 0; j < inner; j += LEVEL_COLUMNS) sumLongColumns(r, o, j);
    }
  } else if (outer >= 2 * crew()) {
    const size = portion(outer, least() / (n * inner) + 1);
    together(kind, r, parts(outer, size), size, inner);
  } else {
    const width = portion(inner, 64);
    if (outer * parts(inner, width) == 1) return false;
    together(kind, r, outer * parts(inner, width), 1, width);
  }
  const epilogue = word(r, 9);
  if (epilogue != 0 && !elements(epilogue)) ewRange(epilogue, 0, outer * inner);
  return true;
}

/** Task t: of [outer, n, inner] `size` slabs, `width` columns of them. */
function sumTask(r: usize, t: usize, size: usize, width: usize): void {
  const inner = word(r, 7);
  const across = parts(inner, width);
  const begin = (t / across) * size;
  const from = (t % across) * width;
  sumPart(r, begin, min(begin + size, word(r, 5)), from, min(from + width, inner));
}

function maxTask(r: usize, t: usize, size: usize, width: usize): void {
  const inner = word(r, 7);
  const across = parts(inner, width);
  const begin = (t / across) * size;
  const from = (t % across) * width;
  const end = min(begin + size, word(r, 5));
  const to = min(from + width, inner);
  if (load<i32>(r) == REC_MAX) maxPart(r, begin, end, from, to);
  else argmaxPart(r, begin, end, from, to);
}

/** R of row o: its chunks on all threads, 2048 of them at a time; the list of their results is the caller's. */
function sumLongRow(r: usize, o: usize): void {
  const chunks = parts(word(r, 6), CHUNK);
  let sum: f32 = 0;
  startList();
  for (let c: usize = 0; c < chunks; c += CHUNK) {
    const count = min(CHUNK, chunks - c);
    together(ROW_CHUNKS, r, parts(count, CHUNKS), o, c);
    sum = takeList(count, c + count == chunks);
  }
  store<f32>(word(r, 8) + (o << 2), sum);
}

function rowChunksTask(r: usize, t: usize, row: usize, first: usize): void {
  const n = word(r, 6);
  const begin = first + t * CHUNKS;
  const end = min(min(begin + CHUNKS, first + CHUNK), parts(n, CHUNK));
  sumChunks(word(r, 3), word(r, 4), row, n, begin, end, first, callers(list()));
}

/** The same for up to 64 columns from flat index e0 on, 64 chunks at a time. */
function sumLongColumns(r: usize, o: usize, column: usize): void {
  const chunks = parts(word(r, 6), CHUNK);
  const inner = word(r, 7);
  const width = min(LEVEL_COLUMNS, inner - column);
  const bytes = ((width + 3) & ~3) << 2;
  startChunks();
  for (let c: usize = 0; c < chunks; c += 64) {
    const count = min<usize>(64, chunks - c);
    together(COLUMN_CHUNKS, r, count, o * inner + column, c);
    for (let t: usize = 0; t < count; t++) pushChunk(results() + (t << 8), bytes);
  }
  copyExact(word(r, 8) + ((o * inner + column) << 2), settle(bytes), width);
}

function columnChunkTask(r: usize, t: usize, at: usize, first: usize): void {
  const n = word(r, 6);
  const inner = word(r, 7);
  const o = at / inner;
  const column = at % inner;
  const c = (first + t) * CHUNK;
  const width = min(LEVEL_COLUMNS, inner - column);
  const e0 = (o * n + c) * inner + column;
  sumChunkOfColumns(word(r, 3), word(r, 4), e0, min(CHUNK, n - c), inner, width, callers(results()) + (t << 8));
}
