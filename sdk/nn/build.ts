/** A model from its description. By itself in a file, so that using one layer does not bundle all of them. */

import type { Sizes } from '../core/convolution.ts';
import { OptionError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import type { Shape } from '../core/shape.ts';
import {
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
import { Conv1d, Conv2d } from './conv.ts';
import { Dropout } from './dropout.ts';
import { Embedding, PositionalEmbedding } from './embedding.ts';
import { Flatten } from './flatten.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import type { Module } from './module.ts';
import { MultiheadAttention } from './multihead-attention.ts';
import { Normalize } from './normalize.ts';
import { AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d } from './pool.ts';
import { type Layer, Sequential } from './sequential.ts';
import { TransformerBlock } from './transformer-block.ts';

type Description = { readonly [k: string]: Json };

const PLAIN = new Map(
  [identity, relu, tanh, sigmoid, softplus, silu, gelu, geluTanh, softmax].map((f) => [f.type, f] as const),
);

/**
 * Makes the model that `describe()` told of; its Variables come with `init(rt)`, or with weights that are loaded.
 *
 * @example
 * const copy = build(model.describe()).init(rt);
 * @throws OptionError for null, an unknown type, or options that the type does not take.
 */
export function build(description: Json): Module {
  const layer = layerOf(description);
  if (typeof layer === 'function') return new Sequential(layer);
  return layer;
}

const CHANNELS = ['inChannels', 'outChannels', 'kernelSize'];

function layerOf(d: Json): Layer {
  if (typeof d !== 'object' || d === null || Array.isArray(d)) throw unknown(d);
  const { type, ...o } = d as Description;
  // Layers check their numbers and options themselves; here only what is no number is refused.
  const number = (name: string): number => {
    const v = o[name];
    if (typeof v === 'number') return v;
    throw unknown(d);
  };
  /** What is left when the layer's first arguments are taken away. */
  const rest = (...taken: string[]): object =>
    Object.fromEntries(Object.entries(o).filter(([name]) => !taken.includes(name)));
  switch (type) {
    case Linear.type:
      return new Linear(number('in'), number('out'), rest('in', 'out'));
    case Normalize.type:
      return new Normalize(number('features'));
    case LayerNorm.type:
      return new LayerNorm(o.normalizedShape as Shape, rest('normalizedShape'));
    case Dropout.type:
      return new Dropout(number('p'));
    case Embedding.type:
      return new Embedding(number('numEmbeddings'), number('embeddingDim'), rest('numEmbeddings', 'embeddingDim'));
    case PositionalEmbedding.type:
      return new PositionalEmbedding(number('maxLength'), number('embeddingDim'));
    case MultiheadAttention.type:
      return new MultiheadAttention(number('embedDim'), number('numHeads'), rest('embedDim', 'numHeads'));
    case TransformerBlock.type: {
      const activation = layerOf(o.activation ?? null) as Activation;
      return new TransformerBlock(number('embedDim'), number('numHeads'), {
        ...rest('embedDim', 'numHeads'),
        activation,
      });
    }
    case Conv1d.type:
      return new Conv1d(number('inChannels'), number('outChannels'), o.kernelSize as Sizes, rest(...CHANNELS));
    case Conv2d.type:
      return new Conv2d(number('inChannels'), number('outChannels'), o.kernelSize as Sizes, rest(...CHANNELS));
    case MaxPool1d.type:
      return new MaxPool1d(o.kernelSize as Sizes, rest('kernelSize'));
    case MaxPool2d.type:
      return new MaxPool2d(o.kernelSize as Sizes, rest('kernelSize'));
    case AvgPool1d.type:
      return new AvgPool1d(o.kernelSize as Sizes, rest('kernelSize'));
    case AvgPool2d.type:
      return new AvgPool2d(o.kernelSize as Sizes, rest('kernelSize'));
    case Flatten.type:
      return new Flatten(number('startDim'), number('endDim'));
    case Sequential.type:
      if (!Array.isArray(o.layers)) throw unknown(d);
      return new Sequential(...(o.layers as readonly Json[]).map(layerOf));
    case 'leakyRelu':
      return leakyRelu(number('slope'));
    default: {
      const f = PLAIN.get(type as string);
      if (f) return f;
      throw unknown(d);
    }
  }
}

const unknown = (d: Json): OptionError =>
  new OptionError(`build: cannot make a layer of ${JSON.stringify(d)}`, {
    hint: 'Only models of the layers of isobit/nn can be rebuilt; make yours in code, then load its weights.',
    details: { description: d },
  });
