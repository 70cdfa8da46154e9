/**
 * Which instruction of the block interpreter makes each value of a program: the opcode of the scalar IR, one that leaves out
 * what cannot change a bit (facts.ts), or one that makes a product and the sum that takes it at once. Each result is rounded,
 * and snapped where it may need it, by itself as before.
 */

import { OPCODE, type ScalarOp } from '../../core/scalar/ir.ts';
import type { Program } from '../kernel.ts';
import { factsOf, productIsCanonical, sumIsCanonical } from './facts.ts';
import { BLOCK_OP } from './layout.ts';

export interface Instruction {
  readonly op: number;
  /** Values of the program. */
  readonly args: readonly number[];
}

/**
 * By value; null for what is no row, and for a product that only a later instruction makes. `result` is what a reduction takes;
 * `windowed` where it reads as +0 what a snap would zero (N7).
 */
export function select(p: Program, result?: number, windowed = false): (Instruction | null)[] {
  const facts = factsOf(p.values);
  const uses = new Array<number>(p.values.length).fill(0);
  for (const v of p.values) if (v.kind === 'row') for (const a of v.args) uses[a]++;
  const kept = new Set(p.stores.map((s) => s.value));
  const constant = (i: number): boolean => p.values[i].kind === 'constant';
  const out: (Instruction | null)[] = p.values.map((v, i) => {
    if (v.kind !== 'row') return null;
    const free = windowed && i === result && !kept.has(i);
    return { op: opcode(v.op, v.args, free), args: v.args };
  });

  function opcode(op: ScalarOp, args: readonly number[], free: boolean): number {
    const [a, b] = args.map((i) => facts[i]);
    if (op === 'add_f' && (free || sumIsCanonical(a, b))) return BLOCK_OP.addRaw;
    if (op === 'sub_f' && (free || sumIsCanonical(a, b, true))) return BLOCK_OP.subRaw;
    if (op === 'mul_f' && (free || productIsCanonical(a, b))) return BLOCK_OP.mulRaw;
    return OPCODE[op];
  }

  /** A product that value `at` may take in: nobody else reads it, and nothing is stored between the two. */
  const takesIn = (product: number, at: number): boolean => {
    const v = p.values[product];
    if (v.kind !== 'row' || v.op !== 'mul_f' || uses[product] !== 1 || kept.has(product) || product === result)
      return false;
    return out[product] !== null && !p.stores.some((s) => s.value > product && s.value < at);
  };

  p.values.forEach((v, i) => {
    if (v.kind !== 'row') return;
    const [x, y] = v.args;
    if (v.op === 'add_f' || v.op === 'sub_f') {
      const product = takesIn(y, i) ? y : takesIn(x, i) ? x : null;
      if (product === null) return;
      const factors = p.values[product] as { readonly args: readonly number[] };
      const other = product === y ? x : y;
      const op = v.op === 'add_f' ? BLOCK_OP.mulAdd : product === x ? BLOCK_OP.mulSub : BLOCK_OP.subMul;
      out[i] = { op, args: [...factors.args, other] };
      out[product] = null;
    }
    // Only a second operand that may be NaN needs a look (wasm/ops.ts); a constant that is none goes there.
    if (v.op === 'max_f' || v.op === 'min_f') {
      const [first, second] = constant(y) ? [x, y] : [y, x];
      const c = p.values[second];
      if (c.kind !== 'constant' || Number.isNaN(c.value)) return;
      out[i] = { op: v.op === 'max_f' ? BLOCK_OP.maxNumber : BLOCK_OP.minNumber, args: [first, second] };
    }
  });
  return out;
}
