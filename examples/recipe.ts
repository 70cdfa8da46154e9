/** What `isobit train` runs: data, model and how long to train it. */

import type { Store } from '../adapters/store.ts';
import type { CheckpointPlan } from '../sdk/checkpoint/index.ts';
import type { Rng } from '../sdk/core/rng.ts';
import type { Module } from '../sdk/nn/index.ts';
import type { Optimizer } from '../sdk/optim/index.ts';
import type { Inputs, Labelled } from './labelled.ts';

/** One run: a model and the rows it is trained and judged on. */
export interface Task<D extends Inputs = 'f32'> {
  readonly train: Labelled<D>;
  /** Rows held out, if any. */
  readonly test: Labelled<D> | null;
  /** A new model, not yet initialised. */
  model(): Module;
}

export interface TaskOptions {
  /** Decides which rows are held out. */
  rng: Rng;
  /** Hold rows out, where the example leaves the choice. */
  holdout: boolean;
  /** One for each run; data files are written to it and read back. */
  stores: readonly Store[];
}

export interface Recipe<D extends Inputs = 'f32'> {
  /** Names of its runs, which are also their places below the store; '' for the only one. */
  readonly runs: readonly string[];
  readonly epochs: number;
  /** Rows a batch; they are shuffled, and the last batch is short. */
  readonly batch: number;
  readonly checkpoint: CheckpointPlan;
  /** True where `holdout` has an effect. */
  readonly canHoldOut: boolean;
  optimizer(): Optimizer;
  /** One for each of `runs`. */
  tasks(o: TaskOptions): Promise<readonly Task<D>[]>;
}
