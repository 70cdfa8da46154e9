/** Layers one after the other. */

import { OptionError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Activation, describeActivation } from './activations.ts';
import { type Ctx, Module } from './module.ts';

export type Layer = Module | Activation;

/**
 * Applies its entries in order. Every entry counts in the names: in `new Sequential(new Linear(4, 16), relu, new Linear(16, 3))`
 * they are `0.weight`, `0.bias`, `2.weight`, `2.bias`, as in PyTorch.
 */
export class Sequential extends Module {
  static override readonly type = 'Sequential';
  readonly [entry: number]: Layer;
  readonly #layers: readonly Layer[];

  constructor(...layers: readonly Layer[]) {
    super();
    layers.forEach((layer, i) => {
      if (layer instanceof Module || typeof layer === 'function') return;
      throw new OptionError(`Sequential: entry ${i} is neither a Module nor a function`, {
        hint: 'Give layers and activation functions.',
        details: { entry: i },
      });
    });
    this.#layers = layers;
    // As fields, the entries have their numbers for names, and are reachable as model[0].
    Object.assign(this, layers);
  }

  forward(x: Tensor, ctx?: Ctx): Tensor {
    let y = x;
    for (const layer of this.#layers) {
      y = layer instanceof Module ? layer.forward(y, ctx) : layer(y as Tensor<'f32'>);
    }
    return y;
  }

  override describe(): Json {
    const layers = this.#layers.map((l) => (l instanceof Module ? l.describe() : describeActivation(l)));
    return layers.includes(null) ? null : { type: Sequential.type, layers };
  }
}
