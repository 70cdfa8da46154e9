/**
 * What an op is: one entry of the primitive table. The same entry serves shape inference, differentiation (both modes),
 * fusion and the reference.
 */

import type { DType } from './dtype.ts';
import { OptionError } from './errors.ts';
import type { Attrs, Node } from './node.ts';
import type { ScalarOp } from './scalar/ir.ts';
import type { Shape } from './shape.ts';

/** A value inside a scalar program. */
export type Value = number;

/** Writes rows of scalar IR. */
export interface Emit {
  row(op: ScalarOp, ...args: Value[]): Value;
  constant(value: number, dtype: DType): Value;
}

/** What a local derivative sees: the inputs, and the op's own result `y`. */
export interface Site {
  readonly inputs: readonly Node[];
  readonly attrs: Attrs;
  readonly y: Node;
}

/**
 * - `leaf`: has no inputs; its value is given (data, placeholder) or written in the attributes (constant, iota).
 * - `map`: elementwise over broadcast inputs, lowered to scalar IR.
 * - `view`: moves elements without computing; the planner reads through it.
 * - `pad`, `concat`, `reduce`, `matmul`, `gather`, `scatterAdd`, `cumsum`, `argsort`, `random`: one kernel family each.
 * - `composite`: stands for a graph of primitives (N13) and carries its own derivative.
 */
export type OpKind =
  | 'leaf'
  | 'map'
  | 'view'
  | 'pad'
  | 'concat'
  | 'reduce'
  | 'matmul'
  | 'gather'
  | 'scatterAdd'
  | 'cumsum'
  | 'argsort'
  | 'random'
  | 'composite';

export interface Op {
  readonly name: string;
  readonly kind: OpKind;
  /** Shape and dtype of the result; throws ShapeError or DTypeError naming the op. */
  infer(inputs: readonly Node[], attrs: Attrs): { shape: Shape; dtype: DType };
  /** `map` only: its rows of scalar IR. */
  scalar?(e: Emit, args: readonly Value[], attrs: Attrs, dtypes: readonly DType[]): Value;
  /** `composite` only: the graph it stands for. */
  expand?(inputs: readonly Node[], attrs: Attrs): Node;
  /**
   * Reverse rule: input i's contribution from the adjoint g; null where none flows (N12). It has the input's shape or one that
   * this broadcasts to: grad sums the stretched axes.
   */
  vjp?(g: Node, site: Site, i: number): Node | null;
  /** Forward rule: the result's tangent from input i's tangent t, in a shape that broadcasts to the result's; null where none flows. */
  jvp?(t: Node, site: Site, i: number): Node | null;
}

export function attrNumber(attrs: Attrs, name: string): number {
  const v = attrs[name];
  if (typeof v === 'number') return v;
  throw new OptionError(`attribute ${name} must be a number`, { details: { name, got: v } });
}

export function attrNumbers(attrs: Attrs, name: string): readonly number[] {
  const v = attrs[name];
  if (Array.isArray(v)) return v as readonly number[];
  throw new OptionError(`attribute ${name} must be a list of numbers`, { details: { name, got: v } });
}
