/** Strided views: how one tensor's elements lie in another's memory, so that moves cost nothing where a stride can say them. */

import { attrNumbers } from '../core/op.ts';
import { type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import type { Expr } from './expr.ts';
import type { Walk } from './kernel.ts';

/** Element (i0, i1, …) of the view is element offset + sum of i_d * strides[d] of `base`. */
export interface View {
  readonly base: Expr;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
  /** How the last two axes go, where no stride says it. */
  readonly walks?: readonly [rows: Walk, columns: Walk];
}

export const whole = (base: Expr): View => ({ base, offset: 0, shape: base.shape, strides: stridesOf(base.shape) });

/** True when the view's row-major order is the memory's, from element `offset` on. */
export function isContiguous(v: View): boolean {
  let n = 1;
  for (let d = v.shape.length - 1; d >= 0; d--) {
    if (v.shape[d] === 0) return true;
    if (v.shape[d] !== 1 && v.strides[d] !== n) return false;
    n *= v.shape[d];
  }
  return true;
}

/** True when element i of the view is element i of its base, for all of it. */
export const isFlatIdentity = (v: View): boolean =>
  v.offset === 0 && sizeOf(v.shape) === v.base.size && isContiguous(v);

/** A view through one more move; null where strides cannot express it (a reshape across a seam). */
export function through(e: Expr, v: View): View | null {
  switch (e.op.name) {
    case 'reshape': {
      const strides = reshapeStrides(v.shape, v.strides, e.shape);
      return strides && { ...v, shape: e.shape, strides };
    }
    case 'permute': {
      const axes = attrNumbers(e.attrs, 'axes');
      return { ...v, shape: e.shape, strides: axes.map((a) => v.strides[a]) };
    }
    case 'broadcast':
      return stretch(v, e.shape);
    case 'slice': {
      const starts = attrNumbers(e.attrs, 'starts');
      const steps = attrNumbers(e.attrs, 'steps');
      return {
        base: v.base,
        offset: v.offset + starts.reduce((n, s, d) => n + s * v.strides[d], 0),
        shape: e.shape,
        strides: v.strides.map((s, d) => s * steps[d]),
      };
    }
    case 'windows': {
      const [start, tap, stride] = ['start', 'tap', 'stride'].map((k) => attrNumbers(e.attrs, k));
      const lead = v.shape.length - start.length;
      const steps = v.strides.slice(lead);
      return {
        base: v.base,
        offset: v.offset + start.reduce((n, s, d) => n + s * steps[d], 0),
        shape: e.shape,
        strides: [
          ...v.strides.slice(0, lead),
          ...steps.map((s, d) => s * tap[d]),
          ...steps.map((s, d) => s * stride[d]),
        ],
      };
    }
    default:
      throw new Error(`view: ${e.op.name} is no view`);
  }
}

/** The view broadcast to a shape. */
export function stretch(v: View, shape: Shape): View {
  const lead = shape.length - v.shape.length;
  return {
    ...v,
    shape,
    strides: shape.map((d, i) => (i < lead || (v.shape[i - lead] === 1 && d !== 1) ? 0 : v.strides[i - lead])),
  };
}

function reshapeStrides(from: Shape, strides: readonly number[], to: Shape): number[] | null {
  if (sizeOf(to) <= 1) return to.map(() => 0);
  const { dims, steps } = collapse(from, strides);
  // Each old run of memory must be cut into whole new dimensions.
  const out = new Array<number>(to.length).fill(0);
  let d = to.length - 1;
  for (let r = dims.length - 1; r >= 0; r--) {
    let left = dims[r];
    let step = steps[r];
    while (left > 1) {
      while (d >= 0 && to[d] === 1) d--;
      if (d < 0 || left % to[d] !== 0) return null;
      out[d] = step;
      step *= to[d];
      left /= to[d];
      d--;
    }
  }
  return out;
}

/** Of a walk, at most: channels, rows and columns of windows, or images and rows and columns of a map. */
const WALK_DIMS = 3;

/**
 * A view in another shape whose last two axes each walk whole axes of it, so that a contraction can read it as its right side;
 * null where an axis of it would be cut, would walk too many, or a batch axis had no single stride.
 */
export function walked(v: View, shape: Shape): View | null {
  let d = 0;
  const sides: Walk[] = [];
  for (const size of shape) {
    const from = d;
    let n = 1;
    while (n < size && d < v.shape.length) n *= v.shape[d++];
    if (n !== size || size === 0) return null;
    const { dims, steps } = collapse(v.shape.slice(from, d), v.strides.slice(from, d));
    sides.push(dims.length > 0 ? { dims, strides: steps } : { dims: [1], strides: [0] });
  }
  const [rows, columns] = sides.splice(-2);
  if (sides.some((s) => s.dims.length > 1) || Math.max(rows.dims.length, columns.dims.length) > WALK_DIMS) return null;
  return { ...v, shape, strides: [...sides.map((s) => s.strides[0]), Number.NaN, Number.NaN], walks: [rows, columns] };
}

/** Dimensions without ones, neighbours merged where one stride walks both; outermost first. */
export function collapse(shape: Shape, strides: readonly number[]): { dims: number[]; steps: number[] } {
  const dims: number[] = [];
  const steps: number[] = [];
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = dims.length - 1;
    if (last >= 0 && steps[last] === strides[d] * shape[d]) {
      dims[last] *= shape[d];
      steps[last] = strides[d];
    } else {
      dims.push(shape[d]);
      steps.push(strides[d]);
    }
  }
  return { dims, steps };
}
