/** A random program while it grows: what it holds so far is known by shape and dtype, and nothing is computed. */

import type { DType } from '../../sdk/core/dtype.ts';
import { type Shape, sizeOf } from '../../sdk/core/shape.ts';
import type { Tensor } from '../../sdk/core/tensor.ts';
import { ReferenceGraph } from '../reference/graph.ts';
import type { Value } from '../reference/value.ts';
import { type Profile, Random, values } from '../values.ts';
import { type Argument, type Program, perform, type Step } from './program.ts';

/** No value of a program is larger. */
export const LARGEST = 3000;

/** A program in the making; its values are known by shape and dtype. */
export class Builder {
  readonly r: Random;
  readonly profile: Profile;
  readonly leaves: Value[] = [];
  /** Steps name leaves as -1 - i until the program is closed, since leaves come first in it. */
  readonly steps: Step[] = [];
  readonly #graph = new ReferenceGraph();
  readonly #leafTensors: Tensor[] = [];
  readonly #made: Tensor[] = [];

  constructor(seed: number) {
    this.r = new Random(seed);
    this.profile = this.r.pick(['tame', 'tame', 'tame', 'windows', 'wild', 'positive', 'edge']);
  }

  /** References of all values: leaves are negative. */
  refs(keep: (t: Tensor, ref: number) => boolean = () => true): number[] {
    const all = [...this.#leafTensors.keys()].map((i) => -1 - i).concat([...this.#made.keys()]);
    return all.filter((ref) => keep(this.tensor(ref), ref));
  }
  tensor(ref: number): Tensor {
    return ref < 0 ? this.#leafTensors[-1 - ref] : this.#made[ref];
  }
  shape(ref: number): Shape {
    return this.tensor(ref).shape;
  }

  addLeaf(value: Value): number {
    this.leaves.push(value);
    this.#leafTensors.push(this.#graph.tensor(value.data, value.shape, value.dtype));
    return -this.leaves.length;
  }
  leaf(shape: Shape, dtype: DType = 'f32'): number {
    return this.addLeaf({ data: values(this.r, sizeOf(shape), dtype, this.profile), shape, dtype });
  }

  /** Adds a step unless its result is too large; gives the first result. */
  step(call: string, args: readonly Argument[], results = 1): number | null {
    const step: Step = { call, args, results };
    const made = perform(step, this.#lookup());
    if (made.some((t) => t.size > LARGEST)) return null;
    this.steps.push(step);
    this.#made.push(...made);
    return this.#made.length - made.length;
  }

  /** Values by reference, negative ones included. */
  #lookup(): readonly Tensor[] {
    return new Proxy([], { get: (_, key) => this.tensor(Number(key)) }) as readonly Tensor[];
  }

  close(outputs: readonly number[], assigns: readonly (readonly [number, number])[]): Program {
    const n = this.leaves.length;
    const at = (ref: number) => (ref < 0 ? -1 - ref : ref + n);
    const fix = (a: Argument): Argument => {
      if (Array.isArray(a)) return a.map(fix);
      if (typeof a !== 'object' || a === null) return a;
      if ('ref' in a) return { ref: at(a.ref as number) };
      return Object.fromEntries(Object.entries(a).map(([k, v]) => [k, fix(v as Argument)]));
    };
    return {
      leaves: this.leaves,
      steps: this.steps.map((s) => ({ ...s, args: s.args.map(fix) })),
      outputs: outputs.map(at),
      assigns: assigns.map(([leaf, value]) => [at(leaf), at(value)] as const),
    };
  }
}
