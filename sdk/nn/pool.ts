/** Pooling as layers. */

import type { Sizes } from '../core/convolution.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, filled, type OptionTable } from '../core/options.ts';
import {
  AVG_POOL_OPTIONS,
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  KERNEL,
  MAX_POOL_OPTIONS,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
} from '../core/pooling.ts';
import type { Tensor } from '../core/tensor.ts';
import { Module } from './module.ts';

abstract class Pool<O extends MaxPoolOptions | AvgPoolOptions> extends Module {
  readonly #type: string;
  readonly #pool: (x: Tensor<'f32'>, kernel: Sizes, o: O) => Tensor<'f32'>;
  readonly #kernel: Sizes;
  readonly #o: Required<O> & { readonly [k: string]: Json };

  constructor(
    type: string,
    pool: (x: Tensor<'f32'>, kernel: Sizes, o: O) => Tensor<'f32'>,
    table: OptionTable<O>,
    kernelSize: Sizes,
    defaults: Required<O>,
    o: O,
  ) {
    super();
    checkOptions(type, { kernelSize: KERNEL }, { kernelSize });
    checkOptions(type, table, o);
    this.#type = type;
    this.#pool = pool;
    this.#kernel = kernelSize;
    this.#o = filled(defaults, o) as Required<O> & { readonly [k: string]: Json };
  }
  forward(x: Tensor): Tensor {
    return this.#pool(x as Tensor<'f32'>, this.#kernel, this.#o);
  }
  override describe(): Json {
    return { type: this.#type, kernelSize: this.#kernel, ...this.#o };
  }
}

const largest = (stride: Sizes): Required<MaxPoolOptions> => ({ stride, padding: 0, dilation: 1 });
const average = (stride: Sizes): Required<AvgPoolOptions> => ({ stride, padding: 0, countIncludePad: true });

/** The largest element of each window: maxPool1d of x [batch, channels, W]. */
export class MaxPool1d extends Pool<MaxPoolOptions> {
  static override readonly type = 'MaxPool1d';
  constructor(kernelSize: Sizes, o: MaxPoolOptions = {}) {
    super('MaxPool1d', maxPool1d, MAX_POOL_OPTIONS, kernelSize, largest(kernelSize), o);
  }
}

/** The largest element of each window: maxPool2d of x [batch, channels, H, W]. */
export class MaxPool2d extends Pool<MaxPoolOptions> {
  static override readonly type = 'MaxPool2d';
  constructor(kernelSize: Sizes, o: MaxPoolOptions = {}) {
    super('MaxPool2d', maxPool2d, MAX_POOL_OPTIONS, kernelSize, largest(kernelSize), o);
  }
}

/** The mean of each window: avgPool1d of x [batch, channels, W]. */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  static override readonly type = 'AvgPool1d';
  constructor(kernelSize: Sizes, o: AvgPoolOptions = {}) {
    super('AvgPool1d', avgPool1d, AVG_POOL_OPTIONS, kernelSize, average(kernelSize), o);
  }
}

/** The mean of each window: avgPool2d of x [batch, channels, H, W]. */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  static override readonly type = 'AvgPool2d';
  constructor(kernelSize: Sizes, o: AvgPoolOptions = {}) {
    super('AvgPool2d', avgPool2d, AVG_POOL_OPTIONS, kernelSize, average(kernelSize), o);
  }
}
