/** Rows of a learned table: by index, and by position. */

import { OptionError, ShapeError } from '../core/errors.ts';
import { where } from '../core/functions.ts';
import type { Json } from '../core/host.ts';
import { iota } from '../core/ops/leaf.ts';
import { checkOptions, count, index, type OptionTable } from '../core/options.ts';
import { showShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { type Initialiser, initialiser, normal } from './initialisers.ts';
import { type Maker, Module, made } from './module.ts';

export interface EmbeddingOptions {
  /** A row that starts at zero and takes no gradient. */
  paddingIdx?: number;
  /** First values of the weight; default normal with deviation 1. */
  weightInit?: Initialiser;
}
export const EMBEDDING_OPTIONS: OptionTable<EmbeddingOptions> = { paddingIdx: index, weightInit: initialiser };

/**
 * The row of each index. x: [...], i32 or u32 from 0 to numEmbeddings - 1; y: [..., embeddingDim];
 * weight: [numEmbeddings, embeddingDim], as in PyTorch. An index out of range is a NumericError at the next read, and refuses
 * a Trainer's step (N7).
 *
 * @example
 * const y = new Embedding(256, 64).init(rt).forward(rt.tensor(codes, [8, 32], 'i32'));     // [8, 32, 64]
 */
export class Embedding extends Module {
  static override readonly type = 'Embedding';
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  weight: Variable<'f32'> | undefined = undefined;
  readonly #o: EmbeddingOptions;

  constructor(numEmbeddings: number, embeddingDim: number, o: EmbeddingOptions = {}) {
    super();
    checkOptions('Embedding', { numEmbeddings: count, embeddingDim: count }, { numEmbeddings, embeddingDim });
    checkOptions('Embedding', EMBEDDING_OPTIONS, o);
    if ((o.paddingIdx ?? 0) >= numEmbeddings) {
      throw new OptionError(`Embedding: paddingIdx ${o.paddingIdx} is no row of ${numEmbeddings}`, {
        hint: `Give an index from 0 to ${numEmbeddings - 1}.`,
      });
    }
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.#o = o;
  }
  override create(make: Maker): void {
    const { paddingIdx, weightInit = normal(0, 1) } = this.#o;
    const padded: Initialiser = (rt, rng, stream, shape) => {
      const w = weightInit(rt, rng, stream, shape);
      if (paddingIdx === undefined) return w;
      const rows = new Tensor<'i32'>(iota(w.node.graph, shape[0])).reshape(shape[0], 1);
      return where(rows.eq(paddingIdx), 0, w);
    };
    this.weight = make.parameter('weight', [this.numEmbeddings, this.embeddingDim], padded);
  }
  forward(x: Tensor): Tensor {
    const rows = (x as Tensor<'i32'>).reshape(x.size, 1);
    const found = made('Embedding', this.weight).value().gather(rows, 0);
    const { paddingIdx } = this.#o;
    const y = paddingIdx === undefined ? found : where(rows.eq(paddingIdx), found.detach(), found);
    return y.reshape([...x.shape, this.embeddingDim]);
  }
  override describe(): Json {
    const { numEmbeddings, embeddingDim } = this;
    const { paddingIdx } = this.#o;
    return { type: Embedding.type, numEmbeddings, embeddingDim, ...(paddingIdx === undefined ? {} : { paddingIdx }) };
  }
}

/**
 * Adds a learned row for each position. x, y: [..., length, embeddingDim] with length up to `maxLength`;
 * weight: [maxLength, embeddingDim], normal with deviation 1.
 *
 * @example
 * const model = new Sequential(new Embedding(256, 64), new PositionalEmbedding(32, 64), new TransformerBlock(64, 4));
 */
export class PositionalEmbedding extends Module {
  static override readonly type = 'PositionalEmbedding';
  readonly maxLength: number;
  readonly embeddingDim: number;
  weight: Variable<'f32'> | undefined = undefined;

  constructor(maxLength: number, embeddingDim: number) {
    super();
    checkOptions('PositionalEmbedding', { maxLength: count, embeddingDim: count }, { maxLength, embeddingDim });
    this.maxLength = maxLength;
    this.embeddingDim = embeddingDim;
  }
  override create(make: Maker): void {
    this.weight = make.parameter('weight', [this.maxLength, this.embeddingDim], normal(0, 1));
  }
  forward(x: Tensor): Tensor {
    const length = x.shape[x.shape.length - 2];
    if (!(length <= this.maxLength)) {
      throw new ShapeError(
        `PositionalEmbedding: the input is ${showShape(x.shape)}, expected [..., length, features]`,
        {
          hint: `Give at most ${this.maxLength} positions, before the last axis.`,
          details: { shape: x.shape, maxLength: this.maxLength },
        },
      );
    }
    return (x as Tensor<'f32'>).add(made('PositionalEmbedding', this.weight).value().slice([0, length]));
  }
  override describe(): Json {
    return { type: PositionalEmbedding.type, maxLength: this.maxLength, embeddingDim: this.embeddingDim };
  }
}
