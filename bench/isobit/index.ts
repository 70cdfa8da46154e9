/** isobit at each work. */

import { createRuntime, type Runtime, type Tensor } from '../../sdk/index.ts';
import { provideGpu } from '../gpu.ts';
import { batchesOf, type Net } from '../nets.ts';
import { noises } from '../noise.ts';
import {
  type Chain,
  type Contender,
  type Empty,
  type Open,
  operandsOf,
  type Place,
  type Product,
  probesOf,
  STEPS_OF_EMPTY,
} from '../work.ts';
import { kernel } from './kernels.ts';
import { modelOf } from './model.ts';
import { arrays, trainerStep, trainStep } from './train.ts';

async function runtimeOn({ device, threads, numerics }: Place): Promise<Runtime> {
  if (device === 'webgpu') await provideGpu();
  const rt = await createRuntime({ backend: device, threads, numerics });
  if (device === 'wasm' && rt.threads !== threads) throw new Error(`isobit runs on ${rt.threads} threads: ${rt.why}`);
  return rt;
}

export const open: Open = async (work, place) => {
  const rt = await runtimeOn(place);
  if (work.kind === 'train') return closing(rt, trainStep(rt, work.net));
  if (work.kind === 'infer') return closing(rt, forward(rt, work.net));
  if (work.kind === 'product') return closing(rt, multiply(rt, work));
  if (work.kind === 'kernel') return closing(rt, kernel(rt, work));
  return closing(rt, work.kind === 'chain' ? chain(rt, work) : nothing(rt, work));
};

/** The same step with the loop, the history and the turns that the Trainer adds. */
export const openTrainer: Open = async (work) => {
  if (work.kind !== 'train') throw new Error('bench: the Trainer trains');
  return trainerStep(work.net);
};

const closing = (rt: Runtime, contender: Contender): Contender => ({
  ...contender,
  async close() {
    await contender.close?.();
    await rt.dispose();
  },
});

function multiply(rt: Runtime, work: Product): Contender {
  const [a, b] = operandsOf(work).map(({ data, shape }) => rt.tensor(data, shape));
  const options = { transposeA: work.layout === 'TN', transposeB: work.layout === 'NT' };
  const run = rt.capture((x: Tensor<'f32'>, y: Tensor<'f32'>) => x.matmul(y, options));
  let c: Tensor<'f32'> | undefined;
  return {
    async step() {
      c?.dispose();
      c = await run(a, b);
      // WASM has the result when the call answers; a GPU has it when something of it has been read.
      if (rt.backend === 'webgpu') await c.data();
    },
    probe: async () => probesOf((await c?.data()) ?? []),
  };
}

function forward(rt: Runtime, net: Net): Contender {
  const model = modelOf(rt, net);
  const run = rt.capture((x: Tensor) => model.forward(x));
  const batches = batchesOf(net);
  let logits: ArrayLike<number> = [];
  return {
    async step(turn) {
      const y = await run(arrays(net, batches[turn % batches.length]).x);
      logits = await y.data();
      y.dispose();
    },
    probe: () => probesOf(logits),
  };
}

export function chain(rt: Runtime, { n }: Chain): Contender {
  const [a, b] = [5, 6].map((seed) => rt.tensor(noises(seed, n)));
  const run = rt.capture((x: Tensor<'f32'>, y: Tensor<'f32'>) =>
    x.mul(0.5).add(y).maximum(0.5).mul(x).sub(y).mul(0.5).sum(),
  );
  let sum = Number.NaN;
  return {
    async step() {
      const s = await run(a, b);
      sum = await s.item();
      s.dispose();
    },
    probe: () => [sum],
  };
}

function nothing(rt: Runtime, { series }: Empty): Contender {
  const run = rt.capture(() => {}, { onNonFinite: 'reject' });
  const calls = Array.from({ length: STEPS_OF_EMPTY }, (): [] => []);
  return {
    async step() {
      if (!series) for (let i = 0; i < STEPS_OF_EMPTY; i++) await run();
      else if ((await run.series(calls)).rows.length !== STEPS_OF_EMPTY)
        throw new Error('bench: a series has ended early');
    },
    probe: () => [0],
  };
}
