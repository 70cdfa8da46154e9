/** A training step: one captured program made of the public parts, and the Trainer's loop around the same step. */

import type { BatchSource } from '../../sdk/data/index.ts';
import { createRuntime, grad, hostArray, type Runtime, type Tensor } from '../../sdk/index.ts';
import { crossEntropy } from '../../sdk/nn/index.ts';
import { adam, type Scalars } from '../../sdk/optim/index.ts';
import { Trainer, type TrainerOptions } from '../../sdk/train/index.ts';
import { ADAM, type Batch, batchesOf, classesOf, inputOf, type Net, rowsOf } from '../nets.ts';
import type { Contender } from '../work.ts';
import { modelOf } from './model.ts';

const optimizer = () => adam({ lr: ADAM.lr, betas: [ADAM.beta1, ADAM.beta2], eps: ADAM.eps });

/** A batch as the host's arrays. */
export function arrays(net: Net, { x, y }: Batch) {
  const input = x instanceof Int32Array ? hostArray(x, inputOf(net), 'i32') : hostArray(x, inputOf(net), 'f32');
  return { x: input, y: hostArray(y, [rowsOf(net)], 'i32') };
}

/** Mean cross-entropy over all rows of logits. */
const lossOf = (net: Net) => (logits: Tensor, y: Tensor) =>
  crossEntropy(logits.reshape([rowsOf(net), classesOf(net)]) as Tensor<'f32'>, y as Tensor<'i32'>);

/** `rt.capture` around loss, gradients and update. */
export function trainStep(rt: Runtime, net: Net): Contender {
  const model = modelOf(rt, net);
  const rule = optimizer();
  const params = model.parameters();
  const slots = rule.slots.map((slot) => {
    const zeros = [...params].map(([name, v]) => [name, rt.variable(rt.scalar(0).broadcast(v.shape))] as const);
    return [slot, new Map(zeros)] as const;
  });

  const step = rt.capture(
    (x: Tensor, y: Tensor<'i32'>, hyper: Scalars) => {
      const loss = lossOf(net)(model.forward(x), y);
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

  const batches = batchesOf(net);
  let steps = 0;
  let last = Number.NaN;
  return {
    async step(turn) {
      const { x, y } = arrays(net, batches[turn % batches.length]);
      const loss = await step(x, y, rule.hyper(steps++));
      last = await loss.item();
      loss.dispose();
    },
    probe: () => [last],
    close: () => step.dispose(),
  };
}

/** A Trainer at the net, over a source that hands out the batches in turn, or the `current` one. */
export async function training(net: Net, o: Partial<TrainerOptions> = {}) {
  const rt = await createRuntime({ backend: 'wasm', threads: 1 });
  const batches = batchesOf(net);
  const at: { current: Batch | null } = { current: null };
  const source: BatchSource = {
    id: () => Promise.resolve('0'.repeat(64)),
    async *epoch(_n, _rng, from) {
      for (let turn = from; ; turn++) yield arrays(net, at.current ?? batches[turn % batches.length]);
    },
  };
  const trainer = new Trainer({ model: modelOf(rt, net), loss: lossOf(net), optimizer: optimizer(), ...o });
  return { trainer, source, at, batches };
}

/** The Trainer's loop. */
export async function trainerStep(net: Net): Promise<Contender> {
  const { trainer, source, at, batches } = await training(net);
  const run = trainer.run(source, { steps: Number.MAX_SAFE_INTEGER });
  let last = Number.NaN;
  return {
    async step(turn) {
      at.current = batches[turn % batches.length];
      const { value, done } = await run.next();
      if (done) throw new Error('bench: the training run has ended');
      last = await value.loss.item();
    },
    probe: () => [last],
  };
}
