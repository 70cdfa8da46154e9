/** Windows that slide over the last axes: the strided view that convolution and pooling are made of, and its padding. */

import { apply } from '../build.ts';
import type { Attrs, Node } from '../node.ts';
import { attrNumbers, type Op } from '../op.ts';
import { type PadSpec, pad, type Range, slice } from './move.ts';

/** One axis: tap k of window o is element start + k*tap + o*stride, for `taps` taps and `count` windows. */
export interface Slide {
  readonly start: number;
  readonly tap: number;
  readonly taps: number;
  readonly stride: number;
  readonly count: number;
}

/** [.., D..] gives [.., taps.., count..]. Windows may overlap, so it has no derivative of its own: only composites expand to it. */
export const WINDOWS: Op = {
  name: 'windows',
  kind: 'view',
  infer([x], attrs) {
    const [taps, count] = ['taps', 'count'].map((k) => attrNumbers(attrs, k));
    return { shape: [...x.shape.slice(0, -taps.length), ...taps, ...count], dtype: x.dtype };
  },
};

export const windows = (x: Node, axes: readonly Slide[]): Node =>
  apply(WINDOWS, [x], {
    start: axes.map((a) => a.start),
    tap: axes.map((a) => a.tap),
    taps: axes.map((a) => a.taps),
    stride: axes.map((a) => a.stride),
    count: axes.map((a) => a.count),
  });

/** Pads the last axes; a negative pad takes elements away. */
export function frame(x: Node, spec: readonly PadSpec[], value = 0): Node {
  const lead = x.shape.length - spec.length;
  const whole = Array.from({ length: lead }, (): PadSpec => [0, 0]);
  const grown = spec.map(([low, high, gap = 0]): PadSpec => [Math.max(0, low), Math.max(0, high), gap]);
  const y = pad(x, [...whole, ...grown], value);
  return slice(y, [
    ...whole.map((): Range => null),
    ...spec.map(([low, high], i): Range => [Math.max(0, -low), y.shape[lead + i] - Math.max(0, -high)]),
  ]);
}

/** Where windows lie on one axis of `size` elements, padded on both sides. */
export interface Sliding {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly low: number;
  readonly high: number;
}

/** As an attribute of an op, and back. */
export const toAttrs = (axes: readonly Sliding[]): Attrs => ({
  axes: axes.map((a) => [a.size, a.kernel, a.stride, a.dilation, a.low, a.high]),
});
export const fromAttrs = ({ axes }: Attrs): Sliding[] =>
  (axes as readonly (readonly number[])[]).map(([size, kernel, stride, dilation, low, high]) => ({
    size,
    kernel,
    stride,
    dilation,
    low,
    high,
  }));

/** Elements that a window spans. */
export const span = (a: Sliding): number => a.dilation * (a.kernel - 1) + 1;
/** Windows on the axis. */
export const places = (a: Sliding): number => Math.floor((a.size + a.low + a.high - span(a)) / a.stride) + 1;

/** The padded axis as windows see it. */
export const slides = (axes: readonly Sliding[]): Slide[] =>
  axes.map((a) => ({ start: 0, tap: a.dilation, taps: a.kernel, stride: a.stride, count: places(a) }));

/**
 * The other way: what the windows gave, put so that tap k of window p is what reached element p by tap k: the value of the
 * output o with p = o*stride - low + k*dilation, or the fill value where there is none.
 */
export const spread = (z: Node, axes: readonly Sliding[], value = 0): Node =>
  frame(
    z,
    axes.map((a): PadSpec => {
      const length = (places(a) - 1) * a.stride + 1;
      return [span(a) - 1 - a.low, a.size + a.low - length, a.stride - 1];
    }),
    value,
  );
export const backSlides = (axes: readonly Sliding[]): Slide[] =>
  axes.map((a) => ({ start: span(a) - 1, tap: -a.dilation, taps: a.kernel, stride: 1, count: a.size }));
