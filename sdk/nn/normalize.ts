/** Inputs brought to one scale by fixed means and deviations, which are saved with the model. */

import { ShapeError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import { checkOptions, count } from '../core/options.ts';
import { sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { type Maker, Module, made } from './module.ts';

/**
 * (x - mean) / deviation. x: [..., features]; the buffers mean and deviation: [features]. Without moments it starts as the
 * identity, for weights to be loaded into.
 *
 * @example
 * const model = new Sequential(new Normalize(4, moments(x, trainingRows)), new Linear(4, 3)).init(rt);
 */
export class Normalize extends Module {
  static override readonly type = 'Normalize';
  readonly features: number;
  mean: Variable<'f32'> | undefined = undefined;
  deviation: Variable<'f32'> | undefined = undefined;
  readonly #moments: { readonly mean: HostArray<'f32'>; readonly deviation: HostArray<'f32'> };

  constructor(features: number, moments?: { readonly mean: HostArray<'f32'>; readonly deviation: HostArray<'f32'> }) {
    super();
    checkOptions('Normalize', { features: count }, { features });
    const filled = (v: number): HostArray<'f32'> => ({
      data: new Float32Array(features).fill(v),
      shape: [features],
      dtype: 'f32',
    });
    this.features = features;
    this.#moments = moments ?? { mean: filled(0), deviation: filled(1) };
    for (const [name, a] of Object.entries(this.#moments)) {
      if (sameShape(a.shape, [features])) continue;
      throw new ShapeError(`Normalize: ${name} has shape ${showShape(a.shape)}, expected [${features}]`, {
        hint: 'Give one number for each feature.',
        details: { name, shape: a.shape, features },
      });
    }
  }

  override create(make: Maker): void {
    this.mean = make.buffer('mean', this.#moments.mean);
    this.deviation = make.buffer('deviation', this.#moments.deviation);
  }

  forward(x: Tensor): Tensor {
    return (x as Tensor<'f32'>).sub(made('Normalize', this.mean)).div(made('Normalize', this.deviation));
  }

  override describe(): Json {
    return { type: Normalize.type, features: this.features };
  }
}
