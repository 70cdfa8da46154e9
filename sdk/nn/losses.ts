/** Losses of numbers (N13). Predictions and targets have one shape; the result is the mean over all elements. */

import { mean } from '../core/functions.ts';
import type { HostArray } from '../core/host.ts';
import { bceWithLogits as bceNode } from '../core/ops/composite.ts';
import type { Shape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { needF32, sameShapes, unitRange } from './loss.ts';

type Elementwise = (prediction: Tensor<'f32'>, target: Tensor<'f32'>) => Tensor<'f32'>;

/** The mean of an elementwise loss, with the checks of shape and dtype. */
function meanOf(name: string, each: Elementwise, values?: (target: HostArray) => void) {
  const check = (prediction: Shape, target: { readonly shape: Shape; readonly dtype: string }) => {
    needF32(name, target);
    sameShapes(name, prediction, target.shape);
  };
  const loss: Elementwise = (prediction, target) => {
    check(prediction.shape, target);
    return mean(each(prediction, target));
  };
  return Object.assign(loss, {
    check(prediction: Shape, target: HostArray) {
      check(prediction, target);
      values?.(target);
    },
  });
}

/** Mean squared error: mean of (prediction - target)². */
export const mse = /* @__PURE__ */ meanOf('mse', (x, t) => {
  const d = x.sub(t);
  return d.mul(d);
});

/** Binary cross-entropy of logits x and targets t from 0 to 1: mean of softplus(x) - x t. */
export const bceWithLogits = /* @__PURE__ */ meanOf(
  'bceWithLogits',
  (x, t) => new Tensor<'f32'>(bceNode(x.node, t.node)),
  (t) => unitRange('bceWithLogits', t),
);
