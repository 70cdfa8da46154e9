/** neg abs sign · add sub mul div · maximum minimum relu clamp (N1, N3). */

import type { DType } from '../../sdk/core/dtype.ts';
import { attrNumber } from '../../sdk/core/op.ts';
import * as s from '../../sdk/core/scalar/index.ts';
import type { Element, Family } from './elementwise.ts';

/** The function of each dtype. */
const by =
  (table: Partial<Record<DType, (...x: number[]) => number>>): Element =>
  (x, dtype) => {
    const f = table[dtype];
    if (!f) throw new RangeError(`no reference for ${dtype}`);
    return f(...x);
  };

export const ARITHMETIC: Family = {
  neg: by({ f32: s.neg, i32: s.negI32, u32: s.negU32 }),
  abs: by({ f32: s.abs, i32: s.absI32, u32: s.absU32 }),
  sign: ([x]) => s.sign(x),
  add: by({ f32: s.add, i32: s.addI32, u32: s.addU32 }),
  sub: by({ f32: s.sub, i32: s.subI32, u32: s.subU32 }),
  mul: by({ f32: s.mul, i32: s.mulI32, u32: s.mulU32 }),
  div: ([a, b]) => s.div(a, b),
  maximum: ([a, b]) => s.max(a, b),
  minimum: ([a, b]) => s.min(a, b),
  relu: ([x]) => s.relu(x),
  clamp: ([x], _, attrs) => s.clamp(x, attrNumber(attrs, 'low'), attrNumber(attrs, 'high')),
};
