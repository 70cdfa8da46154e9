/** Dropout. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014. */

import { DataError } from '../core/errors.ts';
import { where } from '../core/functions.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, fraction } from '../core/options.ts';
import { div, toF32 } from '../core/scalar/index.ts';
import { dropoutThreshold } from '../core/scalar/philox.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Ctx, type Maker, Module } from './module.ts';

/**
 * In training each element is 0 with probability p, else x / (1 - p); in inference it is x (N8).
 *
 * The words come from the stream `dropout/<module>` at the step of training: every step draws anew, and a run that is resumed
 * draws what the whole run would have. One module draws the same words wherever it is used in a step, so give each place a
 * module of its own.
 *
 * @param p from 0 to below 1
 */
export class Dropout extends Module {
  static override readonly type = 'Dropout';
  readonly p: number;
  #stream: string | undefined;

  constructor(p = 0.5) {
    super();
    checkOptions('Dropout', { p: fraction }, { p });
    this.p = p;
  }
  override create(make: Maker): void {
    this.#stream = make.stream('dropout');
  }
  /** @throws DataError in training before init(rt), which names the module. */
  forward(x: Tensor, ctx?: Ctx): Tensor {
    if (!ctx?.train || this.p === 0) return x;
    if (this.#stream === undefined) {
      throw new DataError('Dropout: has no name yet', { hint: 'Call model.init(rt) before the model is trained.' });
    }
    const dropped = ctx.rng.bits(this.#stream, x.shape).lt(dropoutThreshold(this.p));
    return where(dropped, 0, (x as Tensor<'f32'>).mul(div(1, toF32(1 - this.p))));
  }
  override describe(): Json {
    return { type: Dropout.type, p: this.p };
  }
}
