/** `optim/`: the optimiser's slots. Its other numbers follow from the step alone. */

import type { HostArray } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import type { Optimizer, Slots } from '../optim/optimizer.ts';
import { type Component, field, isTextOrNull, type Saved } from './component.ts';
import { foreign, matching } from './variables.ts';

export class OptimizerState implements Component {
  readonly root = 'optim';
  readonly version = 1;
  readonly #optimizer: Optimizer;
  readonly #rt: Runtime;
  /** Slot, then parameter. */
  readonly #slots: ReadonlyMap<string, ReadonlyMap<string, Variable<'f32'>>>;

  constructor(optimizer: Optimizer, parameters: ReadonlyMap<string, Variable<'f32'>>, rt: Runtime) {
    const zero = rt.scalar(0);
    const zeros = (v: Variable<'f32'>) => {
      const init = zero.broadcast(v.shape);
      const slot = rt.variable(init, { trainable: false });
      init.dispose();
      return slot;
    };
    this.#optimizer = optimizer;
    this.#rt = rt;
    this.#slots = new Map(
      optimizer.slots.map((slot) => [slot, new Map([...parameters].map(([name, v]) => [name, zeros(v)]))]),
    );
    zero.dispose();
  }

  /** The slots' values now; inside a capture, the plan's. */
  values(): Slots {
    return Object.fromEntries(
      [...this.#slots].map(([slot, tree]) => [slot, new Map([...tree].map(([name, v]) => [name, v.value()]))]),
    );
  }

  assign(next: Slots): void {
    for (const [slot, tree] of this.#slots) {
      for (const [name, v] of tree) v.assign(next[slot].get(name) as Tensor<'f32'>);
    }
  }

  save(): Saved {
    return { state: { type: this.#optimizer.type ?? null }, tensors: this.#named() };
  }

  load({ state, tensors }: Saved<HostArray>): () => void {
    const type = field('optim', state, 'type', isTextOrNull, 'a name or null');
    const mine = this.#optimizer.type ?? null;
    if (type !== mine) {
      throw foreign('E_OPTIMIZER', `the checkpoint is of another optimizer: ${type}, not ${mine}`, {
        expected: mine,
        actual: type,
      });
    }
    return matching('E_OPTIMIZER', 'the checkpoint is of another optimizer', this.#named(), tensors, this.#rt);
  }

  dispose(): void {
    for (const tree of this.#slots.values()) for (const v of tree.values()) v.dispose();
  }

  #named(): Map<string, Variable> {
    return new Map(
      [...this.#slots].flatMap(([slot, tree]) =>
        [...tree].map(([name, v]) => [`${slot}/${name}`, v as Variable] as const),
      ),
    );
  }
}
