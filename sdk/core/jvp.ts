/** Forward mode: the tangent of `y` for tangents `vs` of `xs`, by the same local derivatives as grad (N12). */

import { OptionError, ShapeError } from './errors.ts';
import { between, type Wrt } from './grad.ts';
import type { Node } from './node.ts';
import { add } from './ops/arithmetic.ts';
import { broadcast, zeros } from './ops/move.ts';
import { sameShape, showShape } from './shape.ts';
import { nodeOf, Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** Jacobian-vector product, in y's shape; zeros where y does not depend on xs. Contributions add by operand position. */
export function jvp(y: Tensor<'f32'>, xs: readonly Wrt[], vs: readonly Tensor<'f32'>[]): Tensor<'f32'> {
  const root = y.node;
  if (xs.length !== vs.length) {
    throw new OptionError(`jvp: ${xs.length} xs but ${vs.length} tangents`, { hint: 'Give one tangent for each x.' });
  }
  const tangent = new Map<Node, Node>();
  xs.forEach((x, i) => {
    const node = nodeOf(x as Tensor | Variable);
    if (!sameShape(node.shape, vs[i].shape)) {
      throw new ShapeError(
        `jvp: tangent ${i} has shape ${showShape(vs[i].shape)}, its x has ${showShape(node.shape)}`,
        {
          hint: 'A tangent has the shape of its x.',
          details: { index: i, x: node.shape, v: vs[i].shape },
        },
      );
    }
    const before = tangent.get(node);
    tangent.set(node, before ? add(before, vs[i].node) : vs[i].node);
  });
  const given = new Set(tangent.keys());
  if (given.size === 0) return new Tensor<'f32'>(zeros(root, root.shape));
  for (const n of [...between(root, given)].sort((a, b) => a.id - b.id)) {
    const rule = n.op.jvp;
    if (given.has(n) || !rule) continue;
    const site = { inputs: n.inputs, attrs: n.attrs, y: n };
    let sum: Node | null = null;
    n.inputs.forEach((x, i) => {
      const t = tangent.get(x);
      const narrow = t ? rule(t, site, i) : null;
      if (!narrow) return;
      const share = broadcast(narrow, n.shape);
      sum = sum ? add(sum, share) : share;
    });
    if (sum) tangent.set(n, sum);
  }
  return new Tensor<'f32'>(tangent.get(root) ?? zeros(root, root.shape));
}
