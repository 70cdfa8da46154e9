/** Sums in the order of N7, max and argmax; the oracles follow the text, one number at a time. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ELEMENTS } from '../sdk/engine/wasm/layout.ts';
import {
  assertBits,
  type Bits,
  canonicalOf,
  edgy,
  isNaNBits,
  Kernels,
  noise,
  numbers,
  toBits,
  toFloat,
} from './harness.ts';

const k = new Kernels();

/** R of N7: with the load rule at the leaves only. */
function R(list: ArrayLike<number>, leaves = true): number {
  if (list.length > 2048) {
    const chunks: number[] = [];
    for (let i = 0; i < list.length; i += 2048) {
      chunks.push(R(Array.prototype.slice.call(list, i, i + 2048), leaves));
    }
    return R(chunks, false);
  }
  const v = new Float32Array(64);
  for (let i = 0; i < list.length; i++) {
    const x = leaves && Math.abs(list[i]) < 2 ** -102 ? 0 : list[i];
    v[i & 63] = Math.fround(v[i & 63] + x);
  }
  for (let s = 32; s >= 1; s /= 2) for (let i = 0; i < s; i++) v[i] = Math.fround(v[i] + v[i + s]);
  return v[0];
}

type Fold = (list: Bits) => number;
const sumOf: Fold = (list) => toBits(R(Float32Array.from(list, toFloat)));
const wrapOf: Fold = (list) => list.reduce((a, b) => (a + b) >>> 0, 0);
const greater = (elem: keyof typeof ELEMENTS, a: number, b: number): boolean => {
  if (elem === 'i32') return (a | 0) > (b | 0);
  if (elem === 'u32') return a > b;
  if (isNaNBits(b)) return false;
  return isNaNBits(a) || toFloat(a) > toFloat(b);
};
const argmaxOf =
  (elem: keyof typeof ELEMENTS): Fold =>
  (list) =>
    list.reduce((best, x, i) => (greater(elem, x, list[best]) ? i : best), 0);
const maxOf =
  (elem: keyof typeof ELEMENTS): Fold =>
  (list) => {
    const x = list[argmaxOf(elem)(list)];
    return elem === 'f32' && isNaNBits(x) ? 0x7fc00000 : x;
  };

/** The fold of every list along the middle dimension. */
function fold(a: Bits, outer: number, n: number, inner: number, oracle: Fold): Bits {
  return Uint32Array.from({ length: outer * inner }, (_, t) => {
    const start = Math.floor(t / inner) * n * inner + (t % inner);
    return oracle(Uint32Array.from({ length: n }, (_, i) => a[start + i * inner]));
  });
}

interface Case {
  kind: 'sum' | 'max' | 'argmax';
  elem: keyof typeof ELEMENTS;
  shape: [outer: number, n: number, inner: number];
  data: Bits;
  oracle: Fold;
}

/** From memory, then as the result of a program: both must give the oracle's bits. */
function check({ kind, elem, shape, data, oracle }: Case): void {
  const [outer, n, inner] = shape;
  const expected = fold(data, outer, n, inner, oracle);
  const what = `${kind} ${elem} [${shape}]`;
  k.clear();
  const src = k.put(data);
  const dst = k.alloc(outer * inner);
  k.run({ kind, words: [ELEMENTS[elem], 0, src, outer, n, inner, dst, 0] });
  assertBits(k.get(dst, outer * inner), expected, what, true);
  const again = k.alloc(outer * inner);
  const register = k.register(3);
  const prog = k.program(outer * n * inner, [], [{ op: 'copy', dst: register, a: { at: src, step: 4 } }]);
  k.run({ kind, words: [ELEMENTS[elem], prog, register.at, outer, n, inner, again, 0] });
  assertBits(k.get(again, outer * inner), expected, `${what} of a program`, true);
}

const LENGTHS = [...Array(131).keys(), 255, 256, 257, 319, 320, 2047, 2048, 2049, 2050, 4096, 5000];

test('rows are summed as R says', () => {
  for (const n of LENGTHS) {
    const outer = n < 300 ? 5 : 2;
    check({ kind: 'sum', elem: 'f32', shape: [outer, n, 1], data: numbers(outer * n, n), oracle: sumOf });
  }
});

test('columns are summed as R says', () => {
  for (const n of LENGTHS) {
    const widths = n > 2048 ? [2, 70] : n > 130 ? [3, 17] : n % 7 === 0 ? [2, 64, 256, 257] : [3, 10, 129];
    for (const inner of widths) {
      const outer = inner < 20 ? 2 : 1;
      check({ kind: 'sum', elem: 'f32', shape: [outer, n, inner], data: numbers(outer * n * inner, n), oracle: sumOf });
    }
  }
});

test('sums at the edges of the load rule, of overflow and with NaN', () => {
  for (const n of [1, 3, 5, 9, 17, 40, 65, 200, 3000]) {
    for (let seed = 0; seed < 6; seed++) {
      check({ kind: 'sum', elem: 'f32', shape: [4, n, 1], data: edgy(4 * n, seed), oracle: sumOf });
      check({ kind: 'sum', elem: 'f32', shape: [1, n, 4], data: edgy(4 * n, seed), oracle: sumOf });
    }
  }
  const tiny = (n: number): Bits => {
    const next = noise(n);
    return Uint32Array.from({ length: n }, () => ((next() & 0x80000000) | (0x0c000000 + (next() & 0x1ffffff))) >>> 0);
  };
  for (const n of [4, 30, 64, 1000, 2500]) {
    check({ kind: 'sum', elem: 'f32', shape: [3, n, 1], data: tiny(3 * n), oracle: sumOf });
    check({ kind: 'sum', elem: 'f32', shape: [1, n, 3], data: tiny(3 * n), oracle: sumOf });
  }
});

test('a list of more than 2048 chunks goes up a level', () => {
  const n = 2048 * 2048 + 5;
  const data = numbers(n, 3);
  const expected = Uint32Array.of(sumOf(data));
  k.clear();
  const src = k.put(data);
  const dst = k.alloc(1);
  k.run({ kind: 'sum', words: [ELEMENTS.f32, 0, src, 1, n, 1, dst, 0] });
  assertBits(k.get(dst, 1), expected, 'row');
  // The same list in column 0 of two, where it is twice as long in memory.
  k.clear();
  const two = new Uint32Array(2 * n);
  for (let i = 0; i < n; i++) two[2 * i] = data[i];
  const column = k.put(two);
  const both = k.alloc(2);
  k.run({ kind: 'sum', words: [ELEMENTS.f32, 0, column, 1, n, 2, both, 0] });
  assertBits(k.get(both, 2), Uint32Array.of(expected[0], 0), 'column');
});

test('known sums of 1/(i+1)', () => {
  for (const [n, bits] of [
    [10, 0x403b7438],
    [100, 0x40a5ff00],
    [5000, 0x4111831c],
  ]) {
    k.clear();
    const src = k.put(Uint32Array.from({ length: n }, (_, i) => canonicalOf(1 / (i + 1))));
    const dst = k.alloc(1);
    k.run({ kind: 'sum', words: [ELEMENTS.f32, 0, src, 1, n, 1, dst, 0] });
    assertBits(k.get(dst, 1), Uint32Array.of(bits), `n = ${n}`);
  }
});

test('integer sums wrap', () => {
  const next = noise(8);
  for (const elem of ['i32', 'u32'] as const) {
    for (const n of [0, 1, 3, 4, 7, 64, 255, 256, 257, 1000]) {
      for (const inner of [1, 2, 5, 64, 300]) {
        const data = Uint32Array.from({ length: 2 * n * inner }, next);
        check({ kind: 'sum', elem, shape: [2, n, inner], data, oracle: wrapOf });
      }
    }
  }
});

test('max and argmax: ties take the first, NaN wins', () => {
  for (const elem of ['f32', 'i32', 'u32'] as const) {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 10, 63, 64, 65, 255, 256, 257, 600]) {
      for (const inner of [1, 2, 3, 10, 256, 259]) {
        if (n * inner > 40000) continue;
        const next = noise(n + inner);
        const ties = Uint32Array.from({ length: 3 * n * inner }, () => toBits((next() % 5) - 2));
        const wild = elem === 'f32' ? edgy(3 * n * inner, n) : Uint32Array.from({ length: 3 * n * inner }, next);
        const calm = numbers(3 * n * inner, n);
        for (const data of [ties, wild, calm]) {
          check({ kind: 'max', elem, shape: [3, n, inner], data, oracle: maxOf(elem) });
          check({ kind: 'argmax', elem, shape: [3, n, inner], data, oracle: argmaxOf(elem) });
        }
      }
    }
  }
});

test('the least values of all are found', () => {
  for (const [elem, least] of [
    ['f32', 0xff800000],
    ['i32', 0x80000000],
    ['u32', 0],
  ] as const) {
    for (const inner of [1, 3]) {
      const data = new Uint32Array(9 * inner).fill(least);
      check({ kind: 'max', elem, shape: [1, 9, inner], data, oracle: () => least });
      check({ kind: 'argmax', elem, shape: [1, 9, inner], data, oracle: () => 0 });
    }
  }
});

test('NaN of any pattern in a register is the greatest', () => {
  k.clear();
  const register = k.register(0);
  const src = k.put([0x3f800000, 0xffffffff, 0x7f800000, 0x7fc00000]);
  const prog = k.program(4, [], [{ op: 'copy', dst: register, a: { at: src, step: 4 } }]);
  const dst = k.alloc(2);
  k.run(
    { kind: 'max', words: [ELEMENTS.f32, prog, register.at, 1, 4, 1, dst, 0] },
    { kind: 'argmax', words: [ELEMENTS.f32, prog, register.at, 1, 4, 1, dst + 4, 0] },
  );
  assertBits(k.get(dst, 2), Uint32Array.of(0x7fc00000, 1), 'max, argmax');
});

test('an epilogue sees the finished outputs', () => {
  for (const inner of [1, 300]) {
    for (const kind of ['sum', 'max'] as const) {
      k.clear();
      const [outer, n] = [inner === 1 ? 300 : 2, 7];
      const data = numbers(outer * n * inner, 1);
      const out = { at: k.alloc(outer * inner), step: 4 } as const;
      const half = k.register(9);
      const setup = [{ op: 'fill', dst: half, a: { at: toBits(0.5), step: 0 } }] as const;
      const epilogue = k.program(outer * inner, setup, [{ op: 'mul_f', dst: out, a: out, b: half }]);
      k.run({ kind, words: [ELEMENTS.f32, 0, k.put(data), outer, n, inner, out.at, epilogue] });
      const expected = fold(data, outer, n, inner, kind === 'sum' ? sumOf : maxOf('f32'));
      assertBits(
        k.get(out.at, outer * inner),
        expected.map((x) => canonicalOf(toFloat(x) / 2)),
        `${kind}, inner ${inner}`,
      );
    }
  }
});

test('a program before a sum may read patterns and constants', () => {
  k.clear();
  const [outer, n, inner] = [3, 70, 5];
  const data = numbers(outer * n * inner, 2);
  const scale = numbers(inner, 3);
  const [r0, r1, r2] = [0, 1, 2].map((i) => k.register(i));
  const setup = [{ op: 'splat', dst: r0, a: { at: k.put([toBits(0.25)]), step: 0 } }] as const;
  const rows = [
    { op: 'load', dst: r1, a: { at: k.put(scale), step: 0 }, extra: k.pattern([outer * n, inner], [0, 1]) },
    { op: 'mul_f', dst: r2, a: { at: k.put(data), step: 4 }, b: r1 },
    { op: 'add_f', dst: r2, a: r2, b: r0 },
  ] as const;
  const prog = k.program(outer * n * inner, setup, rows);
  const dst = k.alloc(outer * inner);
  k.run({ kind: 'sum', words: [ELEMENTS.f32, prog, r2.at, outer, n, inner, dst, 0] });
  const mapped = data.map((x, i) => canonicalOf(Math.fround(toFloat(x) * toFloat(scale[i % inner])) + 0.25));
  assertBits(k.get(dst, outer * inner), fold(mapped, outer, n, inner, sumOf), 'sum');
  assert.notEqual(k.get(dst, 1)[0], 0);
});
