/** Pooling (N7): the largest of a window and its tap, sums over windows, and what they send back (N12). */

import type { Attrs } from '../../sdk/core/node.ts';
import { max as larger } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { allOf, axesOf, element } from './conv.ts';
import { R } from './reduce.ts';
import { build, get, type Value } from './value.ts';

/** The taps of a window, in order. */
const tapsOf = (attrs: Attrs): number[][] => allOf(axesOf(attrs).map(([, kernel]) => kernel));
/** Where a tap of a window lies. */
const placeOf = (attrs: Attrs, o: readonly number[], tap: readonly number[]): number[] =>
  axesOf(attrs).map(([, , stride, dilation, low], i) => o[i] * stride - low + tap[i] * dilation);

/** The elements of any window with their taps, in order, without padding. */
function windows(x: Value, attrs: Attrs): (at: readonly number[]) => [tap: number, v: number][] {
  const taps = tapsOf(attrs);
  return ([n, c, ...o]) =>
    taps.flatMap((tap, k): [number, number][] => {
      const at = placeOf(attrs, o, tap);
      return at.every((p, i) => p >= 0 && p < x.shape[i + 2]) ? [[k, get(x, [n, c, ...at])]] : [];
    });
}

export function maxPool(x: Value, attrs: Attrs, shape: Shape): Value {
  const of = windows(x, attrs);
  return build(shape, 'f32', (at) => {
    const list = of(at).map(([, v]) => v);
    return list.reduce((a, b) => larger(a, b));
  });
}

/** The first tap that has the largest; NaN is the largest. */
export function poolIndex(x: Value, attrs: Attrs, shape: Shape): Value {
  const of = windows(x, attrs);
  return build(shape, 'i32', (at) => {
    const list = of(at);
    const most = list.map(([, v]) => v).reduce((a, b) => larger(a, b));
    return list.find(([, v]) => v === most || Number.isNaN(v))![0];
  });
}

export function poolSum(x: Value, index: Value | undefined, attrs: Attrs, shape: Shape): Value {
  const taps = tapsOf(attrs);
  return build(shape, 'f32', (at) => {
    const [n, c, ...o] = at;
    const named = index && get(index, at);
    return R(taps.map((tap, k) => (named === undefined || named === k ? element(x, n, c, placeOf(attrs, o, tap)) : 0)));
  });
}

export function poolSpread(g: Value, index: Value | undefined, attrs: Attrs, shape: Shape): Value {
  const taps = tapsOf(attrs);
  return build(shape, 'f32', ([n, c, ...p]) =>
    R(
      taps.map((tap, k) => {
        const o = axesOf(attrs).map(([, , stride, dilation, low], i) => (p[i] + low - tap[i] * dilation) / stride);
        if (!o.every((q, i) => Number.isInteger(q) && q >= 0 && q < g.shape[i + 2])) return 0;
        return index && get(index, [n, c, ...o]) !== k ? 0 : get(g, [n, c, ...o]);
      }),
    ),
  );
}
