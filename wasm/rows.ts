/**
 * A row unit: records of maps and of reductions of rows, done some rows at a time, so that what one writes is in a cache near by
 * when the next reads it. No record reads another's results of other rows (sdk/engine/rows.ts).
 *
 * Record: [kind, words, rows, elements of a row at most, records…].
 */
import { REC_ARGMAX, REC_MAP, REC_MAX } from './build/opcodes';
import { ewRange } from './interpreter';
import { argmaxPart, maxPart } from './max';
import { sumPart } from './sum';
import { word } from './words';

/** Elements that are done at a time: a few arrays of them stay in the second cache, and filling constants anew is little beside them. */
const AT_ONCE: usize = 16384;

/** The first record of a unit. */
@inline
export function firstOf(r: usize): usize {
  return r + 16;
}

/** What follows a record. */
@inline
export function behind(r: usize): usize {
  return r + (word(r, 1) << 2);
}

/** Rows [begin, end). */
export function rowsPart(r: usize, begin: usize, end: usize): void {
  const some = max<usize>(AT_ONCE / word(r, 3), 1);
  for (; begin < end; begin += some) {
    const to = min(begin + some, end);
    for (let k = firstOf(r); k < behind(r); k = behind(k)) {
      const kind = load<i32>(k);
      let program = word(k, 9);
      let width: usize = 1;
      if (kind == REC_MAP) {
        program = word(k, 2);
        width = word(program, 0) / word(r, 2);
      } else if (kind == REC_MAX) maxPart(k, begin, to, 0, 1);
      else if (kind == REC_ARGMAX) argmaxPart(k, begin, to, 0, 1);
      else sumPart(k, begin, to, 0, 1);
      if (program != 0) ewRange(program, begin * width, to * width);
    }
  }
}
