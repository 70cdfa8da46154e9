/** First values of parameters: functions of (seed, stream name, shape), computed on the device. */

import type { Rule } from '../core/options.ts';
import type { Rng } from '../core/rng.ts';
import type { Runtime } from '../core/runtime.ts';
import { div, mul, sqrt, sub, toF32 } from '../core/scalar/index.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

export type Initialiser = (rt: Runtime, rng: Rng, stream: string, shape: Shape) => Tensor<'f32'>;

/** The rule of an option that takes one. */
export const initialiser: Rule = { expects: 'an initialiser', ok: (v) => typeof v === 'function' };

/** Every element the same number. */
export const fill =
  (value: number): Initialiser =>
  (rt, _rng, _stream, shape) =>
    rt.scalar(value).broadcast(shape);

export const zeros: Initialiser = /* @__PURE__ */ fill(0);
export const ones: Initialiser = /* @__PURE__ */ fill(1);

/** Uniform between two numbers: low + (u * (high - low)), as N8 says. */
export const uniform =
  (low: number, high: number): Initialiser =>
  (_rt, rng, stream, shape) => {
    const [a, b] = [toF32(low), toF32(high)];
    return rng.uniform(stream, shape).mul(sub(b, a)).add(a);
  };

/** Normal: mean + (z * deviation). */
export const normal =
  (mean: number, deviation: number): Initialiser =>
  (_rt, rng, stream, shape) =>
    rng.normal(stream, shape).mul(toF32(deviation)).add(toF32(mean));

/** Uniform between ±1/sqrt(fanIn), each step of the bound rounded to f32: the default of PyTorch's linear layers. */
export function fanIn(fan: number): Initialiser {
  const bound = fan === 0 ? 0 : div(1, sqrt(toF32(fan)));
  return uniform(-bound, bound);
}

/**
 * Uniform between ±sqrt(6 / (fanIn + fanOut)) for a weight of shape [out, in]. Glorot and Bengio, "Understanding the
 * difficulty of training deep feedforward neural networks", 2010.
 */
export const glorotUniform: Initialiser = (rt, rng, stream, shape) => {
  const bound = sqrt(div(6, toF32(shape[0] + shape[1])));
  return uniform(-bound, bound)(rt, rng, stream, shape);
};

/** Normal with deviation sqrt(2 / fanIn) for a weight of shape [out, in]. He et al., "Delving deep into rectifiers", 2015. */
export const heNormal: Initialiser = (rt, rng, stream, shape) =>
  normal(0, sqrt(mul(2, div(1, toF32(shape[1])))))(rt, rng, stream, shape);
