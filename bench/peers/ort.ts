/** onnxruntime-web on WASM, one thread: inference alone, which is all that it does. */

import { type Batch, batchesOf, inputOf, type Net } from '../nets.ts';
import { type Open, probesOf } from '../work.ts';
import { modelOf } from './onnx.ts';

type Ort = typeof import('onnxruntime-web');

export const open: Open = async (work, { device, threads }) => {
  if (work.kind !== 'infer' || device !== 'wasm') throw new Error('onnxruntime-web does not train');
  const ort: Ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(modelOf(work.net), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const batches = batchesOf(work.net);
  let logits: ArrayLike<number> = [];
  return {
    async step(turn) {
      const { y } = await session.run({ x: inputFor(ort, work.net, batches[turn % batches.length]) });
      logits = y.data as Float32Array;
    },
    probe: () => probesOf(logits),
    close: () => session.release(),
  };
};

const inputFor = (ort: Ort, net: Net, { x }: Batch) =>
  x instanceof Int32Array
    ? new ort.Tensor('int64', BigInt64Array.from(x, BigInt), inputOf(net))
    : new ort.Tensor('float32', x, inputOf(net));
