/** `isobit/train`: the training loop, its state, and metrics. */

export type { Metadata } from './metadata.ts';
export { accuracy, type Metric } from './metrics.ts';
export type {
  BatchTensors,
  Objective,
  RunOptions,
  TrainerOptions,
  Until,
  ValidationOptions,
} from './options.ts';
export { type SurviveOptions, surviveLoss } from './survive.ts';
export { type Progress, Trainer } from './trainer.ts';
export { type LoadWeightsOptions, loadWeights, weightsOf } from './weights.ts';
