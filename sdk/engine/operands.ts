/**
 * How each expression reads its inputs: moves become strided views, and a copy is put in only where a kernel cannot walk the
 * strides.
 */

import type { Op } from '../core/op.ts';
import { BROADCAST } from '../core/ops/move.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { constantValue, type Expr, type Exprs, isBound } from './expr.ts';
import { collapse, isContiguous, isFlatIdentity, stretch, through, type View, walked, whole } from './view.ts';

/** An elementwise expression that holds another's elements contiguously. */
const COPY: Op = {
  name: 'copy',
  kind: 'map',
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  scalar: (e, [x]) => e.row('copy', x),
};

export interface Resolved {
  /** The expressions that compute something, with the copies, inputs first. */
  readonly order: readonly Expr[];
  /** Where each root's value is: always whole, never a view. */
  readonly roots: readonly Expr[];
  operands(e: Expr): readonly View[];
}

export function resolve(exprs: Exprs): Resolved {
  const views = new Map<Expr, View>();
  const copies = new Map<Expr, Expr>();
  const operands = new Map<Expr, readonly View[]>();
  const order: Expr[] = [];

  const copy = (e: Expr): View => {
    let c = copies.get(e);
    if (!c) {
      c = { ...e, op: COPY, inputs: [e], attrs: {} };
      copies.set(e, c);
      operands.set(c, [view(e)]);
      order.push(c);
    }
    return whole(c);
  };
  const view = (e: Expr): View => {
    let v = views.get(e);
    if (!v) {
      v = e.op.kind === 'view' ? (through(e, view(e.inputs[0])) ?? through(e, copy(e.inputs[0]))!) : whole(e);
      views.set(e, v);
    }
    return v;
  };
  /** The view if it passes, else a copy. Constants are no memory, so an anchor always copies them. */
  const need = (e: Expr, fits: (v: View) => boolean): View => {
    const v = view(e);
    return constantValue(v.base) === null && fits(v) ? v : copy(e);
  };
  /** A reshape that would copy, as a contraction's right side can walk it. */
  const walk = (e: Expr): View | null => {
    if (e.op.name !== 'reshape' || e.dtype !== 'f32' || views.has(e)) return null;
    const inner = view(e.inputs[0]);
    return constantValue(inner.base) === null && !through(e, inner) ? walked(inner, e.shape) : null;
  };
  const stretched = (e: Expr, shape: Shape): Expr => ({
    ...e,
    op: BROADCAST,
    inputs: [e],
    attrs: { shape },
    shape,
    size: sizeOf(shape),
  });

  for (const e of exprs.list) {
    if (isBound(e) || constantValue(e) !== null) continue;
    // Views are looked at where they are read: there may be more than one way to.
    if (e.op.kind === 'view') continue;
    switch (e.op.kind) {
      case 'matmul':
        operands.set(
          e,
          e.inputs.map((x, i) => (i === 1 && walk(x)) || need(x, isMatrix)),
        );
        break;
      case 'reduce':
        operands.set(e, [need(e.inputs[0], () => true)]);
        break;
      case 'gather':
      case 'scatterAdd': {
        const [x, index, ...rest] = e.inputs;
        const axis = e.attrs.axis as number;
        const full = x.shape.map((d, i) => (i === axis ? index.shape[axis] : d));
        const walks = (v: View) => indexStrides(stretch(v, full), axis) !== null;
        const at = constantValue(index) === null && walks(view(index)) ? view(index) : copy(stretched(index, full));
        operands.set(e, [need(x, isContiguous), at, ...rest.map((s) => need(s, isContiguous))]);
        break;
      }
      case 'cumsum': {
        const axis = e.attrs.axis as number;
        operands.set(e, [need(e.inputs[0], (v) => runsInside(v, axis))]);
        break;
      }
      case 'argsort': {
        const axis = e.attrs.axis as number;
        operands.set(e, [need(e.inputs[0], (v) => indexStrides(v, axis) !== null)]);
        break;
      }
      case 'random':
        operands.set(e, [need(e.inputs[0], () => true)]);
        break;
      default:
        operands.set(e, e.inputs.map(view));
    }
    order.push(e);
  }
  const roots = exprs.roots.map((r) => {
    const v = view(r);
    return !isBound(v.base) && constantValue(v.base) === null && isFlatIdentity(v) ? v.base : copy(r).base;
  });
  return { order, roots, operands: (e) => operands.get(e) ?? [] };
}

/** One of the last two strides is 1 and no row or column is repeated: what packing can walk. */
function isMatrix(v: View): boolean {
  const [rows, columns] = v.shape.slice(-2);
  const [row, column] = v.strides.slice(-2);
  if ((rows > 1 && row <= 0) || (columns > 1 && column <= 0)) return false;
  return column === 1 || columns === 1 || row === 1 || rows === 1;
}

/** Elements behind an axis lie side by side, and one stride leads along what is before it: cumsum walks its axis either way. */
function runsInside(v: View, axis: number): boolean {
  const strides = indexStrides(v, axis);
  return strides !== null && (strides.inner === 1 || sizeOf(v.shape.slice(axis + 1)) === 1);
}

/** Strides over [outer, n, inner] around an axis; null where one stride cannot walk a side. */
export function indexStrides(v: View, axis: number): { outer: number; axis: number; inner: number } | null {
  const side = (from: number, to: number): number | null => {
    const { steps } = collapse(v.shape.slice(from, to), v.strides.slice(from, to));
    return steps.length === 0 ? 0 : steps.length === 1 ? steps[0] : null;
  };
  const outer = side(0, axis);
  const inner = side(axis + 1, v.shape.length);
  return outer === null || inner === null ? null : { outer, axis: v.strides[axis], inner };
}
