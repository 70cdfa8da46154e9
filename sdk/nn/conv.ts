/** Convolutions as layers. */

import {
  type ConvOptions as AllOptions,
  CONV_OPTIONS,
  conv1d,
  conv2d,
  each,
  listOf,
  type Sizes,
} from '../core/convolution.ts';
import { OptionError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, count, filled, flag, type OptionTable } from '../core/options.ts';
import { sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { fanIn, type Initialiser, initialiser } from './initialisers.ts';
import { type Maker, Module, made } from './module.ts';

/** Layers take the runtime's precision. */
type ConvOptions = Omit<AllOptions, 'precision'>;

export interface ConvLayerOptions extends ConvOptions {
  /** Add a bias for each output channel; default true. */
  bias?: boolean;
  /** First values of the weight; default uniform between ±1/sqrt(its elements for one output channel). */
  weightInit?: Initialiser;
}
export const CONV_LAYER_OPTIONS: OptionTable<ConvLayerOptions> = {
  ...CONV_OPTIONS,
  bias: flag,
  weightInit: initialiser,
};

/** What Conv1d and Conv2d share. */
abstract class Convolution extends Module {
  weight: Variable<'f32'> | undefined = undefined;
  bias: Variable<'f32'> | undefined = undefined;
  readonly #type: string;
  readonly #convolve: typeof conv2d;
  readonly #channels: { readonly inChannels: number; readonly outChannels: number };
  readonly #kernel: readonly number[];
  readonly #sliding: Required<ConvOptions>;
  readonly #o: ConvLayerOptions;

  constructor(
    type: string,
    convolve: typeof conv2d,
    kernel: readonly number[],
    inChannels: number,
    outChannels: number,
    o: ConvLayerOptions,
  ) {
    super();
    const channels = { inChannels, outChannels };
    checkOptions(
      type,
      { inChannels: count, outChannels: count, kernelSize: each(count) },
      { ...channels, kernelSize: kernel },
    );
    checkOptions(type, CONV_LAYER_OPTIONS, o);
    this.#type = type;
    this.#convolve = convolve;
    this.#channels = channels;
    this.#kernel = kernel;
    this.#sliding = filled<ConvOptions>({ stride: 1, padding: 0, dilation: 1, groups: 1 }, o);
    this.#o = o;
    const { groups } = this.#sliding;
    if (inChannels % groups === 0 && outChannels % groups === 0) return;
    throw new OptionError(`${type}: ${inChannels} and ${outChannels} channels do not divide into ${groups} groups`, {
      hint: 'Make both numbers of channels multiples of groups.',
    });
  }
  override create(make: Maker): void {
    const { inChannels, outChannels } = this.#channels;
    const shape = [outChannels, inChannels / this.#sliding.groups, ...this.#kernel];
    const init = fanIn(sizeOf(shape.slice(1)));
    this.weight = make.parameter('weight', shape, this.#o.weightInit ?? init);
    if (this.#o.bias ?? true) this.bias = make.parameter('bias', [outChannels], init);
  }
  forward(x: Tensor): Tensor {
    const y = this.#convolve(x as Tensor<'f32'>, made(this.#type, this.weight), this.#sliding);
    return this.bias ? y.add(this.bias.value().reshape([this.bias.shape[0], ...this.#kernel.map(() => 1)])) : y;
  }
  override describe(): Json {
    const bias = this.#o.bias ?? true;
    return { type: this.#type, ...this.#channels, kernelSize: this.#kernel, ...this.#sliding, bias };
  }
}

/**
 * A convolution over one axis: x [batch, inChannels, W]; weight [outChannels, inChannels / groups, KW], bias [outChannels]. As
 * Conv2d.
 */
export class Conv1d extends Convolution {
  static override readonly type = 'Conv1d';
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, o: ConvLayerOptions = {}) {
    super('Conv1d', conv1d, listOf('Conv1d', kernelSize, 1), inChannels, outChannels, o);
  }
}

/**
 * A convolution over two axes (conv2d), and a bias. x: [batch, inChannels, H, W];
 * weight: [outChannels, inChannels / groups, KH, KW], bias: [outChannels], as in PyTorch.
 *
 * @example
 * const layer = new Conv2d(1, 6, 5, { padding: 2 }).init(rt);
 * const y = layer.forward(rt.tensor(pixels, [64, 1, 28, 28]));     // [64, 6, 28, 28]
 */
export class Conv2d extends Convolution {
  static override readonly type = 'Conv2d';
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, o: ConvLayerOptions = {}) {
    super('Conv2d', conv2d, listOf('Conv2d', kernelSize, 2), inChannels, outChannels, o);
  }
}
