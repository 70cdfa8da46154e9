/** The kernels' functions of one operand (the loops of wasm/functions/testing.ts) beside the host's. */

import * as s from '../sdk/core/scalar/index.ts';

/** From a pattern to the host's number, or back. */
export type Read = (v: number) => number;

export const asF32: Read = s.ofBits;
export const asI32: Read = (u) => u | 0;
export const asU32: Read = (u) => u >>> 0;
export const toBits: Read = s.bitsOf;
export const plain: Read = (v) => v >>> 0;

export interface OneOperand {
  readonly host: (x: number) => number;
  /** What the operand's pattern is: f32, or an integer. */
  readonly read: Read;
  /** `toBits` where the result is f32, `plain` where it is an integer. */
  readonly write: Read;
}

const f32 = (host: (x: number) => number): OneOperand => ({ host, read: asF32, write: toBits });
const toInteger = (host: (x: number) => number): OneOperand => ({ host, read: asF32, write: plain });

export const ONE: Readonly<Record<string, OneOperand>> = {
  exp: f32(s.exp),
  expWhole: f32(s.exp),
  log: f32(s.log),
  logWhole: f32(s.log),
  sqrt: f32(s.sqrt),
  rsqrt: f32(s.rsqrt),
  tanh: f32(s.tanh),
  sigmoid: f32(s.sigmoid),
  softplus: f32(s.softplus),
  sin: f32(s.sin),
  cos: f32(s.cos),
  erf: f32(s.erf),
  neg: f32(s.neg),
  abs: f32(s.abs),
  sign: f32(s.sign),
  floor: f32(s.floor),
  ceil: f32(s.ceil),
  trunc: f32(s.trunc),
  round: f32(s.round),
  isFinite32: toInteger(s.isFinite32),
  f32ToI32: toInteger(s.f32ToI32),
  f32ToU32: toInteger(s.f32ToU32),
  f32ToBool: toInteger(s.toBool),
  f32ToF16: toInteger(s.f32ToF16),
  f32ToBf16: toInteger(s.f32ToBf16),
  i32ToF32: { host: s.intToF32, read: asI32, write: toBits },
  u32ToF32: { host: s.intToF32, read: asU32, write: toBits },
  i32ToBool: { host: s.toBool, read: asI32, write: plain },
  uniform: { host: s.uniformOf, read: asU32, write: toBits },
};
