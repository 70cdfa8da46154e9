/** `isobit/train`: the training loop, its state, and metrics. */

export type { Component, Migrated, Migration, Saved as SavedComponent } from './component.ts';
export type { Metadata } from './metadata.ts';
export { accuracy, type Metric } from './metrics.ts';
export { component, type TrainerComponent } from './migrate.ts';
export type {
  BatchTensors,
  Objective,
  RunOptions,
  TrainerOptions,
  Until,
  ValidationOptions,
} from './options.ts';
export { type SurviveOptions, surviveLoss } from './survive.ts';
export { type Progress, type Resumed, Trainer } from './trainer.ts';
export { type LoadReport, type LoadWeightsOptions, loadWeights, type WeightsOptions, weightsOf } from './weights.ts';
