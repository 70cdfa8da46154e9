/** cumsum along an axis (N7); its transpose is the sum from the other end (N12). */

import { apply } from '../build.ts';
import { type Node, needDType } from '../node.ts';
import { attrNumber, type Op } from '../op.ts';
import { axisOf } from '../shape.ts';
import { reverse } from './move.ts';

export const CUMSUM: Op = {
  name: 'cumsum',
  kind: 'cumsum',
  infer([x]) {
    needDType('cumsum', x, ['f32', 'i32', 'u32']);
    return { shape: x.shape, dtype: x.dtype };
  },
  vjp: (g, { attrs }) => {
    const along = g.shape.map((_, i) => i === attrNumber(attrs, 'axis'));
    return reverse(apply(CUMSUM, [reverse(g, along)], attrs), along);
  },
  jvp: (t, { attrs }) => apply(CUMSUM, [t], attrs),
};

/** Sums of the first 1, 2, ... elements along the axis; integers wrap. */
export const cumsum = (x: Node, axis: number): Node =>
  apply(CUMSUM, [x], { axis: axisOf('cumsum', axis, x.shape.length) });
