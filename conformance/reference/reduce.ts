/** sum max argmax cumsum (N7). */

import type { Attrs } from '../../sdk/core/node.ts';
import { attrNumber, attrNumbers } from '../../sdk/core/op.ts';
import { add, addI32, addU32, max as larger, leaf } from '../../sdk/core/scalar/index.ts';
import { type Shape, sizeOf } from '../../sdk/core/shape.ts';
import { build, coordinates, flatOf, get, type Value } from './value.ts';

const LANES = 64;
const CHUNK = 2048;

/** R of N7: the load rule once, at the leaves. */
export function R(list: ArrayLike<number>): number {
  return tree(Array.from(list, leaf));
}

function tree(list: readonly number[]): number {
  if (list.length > CHUNK) {
    const parts: number[] = [];
    for (let i = 0; i < list.length; i += CHUNK) parts.push(tree(list.slice(i, i + CHUNK)));
    return tree(parts);
  }
  const lanes = new Array<number>(LANES).fill(0);
  for (let i = 0; i < list.length; i++) lanes[i % LANES] = add(lanes[i % LANES], list[i]);
  for (let s = LANES / 2; s >= 1; s /= 2) {
    for (let i = 0; i < s; i++) lanes[i] = add(lanes[i], lanes[i + s]);
  }
  return lanes[0];
}

const SUMS = {
  f32: R,
  i32: (list: readonly number[]) => list.reduce(addI32, 0),
  u32: (list: readonly number[]) => list.reduce(addU32, 0),
};

const largest = (list: readonly number[]): number => list.reduce((a, b) => larger(a, b));

/** The lowest position that attains the largest; NaN is the greatest. */
function winner(list: readonly number[]): number {
  const m = largest(list);
  return list.findIndex((v) => v === m || (Number.isNaN(m) && Number.isNaN(v)));
}

/** Each output's list is the reduced axes in ascending order, row-major by logical index. */
export function reduce(name: 'sum' | 'max' | 'argmax', x: Value, attrs: Attrs, shape: Shape): Value {
  const axes = attrNumbers(attrs, 'axes');
  const inner = axes.map((a) => x.shape[a]);
  const n = sizeOf(inner);
  const f = name === 'sum' ? SUMS[x.dtype as 'f32' | 'i32' | 'u32'] : name === 'max' ? largest : winner;
  return build(shape, name === 'argmax' ? 'i32' : x.dtype, (at) => {
    const list: number[] = [];
    for (let k = 0; k < n; k++) {
      const of = coordinates(k, inner);
      let kept = 0;
      const from = x.shape.map((_, i) => (axes.includes(i) ? of[axes.indexOf(i)] : at[kept++]));
      list.push(get(x, from));
    }
    return f(list);
  });
}

/** Chunks of 256 are summed from +0; an element is what lies before its chunk plus its chunk so far. */
function prefixes(list: readonly number[], plus: (a: number, b: number) => number): number[] {
  const out: number[] = [];
  let before = 0;
  for (let c = 0; c < list.length; c += 256) {
    let p = 0;
    for (const v of list.slice(c, c + 256)) {
      p = plus(p, v);
      out.push(plus(before, p));
    }
    before = plus(before, p);
  }
  return out;
}

export function cumsum(x: Value, attrs: Attrs): Value {
  const axis = attrNumber(attrs, 'axis');
  const out = build(x.shape, x.dtype, () => 0);
  const n = x.shape[axis];
  for (let i = 0; i < x.data.length; i++) {
    const at = coordinates(i, x.shape);
    if (at[axis] !== 0) continue;
    const places = Array.from({ length: n }, (_, p) =>
      flatOf(
        at.map((q, d) => (d === axis ? p : q)),
        x.shape,
      ),
    );
    const list = places.map((p) => x.data[p]);
    const sums =
      x.dtype === 'f32' ? prefixes(list.map(leaf), add) : prefixes(list, x.dtype === 'i32' ? addI32 : addU32);
    places.forEach((p, k) => {
      out.data[p] = sums[k];
    });
  }
  return out;
}
