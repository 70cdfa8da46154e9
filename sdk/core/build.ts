/** Making Nodes: every op goes through `apply`, so that every shape error is thrown at the call. */

import type { ComputeDType } from './dtype.ts';
import { DataError, OptionError } from './errors.ts';
import { type Attrs, type Graph, Node } from './node.ts';
import type { Op } from './op.ts';
import { checkShape } from './shape.ts';

const NONE: Attrs = Object.freeze({});

export function apply(op: Op, inputs: readonly Node[], attrs: Attrs = NONE): Node {
  const graph = inputs[0].graph;
  for (const n of inputs) {
    if (n.graph !== graph) {
      throw new OptionError(`${op.name}: its operands belong to two runtimes`, {
        hint: 'Read the tensor and upload it to the other runtime: rt.tensor(await t.data(), t.shape).',
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

/** A JS number as a value of a dtype: f32 is rounded and made canonical, integers must be in range (api 3). */
export function scalarValue(what: string, v: number, dtype: ComputeDType): number {
  if (dtype === 'f32') {
    f32[0] = v;
    const x = f32[0];
    if (!Number.isFinite(x)) {
      throw new DataError(`${what}: the number ${v} is not finite in f32`, {
        hint: 'Mask with -2**100, or upload it with rt.tensor(..., { nonfinite: "keep" }).',
        details: { value: v },
      });
    }
    return Math.abs(x) < 2 ** -125 ? 0 : x;
  }
  const [lo, hi] = dtype === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : dtype === 'u32' ? [0, 2 ** 32 - 1] : [0, 1];
  if (!Number.isInteger(v) || v < lo || v > hi) {
    throw new DataError(`${what}: ${v} is no ${dtype} (an integer from ${lo} to ${hi})`, {
      hint: 'Cast the tensor first, or give an integer in range.',
      details: { value: v, dtype },
    });
  }
  return v + 0;
}
