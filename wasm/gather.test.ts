/** gather and scatterAdd (N7) against plain loops. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ELEMENTS } from '../sdk/engine/wasm/layout.ts';
import { assertBits, type Bits, canonicalOf, edgy, Kernels, noise, numbers, toBits, toFloat } from './harness.ts';

const k = new Kernels();
type Elem = keyof typeof ELEMENTS;
type Shape = { outer: number; v: number; n: number; inner: number };

/** Which index each (o, i, j) reads: [outer, axis, inner] strides of the index operand. */
const SHARINGS = {
  full: ({ n, inner }: Shape): number[] => [n * inner, inner, 1],
  'one a row': ({ n }: Shape): number[] => [n, 1, 0],
  'one a row of all slabs': (): number[] => [0, 1, 0],
  'one for all': (): number[] => [0, 0, 0],
};

/** Mostly in range; `wrong` of 256 are not, on either side. */
function indices({ outer, v, n, inner }: Shape, wrong: number): Bits {
  const next = noise(v * n + inner);
  return Uint32Array.from({ length: outer * n * inner }, () => {
    const u = next();
    if ((u & 255) < wrong) return u & 256 ? v + (u >>> 28) : -(u >>> 28) - 1;
    return v === 0 ? 0 : (u >>> 8) % v;
  });
}

const SHAPES: Shape[] = [
  { outer: 1, v: 5, n: 7, inner: 1 },
  { outer: 16, v: 3, n: 1, inner: 1 },
  { outer: 1, v: 50, n: 20, inner: 33 },
  { outer: 3, v: 4, n: 9, inner: 6 },
  { outer: 2, v: 2, n: 200, inner: 65 },
  { outer: 1, v: 1, n: 130, inner: 4 },
  { outer: 1, v: 3, n: 5000, inner: 2 },
  { outer: 1, v: 1, n: 2049, inner: 66 },
  { outer: 2, v: 0, n: 3, inner: 2 },
];

/** R of N7 for lists of up to 2048 chunks. */
function R(list: number[], leaves = true): number {
  if (list.length > 2048) {
    const chunks: number[] = [];
    for (let i = 0; i < list.length; i += 2048) chunks.push(R(list.slice(i, i + 2048), leaves));
    return R(chunks, false);
  }
  const v = new Float32Array(64);
  list.forEach((x, i) => {
    v[i & 63] = Math.fround(v[i & 63] + (leaves && Math.abs(x) < 2 ** -102 ? 0 : x));
  });
  for (let s = 32; s >= 1; s /= 2) for (let i = 0; i < s; i++) v[i] = Math.fround(v[i] + v[i + s]);
  return v[0];
}

for (const [sharing, strides] of Object.entries(SHARINGS)) {
  test(`gather, index ${sharing}`, () => {
    for (const shape of SHAPES) {
      for (const elem of ['f32', 'i32'] as const) {
        for (const wrong of [0, 40]) {
          k.clear();
          const { outer, v, n, inner } = shape;
          const [so, sa, si] = strides(shape);
          const idx = indices(shape, wrong);
          const src = edgy(outer * v * inner, 3);
          let outside = false;
          const expected = Uint32Array.from({ length: outer * n * inner }, (_, t) => {
            const [o, i, j] = [Math.floor(t / (n * inner)), Math.floor(t / inner) % n, t % inner];
            const d = idx[o * so + i * sa + j * si];
            outside ||= d >= v;
            return d < v ? src[(o * v + d) * inner + j] : elem === 'f32' ? 0x7fc00000 : 0;
          });
          const dst = k.alloc(outer * n * inner);
          const words = [elem === 'f32' ? 0x7fc00000 : 0, outer, v, n, inner, k.put(src), k.put(idx), so, sa, si, dst];
          assert.equal(k.run({ kind: 'gather', words }), outside ? 2 : 0);
          assertBits(k.get(dst, outer * n * inner), expected, JSON.stringify(shape));
        }
      }
    }
  });

  test(`scatterAdd, index ${sharing}`, () => {
    const add = (elem: Elem, base: number, list: number[]): number => {
      if (list.length === 0) return base;
      if (elem !== 'f32') return list.reduce((x, y) => (x + y) >>> 0, base);
      return canonicalOf(toFloat(base) + R(list.map(toFloat)));
    };
    for (const shape of SHAPES) {
      for (const elem of ['f32', 'u32'] as const) {
        for (const inPlace of [false, true]) {
          k.clear();
          const { outer, v, n, inner } = shape;
          const [so, sa, si] = strides(shape);
          const idx = indices(shape, inPlace ? 40 : 0);
          const fill = n % 2 ? numbers : edgy;
          const [base, src] = [fill(outer * v * inner, 1), fill(outer * n * inner, 2)];
          const expected = Uint32Array.from(base, (x, t) => {
            const [o, d, j] = [Math.floor(t / (v * inner)), Math.floor(t / inner) % v, t % inner];
            const list: number[] = [];
            for (let i = 0; i < n; i++) {
              if (idx[o * so + i * sa + j * si] === d) list.push(src[(o * n + i) * inner + j]);
            }
            return add(elem, x, list);
          });
          const pBase = k.put(base);
          const dst = inPlace ? pBase : k.alloc(base.length);
          const scratch = k.alloc(v + 2 * n);
          const operands = [pBase, k.put(src), k.put(idx), so, sa, si, dst, scratch];
          assert.equal(k.run({ kind: 'scatterAdd', words: [ELEMENTS[elem], outer, v, n, inner, ...operands] }), 0);
          assertBits(k.get(dst, base.length), expected, JSON.stringify(shape), true);
          if (!inPlace) assertBits(k.get(pBase, base.length), base, 'base stays');
        }
      }
    }
  });
}

test('places without sources keep even a NaN; one small source is read as +0', () => {
  k.clear();
  const base = k.put([0x7fc00000, toBits(2 ** -100), 0]);
  const src = k.put([toBits(2 ** -103), toBits(2 ** -103)]);
  const idx = k.put([1, 2]);
  const dst = k.alloc(3);
  k.run({ kind: 'scatterAdd', words: [ELEMENTS.f32, 1, 3, 2, 1, base, src, idx, 0, 1, 0, dst, k.alloc(7)] });
  assertBits(k.get(dst, 3), Uint32Array.of(0x7fc00000, toBits(2 ** -100), 0), 'dst');
});
