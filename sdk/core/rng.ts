/** Random numbers as a pure function of (seed, name, step, element): nothing to save, nothing to lose (N8, api 6). */

import { OptionError } from './errors.ts';
import type { Graph } from './node.ts';
import { constant } from './ops/leaf.ts';
import { normal, philox, unit } from './ops/random.ts';
import { permutation, streamOf } from './scalar/philox.ts';
import type { Shape } from './shape.ts';
import { Tensor } from './tensor.ts';

export interface Rng {
  /** u64. */
  readonly seed: bigint;
  withSeed(seed: bigint | number): Rng;
  /** The generator at a step; a tensor makes the step an input of a captured program. */
  at(step: number | Tensor<'u32'>): Rng;
  /** 0 .. n-1 shuffled (Fisher-Yates from the end), computed on the host; the step must be a number. */
  permutation(name: string, n: number): Uint32Array;
  bits(name: string, shape: Shape): Tensor<'u32'>;
  /** In [0, 1), multiples of 2^-24. */
  uniform(name: string, shape: Shape): Tensor<'f32'>;
  /** Standard normal, by Box-Muller. */
  normal(name: string, shape: Shape): Tensor<'f32'>;
}

/** A seed as u64. */
export function seedOf(seed: bigint | number): bigint {
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new OptionError(`seed: ${seed} is no safe integer`, { hint: 'Use an integer or a bigint.' });
  }
  const s = BigInt(seed);
  if (s < 0n || s >= 1n << 64n) {
    throw new OptionError(`seed: ${s} is outside 0 .. 2^64-1`, { hint: 'Use an unsigned 64-bit seed.' });
  }
  return s;
}

const words = (seed: bigint) => ({ seedLo: Number(seed & 0xffffffffn), seedHi: Number(seed >> 32n) });

/** A generator that makes tensors in `graph`. A step that is a number is a constant there, so a draw holds no memory. */
export function makeRng(graph: Graph, seed: bigint, step: number | Tensor<'u32'> = 0): Rng {
  const stepNode = () => (typeof step === 'number' ? constant(graph, step, 'u32', 'rng.at') : step.node);
  const draw = (name: string) => ({ ...words(seed), stream: streamOf(name) });
  return {
    seed,
    withSeed: (s) => makeRng(graph, seedOf(s), step),
    at: (s) => makeRng(graph, seed, s),
    permutation(name, n) {
      if (typeof step !== 'number') {
        throw new OptionError(`rng.permutation(${name}): the step is a tensor`, {
          hint: 'Use rng.at(number): permutations are made on the host.',
        });
      }
      return permutation({ ...words(seed), stream: streamOf(name), step }, n);
    },
    bits: (name, shape) => new Tensor<'u32'>(philox(stepNode(), draw(name), shape)),
    uniform: (name, shape) => new Tensor<'f32'>(unit(philox(stepNode(), draw(name), shape))),
    normal: (name, shape) => new Tensor<'f32'>(normal(stepNode(), draw(name), shape)),
  };
}
