/** The order of elements along an axis (N7): by the order key of N3, NaN greatest, ties by ascending index. Values follow by gather. */

import { apply } from '../build.ts';
import { ShapeError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import type { Op } from '../op.ts';
import { axisOf, showShape } from '../shape.ts';
import { gather } from './gather.ts';
import { slice } from './move.ts';

export const ARGSORT: Op = {
  name: 'argsort',
  kind: 'argsort',
  infer([x]) {
    needDType('argsort', x, ['f32', 'i32', 'u32']);
    return { shape: x.shape, dtype: 'i32' };
  },
};

/** For each place along the axis, the position of the element that belongs there. */
export const argsort = (x: Node, axis: number, descending = false): Node =>
  apply(ARGSORT, [x], { axis: axisOf('argsort', axis, x.shape.length), descending });

/** The elements in order; the derivative is that of gather. */
export const sort = (x: Node, axis: number, descending = false): Node => gather(x, argsort(x, axis, descending), axis);

/** The first k of the order, with their positions. */
export function topK(x: Node, k: number, axis: number, largest = true): { values: Node; indices: Node } {
  const along = axisOf('topK', axis, x.shape.length);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[along]) {
    throw new ShapeError(`topK: k is ${k}, but axis ${axis} of ${showShape(x.shape)} has ${x.shape[along]} elements`, {
      hint: `Use an integer from 0 to ${x.shape[along]}.`,
      details: { op: 'topK', shape: x.shape, axis: along, k },
    });
  }
  const indices = slice(
    argsort(x, along, largest),
    x.shape.map((_, i) => (i === along ? [0, k] : null)),
  );
  return { values: gather(x, indices, along), indices };
}
