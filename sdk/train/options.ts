/** The Trainer's options, and the one table of them that checks, documents and tests each. */

import type { Store } from '../../adapters/store.ts';
import type { CheckpointPlan } from '../checkpoint/index.ts';
import { OptionError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import {
  callable,
  checkOptions,
  count,
  flag,
  index,
  type OptionTable,
  object,
  oneOf,
  type Rule,
  required,
} from '../core/options.ts';
import type { Tensor } from '../core/tensor.ts';
import type { BatchSource } from '../data/source.ts';
import type { Loss } from '../nn/loss.ts';
import { type Ctx, Module } from '../nn/module.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Component } from './component.ts';
import type { Metadata } from './metadata.ts';
import type { Metric } from './metrics.ts';

/** The fields of a batch as tensors. */
export type BatchTensors = Readonly<Record<string, Tensor>>;

/** A loss of one's own, on the whole batch; what it returns beside `loss` are metrics, scalars by name. */
export type Objective = (
  model: Module,
  batch: BatchTensors,
  ctx: Ctx,
) => { loss: Tensor<'f32'>; readonly [metric: string]: Tensor };

export interface ValidationOptions {
  data: BatchSource;
  /** Evaluate at the end of every n-th epoch; default 1. */
  everyEpochs?: number;
}

export interface TrainerOptions {
  /** Initialised: `model.init(rt)`. */
  model: Module;
  optimizer: Optimizer;
  /** Of `model.forward(batch.x)` and `batch.y`. Give this or `objective`. */
  loss?: Loss;
  objective?: Objective;
  /** Measured beside the loss, in training and evaluation; with `objective`, return them from it. */
  metrics?: Readonly<Record<string, Metric>>;
  validation?: ValidationOptions;
  /** Where checkpoints lie. */
  store?: Store;
  /** When to save, and what to keep. */
  checkpoint?: CheckpointPlan;
  /**
   * Said of the model in every checkpoint, under `user`: version, description, author, accuracy, loss, tags, or what you like. A
   * run that is resumed without it keeps its own.
   */
  metadata?: Metadata;
  /** Of shuffling, dropout and the like; default the runtime's. Parameters are drawn by `model.init`. */
  seed?: number | bigint;
  /**
   * What a step does that gives Inf or NaN. Either way it changes no parameter, slot or buffer. `'throw'` (the default) ends
   * the run with a NumericError that names step and op, at the state of the last good step. `'skip'` consumes the batch and
   * counts the step; such a step is not yielded, and is in no metrics.
   */
  onNonFinite?: 'throw' | 'skip';
  /** State of the caller's own that is saved and resumed with the run, each made by `component()`. */
  components?: readonly Component[];
}

const instance = (type: abstract new (...args: never[]) => object, expects: string): Rule => ({
  expects,
  ok: (v) => v instanceof type,
});

export const TRAINER_OPTIONS: OptionTable<TrainerOptions> = {
  model: required(instance(Module, 'a Module')),
  optimizer: required(object('an optimizer, such as adam({ lr: 1e-3 })')),
  loss: callable('a function of prediction and target'),
  objective: callable('a function of model, batch and context'),
  metrics: object('functions of prediction and target by name'),
  validation: object('{ data, everyEpochs }'),
  store: object('a store, such as fsStore(directory)'),
  checkpoint: object('a checkpoint plan, such as { everyEpochs: 5 }'),
  metadata: object('an object that JSON can say'),
  seed: {
    expects: 'an integer from 0 to 2^64 - 1',
    ok: (v) =>
      typeof v === 'bigint' ? v >= 0n && v < 1n << 64n : typeof v === 'number' && Number.isSafeInteger(v) && v >= 0,
  },
  onNonFinite: oneOf('throw', 'skip'),
  components: { expects: 'a list of what component() makes', ok: Array.isArray },
};

export const VALIDATION_OPTIONS: OptionTable<ValidationOptions> = {
  data: required(object('batches')),
  everyEpochs: count,
};

export interface RunOptions extends IO {
  /** Yield at every step that is a multiple of n; default 1. */
  every?: number;
  /** Go on with other data than the run had so far: the epoch under way begins anew in them. Default false. */
  allowNewData?: boolean;
}

export const RUN_OPTIONS: OptionTable<RunOptions> = {
  every: count,
  allowNewData: flag,
  signal: object('an AbortSignal'),
};

/** Totals, not increments: a resumed run does the rest. */
export type Until =
  | { readonly epochs: number; readonly steps?: never }
  | { readonly steps: number; readonly epochs?: never };

export const UNTIL_OPTIONS: OptionTable<{ epochs?: number; steps?: number }> = { epochs: index, steps: index };

export function checkUntil(until: Until): void {
  checkOptions('run', UNTIL_OPTIONS, until);
  if ((until.epochs === undefined) !== (until.steps === undefined)) return;
  throw new OptionError('run: give either { epochs } or { steps }', {
    hint: 'They are totals of the run.',
  });
}

/** @throws OptionError for unknown, missing and contradictory options. */
export function checkTrainer(o: TrainerOptions): void {
  checkOptions('Trainer', TRAINER_OPTIONS, o);
  if (o.validation) checkOptions('Trainer: validation', VALIDATION_OPTIONS, o.validation);
  const refuse = (message: string, hint: string): never => {
    throw new OptionError(`Trainer: ${message}`, { hint });
  };
  if ((o.loss === undefined) === (o.objective === undefined)) {
    refuse('give exactly one of loss and objective', 'loss is of prediction and target, objective of the batch.');
  }
  if (o.objective && o.metrics) {
    refuse('metrics go with loss, not with objective', 'Return metrics beside loss.');
  }
  const roots = o.components?.map((c) => c.root);
  roots?.forEach(
    (root, i) => roots.indexOf(root) < i && refuse(`two components are ${root}`, 'Give each its own name.'),
  );
  if (o.checkpoint && !o.store) refuse('checkpoint needs a store', "Give one, such as fsStore('runs/mine').");
  for (const [name, metric] of Object.entries(o.metrics ?? {})) {
    checkMetricName(name);
    if (typeof metric !== 'function')
      refuse(`metric ${name} is no function`, 'Give a function of prediction and target.');
  }
}

/** Metrics are stored under their names, beside the loss and the list of steps. */
export function checkMetricName(name: string): void {
  if (/^[\w-]+$/.test(name) && name !== 'loss' && name !== 'step') return;
  throw new OptionError(`Trainer: a metric cannot be named '${name}'`, {
    hint: "Use letters, digits, _ and -; not 'loss' or 'step'.",
    details: { name },
  });
}
