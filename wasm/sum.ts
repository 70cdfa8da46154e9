/** The record of a sum: [kind, words, elem, prog, src, outer, n, inner, dst, epilogue]. */
import { ELEM_F32 } from './build/opcodes';
import { fillExact } from './copy';
import { ewRange, ewSetup } from './interpreter';
import { sumColumns } from './sumColumns';
import { sumIntegers } from './sumIntegers';
import { sumRows } from './sumRows';
import { word } from './words';

export function sum(r: usize): void {
  const prog: usize = word(r, 3);
  const src: usize = word(r, 4);
  const outer: usize = word(r, 5);
  const n: usize = word(r, 6);
  const inner: usize = word(r, 7);
  const dst: usize = word(r, 8);
  const epilogue: usize = word(r, 9);
  if (n == 0) fillExact(dst, 0, outer * inner);
  else {
    if (prog != 0) ewSetup(prog);
    if (load<i32>(r, 8) != ELEM_F32) sumIntegers(prog, src, 0, outer, n, inner, 0, inner, dst);
    else if (inner == 1) sumRows(prog, src, 0, outer, n, dst);
    else sumColumns(prog, src, 0, outer, n, inner, 0, inner, dst);
  }
  if (epilogue != 0) ewRange(epilogue, 0, outer * inner);
}
