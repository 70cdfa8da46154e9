/**
 * The graph: a computation is Nodes that name an op, its inputs and its static attributes. Building a Node infers shape and
 * dtype at once and runs nothing. Nodes are numbered as the program creates them; differentiation depends on that order (N12).
 */

import type { Data, DType, Precision } from './dtype.ts';
import { DTypeError } from './errors.ts';
import type { IO } from './host.ts';
import type { Op } from './op.ts';
import type { Runtime } from './runtime.ts';
import type { Shape } from './shape.ts';
import type { Variable } from './variable.ts';

/** A value on a device, counted by its holders; the engine implements it. */
export interface Held {
  readonly bytes: number;
  retain(): this;
  release(): void;
}

export type Attr = number | string | boolean | null | readonly Attr[];
export interface Attrs {
  readonly [name: string]: Attr;
}

/** What core needs of a runtime: numbers for nodes, values for reads. The engine implements it. */
export interface Graph {
  readonly rt: Runtime;
  /** Of contractions that are not given one. */
  readonly precision: Precision;
  nextId(): number;
  /** Computes a node, keeps the value on the node, and copies it to the host. */
  read<D extends DType>(node: Node, o?: IO & ReadOptions): Promise<Data[D]>;
  /** Computes a node, and copies it to a GPUBuffer. */
  gpuBuffer(node: Node, o?: IO & ReadOptions): Promise<object>;
  /** The node that a read of a Variable gives here: a leaf, or inside a trace its placeholder or what was assigned. */
  readVariable(v: Variable): Node;
  assignVariable(v: Variable, value: Node): void;
  /** One handle less on a node: frees its value when nothing stands for it or reads it. */
  drop(node: Node): void;
}

export interface ReadOptions {
  /** `'throw'` (the default) refuses Inf and NaN with a NumericError that names the op; `'keep'` returns them. */
  nonfinite?: 'throw' | 'keep';
  /** An array of a 32-bit dtype and the tensor's size, filled and given back in place of a fresh one; others are passed over. */
  into?: ArrayBufferView;
}

export class Node {
  readonly graph: Graph;
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: Attrs;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Nodes that read this one: while there are any, disposing the tensor keeps a leaf's value. */
  uses = 0;
  /** Tensors and variables that stand for this node. */
  handles = 0;
  /** The value, for leaves and after a read. */
  held: Held | null = null;
  /** Who sees to it that a value which nobody disposes of is freed; null where the value belongs to a Variable. For the engine. */
  owner: 'registry' | 'young' | null = null;
  /** The run that made the value, while it may yet be refused. For the engine. */
  origin: object | null = null;

  constructor(graph: Graph, op: Op, inputs: readonly Node[], attrs: Attrs, shape: Shape, dtype: DType) {
    this.graph = graph;
    this.id = graph.nextId();
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.shape = shape;
    this.dtype = dtype;
    for (const n of inputs) n.uses++;
  }
}

/** Refuses a dtype that an op does not take; nothing is promoted, so the message names the cast. */
export function needDType(op: string, node: Node, allowed: readonly DType[]): void {
  if (allowed.includes(node.dtype)) return;
  throw new DTypeError(`${op}: takes ${allowed.join(' or ')}, got ${node.dtype}`, {
    hint: `Cast first: .cast('${allowed[0]}').`,
    details: { op, expected: allowed, got: node.dtype },
  });
}
