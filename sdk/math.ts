/**
 * `isobit/math`: elementary functions of plain numbers, with the same bits on every machine.
 *
 * Math.exp and its like differ between JavaScript engines, so a schedule made with them would break a run's bits. These
 * are the contract's f32 functions (N5, N10): an operand is first rounded to f32 (below 2^-125 it is 0), and the result
 * is an f32 held as a number. `+ - * /`, Math.sqrt, Math.floor, Math.min and Math.max on plain numbers are exact by
 * standard and need no replacement.
 *
 * @example
 * import { cos } from 'isobit/math';
 * const schedule = (step: number) => 0.5e-3 * (1 + cos((Math.PI * step) / 1000));
 */

import * as scalar from './core/scalar/index.ts';
import { toF32 } from './core/scalar/index.ts';

/** e^x, at most 0.991 ulp; above 88.72283 Infinity. */
export function exp(x: number): number {
  return scalar.exp(toF32(x));
}

/** Natural logarithm, at most 0.860 ulp; -Infinity at 0, NaN below. */
export function log(x: number): number {
  return scalar.log(toF32(x));
}

/** Sine of x radians, at most 0.912 ulp of the f32 operand, however large. */
export function sin(x: number): number {
  return scalar.sin(toF32(x));
}

/** Cosine of x radians, at most 0.912 ulp of the f32 operand, however large. */
export function cos(x: number): number {
  return scalar.cos(toF32(x));
}

/** Hyperbolic tangent, at most 0.829 ulp. */
export function tanh(x: number): number {
  return scalar.tanh(toF32(x));
}

/** 1 / (1 + e^-x), at most 0.944 ulp. */
export function sigmoid(x: number): number {
  return scalar.sigmoid(toF32(x));
}

/** log(1 + e^x), at most 1.70 ulp. */
export function softplus(x: number): number {
  return scalar.softplus(toF32(x));
}

/** The error function, at most 0.987 ulp. */
export function erf(x: number): number {
  return scalar.erf(toF32(x));
}

/** Square root, correctly rounded; NaN below 0. */
export function sqrt(x: number): number {
  return scalar.sqrt(toF32(x));
}

/** 1 / sqrt(x), at most 0.850 ulp; Infinity at 0, NaN below. */
export function rsqrt(x: number): number {
  return scalar.rsqrt(toF32(x));
}

/** x^y as exp(y log x), about 1 + |y ln x| ulp; NaN for x < 0 unless y is an integer. */
export function pow(x: number, y: number): number {
  return scalar.pow(toF32(x), toF32(y));
}

/** A number as the f32 that tensors hold: rounded to nearest even; below 2^-125, and -0, it is 0. */
export function f32(x: number): number {
  return toF32(x);
}
