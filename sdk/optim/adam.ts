/** Adam, and AdamW: Adam with weight decay that does not go through the moments. */

import { checkOptions, nonNegative, type OptionTable, type Rule, required } from '../core/options.ts';
import { powerOf, rsqrt, toF32 } from '../core/scalar/index.ts';
import { type Optimizer, perParameter } from './optimizer.ts';
import { rateAt, type Schedule, scheduleOf } from './schedules.ts';
import { rate } from './sgd.ts';

export interface AdamOptions {
  /** Learning rate, or a schedule of completed steps. */
  lr: number | Schedule;
  /** Shares of the old moments that are kept; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment; at least 2^-50, default 1e-8. */
  eps?: number;
  /** adam: adds weightDecay * parameter to the gradient, default 0. adamw: shrinks the parameter, default 0.01. */
  weightDecay?: number;
}

const betas: Rule = {
  expects: 'two numbers from 0 to below 1',
  ok: (v) => Array.isArray(v) && v.length === 2 && v.every((b) => typeof b === 'number' && b >= 0 && b < 1),
};

/** Below 2^-50 the second moment would vanish before eps matters, and steps would be far too large (N13). */
const eps: Rule = {
  expects: 'a number of at least 2^-50 (8.9e-16)',
  ok: (v) => typeof v === 'number' && Number.isFinite(v) && v >= 2 ** -50,
};

export const ADAM_OPTIONS: OptionTable<AdamOptions> = {
  lr: required(rate),
  betas,
  eps,
  weightDecay: nonNegative,
};

/**
 * Adam (N13): m = b1 m + (1-b1) g; v = b2 v + (1-b2) g²; p - a m / (sqrt(v) r + eps), a = lr / (1-b1^t), r = 1 / sqrt(1-b2^t).
 * Slots: `m`, `v`. Kingma and Ba, "Adam: a method for stochastic optimization", 2015; options and defaults as in PyTorch.
 *
 * @example
 * adam({ lr: 1e-2 });
 */
export function adam(o: AdamOptions): Optimizer {
  return make('adam', o, 0);
}

/** Adam that first shrinks the parameter: p (1 - lr wd). Loshchilov and Hutter, "Decoupled weight decay", 2019. */
export function adamw(o: AdamOptions): Optimizer {
  return make('adamw', o, 0.01);
}

function make(type: 'adam' | 'adamw', o: AdamOptions, decay: number): Optimizer {
  checkOptions(type, ADAM_OPTIONS, o);
  const [beta1, beta2] = o.betas ?? [0.9, 0.999];
  const wd = o.weightDecay ?? decay;
  const schedule = scheduleOf(o.lr);
  const [b1, c1, b2, c2, e] = [beta1, 1 - beta1, beta2, 1 - beta2, o.eps ?? 1e-8].map(toF32);
  const decoupled = type === 'adamw' && wd !== 0;
  const slots = ['m', 'v'];
  return {
    type,
    slots,
    hyper(step): Readonly<Record<string, number>> {
      const lr = rateAt(type, schedule, step);
      const t = step + 1;
      const a = toF32(lr / (1 - powerOf(beta1, t)));
      const r2 = rsqrt(toF32(1 - powerOf(beta2, t)));
      return decoupled ? { a, r2, keep: toF32(1 - lr * wd) } : { a, r2 };
    },
    update: perParameter(slots, (p, grad, s, h) => {
      const g = type === 'adam' && wd !== 0 ? grad.add(p.mul(toF32(wd))) : grad;
      const m = s.m.mul(b1).add(g.mul(c1));
      const v = s.v.mul(b2).add(g.mul(g).mul(c2));
      const from = decoupled ? p.mul(h.keep) : p;
      return { p: from.sub(h.a.mul(m.div(v.sqrt().mul(h.r2).add(e)))), s: { m, v } };
    }),
  };
}
