/** Convolution and its two gradients (N6), straight from the numbering of k. Attributes: one row an axis, and the groups. */

import type { Attrs } from '../../sdk/core/node.ts';
import { attrNumber } from '../../sdk/core/op.ts';
import { narrow } from '../../sdk/core/scalar/index.ts';
import { type Shape, sizeOf } from '../../sdk/core/shape.ts';
import { contract, loaded } from './matmul.ts';
import { build, coordinates, get, type Value } from './value.ts';

/** [size, kernel, stride, dilation, low, high] of each axis. */
export const axesOf = (attrs: Attrs) =>
  attrs.axes as readonly (readonly [number, number, number, number, number, number])[];

/** The coordinates of every place of a shape, in row-major order. */
export const allOf = (shape: Shape): number[][] =>
  Array.from({ length: sizeOf(shape) }, (_, k) => coordinates(k, shape));

/** x at some spatial place; what lies outside is +0. */
export function element(x: Value, n: number, c: number, at: readonly number[]): number {
  return at.every((p, i) => p >= 0 && p < x.shape[i + 2]) ? get(x, [n, c, ...at]) : 0;
}

/** A loaded operand, in the mode that the attributes name. */
export const rounded = (x: Value, { precision }: Attrs): Value =>
  loaded(
    precision
      ? { ...x, data: Float32Array.from(x.data, (v) => narrow(v, precision === 'high' ? 0x1000 : 0x10000)) }
      : x,
  );

export function conv(x: Value, w: Value, attrs: Attrs, shape: Shape): Value {
  const axes = axesOf(attrs);
  const [, own, ...kernel] = w.shape;
  const outputs = w.shape[0] / attrNumber(attrs, 'groups');
  const taps = sizeOf(kernel);
  const all = allOf(kernel);
  return build(shape, 'f32', ([n, co, ...o]) => {
    const first = Math.floor(co / outputs) * own;
    return contract(own * taps, (k) => {
      const ci = Math.floor(k / taps);
      const tap = all[k % taps];
      const at = axes.map(([, , stride, dilation, low], i) => o[i] * stride - low + tap[i] * dilation);
      return get(w, [co, ci, ...tap]) * element(x, n, first + ci, at);
    });
  });
}

export function convInput(g: Value, w: Value, attrs: Attrs, shape: Shape): Value {
  const axes = axesOf(attrs);
  const [, own, ...kernel] = w.shape;
  const outputs = w.shape[0] / attrNumber(attrs, 'groups');
  const taps = sizeOf(kernel);
  const all = allOf(kernel);
  return build(shape, 'f32', ([n, c, ...p]) => {
    const first = Math.floor(c / own) * outputs;
    return contract(outputs * taps, (k) => {
      const co = first + Math.floor(k / taps);
      const tap = all[k % taps];
      // The output that this tap of its window takes the element to, if there is one.
      const at = axes.map(([, , stride, dilation, low], i) => (p[i] + low - tap[i] * dilation) / stride);
      return get(w, [co, c % own, ...tap]) * (at.every(Number.isInteger) ? element(g, n, co, at) : 0);
    });
  });
}

export function convWeight(x: Value, g: Value, attrs: Attrs, shape: Shape): Value {
  const axes = axesOf(attrs);
  const [batch, , ...out] = g.shape;
  const [, own] = shape;
  const outputs = shape[0] / attrNumber(attrs, 'groups');
  const places = sizeOf(out);
  const all = allOf(out);
  return build(shape, 'f32', ([co, ci, ...tap]) => {
    const c = Math.floor(co / outputs) * own + ci;
    return contract(batch * places, (k) => {
      const n = Math.floor(k / places);
      const o = all[k % places];
      const at = axes.map(([, , stride, dilation, low], i) => o[i] * stride - low + tap[i] * dilation);
      return element(x, n, c, at) * get(g, [n, co, ...o]);
    });
  });
}
