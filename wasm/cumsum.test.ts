/** cumsum (N7) against plain loops: rows and columns, tails, chunks of 256, sources that run backwards. */

import { test } from 'node:test';
import { ELEMENTS } from '../sdk/engine/wasm/layout.ts';
import { assertBits, canonicalOf, edgy, Kernels, numbers, toFloat } from './harness.ts';

const k = new Kernels();
const WINDOW = 2 ** -102;

/** o + p over one list of words. */
function prefixes(list: readonly number[], elem: 'f32' | 'u32'): number[] {
  const plus = elem === 'f32' ? (a: number, b: number) => Math.fround(a + b) : (a: number, b: number) => (a + b) >>> 0;
  const leaf = (w: number) => (elem === 'u32' ? w : Math.abs(toFloat(w)) < WINDOW ? 0 : toFloat(w));
  let [o, p] = [0, 0];
  return list.map((w, i) => {
    if (i > 0 && i % 256 === 0) [o, p] = [plus(o, p), 0];
    p = plus(p, leaf(w));
    return elem === 'f32' ? canonicalOf(plus(o, p)) : plus(o, p);
  });
}

test('prefixes of [outer, n, inner], forwards and backwards', () => {
  for (const [outer, n, inner] of [
    [1, 1, 1],
    [3, 255, 1],
    [2, 256, 1],
    [2, 257, 1],
    [1, 1000, 1],
    [2, 70, 2],
    [2, 300, 7],
    [1, 5, 256],
    [2, 260, 259],
    [1, 600, 519],
  ]) {
    for (const elem of ['f32', 'u32'] as const) {
      for (const backwards of [false, true]) {
        k.clear();
        // Numbers of all sizes, and edges; Inf and NaN meet in some of them.
        const src = (inner % 2 ? numbers : edgy)(outer * n * inner, n + inner);
        const expected = new Uint32Array(src.length);
        for (let o = 0; o < outer; o++) {
          for (let j = 0; j < inner; j++) {
            const at = (i: number) => (o * n + i) * inner + j;
            const list = Array.from({ length: n }, (_, i) => src[at(backwards ? n - 1 - i : i)]);
            prefixes(list, elem).forEach((w, i) => {
              expected[at(i)] = w;
            });
          }
        }
        const from = k.put(src) + (backwards ? 4 * (n - 1) * inner : 0);
        const dst = k.alloc(src.length);
        const words = [ELEMENTS[elem], outer, n, inner, from, n * inner, backwards ? -inner : inner, dst];
        k.run({ kind: 'cumsum', words });
        assertBits(k.get(dst, src.length), expected, `${outer} ${n} ${inner} ${elem} ${backwards}`, elem === 'f32');
      }
    }
  }
});
