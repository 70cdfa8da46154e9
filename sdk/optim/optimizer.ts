/** What an optimiser is: pure functions, so that its whole state is its slots and the number of steps. */

import { OptionError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';

/** Tensors by parameter name. */
export type Tree = ReadonlyMap<string, Tensor<'f32'>>;
/** One tree a slot. */
export type Slots = Readonly<Record<string, Tree>>;
/** 0-d tensors, one for each number of `hyper()`. */
export type Scalars = Readonly<Record<string, Tensor<'f32'>>>;

export interface Optimizer {
  /** Names the update rule in checkpoints. */
  readonly type?: string;
  /** What it keeps for each parameter; every slot starts at zero. */
  readonly slots: readonly string[];
  /**
   * The numbers of one step, made on the host (N10). `step` counts completed steps: the first step asks for `hyper(0)`, uses
   * `schedule(0)` and is Adam's t = 1. The names are the same at every step.
   */
  hyper(step: number): Readonly<Record<string, number>>;
  /** New parameters and slots from parameters `p`, gradients `g`, slots `s` and the numbers of `hyper` as scalars `h`. */
  update(p: Tree, g: Tree, s: Slots, h: Scalars): { params: Tree; slots: Slots };
}

/**
 * Applies a rule to each parameter by itself.
 *
 * @param slots names of the slots the rule reads and gives
 */
export function perParameter(
  slots: readonly string[],
  rule: (
    p: Tensor<'f32'>,
    g: Tensor<'f32'>,
    s: Readonly<Record<string, Tensor<'f32'>>>,
    h: Scalars,
  ) => { p: Tensor<'f32'>; s: Readonly<Record<string, Tensor<'f32'>>> },
): Optimizer['update'] {
  return (params, grads, state, h) => {
    const next = new Map<string, Tensor<'f32'>>();
    const nextSlots = Object.fromEntries(slots.map((slot) => [slot, new Map<string, Tensor<'f32'>>()]));
    for (const [name, p] of params) {
      const mine = Object.fromEntries(slots.map((slot) => [slot, entry(state[slot], name, slot)]));
      const out = rule(p, entry(grads, name, 'gradient'), mine, h);
      next.set(name, out.p);
      for (const slot of slots) nextSlots[slot].set(name, out.s[slot]);
    }
    return { params: next, slots: nextSlots };
  };
}

/** What a tree holds for a parameter; `what` names it where it is missing. */
export function entry(tree: Tree | undefined, name: string, what: string): Tensor<'f32'> {
  const t = tree?.get(name);
  if (t) return t;
  throw new OptionError(`optimizer: no ${what} for parameter ${name}`, {
    hint: 'Give a gradient and slots for every parameter.',
    details: { parameter: name, what },
  });
}
