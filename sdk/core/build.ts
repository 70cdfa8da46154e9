/** Making Nodes: every op goes through `apply`, so that every shape error is thrown at the call. */

import { type DType, EXPONENT, isFloat, RANGE } from './dtype.ts';
import { DataError, OptionError } from './errors.ts';
import { type Attrs, type Graph, Node } from './node.ts';
import type { Op } from './op.ts';
import { C } from './scalar/bits.ts';
import { castOf } from './scalar/cast.ts';
import { checkShape } from './shape.ts';

const NONE: Attrs = Object.freeze({});

export function apply(op: Op, inputs: readonly Node[], attrs: Attrs = NONE): Node {
  const graph = inputs[0].graph;
  for (const n of inputs) {
    if (n.graph !== graph) {
      throw new OptionError(`${op.name}: its operands belong to two runtimes`, {
        hint: 'Read it and upload it to this runtime.',
        details: { op: op.name },
      });
    }
  }
  const { shape, dtype } = op.infer(inputs, attrs);
  return new Node(graph, op, inputs, attrs, checkShape(op.name, shape), dtype);
}

/** A leaf in a given graph. */
export function leaf(graph: Graph, op: Op, attrs: Attrs = NONE): Node {
  const { shape, dtype } = op.infer([], attrs);
  return new Node(graph, op, [], attrs, checkShape(op.name, shape), dtype);
}

const f32 = new Float32Array(1);

/**
 * A JS number as an element of a dtype: f32 is rounded and made canonical, f16 and bf16 are rounded once more and give
 * their bits, integers must be in range (api 3).
 */
export function scalarValue(what: string, v: number, dtype: DType): number {
  if (isFloat(dtype)) {
    f32[0] = v;
    const x = f32[0];
    if (!Number.isFinite(x)) {
      throw new DataError(`${what}: the number ${v} is not finite in f32`, {
        hint: "Mask with -2**100, or upload it with { nonfinite: 'keep' }.",
        details: { value: v },
      });
    }
    const bits = castOf(C(x), 'f32', dtype);
    if (dtype !== 'f32' && (bits & EXPONENT[dtype]) === EXPONENT[dtype]) {
      throw new DataError(`${what}: the number ${v} is too large for ${dtype}`, {
        hint: "Use a smaller number, or 'f32'.",
        details: { value: v, dtype },
      });
    }
    return bits;
  }
  const [lo, hi] = RANGE[dtype];
  if (!Number.isInteger(v) || v < lo || v > hi) {
    throw new DataError(`${what}: ${v} is no ${dtype} (an integer from ${lo} to ${hi})`, {
      hint: 'Cast the tensor first, or give an integer in range.',
      details: { value: v, dtype },
    });
  }
  return v + 0;
}
