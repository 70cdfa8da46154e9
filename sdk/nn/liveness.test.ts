/** Every option of every layer has an effect, as in sdk/train/liveness.test.ts. */

import { after, before } from 'node:test';
import { AVG_POOL_OPTIONS, MAX_POOL_OPTIONS } from '../core/pooling.ts';
import { type AvgPoolOptions, createRuntime, type MaxPoolOptions, type Runtime, type Tensor } from '../index.ts';
import { live } from '../train/live.ts';
import { LEAKY_RELU_OPTIONS } from './activations.ts';
import { CONV_LAYER_OPTIONS } from './conv.ts';
import { EMBEDDING_OPTIONS } from './embedding.ts';
import * as nn from './index.ts';
import { LAYER_NORM_OPTIONS } from './layer-norm.ts';
import { LINEAR_OPTIONS } from './linear.ts';
import { MULTIHEAD_ATTENTION_OPTIONS } from './multihead-attention.ts';
import { TRANSFORMER_BLOCK_OPTIONS } from './transformer-block.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

/** What two layers give for one input in a step of training, with the names of their parameters. */
const differ = (a: () => nn.Module, b: () => nn.Module, x: () => Tensor) => async () => {
  const of = async (make: () => nn.Module) => {
    const layer = make().init(rt);
    const y = layer.forward(x(), { train: true, rng: rt.rng.at(1) });
    return { names: [...layer.parameters().keys()], shape: y.shape, values: await y.data() };
  };
  return [await of(a), await of(b)] as const;
};
const row = () => rt.tensor([1, 2, 3], [1, 3]);
const tokens = () => rt.tensor([1, 0, 2], [3], 'i32');
const text = () => rt.rng.normal('text', [2, 5, 8]);

const linear = (a: nn.LinearOptions, b: nn.LinearOptions) =>
  differ(
    () => new nn.Linear(3, 2, a),
    () => new nn.Linear(3, 2, b),
    row,
  );
live('Linear', Object.keys(LINEAR_OPTIONS), {
  bias: linear({}, { bias: false }),
  weightInit: linear({}, { weightInit: nn.fill(1) }),
  biasInit: linear({}, { biasInit: nn.fill(1) }),
});
live('leakyRelu', Object.keys(LEAKY_RELU_OPTIONS), {
  slope: async () => {
    const y = (slope: number) =>
      nn
        .leakyRelu(slope)(rt.tensor([-1, 1]))
        .data();
    return [await y(0.1), await y(0.2)];
  },
});
const norm = (a: nn.LayerNormOptions, b: nn.LayerNormOptions) =>
  differ(
    () => new nn.LayerNorm(3, a),
    () => new nn.LayerNorm(3, b),
    row,
  );
live('LayerNorm', Object.keys(LAYER_NORM_OPTIONS), {
  eps: norm({}, { eps: 0.1 }),
  elementwiseAffine: norm({}, { elementwiseAffine: false }),
  bias: norm({}, { bias: false }),
});
live('Dropout', ['p'], {
  p: differ(
    () => new nn.Dropout(0.2),
    () => new nn.Dropout(0.6),
    text,
  ),
});
const embedding = (a: nn.EmbeddingOptions, b: nn.EmbeddingOptions) =>
  differ(
    () => new nn.Embedding(3, 2, a),
    () => new nn.Embedding(3, 2, b),
    tokens,
  );
live('Embedding', Object.keys(EMBEDDING_OPTIONS), {
  paddingIdx: embedding({}, { paddingIdx: 0 }),
  weightInit: embedding({}, { weightInit: nn.fill(1) }),
});
const attention = (a: nn.MultiheadAttentionOptions, b: nn.MultiheadAttentionOptions) =>
  differ(
    () => new nn.MultiheadAttention(8, 2, a),
    () => new nn.MultiheadAttention(8, 2, b),
    text,
  );
live('MultiheadAttention', Object.keys(MULTIHEAD_ATTENTION_OPTIONS), {
  dropout: attention({}, { dropout: 0.5 }),
  bias: attention({}, { bias: false }),
  causal: attention({}, { causal: true }),
});
live('MultiheadAttention: sizes', ['numHeads'], {
  numHeads: differ(
    () => new nn.MultiheadAttention(8, 2),
    () => new nn.MultiheadAttention(8, 4),
    text,
  ),
});
const block = (a: nn.TransformerBlockOptions, b: nn.TransformerBlockOptions) =>
  differ(
    () => new nn.TransformerBlock(8, 2, a),
    () => new nn.TransformerBlock(8, 2, b),
    text,
  );
live('TransformerBlock', Object.keys(TRANSFORMER_BLOCK_OPTIONS), {
  dimFeedforward: block({}, { dimFeedforward: 9 }),
  dropout: block({}, { dropout: 0.5 }),
  activation: block({}, { activation: nn.relu }),
  causal: block({}, { causal: true }),
  layerNormEps: block({}, { layerNormEps: 0.1 }),
  bias: block({}, { bias: false }),
});
const image = () => rt.rng.normal('image', [1, 2, 6, 6]);
const conv = (a: nn.ConvLayerOptions, b: nn.ConvLayerOptions) =>
  differ(
    () => new nn.Conv2d(2, 2, 2, a),
    () => new nn.Conv2d(2, 2, 2, b),
    image,
  );
live('Conv2d', Object.keys(CONV_LAYER_OPTIONS), {
  stride: conv({}, { stride: 2 }),
  padding: conv({}, { padding: 'same' }),
  dilation: conv({}, { dilation: 2 }),
  groups: conv({}, { groups: 2 }),
  bias: conv({}, { bias: false }),
  weightInit: conv({}, { weightInit: nn.fill(1) }),
});
const largest = (a: MaxPoolOptions, b: MaxPoolOptions) =>
  differ(
    () => new nn.MaxPool2d(2, a),
    () => new nn.MaxPool2d(2, b),
    image,
  );
live('MaxPool2d', Object.keys(MAX_POOL_OPTIONS), {
  stride: largest({}, { stride: 1 }),
  padding: largest({}, { padding: 1 }),
  dilation: largest({}, { dilation: 2 }),
});
const average = (a: AvgPoolOptions, b: AvgPoolOptions) =>
  differ(
    () => new nn.AvgPool2d(2, a),
    () => new nn.AvgPool2d(2, b),
    image,
  );
live('AvgPool2d', Object.keys(AVG_POOL_OPTIONS), {
  stride: average({}, { stride: 1 }),
  padding: average({}, { padding: 1 }),
  countIncludePad: average({ padding: 1 }, { padding: 1, countIncludePad: false }),
});
live('Flatten', ['startDim', 'endDim'], {
  startDim: differ(
    () => new nn.Flatten(),
    () => new nn.Flatten(0),
    text,
  ),
  endDim: differ(
    () => new nn.Flatten(),
    () => new nn.Flatten(1, 1),
    text,
  ),
});
