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
export { type AttentionOptions, attention } from './attention.ts';
export { Conv1d, Conv2d, type ConvLayerOptions } from './conv.ts';
export { crossEntropy, crossEntropyProbabilities } from './cross-entropy.ts';
export { Dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions, PositionalEmbedding } from './embedding.ts';
export { Flatten } from './flatten.ts';
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
export { LayerNorm, type LayerNormOptions, layerNorm } from './layer-norm.ts';
export { Linear, type LinearOptions } from './linear.ts';
export type { Loss } from './loss.ts';
export { bceWithLogits, mse } from './losses.ts';
export { type Ctx, type Maker, Module } from './module.ts';
export {
  type AttentionInputs,
  MultiheadAttention,
  type MultiheadAttentionOptions,
} from './multihead-attention.ts';
export { Normalize } from './normalize.ts';
export { AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d } from './pool.ts';
export { type Layer, Sequential } from './sequential.ts';
export { TransformerBlock, type TransformerBlockOptions } from './transformer-block.ts';
