/** Leaves: values given from outside (data, placeholders) or written in the graph (constants, iota). */

import { apply, leaf, scalarValue } from '../build.ts';
import type { DType } from '../dtype.ts';
import { type Attrs, type Graph, Node } from '../node.ts';
import { attrNumber, attrNumbers, type Op } from '../op.ts';
import { type Shape, sizeOf } from '../shape.ts';

/** A value that exists on the device. */
export const DATA: Op = {
  name: 'data',
  kind: 'leaf',
  infer() {
    throw new Error('data: made by dataLeaf()');
  },
};
/** A value that a captured call supplies: argument `slot` of the trace. */
export const PLACEHOLDER: Op = {
  name: 'placeholder',
  kind: 'leaf',
  infer: (_, attrs) => ({ shape: attrNumbers(attrs, 'shape'), dtype: attrs.dtype as DType }),
};

/** One number of the program; f32 is rounded once and canonical. */
export const CONSTANT: Op = {
  name: 'constant',
  kind: 'leaf',
  infer: (_, attrs) => ({ shape: [], dtype: attrs.dtype as DType }),
};

/** 0, 1, 2 … n-1 as i32. */
export const IOTA: Op = {
  name: 'iota',
  kind: 'leaf',
  infer: (_, attrs) => ({ shape: [attrNumber(attrs, 'n')], dtype: 'i32' }),
};

/** The same value, without history. */
export const DETACH: Op = {
  name: 'detach',
  kind: 'view',
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
};

const NO_INPUTS: readonly Node[] = Object.freeze([]);
const NO_ATTRS: Attrs = Object.freeze({});

/** A leaf for a value of a known shape; made at every captured call, so it skips the checks. */
export const dataLeaf = (graph: Graph, shape: Shape, dtype: DType): Node =>
  new Node(graph, DATA, NO_INPUTS, NO_ATTRS, shape, dtype);
export const placeholder = (graph: Graph, slot: number, shape: Shape, dtype: DType): Node =>
  leaf(graph, PLACEHOLDER, { shape, dtype, slot });
export const constant = (graph: Graph, value: number, dtype: DType, what = 'constant'): Node =>
  leaf(graph, CONSTANT, { value: scalarValue(what, value, dtype), dtype });
export const iota = (graph: Graph, n: number): Node => leaf(graph, IOTA, { n });
export const detach = (x: Node): Node => apply(DETACH, [x]);

/** True for a node that is one known number, wherever it was broadcast from. */
export function constantOf(n: Node): number | null {
  if (n.op === CONSTANT) return attrNumber(n.attrs, 'value');
  return n.op.kind === 'view' && n.inputs[0].op === CONSTANT && sizeOf(n.shape) > 0
    ? attrNumber(n.inputs[0].attrs, 'value')
    : null;
}
