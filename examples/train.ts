/** Trains one task of a recipe: resume, train, save, and judge a fresh model that is made from the checkpoint alone. */

import type { Store } from '../adapters/store.ts';
import { type CheckpointFile, type CheckpointPlan, type Opened, RunStore } from '../sdk/checkpoint/index.ts';
import type { CheckpointError } from '../sdk/core/errors.ts';
import type { Json } from '../sdk/core/host.ts';
import type { Runtime } from '../sdk/core/runtime.ts';
import { batches } from '../sdk/data/index.ts';
import { build } from '../sdk/nn/build.ts';
import { crossEntropy } from '../sdk/nn/index.ts';
import { loadWeights, Trainer } from '../sdk/train/index.ts';
import type { Inputs } from './labelled.ts';
import { accuracyOn } from './predict.ts';
import type { Recipe, Task } from './recipe.ts';

export interface TrainTask {
  rt: Runtime;
  recipe: Recipe<Inputs>;
  task: Task<Inputs>;
  /** The run in it is gone on with, if there is one. */
  store: Store;
  /** Only where the user named one: it must then be that of the run which is resumed. */
  seed?: bigint;
  /** In all; default the recipe's. */
  epochs?: number;
  /** Steps in all at which to stop and save, if that is before the end. */
  stopAtStep?: number;
  /** Beside the recipe's plan. */
  checkpoint?: CheckpointPlan;
  /** Before the first step; returns what is called at a hundred steps on the way, or nothing. */
  onStart?(at: Start): ((p: { step: number; epoch: number; loss: number }) => void) | undefined;
}

/** Where training begins. */
export interface Start {
  step: number;
  total: number;
  epochs: number;
  /** Newer checkpoints that could not be read. */
  skipped: readonly CheckpointError[];
}

export interface Trained {
  epochs: number;
  steps: number;
  trainAccuracy: number;
  /** Null where no rows were held out. */
  testAccuracy: number | null;
  /** Mean over the training rows. */
  loss: number | null;
  fingerprint: string;
  /** Key of the checkpoint's file in the store. */
  checkpoint: string;
}

export async function trainTask(o: TrainTask): Promise<Trained> {
  const { rt, recipe, task, store } = o;
  const { x, y } = task.train;
  const source = batches(x, y, { size: recipe.batch, shuffle: true });
  const epochs = o.epochs ?? recipe.epochs;
  const total = Math.min(epochs * Math.ceil(y.shape[0] / recipe.batch), o.stopAtStep ?? Number.POSITIVE_INFINITY);
  const first = task.model().init(rt);
  using trainer = new Trainer({
    model: first,
    optimizer: recipe.optimizer(),
    loss: crossEntropy,
    store,
    checkpoint: { ...recipe.checkpoint, ...o.checkpoint },
    seed: o.seed,
  });
  const { step, skipped } = await trainer.resume();
  const onStep = o.onStart?.({ step, total, epochs, skipped });
  const every = onStep ? Math.ceil(total / 100) : total;
  for await (const at of trainer.run(source, { steps: total }, { every })) {
    onStep?.({ step: at.step, epoch: at.epoch, loss: await at.loss.item() });
  }
  const { file, commit } = await lastOf(trainer, store);
  const { loss } = await trainer.evaluate(source);
  // What is judged is a model that knows nothing but the file.
  const model = build(file.state.model).init(rt);
  await loadWeights(model, file);
  const trained = {
    epochs: trainer.epoch,
    steps: trainer.step,
    trainAccuracy: await accuracyOn(rt, model, task.train),
    testAccuracy: task.test && (await accuracyOn(rt, model, task.test)),
    loss,
    fingerprint: file.fingerprint,
    checkpoint: commit.object,
  };
  model.dispose();
  first.dispose();
  return trained;
}

/** The seed that a run keeps in its state, as two 32-bit words; 0 where it cannot be read, which resuming will refuse. */
export function savedSeed({ state: { rng } }: CheckpointFile): bigint {
  const words = typeof rng === 'object' && rng !== null && 'seed' in rng ? rng.seed : null;
  const [low, high] = Array.isArray(words) ? (words as readonly Json[]) : [0, 0];
  return typeof low === 'number' && typeof high === 'number' ? BigInt(low) | (BigInt(high) << 32n) : 0n;
}

/** The checkpoint of the trainer's state, saved now unless the last save already was that. */
async function lastOf(trainer: Trainer, store: Store): Promise<Opened> {
  const run = new RunStore(store);
  const fingerprint = await trainer.fingerprint();
  const last = await run.open();
  if (last?.file.fingerprint === fingerprint) return last;
  const { root } = await trainer.save();
  return (await run.open(root)) as Opened;
}
