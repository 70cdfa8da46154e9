/** Layer normalisation. Ba, Kiros and Hinton, "Layer normalization", 2016. */

import { ShapeError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, count, flag, type OptionTable, positive, type Rule } from '../core/options.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';
import type { Like, Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { ones, zeros } from './initialisers.ts';
import { type Maker, Module, made } from './module.ts';

export interface LayerNormOptions {
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** Learn a factor, and with `bias` a summand, for each element; default true. */
  elementwiseAffine?: boolean;
  /** Learn the summand; default true. */
  bias?: boolean;
}
export const LAYER_NORM_OPTIONS: OptionTable<LayerNormOptions> = { eps: positive, elementwiseAffine: flag, bias: flag };

/**
 * d = x - mean, (d / sqrt(mean(d²) + eps)) * weight + bias (N13), with the mean over the last axes.
 *
 * @param x [..., ...normalizedShape]
 * @param normalizedShape sizes of the last axes; weight and bias have this shape
 * @throws ShapeError where x does not end in it
 */
export function layerNorm(
  x: Tensor<'f32'>,
  normalizedShape: Shape,
  weight?: Like<'f32'>,
  bias?: Like<'f32'>,
  eps = 1e-5,
): Tensor<'f32'> {
  const lead = x.shape.length - normalizedShape.length;
  if (lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
    throw new ShapeError(
      `layerNorm: the input is ${showShape(x.shape)}, expected to end in ${showShape(normalizedShape)}`,
      {
        hint: 'Normalise over the last axes, by their sizes.',
        details: { op: 'layerNorm', shape: x.shape, normalizedShape },
      },
    );
  }
  const axes = normalizedShape.map((_, i) => lead + i);
  const n = sizeOf(normalizedShape);
  const d = x.sub(x.sum(axes, true).div(n));
  const y = d.mul(d.mul(d).sum(axes, true).div(n).add(eps).rsqrt());
  const scaled = weight === undefined ? y : y.mul(weight);
  return bias === undefined ? scaled : scaled.add(bias);
}

const sizes: Rule = {
  expects: 'a list of integers from 1 up',
  ok: (v) => Array.isArray(v) && v.length > 0 && v.every(count.ok),
};

/**
 * Brings the last axes to mean 0 and variance 1, then scales and shifts them. x, y: [..., ...normalizedShape]; weight (ones)
 * and bias (zeros): normalizedShape, as in PyTorch.
 *
 * @example
 * const norm = new LayerNorm(128).init(rt);
 */
export class LayerNorm extends Module {
  static override readonly type = 'LayerNorm';
  readonly #shape: Shape;
  readonly #o: LayerNormOptions;
  weight: Variable<'f32'> | undefined = undefined;
  bias: Variable<'f32'> | undefined = undefined;

  constructor(normalizedShape: number | Shape, o: LayerNormOptions = {}) {
    super();
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    checkOptions('LayerNorm', { normalizedShape: sizes }, { normalizedShape: shape });
    checkOptions('LayerNorm', LAYER_NORM_OPTIONS, o);
    this.#shape = [...shape];
    this.#o = o;
  }
  override create(make: Maker): void {
    const { elementwiseAffine = true, bias = true } = this.#o;
    if (!elementwiseAffine) return;
    this.weight = make.parameter('weight', this.#shape, ones);
    if (bias) this.bias = make.parameter('bias', this.#shape, zeros);
  }
  forward(x: Tensor): Tensor {
    const { eps, elementwiseAffine = true } = this.#o;
    const weight = elementwiseAffine ? made('LayerNorm', this.weight) : undefined;
    return layerNorm(x as Tensor<'f32'>, this.#shape, weight, this.bias, eps);
  }
  override describe(): Json {
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = this.#o;
    return { type: LayerNorm.type, normalizedShape: this.#shape, eps, elementwiseAffine, bias };
  }
}
