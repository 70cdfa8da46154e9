/** gather and scatterAdd along an axis (N7), each the other's derivative (N12). */

import { apply } from '../build.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import { attrNumber, type Op } from '../op.ts';
import { axisOf, type Shape, sameShape, showShape } from '../shape.ts';
import { zeros } from './move.ts';

/** Indices go along `axis`; on every other axis the index has the tensor's size, or 1 to serve all of it. */
function checkIndex(op: string, x: Node, index: Node, axis: number): void {
  needDType(op, index, ['i32', 'u32']);
  if (index.shape.length !== x.shape.length || index.shape.some((d, i) => i !== axis && d !== 1 && d !== x.shape[i])) {
    throw new ShapeError(
      `${op}: an index of shape ${showShape(index.shape)} does not fit ${showShape(x.shape)} along axis ${axis}`,
      {
        hint: 'Other axes need the same size or 1.',
        details: { op, shape: x.shape, index: index.shape, axis },
      },
    );
  }
}

const resultShape = (x: Node, index: Node, axis: number): Shape =>
  x.shape.map((d, i) => (i === axis ? index.shape[axis] : d));

export const GATHER: Op = {
  name: 'gather',
  kind: 'gather',
  infer([x, index], attrs) {
    const axis = attrNumber(attrs, 'axis');
    checkIndex('gather', x, index, axis);
    return { shape: resultShape(x, index, axis), dtype: x.dtype };
  },
  vjp: (g, { inputs: [x, index], attrs }, i) =>
    i === 0 && x.dtype === 'f32' ? scatterAdd(zeros(x, x.shape), index, g, attrNumber(attrs, 'axis')) : null,
  jvp: (t, { inputs: [, index], attrs }, i) => (i === 0 ? apply(GATHER, [t, index], attrs) : null),
};

/** out[.., i, ..] = x[.., index[.., i, ..], ..]; an index out of range gives NaN (0 for integers) and raises a flag. */
export const gather = (x: Node, index: Node, axis: number): Node =>
  apply(GATHER, [x, index], { axis: axisOf('gather', axis, x.shape.length) });

export const SCATTER_ADD: Op = {
  name: 'scatterAdd',
  kind: 'scatterAdd',
  infer([base, index, src], attrs) {
    const axis = attrNumber(attrs, 'axis');
    needDType('scatterAdd', base, ['f32', 'i32', 'u32']);
    if (src.dtype !== base.dtype) {
      throw new DTypeError(`scatterAdd: base is ${base.dtype}, source is ${src.dtype}`, {
        hint: `Cast one: .cast('${base.dtype}').`,
      });
    }
    checkIndex('scatterAdd', base, index, axis);
    const need = resultShape(base, index, axis);
    if (!sameShape(src.shape, need)) {
      throw new ShapeError(`scatterAdd: the source has shape ${showShape(src.shape)}, expected ${showShape(need)}`, {
        hint: "It needs the base's shape, and the index's size along the axis.",
        details: { op: 'scatterAdd', base: base.shape, index: index.shape, source: src.shape, axis },
      });
    }
    return { shape: base.shape, dtype: base.dtype };
  },
  vjp: (g, { inputs: [base, index], attrs }, i) =>
    base.dtype !== 'f32' || i === 1 ? null : i === 0 ? g : gather(g, index, attrNumber(attrs, 'axis')),
  jvp: (t, { inputs: [base, index], attrs }, i) =>
    base.dtype !== 'f32' || i === 1
      ? null
      : i === 0
        ? t
        : scatterAdd(zeros(base, base.shape), index, t, attrNumber(attrs, 'axis')),
};

/** base plus, at each destination, R of its sources in ascending order; sources out of range are dropped. */
export const scatterAdd = (base: Node, index: Node, src: Node, axis: number): Node =>
  apply(SCATTER_ADD, [base, index, src], { axis: axisOf('scatterAdd', axis, base.shape.length) });
