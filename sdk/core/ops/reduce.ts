/** sum max argmax min argmin over any axes (N7): one list per output, the reduced axes in ascending order, row-major by logical index. */

import { apply } from '../build.ts';
import type { ComputeDType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import { attrNumbers, type Op, type Site } from '../op.ts';
import { axesOf, type Shape, showShape, sizeOf } from '../shape.ts';
import { neg, sub } from './arithmetic.ts';
import { eq } from './compare.ts';
import { gather } from './gather.ts';
import { iota } from './leaf.ts';
import { broadcast, permute, reshape } from './move.ts';
import { where } from './select.ts';

const NUMBERS: readonly ComputeDType[] = ['f32', 'i32', 'u32'];

export type Axes = number | readonly number[] | undefined;

/** The input's shape with the reduced axes as 1. */
export const keepShape = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((d, i) => (axes.includes(i) ? 1 : d));

export const keptShape = (shape: Shape, axes: readonly number[]): Shape => shape.filter((_, i) => !axes.includes(i));

/** Refuses to reduce what has no elements (N7). */
export function nonEmpty(name: string, x: Node, axes: readonly number[]): void {
  if (axes.every((a) => x.shape[a] > 0)) return;
  throw new ShapeError(`${name}: nothing to reduce over axes [${axes.join(', ')}] of ${showShape(x.shape)}`, {
    hint: 'Check the data.',
    details: { op: name, shape: x.shape, axes },
  });
}

export const SUM: Op = {
  name: 'sum',
  kind: 'reduce',
  infer([x], attrs) {
    needDType('sum', x, NUMBERS);
    return { shape: keptShape(x.shape, attrNumbers(attrs, 'axes')), dtype: x.dtype };
  },
  vjp: (g, { inputs: [x], attrs }) => spread(g, x, attrNumbers(attrs, 'axes')),
  jvp: (t, { attrs }) => apply(SUM, [t], attrs),
};

/** A reduced value put back on all elements it came from. */
const spread = (g: Node, x: Node, axes: readonly number[]): Node =>
  broadcast(reshape(g, keepShape(x.shape, axes)), x.shape);

export const MAX: Op = {
  name: 'max',
  kind: 'reduce',
  infer([x], attrs) {
    needDType('max', x, NUMBERS);
    const axes = attrNumbers(attrs, 'axes');
    nonEmpty('max', x, axes);
    return { shape: keptShape(x.shape, axes), dtype: x.dtype };
  },
  vjp: (g, site) => {
    const {
      inputs: [x],
      attrs,
    } = site;
    if (x.dtype !== 'f32') return null;
    const axes = attrNumbers(attrs, 'axes');
    return where(winner(site), spread(g, x, axes), 0);
  },
  jvp: (t, { inputs: [x], attrs, y }) => {
    if (x.dtype !== 'f32') return null;
    const axes = attrNumbers(attrs, 'axes');
    const rows = lastAxis(t, axes);
    return reshape(gather(rows, reshape(argmax(x, axes), [...y.shape, 1]), y.shape.length), y.shape);
  },
};

/** The kept axes first, then the reduced ones as one. */
function lastAxis(x: Node, axes: readonly number[]): Node {
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  return reshape(permute(x, [...kept, ...axes]), [...keptShape(x.shape, axes), sizeOf(axes.map((a) => x.shape[a]))]);
}

/** True at the element whose value max took: the lowest position that attains it (N7). */
function winner({ inputs: [x], attrs }: Site): Node {
  const axes = attrNumbers(attrs, 'axes');
  const positions = reshape(
    iota(x.graph, sizeOf(axes.map((a) => x.shape[a]))),
    x.shape.map((d, i) => (axes.includes(i) ? d : 1)),
  );
  return eq(positions, reshape(argmax(x, axes), keepShape(x.shape, axes)));
}

export const ARGMAX: Op = {
  name: 'argmax',
  kind: 'reduce',
  infer([x], attrs) {
    needDType('argmax', x, NUMBERS);
    const axes = attrNumbers(attrs, 'axes');
    nonEmpty('argmax', x, axes);
    return { shape: keptShape(x.shape, axes), dtype: 'i32' };
  },
};

const reduction =
  (op: Op) =>
  (x: Node, axes?: Axes, keepdims = false): Node => {
    const list = axesOf(op.name, axes, x.shape.length);
    const y = apply(op, [x], { axes: list });
    return keepdims ? reshape(y, keepShape(x.shape, list)) : y;
  };

/** Sum; of nothing it is 0. Integer sums wrap. */
export const sum = reduction(SUM);
/** Largest element; NaN wins. */
export const max = reduction(MAX);
/** Row-major position, within the reduced axes, of the first largest element, as i32. */
export const argmax = reduction(ARGMAX);

/** x in the opposite order: negated, integers complemented, since -(-2^31) is no number. NaN stays the greatest. */
const opposite = (x: Node): Node => (x.dtype === 'f32' ? neg(x) : sub(x.dtype === 'i32' ? -1 : 0xffffffff, x));

const ofOpposite =
  (name: string, of: typeof max) =>
  (x: Node, axes?: Axes, keepdims = false): Node => {
    needDType(name, x, NUMBERS);
    nonEmpty(name, x, axesOf(name, axes, x.shape.length));
    return of(opposite(x), axes, keepdims);
  };

/** Smallest element; NaN wins. */
export const min = (x: Node, axes?: Axes, keepdims = false): Node =>
  opposite(ofOpposite('min', max)(x, axes, keepdims));
/** Row-major position, within the reduced axes, of the first smallest element, as i32; NaN wins. */
export const argmin = ofOpposite('argmin', argmax);
