/**
 * Reverse mode: walks the graph as it was built, and answers with graph (so derivatives nest).
 *
 * N12 fixes the bits: the adjoint of a node is the left-to-right sum of its contributions, by consumer number descending,
 * then operand position ascending; paths that carry none are left out, not added as 0.
 */

import { OptionError, ShapeError } from './errors.ts';
import type { Node } from './node.ts';
import { add } from './ops/arithmetic.ts';
import { constant } from './ops/leaf.ts';
import { broadcast, reshape, zeros } from './ops/move.ts';
import { sum } from './ops/reduce.ts';
import { type Shape, sameShape, showShape } from './shape.ts';
import { nodeOf, Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** What to differentiate by. */
export type Wrt = Tensor<'f32'> | Variable<'f32'>;

export interface GradOptions {
  /** The adjoint of `y`, in its shape; needed unless y is a scalar. */
  seed?: Tensor<'f32'>;
  /** What to do with an x that y does not depend on: `'throw'` (the default) or a gradient of zeros. */
  unused?: 'throw' | 'zero';
}

/** Nodes on a path from one of `targets` to `y`. */
export function between(y: Node, targets: ReadonlySet<Node>): Set<Node> {
  const lowest = Math.min(...[...targets].map((n) => n.id));
  const known = new Map<Node, boolean>();
  const path = new Set<Node>();
  const stack: Node[] = [y];
  while (stack.length > 0) {
    const n = stack[stack.length - 1];
    if (known.has(n)) {
      stack.pop();
      continue;
    }
    // Inputs are older than their consumers, so nothing below the oldest target can lead to one.
    const open = n.id <= lowest ? [] : n.inputs.filter((x) => !known.has(x));
    if (open.length > 0) {
      stack.push(...open);
      continue;
    }
    stack.pop();
    const on = targets.has(n) || (n.id > lowest && n.dtype === 'f32' && n.inputs.some((x) => known.get(x)));
    known.set(n, on);
    if (on) path.add(n);
  }
  return path;
}

/** Sums a contribution over all axes that were stretched, at once; none if no axis was (N12). */
function unbroadcast(g: Node, to: Shape): Node {
  const lead = g.shape.length - to.length;
  const axes = [...g.shape.keys()].filter((i) => i < lead || (to[i - lead] === 1 && g.shape[i] !== 1));
  return axes.length === 0 ? g : reshape(sum(g, axes, true), to);
}

/** Gradients of `y` by each of `xs`. Throws ShapeError, and OptionError for an unused x. */
export function grad(y: Tensor<'f32'>, xs: readonly Wrt[], o: GradOptions = {}): Tensor<'f32'>[] {
  const root = y.node;
  if (root.dtype !== 'f32')
    throw new OptionError(`grad: y is ${root.dtype}; only f32 has derivatives`, {
      hint: 'Differentiate an f32 value.',
    });
  if (o.seed ? !sameShape(o.seed.shape, root.shape) : root.shape.some((d) => d !== 1)) {
    throw new ShapeError(
      o.seed
        ? `grad: seed has shape ${showShape(o.seed.shape)}, y has ${showShape(root.shape)}`
        : `grad: y has shape ${showShape(root.shape)}, expected a scalar`,
      { hint: 'Reduce y, or give a seed in its shape.', details: { y: root.shape } },
    );
  }
  const targets = xs.map((x) => nodeOf(x as Tensor | Variable));
  const path = between(root, new Set(targets));
  const order = [...path].sort((a, b) => b.id - a.id);

  const adjoint = new Map<Node, Node>();
  adjoint.set(root, o.seed ? o.seed.node : broadcast(constant(root.graph, 1, 'f32'), root.shape));
  for (const n of order) {
    const g = adjoint.get(n);
    const rule = n.op.vjp;
    if (!g || !rule || n.inputs.length === 0) continue;
    const site = { inputs: n.inputs, attrs: n.attrs, y: n };
    n.inputs.forEach((x, i) => {
      if (!path.has(x)) return;
      const stretched = rule(g, site, i);
      if (!stretched) return;
      const share = unbroadcast(stretched, x.shape);
      const sum = adjoint.get(x);
      adjoint.set(x, sum ? add(sum, share) : share);
    });
  }
  return targets.map((x, i) => {
    const g = adjoint.get(x);
    if (g) return new Tensor<'f32'>(g);
    if (o.unused === 'zero') return new Tensor<'f32'>(zeros(x, x.shape));
    throw new OptionError(`grad: y does not depend on xs[${i}] (shape ${showShape(x.shape)})`, {
      hint: "Use a value that y is computed from, or pass { unused: 'zero' }.",
      details: { index: i, shape: x.shape },
    });
  });
}
