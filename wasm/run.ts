/** Executes a plan: records [kind, words, …] from `plan` until the end record; returns the flags that they raised. */
import {
  REC_ARGMAX, REC_ARGSORT, REC_CHECK, REC_CUMSUM, REC_END, REC_FINISH, REC_GATHER, REC_MAP, REC_MATMUL, REC_MATMULINT8,
  REC_MAX, REC_ROWS, REC_SCATTERADD, REC_SUM, REC_WALKED,
} from './build/opcodes';
import { argsortPart, listsOf } from './argsort';
import { cumsum } from './cumsum';
import { check, finish } from './finish';
import { takeFlags } from './flags';
import { gather } from './gather';
import { ewRange } from './interpreter';
import { matmul } from './matmul';
import { max } from './max';
import { behind, rowsPart } from './rows';
import { scatterAdd } from './scatterAdd';
import { sum } from './sum';
import { divided } from './tasks';
import { word } from './words';

export function run(plan: usize): u32 {
  for (let r = plan; load<i32>(r) != REC_END; r = behind(r)) if (!ASC_FEATURE_THREADS || !divided(r)) perform(r);
  return takeFlags();
}

/** One record, on this thread. */
export function perform(r: usize): void {
  switch (load<i32>(r)) {
    case REC_MAP: ewRange(word(r, 2), 0, word(word(r, 2), 0)); break;
    case REC_ROWS: rowsPart(r, 0, word(r, 2)); break;
    case REC_SUM: sum(r); break;
    case REC_MAX: case REC_ARGMAX: max(r); break;
    case REC_MATMUL: case REC_MATMULINT8: case REC_WALKED: matmul(r); break;
    case REC_GATHER: gather(r); break;
    case REC_SCATTERADD: scatterAdd(r); break;
    case REC_ARGSORT: argsortPart(r, 0, listsOf(r)); break;
    case REC_CUMSUM: cumsum(r); break;
    case REC_CHECK: check(word(r, 2), word(r, 3), <u32>word(r, 4)); break;
    case REC_FINISH: finish(word(r, 2), word(r, 3)); break;
    default: unreachable();
  }
}
