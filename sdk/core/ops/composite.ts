/**
 * Composites with derivatives of their own (N13): softmax, logSoftmax, logSumExp, bceWithLogits. Each is one node for differentiation and
 * expands to primitives before planning, so that fusing treats it like any other graph.
 */

import { apply } from '../build.ts';
import { type Node, needDType } from '../node.ts';
import { attrNumber, attrNumbers, type Op } from '../op.ts';
import { axesOf, axisOf, broadcastShapes } from '../shape.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { local, type Operand, operand, same } from './elementwise.ts';
import { exp, log, sigmoid, softplus } from './functions.ts';
import { detach } from './leaf.ts';
import { reshape } from './move.ts';
import { type Axes, keepShape, keptShape, max, nonEmpty, sum } from './reduce.ts';

const axisRule =
  (name: string): Op['infer'] =>
  ([x], attrs) => {
    needDType(name, x, ['f32']);
    nonEmpty(name, x, [attrNumber(attrs, 'axis')]);
    return { shape: x.shape, dtype: 'f32' };
  };

/** x minus its largest element along the axis, which carries no gradient. */
const shifted = (x: Node, axis: number): Node => sub(x, detach(max(x, axis, true)));

export const SOFTMAX: Op = {
  name: 'softmax',
  kind: 'composite',
  infer: axisRule('softmax'),
  expand([x], attrs) {
    const axis = attrNumber(attrs, 'axis');
    const e = exp(shifted(x, axis));
    return mul(e, div(1, sum(e, axis, true)));
  },
  vjp: (g, { attrs, y }) => mul(y, sub(g, sum(mul(y, g), attrNumber(attrs, 'axis'), true))),
  jvp: (t, { attrs, y }) => mul(y, sub(t, sum(mul(y, t), attrNumber(attrs, 'axis'), true))),
};

export const LOG_SOFTMAX: Op = {
  name: 'logSoftmax',
  kind: 'composite',
  infer: axisRule('logSoftmax'),
  expand([x], attrs) {
    const axis = attrNumber(attrs, 'axis');
    const d = shifted(x, axis);
    return sub(d, log(sum(exp(d), axis, true)));
  },
  vjp: (g, { attrs, y }) => sub(g, mul(exp(y), sum(g, attrNumber(attrs, 'axis'), true))),
  // The transpose of the rule above: the Jacobian is I - 1 exp(y)^T.
  jvp: (t, { attrs, y }) => sub(t, sum(mul(exp(y), t), attrNumber(attrs, 'axis'), true)),
};

/** Keeps the reduced axes as 1, so that both rules broadcast. */
export const LOG_SUM_EXP: Op = {
  name: 'logSumExp',
  kind: 'composite',
  infer([x], attrs) {
    const axes = attrNumbers(attrs, 'axes');
    needDType('logSumExp', x, ['f32']);
    nonEmpty('logSumExp', x, axes);
    return { shape: keepShape(x.shape, axes), dtype: 'f32' };
  },
  expand([x], attrs) {
    const axes = attrNumbers(attrs, 'axes');
    const m = detach(max(x, axes, true));
    return add(m, log(sum(exp(sub(x, m)), axes, true)));
  },
  vjp: (g, { inputs: [x], y }) => mul(g, exp(sub(x, y))),
  jvp: (t, { inputs: [x], attrs, y }) => sum(mul(exp(sub(x, y)), t), attrNumbers(attrs, 'axes'), true),
};

export const BCE_WITH_LOGITS: Op = {
  name: 'bceWithLogits',
  kind: 'composite',
  infer: (inputs) => ({
    dtype: same('bceWithLogits', ['f32'])(inputs),
    shape: broadcastShapes(
      'bceWithLogits',
      inputs.map((n) => n.shape),
    ),
  }),
  expand: ([x, t]) => sub(softplus(x), mul(x, t)),
  ...local((g, { inputs: [x, t] }, i) => (i === 0 ? mul(g, sub(sigmoid(x), t)) : mul(g, neg(x)))),
};

/** exp(x) over its sum along an axis. */
export const softmax = (x: Node, axis: number): Node =>
  apply(SOFTMAX, [x], { axis: axisOf('softmax', axis, x.shape.length) });
/** log of softmax, computed without overflow. */
export const logSoftmax = (x: Node, axis: number): Node =>
  apply(LOG_SOFTMAX, [x], { axis: axisOf('logSoftmax', axis, x.shape.length) });
/** log of the sum of exp(x) over the axes, computed without overflow. */
export function logSumExp(x: Node, axes?: Axes, keepdims = false): Node {
  const list = axesOf('logSumExp', axes, x.shape.length);
  const y = apply(LOG_SUM_EXP, [x], { axes: list });
  return keepdims ? y : reshape(y, keptShape(x.shape, list));
}
/** Elementwise binary cross-entropy of logits x and targets t in [0, 1]: softplus(x) - x t. */
export const bceWithLogits = (x: Node, t: Operand): Node => apply(BCE_WITH_LOGITS, [x, operand(t, x, 'bceWithLogits')]);
