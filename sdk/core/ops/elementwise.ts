/**
 * Shared by the elementwise families: the NumPy broadcasting rule, and local derivatives written once for both modes (N12):
 * the same expression takes the adjoint in reverse and the tangent forward. Imports no other family, so that each can call these
 * helpers while it is being loaded.
 */

import { apply } from '../build.ts';
import type { ComputeDType, DType } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import type { Op, Site } from '../op.ts';
import { broadcastShapes } from '../shape.ts';
import { constant } from './leaf.ts';

/** An operand: a node, or a number that takes the other operand's dtype. */
export type Operand = Node | number;

/** The expression of input i's share, given the adjoint or the tangent. */
export type Local = (g: Node, site: Site, i: number) => Node | null;

/** Both derivative rules of an elementwise op from one local expression. */
export function local(expr: Local): Pick<Op, 'vjp' | 'jvp'> {
  const rule: Local = (g, site, i) => (site.inputs[i].dtype === 'f32' ? expr(g, site, i) : null);
  return { vjp: rule, jvp: rule };
}

type Rule = (inputs: readonly Node[]) => DType;

/** Operands of one dtype out of `allowed`; the result has the same dtype, or `out`. */
export function same(name: string, allowed: readonly ComputeDType[], out?: ComputeDType): Rule {
  return (inputs) => {
    for (const n of inputs) needDType(name, n, allowed);
    const first = inputs[0].dtype;
    for (const n of inputs) {
      if (n.dtype !== first) {
        throw new DTypeError(`${name}: operands are ${inputs.map((x) => x.dtype).join(' and ')}; nothing is promoted`, {
          hint: `Cast one of them: .cast('${first}').`,
          details: { op: name, dtypes: inputs.map((x) => x.dtype) },
        });
      }
    }
    return out ?? first;
  };
}

/** Defines an elementwise op. */
export function mapOp(name: string, dtype: Rule, scalar: NonNullable<Op['scalar']>, expr?: Local): Op {
  return {
    name,
    kind: 'map',
    infer: (inputs) => ({
      dtype: dtype(inputs),
      shape: broadcastShapes(
        name,
        inputs.map((n) => n.shape),
      ),
    }),
    scalar,
    ...(expr ? local(expr) : {}),
  };
}

export function operand(x: Operand, like: Node, name: string): Node {
  return typeof x === 'number' ? constant(like.graph, x, like.dtype, name) : x;
}

/** The function that builds a one-argument elementwise op. */
export const unary =
  (op: Op) =>
  (x: Node): Node =>
    apply(op, [x]);

/** The function that builds a two-argument elementwise op; either side may be a number. */
export const binary =
  (op: Op) =>
  (a: Operand, b: Operand): Node => {
    if (typeof a === 'number') {
      const right = b as Node;
      return apply(op, [operand(a, right, op.name), right]);
    }
    return apply(op, [a, operand(b, a, op.name)]);
  };
