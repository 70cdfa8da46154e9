/** A block of a transformer, normalised before each part (pre-norm). Xiong et al., "On layer normalization in the transformer architecture", 2020. */

import type { Json } from '../core/host.ts';
import { callable, checkOptions, count, flag, fraction, type OptionTable, positive } from '../core/options.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Activation, describeActivation, gelu } from './activations.ts';
import { Dropout } from './dropout.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import { type Ctx, Module } from './module.ts';
import { MultiheadAttention } from './multihead-attention.ts';

export interface TransformerBlockOptions {
  /** Width between the two linear layers; default 4 embedDim. */
  dimFeedforward?: number;
  /** Probability, in training, that an element is dropped: of the attention weights, after the activation, and of what either part adds; default 0. */
  dropout?: number;
  /** Between the two linear layers; default gelu. */
  activation?: Activation;
  /** Position i looks at positions 0 .. i alone; default false. */
  causal?: boolean;
  /** Of both norms; default 1e-5. */
  layerNormEps?: number;
  /** Biases in all layers; default true. */
  bias?: boolean;
}
export const TRANSFORMER_BLOCK_OPTIONS: OptionTable<TransformerBlockOptions> = {
  dimFeedforward: count,
  dropout: fraction,
  activation: callable('an activation function'),
  causal: flag,
  layerNormEps: positive,
  bias: flag,
};

/**
 * x + attention(norm1(x)), then that + linear2(activation(linear1(norm2(that)))). x, y: [..., length, embedDim]. Parameters are
 * those of PyTorch's TransformerEncoderLayer with norm_first and batch_first: `selfAttn linear1 linear2 norm1 norm2`.
 *
 * @example
 * const model = new Sequential(
 *   new Embedding(256, 128), new PositionalEmbedding(128, 128),
 *   ...Array.from({ length: 4 }, () => new TransformerBlock(128, 4, { causal: true })),
 *   new LayerNorm(128), new Linear(128, 256),
 * ).init(rt);
 */
export class TransformerBlock extends Module {
  static override readonly type = 'TransformerBlock';
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly #o: TransformerBlockOptions;

  constructor(embedDim: number, numHeads: number, o: TransformerBlockOptions = {}) {
    super();
    checkOptions('TransformerBlock', { embedDim: count, numHeads: count }, { embedDim, numHeads });
    checkOptions('TransformerBlock', TRANSFORMER_BLOCK_OPTIONS, o);
    const { dimFeedforward = 4 * embedDim, dropout = 0, causal, bias, layerNormEps: eps } = o;
    this.selfAttn = new MultiheadAttention(embedDim, numHeads, { dropout, causal, bias });
    this.linear1 = new Linear(embedDim, dimFeedforward, { bias });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, embedDim, { bias });
    this.norm1 = new LayerNorm(embedDim, { eps, bias });
    this.norm2 = new LayerNorm(embedDim, { eps, bias });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.#o = o;
  }
  /** `mask` is true where a position may look at another; broadcasts to [..., heads, length, length]. */
  forward(x: Tensor, ctx?: Ctx, o: { mask?: Tensor<'bool'> } = {}): Tensor {
    const { activation = gelu } = this.#o;
    const found = this.selfAttn.forward(this.norm1.forward(x), ctx, o);
    const y = x.add(this.dropout1.forward(found, ctx));
    const wide = activation(this.linear1.forward(this.norm2.forward(y)) as Tensor<'f32'>);
    return y.add(this.dropout2.forward(this.linear2.forward(this.dropout.forward(wide, ctx)), ctx));
  }
  override describe(): Json {
    const { embedDim, numHeads } = this.selfAttn;
    const {
      dimFeedforward,
      dropout = 0,
      activation = gelu,
      causal = false,
      layerNormEps = 1e-5,
      bias = true,
    } = this.#o;
    const f = describeActivation(activation);
    if (f === null) return null;
    return {
      type: TransformerBlock.type,
      embedDim,
      numHeads,
      dimFeedforward: dimFeedforward ?? 4 * embedDim,
      dropout,
      activation: f,
      causal,
      layerNormEps,
      bias,
    };
  }
}
