/** Functions of tensors that have no receiver. */

import type { DType } from './dtype.ts';
import { ShapeError } from './errors.ts';
import * as C from './ops/composite.ts';
import { concat as concatNodes, reshape } from './ops/move.ts';
import { type Axes, argmin as argminNode, min as minNode } from './ops/reduce.ts';
import { cumsum as cumsumNode } from './ops/scan.ts';
import { where as whereNodes } from './ops/select.ts';
import * as S from './ops/sort.ts';
import { axesOf, axisOf, showShape } from './shape.ts';
import { type Like, nodeOf, Tensor } from './tensor.ts';

const raw = <D extends DType>(x: Like<D>) => (typeof x === 'number' ? x : nodeOf(x as Tensor));

/** Elements of `a` where the condition holds, else of `b`; one branch may be a number. Shapes broadcast. */
export function where<D extends DType>(condition: Tensor<'bool'>, a: Like<D>, b: Like<D>): Tensor<D> {
  return new Tensor<D>(whereNodes(condition.node, raw(a), raw(b)));
}

/** Joins tensors along an existing axis. */
export function concat<D extends DType>(parts: readonly Tensor<D>[], axis = 0): Tensor<D> {
  return new Tensor<D>(
    concatNodes(
      parts.map((t) => t.node),
      axis,
    ),
  );
}

/** Joins tensors of one shape along a new axis. */
export function stack<D extends DType>(parts: readonly Tensor<D>[], axis = 0): Tensor<D> {
  const rows = parts.map((t) => {
    const at = axisOf('stack', axis, t.shape.length + 1);
    return reshape(t.node, [...t.shape.slice(0, at), 1, ...t.shape.slice(at)]);
  });
  return new Tensor<D>(concatNodes(rows, axis));
}

/** Sum over the axes (all unless named) divided by their number of elements (N7). f32; cast integers first. */
export function mean(x: Tensor<'f32'>, axes?: Axes, keepdims = false): Tensor<'f32'> {
  return averaged('mean', x, axes, keepdims, 0);
}

/**
 * Mean of the squared distances from the mean over the axes, all unless named; `ddof` is taken off the number of elements
 * (N13). Default 0, the population's; 1 is PyTorch's default.
 */
export function variance(x: Tensor<'f32'>, axes?: Axes, keepdims = false, ddof = 0): Tensor<'f32'> {
  const d = x.sub(mean(x, axes, true));
  return averaged('variance', d.mul(d), axes, keepdims, ddof);
}

function averaged(op: string, x: Tensor<'f32'>, axes: Axes, keepdims: boolean, ddof: number): Tensor<'f32'> {
  const list = axesOf(op, axes, x.shape.length);
  const n = list.reduce((p, a) => p * x.shape[a], 1) - ddof;
  if (!(n > 0)) {
    throw new ShapeError(`${op}: nothing to average over axes [${list.join(', ')}] of ${showShape(x.shape)}`, {
      hint: 'Check the data.',
      details: { op, shape: x.shape, axes: list },
    });
  }
  return x.sum(list, keepdims).div(n);
}

/** exp(x) over its sum along an axis (N13). */
export const softmax = (x: Tensor<'f32'>, axis = -1): Tensor<'f32'> => new Tensor(C.softmax(x.node, axis));

/** Logarithm of softmax along an axis, without overflow (N13). */
export const logSoftmax = (x: Tensor<'f32'>, axis = -1): Tensor<'f32'> => new Tensor(C.logSoftmax(x.node, axis));

/** log(sum(exp(x))) over the axes (all unless named), without overflow (N13). */
export const logSumExp = (x: Tensor<'f32'>, axes?: Axes, keepdims = false): Tensor<'f32'> =>
  new Tensor(C.logSumExp(x.node, axes, keepdims));

/** Smallest element over the axes (all unless named); NaN wins (N7). f32, i32, u32. Throws ShapeError where there is none. */
export const min = <D extends DType>(x: Tensor<D>, axes?: Axes, keepdims = false): Tensor<D> =>
  new Tensor(minNode(x.node, axes, keepdims));

/** Row-major position, within the reduced axes, of the first smallest element; NaN wins. */
export const argmin = (x: Tensor, axes?: Axes, keepdims = false): Tensor<'i32'> =>
  new Tensor(argminNode(x.node, axes, keepdims));

/** Sums of the first 1, 2, … elements along an axis, in x's shape (N7). f32, i32, u32; integers wrap. */
export const cumsum = <D extends DType>(x: Tensor<D>, axis: number): Tensor<D> => new Tensor(cumsumNode(x.node, axis));

/** The order of sort and argsort. */
export interface SortOptions {
  readonly descending?: boolean;
}

/**
 * Elements in order along an axis, by N3: -Inf first, NaN last, and the other way round where `descending`. f32, i32, u32. The
 * derivative goes back to where each element was.
 */
export const sort = <D extends DType>(x: Tensor<D>, axis = -1, o: SortOptions = {}): Tensor<D> =>
  new Tensor(S.sort(x.node, axis, o.descending));

/** The positions along an axis in the order that `sort` gives; of equals the earlier comes first, in both directions. */
export const argsort = (x: Tensor, axis = -1, o: SortOptions = {}): Tensor<'i32'> =>
  new Tensor(S.argsort(x.node, axis, o.descending));

/**
 * The k largest elements along an axis (smallest with `largest: false`) in their order, NaN being the largest, and where they
 * are; of equals the earlier comes first. The axis is sorted whole.
 * @throws ShapeError where k is not an integer from 0 to the axis's size.
 */
export function topK<D extends DType>(
  x: Tensor<D>,
  k: number,
  axis = -1,
  o: { readonly largest?: boolean } = {},
): { values: Tensor<D>; indices: Tensor<'i32'> } {
  const { values, indices } = S.topK(x.node, k, axis, o.largest);
  return { values: new Tensor(values), indices: new Tensor(indices) };
}
