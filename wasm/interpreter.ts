/**
 * The block interpreter: runs an elementwise program 256 elements at a time, so that what passes between its rows stays
 * in the first cache.
 *
 * A program is [total, setup rows, block rows, 0] and rows of [op, dst, dstStep, a, aStep, b, bStep, c, cStep, extra]
 * (sdk/engine/wasm/layout.ts). An operand with step 4 streams: element e is at ptr + 4e. Step 1 is
 * a block register, step 0 stays.
 */
import {
  OP_ABS_F, OP_ADDRAW, OP_ADD_F, OP_COPY, OP_COS, OP_DIV_F, OP_ERF, OP_EXP, OP_FILL, OP_IOTA, OP_LOAD, OP_LOG, OP_LT_F, OP_MAXNUMBER, OP_MAX_F,
  OP_MINNUMBER, OP_MIN_F, OP_MULADD, OP_MULRAW, OP_MULSUB, OP_MUL_F, OP_NEG_F, OP_NEG_I, OP_NORMAL, OP_NOT, OP_OUT, OP_PHILOX, OP_POW, OP_RSQRT,
  OP_SIGMOID, OP_SIN, OP_SOFTPLUS, OP_SQRT, OP_STORE, OP_SUBMUL, OP_SUBRAW, OP_SUB_F, OP_TANH, OP_WHERE, PROGRAM_HEAD, REGISTER_STRIDE, ROW_WORDS,
  STEP_STREAM,
} from './build/opcodes';
import { BLOCK, INDICES, TAIL } from './constants';
import { copyExact, copyRounded, fillRounded } from './copy';
import { finish } from './finish';
import { eachErf } from './functions/erf';
import { eachExp } from './functions/exp';
import { eachLog } from './functions/log';
import { eachNormal, eachPhilox } from './functions/philox';
import { eachPow } from './functions/pow';
import { eachRsqrt } from './functions/roots';
import { eachSigmoid } from './functions/sigmoid';
import { eachSoftplus } from './functions/softplus';
import { eachTanh } from './functions/tanh';
import { eachCos, eachSin } from './functions/trig';
import { each1, each2, each3, eachWhere } from './ops';
import { readPattern, writePattern } from './pattern';
import { own, place, second, third } from './own';
import { conversions, integers } from './seldom';
import { word } from './words';

const ROW: usize = ROW_WORDS << 2;
const HEAD: usize = PROGRAM_HEAD << 2;
/** Random words from a multiple of 4 on, when a block does not start at one. */
const RANDOM: usize = memory.data(REGISTER_STRIDE, 64);

/** Fills the constant blocks of a program: [fill, block, 0, word], [splat, block, 0, address of one element]. */
export function ewSetup(prog: usize): void {
  const n = min(BLOCK, (word(prog, 0) + 15) & ~15);
  let row = prog + HEAD;
  const end = row + word(prog, 1) * ROW;
  for (; row < end; row += ROW) {
    const a = word(row, 3);
    const x = load<i32>(row) == OP_FILL ? i32x4.splat(<i32>a) : v128.load32_splat(a);
    fillRounded(place(row, 1, 0), x, n);
  }
}

/** The block rows of a program on elements [e0, e0+n), n <= BLOCK; its setup has run. */
export function ewBlock(prog: usize, e0: usize, n: usize): void {
  let row = prog + HEAD + word(prog, 1) * ROW;
  const end = row + word(prog, 2) * ROW;
  const bytes = ((n << 2) + 63) & ~63;
  const ragged = (n & 15) != 0;
  for (; row < end; row += ROW) {
    const op = load<i32>(row);
    const dst: usize = place(row, 1, e0);
    const a: usize = place(row, 3, e0);
    const aside = word(row, 2) == STEP_STREAM && (ragged || op == OP_LOAD); // a load may write past its end
    const d = aside ? own(TAIL) : dst;
    switch (op) {
      case OP_COPY: each1(OP_COPY, d, a, bytes); break;
      case OP_NEG_F: each1(OP_NEG_F, d, a, bytes); break;
      case OP_ABS_F: each1(OP_ABS_F, d, a, bytes); break;
      case OP_SQRT: each1(OP_SQRT, d, a, bytes); break;
      case OP_ADD_F: each2(OP_ADD_F, d, a, second(row, e0), bytes); break;
      case OP_SUB_F: each2(OP_SUB_F, d, a, second(row, e0), bytes); break;
      case OP_MUL_F: each2(OP_MUL_F, d, a, second(row, e0), bytes); break;
      case OP_DIV_F: each2(OP_DIV_F, d, a, second(row, e0), bytes); break;
      case OP_MAX_F: each2(OP_MAX_F, d, a, second(row, e0), bytes); break;
      case OP_MIN_F: each2(OP_MIN_F, d, a, second(row, e0), bytes); break;
      case OP_LT_F: each2(OP_LT_F, d, a, second(row, e0), bytes); break;
      case OP_ADDRAW: each2(OP_ADDRAW, d, a, second(row, e0), bytes); break;
      case OP_SUBRAW: each2(OP_SUBRAW, d, a, second(row, e0), bytes); break;
      case OP_MULRAW: each2(OP_MULRAW, d, a, second(row, e0), bytes); break;
      case OP_MAXNUMBER: each2(OP_MAXNUMBER, d, a, second(row, e0), bytes); break;
      case OP_MINNUMBER: each2(OP_MINNUMBER, d, a, second(row, e0), bytes); break;
      case OP_MULADD: each3(OP_MULADD, d, a, second(row, e0), third(row, e0), bytes); break;
      case OP_MULSUB: each3(OP_MULSUB, d, a, second(row, e0), third(row, e0), bytes); break;
      case OP_SUBMUL: each3(OP_SUBMUL, d, a, second(row, e0), third(row, e0), bytes); break;
      case OP_WHERE: eachWhere(d, a, second(row, e0), third(row, e0), bytes); break;
      case OP_EXP: eachExp(d, a, bytes); break;
      case OP_LOG: eachLog(d, a, bytes); break;
      case OP_RSQRT: eachRsqrt(d, a, bytes); break;
      case OP_TANH: eachTanh(d, a, bytes); break;
      case OP_SIGMOID: eachSigmoid(d, a, bytes); break;
      case OP_SOFTPLUS: eachSoftplus(d, a, bytes); break;
      case OP_SIN: eachSin(d, a, bytes); break;
      case OP_COS: eachCos(d, a, bytes); break;
      case OP_ERF: eachErf(d, a, bytes); break;
      case OP_POW: eachPow(d, a, second(row, e0), bytes); break;
      case OP_IOTA: iota(d, e0, bytes); break;
      case OP_PHILOX: case OP_NORMAL: random(row, d, e0, n); break;
      case OP_LOAD: readPattern(d, word(row, 3), word(row, 9), e0, n); break;
      case OP_STORE: writePattern(word(row, 1), a, word(row, 9), e0, n); continue;
      case OP_OUT: finish(a, n); continue;
      default:
        if (op >= OP_NEG_I && op <= OP_NOT) integers(op, row, d, a, e0, bytes);
        else conversions(op, row, d, a, e0, bytes);
    }
    if (aside) copyExact(dst, own(TAIL), n);
  }
}

/** Elements [start, end) of a program, its setup included. */
export function ewRange(prog: usize, start: usize, end: usize): void {
  ewSetup(prog);
  for (let e0 = start; e0 < end; e0 += BLOCK) ewBlock(prog, e0, min(BLOCK, end - e0));
}

/** The flat index of each element. */
function iota(d: usize, e0: usize, bytes: usize): void {
  let at = i32x4.add(v128.load(INDICES), i32x4.splat(<i32>e0));
  const four = i32x4.splat(4);
  const end = d + bytes;
  for (; d < end; d += 16) {
    v128.store(d, at);
    at = i32x4.add(at, four);
  }
}

/** N8's words or normal numbers: a = address of the step, b = low and high word of the seed, c = stream. */
function random(row: usize, d: usize, e0: usize, n: usize): void {
  const skipped = e0 & 3;
  const out = skipped != 0 ? own(RANDOM) : d;
  const bytes = (((n + skipped) << 2) + 63) & ~63;
  const stream = load<u32>(row, 28);
  const step = load<u32>(word(row, 3));
  const low = load<u32>(row, 20);
  const high = load<u32>(row, 24);
  if (load<i32>(row) == OP_PHILOX) eachPhilox(out, e0 - skipped, bytes, stream, step, low, high);
  else eachNormal(out, e0 - skipped, bytes, stream, step, low, high);
  if (skipped != 0) copyRounded(d, own(RANDOM) + (skipped << 2), n);
}
