/** Which parts of the suite can see a mutant: tried first what is cheap and close to it. */

import type { ScalarOp } from '../../sdk/core/scalar/ir.ts';
import type { KERNELS } from '../../sdk/engine/webgpu/kernels.ts';
import type { Suspects } from './judge.ts';
import type { WgslMutant } from './wgsl.ts';

/** Goldens of rows that are named otherwise. */
const GOLDENS: Partial<Record<ScalarOp, readonly string[]>> = {
  neg_f: ['sign/neg'],
  sign_f: ['sign/sign'],
  floor: ['round/floor'],
  ceil: ['round/ceil'],
  trunc: ['round/trunc'],
  round: ['round/round'],
  pow: ['arithmetic/pow'],
  max_f: ['order/max', 'NaN/max'],
  min_f: ['order/min', 'NaN/min'],
  eq_f: ['compare/eq', 'NaN/eq'],
  ne_f: ['compare/ne'],
  lt_f: ['compare/lt', 'NaN/lt'],
  le_f: ['compare/le'],
  f2i: ['cast/f32 to i32'],
  f2u: ['cast/f32 to u32', 'NaN/f32 to u32'],
  f2h: ['cast/f32 to f16'],
  f2bf: ['cast/f32 to bf16'],
  h2f: ['cast/f16 to f32'],
  bf2f: ['cast/bf16 to f32'],
  narrow: ['matmul/high', 'matmul/medium', 'matmul/limit'],
  i2f: ['cast/i32 to f32'],
  u2f: ['cast/u32 to f32'],
  unit: ['random/uniform'],
  philox: ['random/bits'],
  normal: ['random/normal'],
  add_f: ['arithmetic/add', 'guard/'],
  sub_f: ['arithmetic/sub', 'guard/'],
  mul_f: ['arithmetic/mul', 'guard/'],
  div_f: ['arithmetic/div'],
};

const OF_KERNEL: Readonly<Record<keyof typeof KERNELS, Pick<Suspects, 'goldens' | 'ops'>>> = {
  matmul: { goldens: ['matmul/'], ops: ['matmul'] },
  matmulWide: { goldens: ['matmul/wide'], ops: ['matmul', 'conv'] },
  matmulPacked: { goldens: ['matmul/large'], ops: ['matmul'] },
  matmulExact: { goldens: ['matmul/high', 'matmul/medium'], ops: ['matmulNarrow'] },
  matmulWideExact: { goldens: ['matmul/wide, high'], ops: ['matmulNarrow'] },
  parts: { goldens: ['matmul/'], ops: ['matmul'] },
  matmulPackedExact: { goldens: ['matmul/large, high'], ops: ['matmulNarrow'] },
  matmulInt8: { goldens: ['matmul/int8'], ops: ['matmul'] },
  pack: { goldens: ['matmul/large'], ops: ['matmul'] },
  sumF32: { goldens: ['sum/'], ops: ['sum'] },
  sumInt: { goldens: ['sum/integers'], ops: ['sum'] },
  max: { goldens: ['max/', 'argmax/'], ops: ['max', 'argmax'] },
  cumsumPrefix: { goldens: ['cumsum/'], ops: ['cumsum'] },
  cumsumCarry: { goldens: ['cumsum/'], ops: ['cumsum'] },
  cumsumShift: { goldens: ['cumsum/'], ops: ['cumsum'] },
  sortFirst: { goldens: ['argsort/'], ops: ['argsort'] },
  sortPass: { goldens: ['argsort/'], ops: ['argsort'] },
  gather: { goldens: ['gather/'], ops: ['gather'] },
  scatterFew: { goldens: ['scatterAdd/'], ops: ['scatterAdd'] },
  scatterStarts: { goldens: ['scatterAdd/'], ops: ['scatterAdd'] },
  scatterLong: { goldens: ['scatterAdd/'], ops: ['scatterAdd'] },
  scatterSorted: { goldens: ['scatterAdd/'], ops: ['scatterAdd'] },
  finish: { goldens: ['matmul/Inf', 'max/NaN', 'gather/'], ops: ['matmul', 'gather'] },
};

/** Of the ops that hold a piece, those with the least code: what surrounds it hides least there. */
export function suspectsOf({ ops, kernel, kind }: WgslMutant): Suspects {
  if (kernel !== null) return { ...OF_KERNEL[kernel], rows: [], kernels: [kernel], graphs: GRAPHS };
  const rows = ops.slice(0, kind === 'guard dropped' ? 1 : 3);
  return { goldens: rows.flatMap((op) => GOLDENS[op] ?? [`function/${op}`]), rows, kernels: [], ops: [], graphs: 0 };
}

const GRAPHS = 12;
