/** Averages of the parameters over the steps, as a wrapper of an optimiser. */

import { OptionError } from '../core/errors.ts';
import { where } from '../core/functions.ts';
import { checkOptions, flag, fraction, type OptionTable, required } from '../core/options.ts';
import { toF32 } from '../core/scalar/host.ts';
import { entry, type Optimizer } from './optimizer.ts';

export interface EmaOptions {
  /** Share of the old average that is kept at each step, from 0 to below 1: 0.999 averages over some thousand steps. */
  decay: number;
  /** Keeps at most (1 + t) / (10 + t) at step t, counted from 1, so that a short run's average is not its first steps. */
  warmup?: boolean;
}

export const EMA_OPTIONS: OptionTable<EmaOptions> = { decay: required(fraction), warmup: flag };

/** The slot that holds the averages. */
export const EMA_SLOT = 'ema';

/**
 * Averages every parameter over the steps, beside training that it does not change: e = e + (1 - decay) (p - e) for the new
 * parameter p, in that order; the scalar is made by N10. Where e is 0 it becomes p: the slot starts at zero, and so its first
 * value is the first p, as in PyTorch's AveragedModel, whichever step that is. This form stays at p when p stays, to the bit;
 * decay e + (1 - decay) p would drift off by the rounding of the two factors over 1 - decay. Slot: `ema`.
 *
 * `loadWeights(model, file, { average: true })` of isobit/train gives a model the averages.
 * Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the warm-up is TensorFlow's.
 *
 * @example
 * ema(adam({ lr: 1e-3 }), { decay: 0.999, warmup: true });
 * @throws OptionError for impossible options, and where the optimiser averages already.
 */
export function ema(optimizer: Optimizer, o: EmaOptions): Optimizer {
  checkOptions('ema', EMA_OPTIONS, o);
  if (optimizer.slots.includes(EMA_SLOT)) {
    throw new OptionError('ema: the optimizer has averages already', { hint: 'Wrap it once.' });
  }
  const kept = (step: number) => (o.warmup ? Math.min(o.decay, (2 + step) / (11 + step)) : o.decay);
  return {
    type: optimizer.type,
    slots: [...optimizer.slots, EMA_SLOT],
    hyper: (step) => ({ ...optimizer.hyper(step), emaShare: toF32(1 - kept(step)) }),
    update(p, g, s, h) {
      const { emaShare, ...rest } = h;
      const next = optimizer.update(p, g, s, rest);
      const averages = new Map(
        [...next.params].map(([name, v]) => {
          const e = entry(s[EMA_SLOT], name, EMA_SLOT);
          return [name, where(e.eq(0), v, e.add(emaShare.mul(v.sub(e))))] as const;
        }),
      );
      return { params: next.params, slots: { ...next.slots, [EMA_SLOT]: averages } };
    },
  };
}
