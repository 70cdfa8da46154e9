/** Pooling of tensors: arguments as PyTorch has them, checked, for the ops of ops/pool.ts. */

import { each, listOf, type Sizes } from './convolution.ts';
import { OptionError, ShapeError } from './errors.ts';
import { maxPool, poolSum, runsOf, tapCounts } from './ops/pool.ts';
import { places, type Sliding, span } from './ops/windows.ts';
import { checkOptions, count, flag, index, type OptionTable, required } from './options.ts';
import { showShape } from './shape.ts';
import { Tensor } from './tensor.ts';

export interface MaxPoolOptions {
  /** Elements from one window to the next; the kernel's size unless given. */
  stride?: Sizes;
  /** What windows may stand out on both sides of each axis, at most half of what they span; 0 unless given. */
  padding?: Sizes;
  /** Elements from one tap to the next; 1 unless given. */
  dilation?: Sizes;
}

export interface AvgPoolOptions {
  stride?: Sizes;
  padding?: Sizes;
  /** Whether padding counts among the elements that are averaged, as zeros; true unless given. */
  countIncludePad?: boolean;
}

/** A window's size, which must be given. */
export const KERNEL = required(each(count));
export const MAX_POOL_OPTIONS: OptionTable<MaxPoolOptions> = {
  stride: each(count),
  padding: each(index),
  dilation: each(count),
};
export const AVG_POOL_OPTIONS: OptionTable<AvgPoolOptions> = {
  stride: each(count),
  padding: each(index),
  countIncludePad: flag,
};

function axesOf(name: string, n: number, x: Tensor, kernel: Sizes, o: MaxPoolOptions): Sliding[] {
  checkOptions(name, { kernel: KERNEL }, { kernel });
  const [kernels, strides, paddings, dilations] = [kernel, o.stride ?? kernel, o.padding ?? 0, o.dilation ?? 1].map(
    (v) => listOf(name, v, n),
  );
  if (x.shape.length !== n + 2) {
    throw new ShapeError(`${name}: takes [N, C, ${n === 1 ? 'W' : 'H, W'}], got ${showShape(x.shape)}`, {
      hint: 'Give it a batch axis with reshape().',
      details: { op: name, shape: x.shape },
    });
  }
  return kernels.map((k, i) => {
    const low = paddings[i];
    const a: Sliding = { size: x.shape[i + 2], kernel: k, stride: strides[i], dilation: dilations[i], low, high: low };
    if (2 * low > span(a)) {
      throw new OptionError(`${name}: padding ${low} is more than half of a window that spans ${span(a)}`, {
        hint: 'Pad less: a window must meet an element.',
      });
    }
    if (places(a) < 1 || runsOf(a).some((r) => r.taps < 1)) {
      throw new ShapeError(`${name}: windows of [${kernels}] do not fit ${showShape(x.shape)}`, {
        hint: 'Each window must meet an element: use a smaller kernel, dilation or padding.',
        details: { op: name, shape: x.shape, kernel: kernels },
      });
    }
    return a;
  });
}

const largest = (name: string, n: number, x: Tensor<'f32'>, kernel: Sizes, o: MaxPoolOptions): Tensor<'f32'> => {
  checkOptions(name, MAX_POOL_OPTIONS, o);
  return new Tensor(maxPool(x.node, axesOf(name, n, x, kernel, o)));
};

function average(name: string, n: number, x: Tensor<'f32'>, kernel: Sizes, o: AvgPoolOptions): Tensor<'f32'> {
  checkOptions(name, AVG_POOL_OPTIONS, o);
  const { countIncludePad = true, ...rest } = o;
  const axes = axesOf(name, n, x, kernel, rest);
  const sums = new Tensor<'f32'>(poolSum(x.node, axes));
  return sums.div(
    countIncludePad ? axes.reduce((k, a) => k * a.kernel, 1) : new Tensor<'f32'>(tapCounts(x.node, axes)),
  );
}

/**
 * The largest element of each window of x [N, C, W], as PyTorch's max_pool1d: `kernel` taps, `dilation` apart. NaN is the
 * largest, padding is never chosen. The gradient goes to the first tap that has the largest.
 * @returns [N, C, floor((W + 2*padding - dilation*(kernel - 1) - 1) / stride) + 1]
 * @throws ShapeError, OptionError, DTypeError (f32 only)
 */
export const maxPool1d = (x: Tensor<'f32'>, kernel: Sizes, o: MaxPoolOptions = {}): Tensor<'f32'> =>
  largest('maxPool1d', 1, x, kernel, o);
/** maxPool1d over two axes: x [N, C, H, W]; sizes are numbers or pairs [of H, of W]. */
export const maxPool2d = (x: Tensor<'f32'>, kernel: Sizes, o: MaxPoolOptions = {}): Tensor<'f32'> =>
  largest('maxPool2d', 2, x, kernel, o);

/**
 * The mean of each window of x [N, C, W], as PyTorch's avg_pool1d: R over the window (N7), divided by its elements.
 * @returns [N, C, floor((W + 2*padding - kernel) / stride) + 1]
 * @throws ShapeError, OptionError, DTypeError (f32 only)
 */
export const avgPool1d = (x: Tensor<'f32'>, kernel: Sizes, o: AvgPoolOptions = {}): Tensor<'f32'> =>
  average('avgPool1d', 1, x, kernel, o);
/** avgPool1d over two axes: x [N, C, H, W]; sizes are numbers or pairs [of H, of W]. */
export const avgPool2d = (x: Tensor<'f32'>, kernel: Sizes, o: AvgPoolOptions = {}): Tensor<'f32'> =>
  average('avgPool2d', 2, x, kernel, o);
