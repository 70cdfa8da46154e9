/** isobit: tensors, gradients and captured programs with the same bits on every runtime. */

export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  type Sizes,
} from './core/convolution.ts';
export type { ComputeDType, Data, DType, Precision } from './core/dtype.ts';
export {
  CaptureError,
  CheckpointError,
  DataError,
  DeviceError,
  DisposedError,
  DTypeError,
  IsobitError,
  isIsobitError,
  NumericError,
  OptionError,
  ShapeError,
} from './core/errors.ts';
export {
  argmin,
  argsort,
  concat,
  cumsum,
  logSoftmax,
  logSumExp,
  mean,
  min,
  type SortOptions,
  softmax,
  sort,
  stack,
  topK,
  variance,
  where,
} from './core/functions.ts';
export { type GradOptions, grad, type Wrt } from './core/grad.ts';
export { type HostArray, hostArray, type IO, type Json } from './core/host.ts';
export { jvp } from './core/jvp.ts';
export type { MatmulOptions } from './core/ops/matmul.ts';
export type { PadSpec, Range } from './core/ops/move.ts';
export {
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
} from './core/pooling.ts';
export { matmulInt8, type Quantized, quantize } from './core/quantize.ts';
export type { Rng } from './core/rng.ts';
export type {
  Ahead,
  Arg,
  Captured,
  CaptureOptions,
  Feed,
  Numbers,
  Out,
  Runtime,
  Series,
  TensorOptions,
} from './core/runtime.ts';
export type { Shape } from './core/shape.ts';
export { type Like, Tensor } from './core/tensor.ts';
export { Variable } from './core/variable.ts';
export { createRuntime, type RuntimeOptions } from './engine/create.ts';
