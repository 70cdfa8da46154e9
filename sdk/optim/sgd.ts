/** Stochastic gradient descent. */

import { OptionError } from '../core/errors.ts';
import { checkOptions, flag, fraction, nonNegative, type OptionTable, type Rule, required } from '../core/options.ts';
import { toF32 } from '../core/scalar/host.ts';
import { type Optimizer, perParameter } from './optimizer.ts';
import { rateAt, type Schedule, scheduleOf } from './schedules.ts';

export interface SgdOptions {
  /** Learning rate, or a schedule of completed steps. */
  lr: number | Schedule;
  /** Share of the last update that is kept; default 0. */
  momentum?: number;
  /** Look ahead along the momentum (Nesterov); needs one. Default false. */
  nesterov?: boolean;
  /** Adds weightDecay * parameter to the gradient; default 0. */
  weightDecay?: number;
}

/** A number from 0 up, or a schedule. */
export const rate: Rule = {
  expects: 'a number from 0 up, or a function of the step',
  ok: (v) => typeof v === 'function' || (typeof v === 'number' && Number.isFinite(v) && v >= 0),
};

export const SGD_OPTIONS: OptionTable<SgdOptions> = {
  lr: required(rate),
  momentum: fraction,
  nesterov: flag,
  weightDecay: nonNegative,
};

/**
 * SGD as PyTorch has it, without dampening (N13): d = g + wd p; buf = mu buf + d; p - lr buf, or with Nesterov
 * p - lr (d + mu buf). Slot: `momentum`, where there is momentum.
 *
 * @example
 * sgd({ lr: 0.1, momentum: 0.9, nesterov: true });
 */
export function sgd(o: SgdOptions): Optimizer {
  checkOptions('sgd', SGD_OPTIONS, o);
  const { momentum = 0, nesterov = false, weightDecay = 0 } = o;
  if (nesterov && momentum === 0) {
    throw new OptionError('sgd: nesterov needs momentum', { hint: 'Give momentum, such as 0.9.' });
  }
  const schedule = scheduleOf(o.lr);
  const [mu, wd] = [toF32(momentum), toF32(weightDecay)];
  const slots = momentum === 0 ? [] : ['momentum'];
  return {
    type: 'sgd',
    slots,
    hyper: (step) => ({ lr: toF32(rateAt('sgd', schedule, step)) }),
    update: perParameter(slots, (p, g, s, { lr }) => {
      const d = weightDecay === 0 ? g : g.add(p.mul(wd));
      if (momentum === 0) return { p: p.sub(lr.mul(d)), s };
      const buf = s.momentum.mul(mu).add(d);
      const step = nesterov ? d.add(buf.mul(mu)) : buf;
      return { p: p.sub(lr.mul(step)), s: { momentum: buf } };
    }),
  };
}
