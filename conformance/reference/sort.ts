/** argsort (N7): by the order key of N3, NaN greatest, ties by ascending index. */

import type { Attrs } from '../../sdk/core/node.ts';
import { attrNumber } from '../../sdk/core/op.ts';
import { build, coordinates, flatOf, type Value } from './value.ts';

/** Negative where a comes before b; NaN is above all numbers, and equal to itself. */
const compare = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a < b ? -1 : Number(a > b);

export function argsort(x: Value, attrs: Attrs): Value {
  const axis = attrNumber(attrs, 'axis');
  const sign = attrs.descending === true ? -1 : 1;
  const out = build(x.shape, 'i32', () => 0);
  for (let i = 0; i < x.data.length; i++) {
    const at = coordinates(i, x.shape);
    if (at[axis] !== 0) continue;
    const place = (p: number) =>
      flatOf(
        at.map((q, d) => (d === axis ? p : q)),
        x.shape,
      );
    const order = Array.from({ length: x.shape[axis] }, (_, p) => p);
    order.sort((a, b) => sign * compare(x.data[place(a)], x.data[place(b)]) || a - b);
    order.forEach((from, p) => {
      out.data[place(p)] = from;
    });
  }
  return out;
}
