/** `isobit/nn`: modules, layers, activations, initialisers and losses. */

export {
  type Activation,
  gelu,
  geluTanh,
  identity,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from './activations.ts';
export { crossEntropy, crossEntropyProbabilities } from './cross-entropy.ts';
export {
  fanIn,
  fill,
  glorotUniform,
  heNormal,
  type Initialiser,
  normal,
  ones,
  uniform,
  zeros,
} from './initialisers.ts';
export { Linear, type LinearOptions } from './linear.ts';
export type { Loss } from './loss.ts';
export { bceWithLogits, mse } from './losses.ts';
export { type Ctx, type Maker, Module } from './module.ts';
export { Normalize } from './normalize.ts';
export { type Layer, Sequential } from './sequential.ts';
