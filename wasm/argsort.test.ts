/** argsort (N7) against a stable sort of the host: short and long lists, ties, all patterns, strided lists, both directions. */

import { test } from 'node:test';
import { ELEMENTS } from '../sdk/engine/wasm/layout.ts';
import { assertBits, edgy, isNaNBits, Kernels, noise } from './harness.ts';

const k = new Kernels();

const keyOf = (elem: keyof typeof ELEMENTS, u: number): number => {
  if (elem === 'u32') return u;
  if (elem === 'i32') return u | 0;
  return isNaNBits(u) ? 0x7fffffff : (u ^ ((u >> 31) & 0x7fffffff)) | 0;
};

test('positions of [outer, n, inner]', () => {
  for (const [outer, n, inner] of [
    [1, 1, 1],
    [3, 2, 1],
    [2, 31, 2],
    [2, 32, 1],
    [2, 33, 3],
    [1, 300, 1],
    [2, 2000, 2],
  ]) {
    for (const elem of ['f32', 'i32', 'u32'] as const) {
      for (const descending of [false, true]) {
        for (const few of [false, true]) {
          k.clear();
          const next = noise(n);
          // NaN of any pattern: what a kernel has made is not canonical.
          const any = edgy(outer * n * inner, n).map((u, i) => (i % 9 === 5 ? [0xffc00000, 0x7f800001][i & 1] : u));
          // Few different values, alike in all bytes but one: ties, and passes that change nothing.
          const src = few ? any.map(() => ((next() % 7) << 16) | 0x3f000000) : any;
          const expected = new Uint32Array(src.length);
          for (let o = 0; o < outer; o++) {
            for (let j = 0; j < inner; j++) {
              const at = (i: number) => (o * n + i) * inner + j;
              const key = (i: number) => keyOf(elem, src[at(n - 1 - i)]);
              const order = Array.from({ length: n }, (_, i) => i);
              order.sort((a, b) => (descending ? key(b) - key(a) : key(a) - key(b)) || a - b);
              order.forEach((from, i) => {
                expected[at(i)] = from;
              });
            }
          }
          const dst = k.alloc(src.length);
          // Lists are read backwards.
          const from = k.put(src) + 4 * (n - 1) * inner;
          const strides = [n * inner, -inner, 1];
          const words = [ELEMENTS[elem], Number(descending), outer, n, inner, from, ...strides, dst, k.alloc(4 * n)];
          k.run({ kind: 'argsort', words });
          assertBits(k.get(dst, src.length), expected, `${outer} ${n} ${inner} ${elem} ${descending} ${few}`);
        }
      }
    }
  }
});
