/**
 * Schedules: functions from completed steps to a learning rate. The first step uses `schedule(0)`. All arithmetic is on
 * doubles by + - * / only, with the contract's functions for the rest, so that every machine gets the same rate (N10).
 */

import { OptionError } from '../core/errors.ts';
import { checkOptions, count, index, nonNegative, type OptionTable, positive, required } from '../core/options.ts';
import { cos, pow, powerOf, toF32 } from '../core/scalar/index.ts';

export type Schedule = (step: number) => number;

export interface StepDecayOptions {
  lr: number;
  /** Steps between two cuts. */
  stepSize: number;
  /** Factor of a cut. */
  gamma: number;
}
export const STEP_DECAY_OPTIONS: OptionTable<StepDecayOptions> = {
  lr: required(positive),
  stepSize: required(count),
  gamma: required(positive),
};

/** lr * gamma^floor(step / stepSize): PyTorch's StepLR. */
export function stepDecay(o: StepDecayOptions): Schedule {
  checkOptions('stepDecay', STEP_DECAY_OPTIONS, o);
  return (step) => o.lr * powerOf(o.gamma, Math.floor(step / o.stepSize));
}

export interface ExponentialDecayOptions {
  lr: number;
  /** Factor of every step. */
  gamma: number;
}
export const EXPONENTIAL_DECAY_OPTIONS: OptionTable<ExponentialDecayOptions> = {
  lr: required(positive),
  gamma: required(positive),
};

/** lr * gamma^step: PyTorch's ExponentialLR. */
export function exponentialDecay(o: ExponentialDecayOptions): Schedule {
  checkOptions('exponentialDecay', EXPONENTIAL_DECAY_OPTIONS, o);
  return (step) => o.lr * powerOf(o.gamma, step);
}

export interface CosineDecayOptions {
  lr: number;
  /** Steps from lr down to `min`; it stays there. */
  steps: number;
  /** The last rate; default 0. */
  min?: number;
}
export const COSINE_DECAY_OPTIONS: OptionTable<CosineDecayOptions> = {
  lr: required(positive),
  steps: required(count),
  min: nonNegative,
};

/** Half a cosine from lr to min: PyTorch's CosineAnnealingLR. Loshchilov and Hutter, "SGDR", 2017. */
export function cosineDecay(o: CosineDecayOptions): Schedule {
  checkOptions('cosineDecay', COSINE_DECAY_OPTIONS, o);
  const { lr, steps, min = 0 } = o;
  return (step) => min + 0.5 * (lr - min) * (1 + cos(toF32((Math.PI * Math.min(step, steps)) / steps)));
}

export interface LinearScheduleOptions {
  from: number;
  to: number;
  /** Steps from one to the other; it stays there. */
  steps: number;
}
export const LINEAR_SCHEDULE_OPTIONS: OptionTable<LinearScheduleOptions> = {
  from: required(nonNegative),
  to: required(nonNegative),
  steps: required(count),
};

/** A straight line from one rate to another: MLX's linear_schedule. */
export function linearSchedule(o: LinearScheduleOptions): Schedule {
  checkOptions('linearSchedule', LINEAR_SCHEDULE_OPTIONS, o);
  return (step) => o.from + (o.to - o.from) * (Math.min(step, o.steps) / o.steps);
}

export interface PolynomialDecayOptions {
  lr: number;
  /** Steps from lr down to `end`; it stays there. */
  steps: number;
  /** Default 1, a straight line. */
  power?: number;
  /** The last rate; default 0. */
  end?: number;
}
export const POLYNOMIAL_DECAY_OPTIONS: OptionTable<PolynomialDecayOptions> = {
  lr: required(positive),
  steps: required(count),
  power: positive,
  end: nonNegative,
};

/** end + (lr - end) * (1 - step / steps)^power: PyTorch's PolynomialLR. */
export function polynomialDecay(o: PolynomialDecayOptions): Schedule {
  checkOptions('polynomialDecay', POLYNOMIAL_DECAY_OPTIONS, o);
  const { lr, steps, power = 1, end = 0 } = o;
  const raised = (x: number) => (Number.isInteger(power) ? powerOf(x, power) : pow(toF32(x), toF32(power)));
  return (step) => end + (lr - end) * raised(1 - Math.min(step, steps) / steps);
}

export interface WarmupOptions {
  /** Steps of warm-up. */
  steps: number;
  /** Factor of the first step's rate; default 0. */
  from?: number;
}
export const WARMUP_OPTIONS: OptionTable<WarmupOptions> = { steps: required(index), from: nonNegative };

/**
 * Multiplies the first `steps` rates of a schedule by a factor that rises in a line from `from` to 1. The schedule runs on
 * meanwhile: after the warm-up it is where it would be without it.
 *
 * @example
 * adamw({ lr: warmup(cosineDecay({ lr: 3e-4, steps: 10_000 }), { steps: 500 }) });
 */
export function warmup(schedule: number | Schedule, o: WarmupOptions): Schedule {
  checkOptions('warmup', WARMUP_OPTIONS, o);
  const then = scheduleOf(schedule);
  const { steps, from = 0 } = o;
  return (step) => (step < steps ? then(step) * (from + (1 - from) * (step / steps)) : then(step));
}

/**
 * Schedules one after the other, each counting from its own beginning; the last one goes on. MLX's join_schedules.
 *
 * @example
 * chain([linearSchedule({ from: 0, to: 0.1, steps: 100 }), 100], [stepDecay({ lr: 0.1, stepSize: 30, gamma: 0.5 })]);
 */
export function chain(...parts: readonly (readonly [schedule: number | Schedule, steps?: number])[]): Schedule {
  const list = parts.map(([schedule, steps], i) => {
    const last = i === parts.length - 1;
    if (!last || steps !== undefined) checkOptions('chain', { steps: required(count) }, { steps: steps as number });
    return { schedule: scheduleOf(schedule), steps: last ? Number.POSITIVE_INFINITY : (steps as number) };
  });
  if (list.length === 0)
    throw new OptionError('chain: needs at least one schedule', { hint: 'Give [schedule, steps].' });
  return (step) => {
    let from = 0;
    for (const part of list) {
      if (step < from + part.steps) return part.schedule(step - from);
      from += part.steps;
    }
    return Number.NaN;
  };
}

/** A number as the schedule that is always it. */
export function scheduleOf(lr: number | Schedule): Schedule {
  return typeof lr === 'function' ? lr : () => lr;
}

/** The rate of a step, checked: what a schedule gives must be a number from 0 up. */
export function rateAt(what: string, schedule: Schedule, step: number): number {
  const lr = schedule(step);
  if (Number.isFinite(lr) && lr >= 0) return lr;
  throw new OptionError(`${what}: the schedule gives ${lr} at step ${step}, expected a number from 0 up`, {
    hint: 'Mend the schedule.',
    details: { step, lr },
  });
}
