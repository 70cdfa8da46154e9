/** tfjs on its WASM or WebGPU backend: `optimizer.minimize` inside `tidy`. tfjs-layers is there for its gradients. */

import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { provideGpu } from '../gpu.ts';
import { ADAM, batchesOf, classesOf, type Net } from '../nets.ts';
import { type Contender, type Open, operandsOf, type Place, type Product, probesOf } from '../work.ts';
import { forward, inputFor, paramsFor } from './tfjs-nets.ts';

async function start({ device, threads }: Place): Promise<void> {
  if (device === 'webgpu') {
    await provideGpu();
    // It looks for a GPU when it is loaded.
    await import('@tensorflow/tfjs-backend-webgpu');
    if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs cannot start its WebGPU backend');
    return;
  }
  const { getThreadsCount, setThreadsCount, setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  if (tf.engine().backendName !== 'wasm') {
    setThreadsCount(threads);
    // In Node it knows where its kernels are.
    if (globalThis.location) setWasmPaths('/');
    if (!(await tf.setBackend('wasm'))) throw new Error('tfjs cannot start its WASM backend');
  }
  if (getThreadsCount() !== threads) {
    throw new Error(`tfjs runs on ${getThreadsCount()} threads: it takes half the cores at most`);
  }
}

export const open: Open = async (work, place) => {
  await start(place);
  if (work.kind === 'product') return multiply(work);
  if (work.kind === 'train') return train(work.net);
  if (work.kind === 'infer') return infer(work.net);
  throw new Error('bench: no such race');
};

/** On WASM reading at once is faster than a Promise; from a GPU nothing can be read at once. */
const read = (t: tf.Tensor) => (tf.engine().backendName === 'wasm' ? t.dataSync() : t.data());

function multiply(work: Product): Contender {
  const [a, b] = operandsOf(work).map(({ data, shape }) => tf.tensor2d(data, [...shape]));
  let c: tf.Tensor | undefined;
  return {
    async step() {
      c?.dispose();
      c = tf.matMul(a, b, work.layout === 'TN', work.layout === 'NT');
      if (tf.engine().backendName === 'webgpu') await c.data();
    },
    probe: async () => probesOf((await c?.data()) ?? []),
    close: () => tf.dispose([a, b, ...(c ? [c] : [])]),
  };
}

function infer(net: Net): Contender {
  const params = paramsFor(net);
  const batches = batchesOf(net);
  let logits: ArrayLike<number> = [];
  return {
    async step(turn) {
      const y = tf.tidy(() => forward(net, params, inputFor(net, batches[turn % batches.length]), false));
      logits = await read(y);
      y.dispose();
    },
    probe: () => probesOf(logits),
    close: () => tf.dispose(params),
  };
}

function train(net: Net): Contender {
  const classes = classesOf(net);
  const params = paramsFor(net);
  const optimizer = tf.train.adam(ADAM.lr, ADAM.beta1, ADAM.beta2, ADAM.eps);
  const batches = batchesOf(net);
  let last = Number.NaN;
  return {
    async step(turn) {
      const batch = batches[turn % batches.length];
      const loss = tf.tidy(() => {
        const target = tf.cast(tf.oneHot(tf.tensor1d(batch.y, 'int32'), classes), 'float32');
        const input = inputFor(net, batch);
        const cost = optimizer.minimize(() => {
          const logits = forward(net, params, input, true);
          // Faster here than tf.losses.softmaxCrossEntropy, and the same value.
          return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), target), 1)));
        }, true);
        return cost as tf.Scalar;
      });
      [last] = await read(loss);
      loss.dispose();
    },
    probe: () => [last],
  };
}
