/**
 * From a graph to expressions: what a plan computes, in dependency order, with composites expanded, equal subexpressions
 * shared, constants folded and nothing dead (api 4 lists the rewrites that are allowed; there are no others).
 */

import type { DType } from '../core/dtype.ts';
import type { Attrs, Node } from '../core/node.ts';
import { attrNumber, type Emit, type Op } from '../core/op.ts';
import { CONSTANT, DATA, DETACH } from '../core/ops/leaf.ts';
import * as scalar from '../core/scalar/basic.ts';
import type { ScalarOp } from '../core/scalar/ir.ts';
import { div } from '../core/scalar/roots.ts';
import { type Shape, sameShape, sizeOf } from '../core/shape.ts';

export interface Expr {
  /** Position in the list; inputs come first. */
  readonly index: number;
  readonly op: Op;
  readonly inputs: readonly Expr[];
  readonly attrs: Attrs;
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
  /** The node it came from: where a leaf's value is, and what a message names. */
  readonly node: Node;
}

export interface Exprs {
  readonly list: readonly Expr[];
  readonly roots: readonly Expr[];
  /** Leaves whose value is bound at the call: data, placeholders and values computed before. */
  readonly leaves: readonly Expr[];
  /** Equal for graphs of equal structure: the key of a plan. */
  readonly key: string;
}

/** True for a leaf whose value comes from outside the plan. */
export const isBound = (e: Expr): boolean =>
  e.inputs.length === 0 && e.op.kind === 'leaf' && e.op !== CONSTANT && e.op.name !== 'iota';

export function constantValue(e: Expr): number | null {
  return e.op === CONSTANT ? attrNumber(e.attrs, 'value') : null;
}

/** Expressions that compute `roots`; a node that holds a value, or is in `boundary`, is a leaf. */
export function collect(roots: readonly Node[], boundary?: (n: Node) => boolean): Exprs {
  const list: Expr[] = [];
  const done = new Map<Node, Expr>();
  const expanded = new Map<Node, Node>();
  const shared = new Map<string, Expr>();
  const keys: string[] = [];
  const leaves: Expr[] = [];

  const make = (op: Op, inputs: readonly Expr[], attrs: Attrs, shape: Shape, dtype: DType, node: Node): Expr => {
    const bound = op.kind === 'leaf' && op !== CONSTANT && op.name !== 'iota';
    const key = bound
      ? `${dtype}[${shape}]#${leaves.length}`
      : `${op.name}(${inputs.map((e) => e.index)})${JSON.stringify(attrs)}${op === CONSTANT ? shape : ''}`;
    const before = shared.get(key);
    if (before) return before;
    const e: Expr = { index: list.length, op, inputs, attrs, shape, size: sizeOf(shape), dtype, node };
    list.push(e);
    keys.push(key);
    if (bound) leaves.push(e);
    shared.set(key, e);
    return e;
  };
  const constant = (value: number, shape: Shape, dtype: DType, node: Node) =>
    make(CONSTANT, [], { value: Object.is(value, -0) ? 0 : value, dtype }, shape, dtype, node);

  const rewrite = (n: Node, inputs: readonly Expr[]): Expr => {
    if (n.op === DETACH) return inputs[0];
    if (n.op.kind === 'view') {
      const v = constantValue(inputs[0]);
      return v === null ? make(n.op, inputs, n.attrs, n.shape, n.dtype, n) : constant(v, n.shape, n.dtype, n);
    }
    if (n.op.kind === 'map') {
      const folded = fold(n, inputs);
      if (folded !== null) return constant(folded, n.shape, n.dtype, n);
      const same = identity(n, inputs);
      if (same) return same;
    }
    return make(n.op, inputs, n.attrs, n.shape, n.dtype, n);
  };

  const stack = [...roots].reverse();
  while (stack.length > 0) {
    const n = stack[stack.length - 1];
    if (done.has(n)) {
      stack.pop();
      continue;
    }
    if (n.held || boundary?.(n)) {
      // A constant or count that was read is bound like any other value.
      const given = n.op.kind === 'leaf' && n.op !== CONSTANT && n.op.name !== 'iota';
      done.set(n, make(given ? n.op : DATA, [], {}, n.shape, n.dtype, n));
      stack.pop();
      continue;
    }
    if (n.op.kind === 'composite') {
      let body = expanded.get(n);
      if (!body) {
        body = n.op.expand!(n.inputs, n.attrs);
        expanded.set(n, body);
      }
      const e = done.get(body);
      if (e) {
        done.set(n, e);
        stack.pop();
      } else {
        stack.push(body);
      }
      continue;
    }
    const open = n.inputs.filter((x) => !done.has(x));
    if (open.length > 0) {
      stack.push(...open.reverse());
      continue;
    }
    done.set(
      n,
      rewrite(
        n,
        n.inputs.map((x) => done.get(x)!),
      ),
    );
    stack.pop();
  }
  const out = roots.map((n) => done.get(n)!);
  return { ...prune(list, out), key: `${keys.join(';')}>${out.map((e) => e.index)}` };
}

/** Drops what no root needs (operands of folded or simplified expressions). */
function prune(list: readonly Expr[], roots: readonly Expr[]): Omit<Exprs, 'key'> {
  const live = new Set<Expr>(roots);
  for (let i = list.length - 1; i >= 0; i--) if (live.has(list[i])) for (const x of list[i].inputs) live.add(x);
  const kept = list.filter((e) => live.has(e));
  return { list: kept, roots, leaves: kept.filter(isBound) };
}

/** Contract arithmetic on the host, for folding. */
const FOLD: Partial<Record<ScalarOp, (a: number, b: number) => number>> = {
  neg_f: scalar.neg,
  add_f: scalar.add,
  sub_f: scalar.sub,
  mul_f: scalar.mul,
  div_f: div,
};

function fold(n: Node, inputs: readonly Expr[]): number | null {
  if (n.dtype !== 'f32' || sizeOf(n.shape) === 0) return null;
  const values = inputs.map(constantValue);
  if (values.some((v) => v === null)) return null;
  let known = true;
  const emit: Emit = {
    row(op, ...args) {
      const f = FOLD[op];
      if (!f) {
        known = false;
        return 0;
      }
      return f(args[0], args[1]);
    },
    constant: (value) => value,
  };
  const dtypes = inputs.map((e) => e.dtype);
  const v = n.op.scalar!(emit, values as number[], n.attrs, dtypes);
  // Inf and NaN stay where a kernel makes them, so that the message about them names their op.
  return known && Number.isFinite(v) ? v : null;
}

/** x * 1 and x + 0. */
function identity(n: Node, [a, b]: readonly Expr[]): Expr | null {
  const neutral = n.op.name === 'mul' ? 1 : n.op.name === 'add' ? 0 : null;
  if (neutral === null) return null;
  if (constantValue(b) === neutral && sameShape(a.shape, n.shape)) return a;
  if (constantValue(a) === neutral && sameShape(b.shape, n.shape)) return b;
  return null;
}
