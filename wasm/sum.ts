/** The record of a sum: [kind, words, elem, prog, src, outer, n, inner, dst, epilogue]. */
import { ELEM_F32 } from './build/opcodes';
import { fillExact } from './copy';
import { ewRange, ewSetup } from './interpreter';
import { sumColumns } from './sumColumns';
import { sumIntegers } from './sumIntegers';
import { sumRows } from './sumRows';
import { word } from './words';

/** Slabs [begin, end) of the record, columns [from, to) of them. */
export function sumPart(r: usize, begin: usize, end: usize, from: usize, to: usize): void {
  const prog = word(r, 3);
  const src = word(r, 4);
  const n = word(r, 6);
  const inner = word(r, 7);
  const dst = word(r, 8);
  if (prog != 0) ewSetup(prog);
  if (load<i32>(r, 8) != ELEM_F32) sumIntegers(prog, src, begin, end, n, inner, from, to, dst);
  else if (inner == 1) sumRows(prog, src, begin, end, n, dst);
  else sumColumns(prog, src, begin, end, n, inner, from, to, dst);
}

export function sum(r: usize): void {
  const outer: usize = word(r, 5);
  const n: usize = word(r, 6);
  const inner: usize = word(r, 7);
  const dst: usize = word(r, 8);
  const epilogue: usize = word(r, 9);
  if (n == 0) fillExact(dst, 0, outer * inner);
  else sumPart(r, 0, outer, 0, inner);
  if (epilogue != 0) ewRange(epilogue, 0, outer * inner);
}
