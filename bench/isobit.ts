/** isobit: one captured step made of the public parts, and the Trainer's loop around the same step. */

import type { BatchSource } from '../sdk/data/index.ts';
import { createRuntime, grad, hostArray, type Runtime, type Tensor } from '../sdk/index.ts';
import { crossEntropy, type Layer, Linear, relu, Sequential } from '../sdk/nn/index.ts';
import { adam, type Scalars } from '../sdk/optim/index.ts';
import { Trainer } from '../sdk/train/index.ts';
import type { Contender, MakeContender, MakeProduct } from './contender.ts';
import { provideGpu } from './gpu.ts';
import { ADAM, type Batch, layersOf, type Net, operandsOf, probeOf } from './nets.ts';

function modelOf(rt: Runtime, net: Net): Sequential {
  const layers = layersOf(net);
  const linear = layers.map(({ inputs, outputs }) => new Linear(inputs, outputs));
  const model = new Sequential(...linear.flatMap((l, i): Layer[] => (i > 0 ? [relu, l] : [l]))).init(rt);
  layers.forEach(({ inputs, outputs, weight, bias }, i) => {
    linear[i].weight?.assign(rt.tensor(weight, [inputs, outputs]).permute(1, 0));
    linear[i].bias?.assign(rt.tensor(bias, [outputs]));
  });
  return model;
}

const optimizer = () => adam({ lr: ADAM.lr, betas: [ADAM.beta1, ADAM.beta2], eps: ADAM.eps });

/** A batch as the host's arrays. */
const arrays = (net: Net, { x, y }: Batch) => ({
  x: hostArray(x, [net.batch, net.widths[0]], 'f32'),
  y: hostArray(y, [net.batch], 'i32'),
});

/** `rt.capture` around loss, gradients and update. */
export const makeStep: MakeContender = async (net) => stepOn(await createRuntime({ backend: 'wasm' }), net);

export const makeStepOnWebGpu: MakeContender = async (net) => {
  await provideGpu();
  return stepOn(await createRuntime({ backend: 'webgpu' }), net);
};

export const makeProduct: MakeProduct = async (product) => {
  await provideGpu();
  const rt = await createRuntime({ backend: 'webgpu' });
  const { size } = product;
  const [a, b] = operandsOf(product).map((x) => rt.tensor(x, [size, size]));
  const multiply = rt.capture((x: Tensor<'f32'>, y: Tensor<'f32'>) => x.matmul(y));
  return {
    async step() {
      const c = await multiply(a, b);
      const data = await c.data();
      c.dispose();
      return probeOf(product, data);
    },
  };
};

export function stepOn(rt: Runtime, net: Net): Contender {
  const model = modelOf(rt, net);
  const rule = optimizer();
  const params = model.parameters();
  const slots = rule.slots.map((slot) => {
    const zeros = [...params].map(([name, v]) => [name, rt.variable(rt.scalar(0).broadcast(v.shape))] as const);
    return [slot, new Map(zeros)] as const;
  });

  const step = rt.capture(
    (x: Tensor<'f32'>, y: Tensor<'i32'>, hyper: Scalars) => {
      const loss = crossEntropy(model.forward(x) as Tensor<'f32'>, y);
      const names = [...params.keys()];
      const gradients = grad(loss, [...params.values()]);
      const next = rule.update(
        new Map([...params].map(([name, v]) => [name, v.value()])),
        new Map(gradients.map((g, i) => [names[i], g])),
        Object.fromEntries(slots.map(([slot, tree]) => [slot, new Map([...tree].map(([n, v]) => [n, v.value()]))])),
        hyper,
      );
      for (const [name, v] of params) v.assign(next.params.get(name) as Tensor<'f32'>);
      for (const [slot, tree] of slots) {
        for (const [name, v] of tree) v.assign(next.slots[slot].get(name) as Tensor<'f32'>);
      }
      return loss;
    },
    { onNonFinite: 'reject' },
  );

  let steps = 0;
  return {
    async step(batch) {
      const { x, y } = arrays(net, batch);
      const loss = await step(x, y, rule.hyper(steps++));
      const value = await loss.item();
      loss.dispose();
      return value;
    },
  };
}

/** The Trainer's loop, over a source that hands out the given batch. */
export const makeTrainer: MakeContender = async (net) => {
  const rt = await createRuntime({ backend: 'wasm' });
  let current: Batch;
  const source: BatchSource = {
    id: () => Promise.resolve('0'.repeat(64)),
    async *epoch() {
      for (;;) yield arrays(net, current);
    },
  };
  const trainer = new Trainer({ model: modelOf(rt, net), loss: crossEntropy, optimizer: optimizer() });
  const run = trainer.run(source, { steps: Number.MAX_SAFE_INTEGER });
  return {
    async step(batch) {
      current = batch;
      const { value, done } = await run.next();
      if (done) throw new Error('bench: the training run has ended');
      return value.loss.item();
    },
  };
};
