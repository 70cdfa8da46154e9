/** tfjs on its WASM backend, one thread: `optimizer.minimize` inside `tidy`. tfjs-layers is there for its gradients. */

import '@tensorflow/tfjs-layers';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { MakeContender } from '../contender.ts';
import { ADAM, layersOf } from '../nets.ts';

export const make: MakeContender = async ({ widths, batch }) => {
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error('bench: tfjs cannot start its WASM backend');
  const classes = widths[widths.length - 1];
  const layers = layersOf({ widths }).map(({ inputs, outputs, weight, bias }) => ({
    weight: tf.variable(tf.tensor2d(weight, [inputs, outputs])),
    bias: tf.variable(tf.tensor1d(bias)),
  }));
  const optimizer = tf.train.adam(ADAM.lr, ADAM.beta1, ADAM.beta2, ADAM.eps);
  return {
    step({ x, y }) {
      const loss = tf.tidy(() => {
        const target = tf.cast(tf.oneHot(tf.tensor1d(y, 'int32'), classes), 'float32');
        const input: tf.Tensor = tf.tensor2d(x, [batch, widths[0]]);
        const cost = optimizer.minimize(() => {
          const logits = layers.reduce(
            (h, { weight, bias }, i) => tf.add(tf.matMul(i > 0 ? tf.relu(h) : h, weight), bias),
            input,
          );
          // Faster here than tf.losses.softmaxCrossEntropy, and the same value.
          return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), target), 1)));
        }, true);
        return cost as tf.Scalar;
      });
      const [value] = loss.dataSync();
      loss.dispose();
      return value;
    },
  };
};
