/** Counter-based random numbers (N8): a pure function of (seed, stream, step, element). */

import { apply } from '../build.ts';
import { type Node, needDType } from '../node.ts';
import { attrNumbers, type Op } from '../op.ts';
import type { Shape } from '../shape.ts';
import { mapOp, same, unary } from './elementwise.ts';

const draw = (name: 'philox' | 'normal', dtype: 'u32' | 'f32'): Op => ({
  name,
  kind: 'random',
  infer([step], attrs) {
    needDType(name, step, ['u32']);
    return { shape: attrNumbers(attrs, 'shape'), dtype };
  },
});

/** Philox4x32-10 words. */
export const PHILOX = draw('philox', 'u32');
/** Box-Muller pairs of two words each. */
export const NORMAL = draw('normal', 'f32');
/** A word as f32(w >> 8) * 2^-24, in [0, 1). */
export const UNIT: Op = mapOp('unit', same('unit', ['u32'], 'f32'), (e, [x]) => e.row('unit', x));

/** Key and stream of a draw: two words of seed, and the FNV-1a-32 of the stream's name. */
export interface Draw {
  readonly seedLo: number;
  readonly seedHi: number;
  readonly stream: number;
}

export const philox = (step: Node, d: Draw, shape: Shape): Node => apply(PHILOX, [step], { ...d, shape });
export const normal = (step: Node, d: Draw, shape: Shape): Node => apply(NORMAL, [step], { ...d, shape });
export const unit = unary(UNIT);
