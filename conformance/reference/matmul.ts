/** matmul (N6). Mode f32: the load window, chunks of 256 along k, every product and sum rounded by itself. Mode int8: i32 sums. */

import type { Attrs } from '../../sdk/core/node.ts';
import { C, W } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { build, stretchedTo, type Value } from './value.ts';

const f = Math.fround;
const CHUNK = 256;

/** An operand as the window of loads leaves it. */
export const loaded = (x: Value): Value => ({ ...x, data: Float32Array.from(x.data, W) });

/** One output from its terms 0 .. n-1: exact products of loaded factors, for which a double has room. */
export function contract(n: number, term: (k: number) => number): number {
  let total = 0;
  for (let start = 0; start < n; start += CHUNK) {
    let acc = 0;
    const end = Math.min(n, start + CHUNK);
    for (let k = start; k < end; k++) acc = f(acc + f(term(k)));
    total = start === 0 ? acc : f(total + acc);
  }
  return C(total);
}

/** i32 products, added modulo 2^32. */
function dot(n: number, term: (k: number) => number): number {
  let acc = 0;
  for (let k = 0; k < n; k++) acc = (acc + term(k)) | 0;
  return acc;
}

export function matmul(a: Value, b: Value, attrs: Attrs, shape: Shape): Value {
  const ta = attrs.transposeA === true;
  const tb = attrs.transposeB === true;
  const [m, n] = shape.slice(-2);
  const depth = a.shape[a.shape.length - (ta ? 2 : 1)];
  const integers = a.dtype === 'i8';
  const { data: x } = integers ? a : loaded(a);
  const { data: y } = integers ? b : loaded(b);
  const sum = integers ? dot : contract;
  const lead = shape.length - 2;
  const [di, dk, ek, ej] = [ta ? 1 : depth, ta ? m : 1, tb ? 1 : n, tb ? depth : 1];
  return build(shape, integers ? 'i32' : 'f32', (at) => {
    const left = stretchedTo(a.shape, at, lead) * m * depth + at[lead] * di;
    const right = stretchedTo(b.shape, at, lead) * depth * n + at[lead + 1] * ej;
    return sum(depth, (k) => x[left + k * dk] * y[right + k * ek]);
  });
}
