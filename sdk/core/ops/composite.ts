/**
 * Composites with derivatives of their own (N13): softmax, logSoftmax, bceWithLogits. Each is one node for differentiation and
 * expands to primitives before planning, so that fusing treats it like any other graph.
 */

import { apply } from '../build.ts';
import { type Node, needDType } from '../node.ts';
import { attrNumber, type Op } from '../op.ts';
import { axisOf, broadcastShapes } from '../shape.ts';
import { div, mul, neg, sub } from './arithmetic.ts';
import { local, type Operand, operand, same } from './elementwise.ts';
import { exp, log, sigmoid, softplus } from './functions.ts';
import { detach } from './leaf.ts';
import { max, nonEmpty, sum } from './reduce.ts';

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
/** Elementwise binary cross-entropy of logits x and targets t in [0, 1]: softplus(x) - x t. */
export const bceWithLogits = (x: Node, t: Operand): Node => apply(BCE_WITH_LOGITS, [x, operand(t, x, 'bceWithLogits')]);
