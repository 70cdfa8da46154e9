/**
 * The compact program that `run(plan)` executes in linear memory: shared numbers of the lowering (TypeScript) and the
 * kernels (AssemblyScript). All words are u32; pointers are byte addresses; strides count elements of 4 bytes.
 * `scripts/opcodes.ts` writes these constants out for AssemblyScript.
 */

import { SCALAR_OPS } from '../../core/scalar/ir.ts';

/** Elements of a block; one block register holds as many (engine measurements: 256 fits L1 with many streams). */
export const BLOCK = 256;
/** Bytes from one block register to the next: off 4096-byte multiples, so that loads and stores do not alias. */
export const REGISTER_STRIDE = 1088;
/** Block registers there are. */
export const REGISTERS = 48;

/** Pseudo-opcodes of the block interpreter, behind the scalar IR's. */
export const BLOCK_OPS = [
  /** dst[*] = imm (run once, before the first block). */
  'fill',
  /** dst[*] = *a, one element in memory (run once). */
  'splat',
  /** dst = elements of a strided operand: a = base pointer, extra = pointer to its pattern. */
  'load',
  /** strided store: dst = base pointer, a = register, extra = pointer to its pattern. */
  'store',
  /** a program output: NaN made canonical in place at a, non-finite flag raised (N0). */
  'out',
  /** dst = a + b, a - b, a * b without the snap (facts.ts). */
  'addRaw',
  'subRaw',
  'mulRaw',
  /** dst = max(a, b), min(a, b) where b is not NaN. */
  'maxNumber',
  'minNumber',
  /** dst = (a * b) + c, (a * b) - c, c - (a * b), each result rounded and snapped by itself. */
  'mulAdd',
  'mulSub',
  'subMul',
] as const;

/** Their numbers. */
export const BLOCK_OP = Object.fromEntries(BLOCK_OPS.map((name, i) => [name, SCALAR_OPS.length + i])) as Readonly<
  Record<(typeof BLOCK_OPS)[number], number>
>;

/**
 * How an operand of a row goes on from block to block: it streams through memory by its bytes an element, is a block register,
 * of which every thread has its own, or stays.
 */
export const STEP = { stream: 4, register: 1, none: 0 } as const;
/** Words of one interpreter row: op, dst, dstStep, a, aStep, b, bStep, c, cStep, extra. */
export const ROW_WORDS = 10;
/** Words before the rows of an elementwise program: total elements, setup rows, block rows, 0. */
export const PROGRAM_HEAD = 4;

/** Rows of A that a product packs at once. */
export const ROWS = 128;

/** Records of a plan; each is [kind, words in all, ...]. */
export const RECORDS = [
  'end',
  'map',
  'rows',
  'sum',
  'max',
  'argmax',
  'matmul',
  'matmulInt8',
  'walked',
  'gather',
  'scatterAdd',
  'cumsum',
  'argsort',
  'finish',
  'check',
] as const;

/** How a reduction reads its elements. */
export const ELEMENTS = { f32: 0, i32: 1, u32: 2 } as const;

/** Bits of the flags word that `run` returns; `lost`: a thread failed, and memory holds half of what it did. */
export const FLAG = { nonfinite: 1, index: 2, lost: 4 } as const;
