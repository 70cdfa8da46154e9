/** Shapes: sizes, axes and the NumPy broadcasting rule. */

import { ShapeError } from './errors.ts';

/** Dimensions, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i];
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Checks that every dimension is an integer >= 0 and that the number of elements can be addressed. */
export function checkShape(op: string, shape: Shape): Shape {
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0) {
      throw new ShapeError(`${op}: shape ${showShape(shape)} has a dimension that is not an integer >= 0`, {
        hint: 'Dimensions are integers from 0 up.',
        details: { op, shape },
      });
    }
  }
  if (shape.length > 16 || sizeOf(shape) > 2 ** 30) {
    throw new ShapeError(`${op}: shape ${showShape(shape)} is too large (at most 2^30 elements and 16 axes)`, {
      hint: 'Split the tensor.',
      details: { op, shape },
    });
  }
  return Object.freeze([...shape]);
}

/** The NumPy rule: aligned from the right, equal or 1. Returns null where shapes do not fit. */
export function tryBroadcast(shapes: readonly Shape[]): Shape | null {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const s of shapes) {
    for (let i = 0; i < s.length; i++) {
      const at = rank - s.length + i;
      if (s[i] === 1) continue;
      if (out[at] !== 1 && out[at] !== s[i]) return null;
      out[at] = s[i];
    }
  }
  return out;
}

export function broadcastShapes(op: string, shapes: readonly Shape[]): Shape {
  const out = tryBroadcast(shapes);
  if (out) return out;
  throw new ShapeError(`${op}: shapes ${shapes.map(showShape).join(', ')} do not broadcast`, {
    hint: 'Dimensions are aligned from the right and must be equal or 1.',
    details: { op, shapes },
  });
}

/** A possibly negative axis as 0 .. rank-1. */
export function axisOf(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(`${op}: axis ${axis} is out of range for a tensor of rank ${rank}`, {
      hint: `Use an axis from ${-rank} to ${rank - 1}.`,
      details: { op, axis, rank },
    });
  }
  return axis < 0 ? axis + rank : axis;
}

/** Axes normalised, ascending, without doubles; `undefined` means all. */
export function axesOf(op: string, axes: number | readonly number[] | undefined, rank: number): readonly number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof axes === 'number' ? [axes] : axes;
  const out = [...new Set(list.map((a) => axisOf(op, a, rank)))].sort((a, b) => a - b);
  if (out.length !== list.length) {
    throw new ShapeError(`${op}: axes [${list.join(', ')}] name an axis twice`, { details: { op, axes: list } });
  }
  return out;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const out = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    out[i] = n;
    n *= shape[i];
  }
  return out;
}
