/** matmul, mode f32 (N6): the load window, chunks of 256 along k, every product and sum rounded by itself. */

import type { Attrs } from '../../sdk/core/node.ts';
import { C, W } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { build, get, type Value } from './value.ts';

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

export function matmul(a: Value, b: Value, attrs: Attrs, shape: Shape): Value {
  const ta = attrs.transposeA === true;
  const tb = attrs.transposeB === true;
  const depth = a.shape[a.shape.length - (ta ? 2 : 1)];
  return build(shape, 'f32', (at) => {
    const [i, j] = at.slice(-2);
    const batch = at.slice(0, -2);
    // Batch axes are aligned from the right; one of size 1 serves all.
    const side = (x: Value) => {
      const own = x.shape.slice(0, -2);
      return own.map((d, p) => (d === 1 ? 0 : batch[batch.length - own.length + p]));
    };
    const [left, right] = [side(a), side(b)];
    return contract(depth, (k) => [
      get(a, [...left, ...(ta ? [k, i] : [i, k])]),
      get(b, [...right, ...(tb ? [j, k] : [k, j])]),
    ]);
  });
}
