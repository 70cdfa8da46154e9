/** `isobit/optim`: optimisers, clipping, averaging and schedules. */

export { type AdamOptions, adam, adamw } from './adam.ts';
export { clipByNorm } from './clip.ts';
export { type EmaOptions, ema } from './ema.ts';
export type { Optimizer, Scalars, Slots, Tree } from './optimizer.ts';
export {
  type CosineDecayOptions,
  chain,
  cosineDecay,
  type ExponentialDecayOptions,
  exponentialDecay,
  type LinearScheduleOptions,
  linearSchedule,
  type PolynomialDecayOptions,
  polynomialDecay,
  type Schedule,
  type StepDecayOptions,
  stepDecay,
  type WarmupOptions,
  warmup,
} from './schedules.ts';
export { type SgdOptions, sgd } from './sgd.ts';
