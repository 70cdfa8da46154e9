/** Activation functions (N3, N5, N13). Each carries a `type`, so that a model made of them can be described and rebuilt. */

import { softmax as softmaxOf, where } from '../core/functions.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, finite, type OptionTable, required } from '../core/options.ts';
import { toF32 } from '../core/scalar/host.ts';
import type { Tensor } from '../core/tensor.ts';

/** A function of one tensor; untagged ones work too, but a model with one cannot be described. */
export interface Activation {
  (x: Tensor<'f32'>): Tensor<'f32'>;
  readonly type?: string;
  /** What its factory was called with. */
  readonly options?: { readonly [k: string]: Json };
}

/** What `build` makes an activation again from; null for an untagged one. */
export const describeActivation = (f: Activation): Json =>
  f.type === undefined ? null : { type: f.type, ...f.options };

type Tagged = Activation & { readonly type: string };

const tag = (
  type: string,
  f: (x: Tensor<'f32'>) => Tensor<'f32'>,
  options: { readonly [k: string]: Json } = {},
): Tagged => Object.assign(f, { type, options });

/** The input itself. */
export const identity = /* @__PURE__ */ tag('identity', (x) => x);
/** max(x, 0). */
export const relu = /* @__PURE__ */ tag('relu', (x) => x.relu());
export const tanh = /* @__PURE__ */ tag('tanh', (x) => x.tanh());
/** 1 / (1 + exp(-x)). */
export const sigmoid = /* @__PURE__ */ tag('sigmoid', (x) => x.sigmoid());
/** log(1 + exp(x)). */
export const softplus = /* @__PURE__ */ tag('softplus', (x) => x.softplus());
/** x sigmoid(x), also called swish. */
export const silu = /* @__PURE__ */ tag('silu', (x) => x.mul(x.sigmoid()));
/** (x/2) (1 + erf(x / sqrt 2)). */
export const gelu = /* @__PURE__ */ tag('gelu', (x) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)));
/** gelu by tanh: (x/2) (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
export const geluTanh = /* @__PURE__ */ tag('geluTanh', (x) =>
  // The literals round to N13's 3f4c422a and 3d372713.
  x.mul(0.5).mul(x.add(x.mul(x).mul(x).mul(0.044715)).mul(0.7978845608).tanh().add(1)),
);
/** exp(x) over its sum along the last axis. */
export const softmax = /* @__PURE__ */ tag('softmax', (x) => softmaxOf(x));

export const LEAKY_RELU_OPTIONS: OptionTable<{ slope: number }> = { slope: required(finite) };

/** x where it is positive, else slope * x. */
export function leakyRelu(slope = 0.01): Tagged {
  checkOptions('leakyRelu', LEAKY_RELU_OPTIONS, { slope });
  return tag('leakyRelu', (x) => where(x.gt(0), x, x.mul(toF32(slope))), { slope });
}
