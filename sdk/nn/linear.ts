/** A fully connected layer. */

import type { Json } from '../core/host.ts';
import { checkOptions, count, flag, type OptionTable } from '../core/options.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { fanIn, type Initialiser, initialiser } from './initialisers.ts';
import { type Maker, Module, made } from './module.ts';

export interface LinearOptions {
  /** Add a bias; default true. */
  bias?: boolean;
  /** First values of the weight; default uniform between ±1/sqrt(in). */
  weightInit?: Initialiser;
  /** First values of the bias; default uniform between ±1/sqrt(in). */
  biasInit?: Initialiser;
}

export const LINEAR_OPTIONS: OptionTable<LinearOptions> = {
  bias: flag,
  weightInit: initialiser,
  biasInit: initialiser,
};

/**
 * y = x Wᵀ + b (N13). x: [..., in], y: [..., out]; weight: [out, in], bias: [out], as in PyTorch.
 *
 * @example
 * const layer = new Linear(4, 16).init(rt);
 * const y = layer.forward(rt.tensor(data, [150, 4]));     // [150, 16]
 */
export class Linear extends Module {
  static override readonly type = 'Linear';
  readonly in: number;
  readonly out: number;
  weight: Variable<'f32'> | undefined = undefined;
  bias: Variable<'f32'> | undefined = undefined;
  readonly #o: LinearOptions;

  constructor(inputs: number, outputs: number, o: LinearOptions = {}) {
    super();
    checkOptions('Linear', { in: count, out: count }, { in: inputs, out: outputs });
    checkOptions('Linear', LINEAR_OPTIONS, o);
    this.in = inputs;
    this.out = outputs;
    this.#o = o;
  }

  override create(make: Maker): void {
    const { bias = true, weightInit = fanIn(this.in), biasInit = fanIn(this.in) } = this.#o;
    this.weight = make.parameter('weight', [this.out, this.in], weightInit);
    if (bias) this.bias = make.parameter('bias', [this.out], biasInit);
  }

  forward(x: Tensor): Tensor {
    const y = x.matmul(made('Linear', this.weight), { transposeB: true });
    return this.bias ? y.add(this.bias) : y;
  }

  override describe(): Json {
    return { type: Linear.type, in: this.in, out: this.out, bias: this.#o.bias ?? true };
  }
}
