/** tfjs on its WebGPU backend: the step of tfjs.ts, and a product. */

import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import type { MakeContender, MakeProduct } from '../contender.ts';
import { provideGpu } from '../gpu.ts';
import { ADAM, layersOf, operandsOf, probeOf } from '../nets.ts';

async function start(): Promise<void> {
  await provideGpu();
  // It looks for a GPU when it is loaded.
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('bench: tfjs cannot start its WebGPU backend');
}

export const make: MakeContender = async ({ widths, batch }) => {
  await start();
  const classes = widths[widths.length - 1];
  const layers = layersOf({ widths }).map(({ inputs, outputs, weight, bias }) => ({
    weight: tf.variable(tf.tensor2d(weight, [inputs, outputs])),
    bias: tf.variable(tf.tensor1d(bias)),
  }));
  const optimizer = tf.train.adam(ADAM.lr, ADAM.beta1, ADAM.beta2, ADAM.eps);
  return {
    async step({ x, y }) {
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
      const [value] = await loss.data();
      loss.dispose();
      return value;
    },
  };
};

export const makeProduct: MakeProduct = async (product) => {
  await start();
  const { size } = product;
  const [a, b] = operandsOf(product).map((x) => tf.tensor2d(x, [size, size]));
  return {
    async step() {
      const c = tf.matMul(a, b);
      const data = await c.data();
      c.dispose();
      return probeOf(product, data);
    },
  };
};
