/** reshape permute broadcast slice pad concat: where each element of the result comes from. */

import type { Attrs } from '../../sdk/core/node.ts';
import { attrNumber, attrNumbers } from '../../sdk/core/op.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { build, get, stretched, type Value } from './value.ts';

export const reshape = (x: Value, shape: Shape): Value => ({ ...x, shape });

/** Result axis i is input axis axes[i]. */
export function permute(x: Value, attrs: Attrs, shape: Shape): Value {
  const axes = attrNumbers(attrs, 'axes');
  return build(shape, x.dtype, (at) => {
    const from = new Array<number>(at.length);
    for (let i = 0; i < at.length; i++) from[axes[i]] = at[i];
    return get(x, from);
  });
}

export const broadcast = (x: Value, shape: Shape): Value => build(shape, x.dtype, (at) => stretched(x, at));

export function slice(x: Value, attrs: Attrs, shape: Shape): Value {
  const starts = attrNumbers(attrs, 'starts');
  const steps = attrNumbers(attrs, 'steps');
  return build(shape, x.dtype, (at) =>
    get(
      x,
      at.map((p, i) => starts[i] + p * steps[i]),
    ),
  );
}

/** `low` before, `interior` between and the rest behind the elements of each axis is the fill value. */
export function pad(x: Value, attrs: Attrs, shape: Shape): Value {
  const low = attrNumbers(attrs, 'low');
  const interior = attrNumbers(attrs, 'interior');
  const fill = attrNumber(attrs, 'value');
  return build(shape, x.dtype, (at) => {
    const from = at.map((p, i) => (p - low[i]) / (interior[i] + 1));
    return from.every((p, i) => Number.isInteger(p) && p >= 0 && p < x.shape[i]) ? get(x, from) : fill;
  });
}

export function concat(parts: readonly Value[], attrs: Attrs, shape: Shape): Value {
  const axis = attrNumber(attrs, 'axis');
  return build(shape, parts[0].dtype, (at) => {
    let p = at[axis];
    let k = 0;
    while (p >= parts[k].shape[axis]) p -= parts[k++].shape[axis];
    return get(
      parts[k],
      at.map((q, i) => (i === axis ? p : q)),
    );
  });
}

/** [.., taps.., count..] of [.., D..]. */
export function windows(x: Value, attrs: Attrs, shape: Shape): Value {
  const [start, tap, stride] = ['start', 'tap', 'stride'].map((k) => attrNumbers(attrs, k));
  const lead = x.shape.length - start.length;
  return build(shape, x.dtype, (at) =>
    get(x, [
      ...at.slice(0, lead),
      ...start.map((s, i) => s + at[lead + i] * tap[i] + at[lead + start.length + i] * stride[i]),
    ]),
  );
}
