/** matmul (N6). Mode f32: the load window, chunks of 256 along k, every product and sum rounded by itself. Mode int8: i32 sums. */

import type { Attrs } from '../../sdk/core/node.ts';
import { C, W } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { build, flatOf, type Value } from './value.ts';

const f = Math.fround;
const CHUNK = 256;

/** One output from its terms 0 .. n-1. */
export function contract(n: number, term: (k: number) => readonly [a: number, b: number]): number {
  let total = 0;
  for (let start = 0; start < n; start += CHUNK) {
    let acc = 0;
    for (let k = start; k < Math.min(n, start + CHUNK); k++) {
      const [a, b] = term(k);
      acc = f(acc + f(W(a) * W(b)));
    }
    total = start === 0 ? acc : f(total + acc);
  }
  return C(total);
}

/** i32 products, added modulo 2^32. */
function dot(n: number, term: (k: number) => readonly [a: number, b: number]): number {
  let acc = 0;
  for (let k = 0; k < n; k++) {
    const [a, b] = term(k);
    acc = (acc + a * b) | 0;
  }
  return acc;
}

export function matmul(a: Value, b: Value, attrs: Attrs, shape: Shape): Value {
  const ta = attrs.transposeA === true;
  const tb = attrs.transposeB === true;
  const [m, n] = shape.slice(-2);
  const depth = a.shape[a.shape.length - (ta ? 2 : 1)];
  const integers = a.dtype === 'i8';
  return build(shape, integers ? 'i32' : 'f32', (at) => {
    const [i, j] = at.slice(-2);
    const left = matrixAt(a, at) * m * depth;
    const right = matrixAt(b, at) * depth * n;
    const term = (k: number): readonly [number, number] => [
      a.data[left + (ta ? k * m + i : i * depth + k)],
      b.data[right + (tb ? j * depth + k : k * n + j)],
    ];
    return integers ? dot(depth, term) : contract(depth, term);
  });
}

/** Which of an operand's matrices serves an output: batch axes are aligned from the right, and one of size 1 serves all. */
function matrixAt(x: Value, at: readonly number[]): number {
  const own = x.shape.slice(0, -2);
  const lead = at.length - 2 - own.length;
  return flatOf(
    own.map((d, p) => (d === 1 ? 0 : at[lead + p])),
    own,
  );
}
