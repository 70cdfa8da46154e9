/** Attention of several heads, each in a part of the features. */

import { OptionError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, count, flag, fraction, type OptionTable } from '../core/options.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { attention } from './attention.ts';
import { Dropout } from './dropout.ts';
import { glorotUniform, zeros } from './initialisers.ts';
import { Linear } from './linear.ts';
import { type Ctx, type Maker, Module, made } from './module.ts';

export interface MultiheadAttentionOptions {
  /** Probability that a weight is dropped in training; default 0. */
  dropout?: number;
  /** Add biases; default true. */
  bias?: boolean;
  /** Position i looks at positions 0 .. i alone; default false. */
  causal?: boolean;
}
export const MULTIHEAD_ATTENTION_OPTIONS: OptionTable<MultiheadAttentionOptions> = {
  dropout: fraction,
  bias: flag,
  causal: flag,
};

/** What the queries look at, where it is not themselves. */
export interface AttentionInputs {
  /** [..., keys, embedDim]; default the queries. */
  key?: Tensor;
  /** [..., keys, embedDim]; default the keys. */
  value?: Tensor;
  /** True where a query may look at a key; broadcasts to [..., heads, queries, keys]. */
  mask?: Tensor<'bool'>;
}

/**
 * Projects queries, keys and values, attends in each head, and projects what the heads found. x, y: [..., length, embedDim];
 * parameters as in PyTorch: inProjWeight [3 embedDim, embedDim] (queries, keys, values) Glorot uniform, inProjBias and
 * outProj.bias zeros, outProj.weight [embedDim, embedDim] as in Linear. The batch comes first.
 *
 * @example
 * const layer = new MultiheadAttention(128, 4, { causal: true }).init(rt);
 * const y = layer.forward(x);                                    // self-attention
 * const z = layer.forward(x, ctx, { key: memory });              // cross-attention
 */
export class MultiheadAttention extends Module {
  static override readonly type = 'MultiheadAttention';
  readonly embedDim: number;
  readonly numHeads: number;
  inProjWeight: Variable<'f32'> | undefined = undefined;
  inProjBias: Variable<'f32'> | undefined = undefined;
  readonly outProj: Linear;
  readonly dropout: Dropout;
  readonly #o: MultiheadAttentionOptions;

  constructor(embedDim: number, numHeads: number, o: MultiheadAttentionOptions = {}) {
    super();
    checkOptions('MultiheadAttention', { embedDim: count, numHeads: count }, { embedDim, numHeads });
    checkOptions('MultiheadAttention', MULTIHEAD_ATTENTION_OPTIONS, o);
    if (embedDim % numHeads !== 0) {
      throw new OptionError(`MultiheadAttention: ${embedDim} features do not divide into ${numHeads} heads`, {
        hint: 'Make embedDim a multiple of numHeads.',
      });
    }
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.outProj = new Linear(embedDim, embedDim, { bias: o.bias, biasInit: zeros });
    this.dropout = new Dropout(o.dropout ?? 0);
    this.#o = o;
  }
  override create(make: Maker): void {
    const e = this.embedDim;
    this.inProjWeight = make.parameter('inProjWeight', [3 * e, e], glorotUniform);
    if (this.#o.bias ?? true) this.inProjBias = make.parameter('inProjBias', [3 * e], zeros);
  }
  forward(x: Tensor, ctx?: Ctx, { key = x, value = key, mask }: AttentionInputs = {}): Tensor {
    const weight = made('MultiheadAttention', this.inProjWeight).value();
    const bias = this.inProjBias?.value();
    const e = this.embedDim;
    const lead = x.shape.length - 2;
    // [..., length, heads, size] <-> [..., heads, length, size], which is its own inverse.
    const turn = [...Array.from({ length: lead }, (_, i) => i), lead + 1, lead, lead + 2];
    // Three contractions by slices of one weight: their gradients never touch the other two's rows.
    const project = (t: Tensor, part: number): Tensor<'f32'> => {
      const rows = [part * e, (part + 1) * e] as const;
      const y = (t as Tensor<'f32'>).matmul(weight.slice(rows), { transposeB: true });
      return (bias ? y.add(bias.slice(rows)) : y)
        .reshape([...t.shape.slice(0, -1), this.numHeads, e / this.numHeads])
        .permute(...turn);
    };
    const y = attention(project(x, 0), project(key, 1), project(value, 2), {
      mask,
      causal: this.#o.causal ?? false,
      weights: (w) => this.dropout.forward(w, ctx) as Tensor<'f32'>,
    });
    return this.outProj.forward(y.permute(...turn).reshape(x.shape));
  }
  override describe(): Json {
    const { embedDim, numHeads } = this;
    const { dropout = 0, bias = true, causal = false } = this.#o;
    return { type: MultiheadAttention.type, embedDim, numHeads, dropout, bias, causal };
  }
}
