/** The reference against the contract's printed check values, and against sums and products in doubles with stated bounds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply } from '../../sdk/core/build.ts';
import { argmin, argsort, cumsum, logSoftmax, logSumExp, min, softmax, sort, topK } from '../../sdk/core/functions.ts';
import { normal, philox, unit } from '../../sdk/core/ops/random.ts';
import { bitsOf, ofBits } from '../../sdk/core/scalar/index.ts';
import { Tensor } from '../../sdk/core/tensor.ts';
import { scatter } from '../slice.ts';
import { ReferenceGraph } from './graph.ts';
import { R } from './reduce.ts';
import { bitsAt } from './value.ts';

const f = Math.fround;
const hex = (v: number) => bitsOf(v).toString(16).padStart(8, '0');
const harmonic = (n: number) => Array.from({ length: n }, (_, i) => f(1 / (i + 1)));

test('R of 1/(i+1), as printed', () => {
  assert.equal(hex(R(harmonic(10))), '403b7438');
  assert.equal(hex(R(harmonic(100))), '40a5ff00');
  assert.equal(hex(R(harmonic(5000))), '4111831c');
  assert.equal(R([]), 0);
});

test('cumsum of 1/(i+1), as printed; its load rule is at the leaves, its chunks are of 256', () => {
  const g = new ReferenceGraph();
  const sums = (list: readonly number[]) => [...g.value(cumsum(g.tensor(list), 0)).data];
  assert.equal(hex(sums(harmonic(1000))[999]), '40ef88fb');
  const edge = ofBits(0x0c800000);
  assert.deepEqual(sums([ofBits(0x0c7fffff), edge, -ofBits(0x0c800001)]), [0, edge, -(2 ** -125)]);
  // Beside 2^24 a single 1 is lost (a tie, to even); two that meet in a chunk of their own first are not.
  const ones = (n: number) => sums([2 ** 24, ...new Array(n).fill(1)]).at(-1);
  assert.equal(ones(255), 2 ** 24);
  assert.equal(ones(256), 2 ** 24);
  assert.equal(ones(257), 2 ** 24 + 2);
});

test('min and argmin: NaN wins, of equals the first; integers to their ends', () => {
  const g = new ReferenceGraph();
  const both = (data: number[], dtype: 'f32' | 'i32' | 'u32') => {
    const x = g.tensor(data, [data.length], dtype);
    return [...g.value(min(x)).data, ...g.value(argmin(x)).data];
  };
  assert.deepEqual(both([3, -1, 0, -1], 'f32'), [-1, 1]);
  assert.deepEqual(both([-Infinity, Number.NaN, -3, Number.NaN], 'f32'), [Number.NaN, 1]);
  assert.deepEqual(both([0, 2147483647, -2147483648, -2147483648], 'i32'), [-2147483648, 2]);
  assert.deepEqual(both([2147483648, 4294967295, 7], 'u32'), [7, 2]);
  assert.throws(() => min(g.tensor([], [0])), /min: nothing to reduce/);
  assert.throws(() => argmin(g.tensor([1], [1], 'bool')), /argmin: takes f32 or i32 or u32/);
});

test('the order of elements: NaN last, or first; ties by ascending index both ways', () => {
  const g = new ReferenceGraph();
  const list = (t: Tensor) => [...g.value(t).data];
  const x = g.tensor([2, Number.NaN, -Infinity, 2, 0, Number.NaN, Infinity, -1]);
  assert.deepEqual(list(argsort(x)), [2, 7, 4, 0, 3, 6, 1, 5]);
  assert.deepEqual(list(argsort(x, 0, { descending: true })), [1, 5, 6, 0, 3, 4, 7, 2]);
  assert.deepEqual(list(sort(g.tensor([-1, 2147483647, -2147483648], [3], 'i32'))), [-2147483648, -1, 2147483647]);
  assert.deepEqual(list(sort(g.tensor([1, 4294967295, 2147483648], [3], 'u32'))), [1, 2147483648, 4294967295]);
  const { values, indices } = topK(x, 3, -1, { largest: false });
  assert.deepEqual(
    [list(values), list(indices)],
    [
      [-Infinity, -1, 0],
      [2, 7, 4],
    ],
  );
  assert.deepEqual(list(topK(g.tensor([1, 3, 2]), 2).indices), [1, 2]);
  assert.deepEqual(topK(g.tensor([1, 2], [2, 1]), 0, 0).values.shape, [0, 1]);
  assert.throws(() => topK(x, 9), /topK: k is 9, but axis -1 of \[8\] has 8 elements/);
  assert.throws(() => sort(g.tensor([1], [1], 'bool')), /argsort: takes f32 or i32 or u32/);
});

test('logSumExp does not overflow, and has the shape of a reduction', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([1000, 1000, -1000, 1, 2, 3], [2, 3]);
  const [a, b] = g.value(logSumExp(x, 1)).data;
  assert.ok(Math.abs(a - (1000 + Math.LN2)) < 1e-4 && Math.abs(b - 3.4076059644443806) < 1e-6);
  assert.deepEqual(logSumExp(x).shape, []);
  assert.deepEqual(logSumExp(x, [0], true).shape, [1, 3]);
});

test('a sum over more than 2048 x 2048 elements recurses twice', () => {
  const n = 2048 * 2048 + 5;
  assert.equal(R(new Float32Array(n).fill(1)), n);
});

test('the load rule of R is at the leaves only', () => {
  const edge = ofBits(0x0c800000);
  assert.equal(R([edge]), edge);
  assert.equal(R([ofBits(0x0c7fffff)]), 0);
  // The difference of two leaves lies far below the window, and stays.
  assert.equal(R([ofBits(0x0c800001), -edge]), 2 ** -125);
});

test('what a sum absorbs shows its lanes, chunks and levels', () => {
  // Beside 2^24 a single 1 is lost (a tie, to even), and a 2 is not.
  const big = 2 ** 24;
  const list = (n: number, at: Record<number, number>) => Array.from({ length: n }, (_, i) => at[i] ?? 0);
  // Elements 32 and 96 meet in lane 32 before the tree adds it to lane 0.
  assert.equal(R(list(128, { 0: big, 1: -big, 32: 1, 96: 1 })), 2);
  // Elements 1024 and 1088 come to lane 0 of the same chunk, one after the other.
  assert.equal(R(list(2048, { 0: big, 1: -big, 1024: 1, 1088: 1 })), 0);
  // Elements 2048 and 2112 are of the next chunk.
  assert.equal(R(list(2113, { 0: big, 1: -big, 2048: 1, 2112: 1 })), 2);
  // Chunk results are a list again: those of chunks 0 and 64 meet in one lane, and that of chunk 1 comes last.
  assert.equal(R(list(65 * 2048, { 0: big, 2048: -big, [64 * 2048]: 1 })), 0);
  // A chunk's result is no leaf: below the window it stays.
  const edge = ofBits(0x0c800000);
  assert.equal(R(list(2049, { 0: ofBits(0x0c800001), 1: -edge })), 2 ** -125);
});

test('the dot product of 600 terms, as printed', () => {
  const g = new ReferenceGraph();
  const a = g.tensor(harmonic(600), [1, 600]);
  const b = g.tensor(
    Array.from({ length: 600 }, (_, i) => (i % 7) - 2.5),
    [600, 1],
  );
  assert.equal(hex(g.value(a.matmul(b)).data[0]), 'becf64b9');
  assert.equal(hex(g.value(a.matmul(b, { precision: 'high' })).data[0]), 'becf3710');
  const turned = a.reshape(600, 1).matmul(b.reshape(1, 600), { transposeA: true, transposeB: true });
  assert.equal(hex(g.value(turned).data[0]), 'becf64b9');
});

test('Philox, uniform and normal, as printed', () => {
  const g = new ReferenceGraph();
  const zero = { seedLo: 0, seedHi: 0, stream: 0 };
  const step = g.scalar(0, 'u32').node;
  const words = new Tensor<'u32'>(philox(step, zero, [4]));
  assert.deepEqual([...g.value(words).data], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const draws = [new Tensor(unit(words.node)), new Tensor(normal(step, zero, [4]))].map((t) => [...g.value(t).data]);
  assert.deepEqual(draws[0].map(hex), ['3ecc4fd0', '3f6169c5', '3f3c57ac', '3f1b00db']);
  assert.deepEqual(draws[1].map(hex), ['3d408846', 'bfad6600', 'bf471019', '3dc4489b']);
});

test('functions through the graph, as printed', () => {
  const g = new ReferenceGraph();
  const rows: [Tensor, string][] = [
    [g.tensor([1]).exp(), '402df854'],
    [g.tensor([2]).log(), '3f317218'],
    [g.tensor([1]).sin(), '3f576aa4'],
    [g.tensor([8192]).cos(), '3e95ea1f'],
    [g.tensor([-1]).tanh(), 'bf42f7d6'],
    [g.tensor([-5]).sigmoid(), '3bdb4fb4'],
    [g.tensor([-1.5]).erf(), 'bf7752ab'],
    [g.tensor([3]).rsqrt(), '3f13cd3a'],
    [g.tensor([1]).softplus(), '3fa818f6'],
    [g.tensor([2.5]).pow(3.3), '41a48c3a'],
  ];
  for (const [t, expected] of rows) assert.equal(hex(g.value(t).data[0]), expected, t.node.op.name);
  const x = g.tensor([1.5]);
  const gelu = x.mul(0.5).mul(x.mul(ofBits(0x3f3504f3)).erf().add(1));
  assert.equal(hex(g.value(gelu).data[0]), '3fb32c4b');
});

test('matmul and sum stay within the bound of recursive summation', () => {
  // |computed - exact| <= gamma_n sum |a b|, gamma_n = n u / (1 - n u), u = 2^-24 (Higham, Accuracy and Stability, 3.1).
  const g = new ReferenceGraph();
  const next = scatter(11);
  const random = (n: number) => Array.from({ length: n }, () => f(next() / 2 ** 31 - 1));
  for (const [m, k, n] of [
    [3, 1, 2],
    [2, 257, 3],
    [1, 600, 2],
  ]) {
    const [a, b] = [random(m * k), random(k * n)];
    const got = g.value(g.tensor(a, [m, k]).matmul(g.tensor(b, [k, n]))).data;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let exact = 0;
        let size = 0;
        for (let p = 0; p < k; p++) {
          exact += a[i * k + p] * b[p * n + j];
          size += Math.abs(a[i * k + p] * b[p * n + j]);
        }
        assert.ok(Math.abs(got[i * n + j] - exact) <= (k + 1) * 2 ** -24 * size);
      }
    }
  }
  const list = random(5000);
  const exact = list.reduce((s, v) => s + v, 0);
  const size = list.reduce((s, v) => s + Math.abs(v), 0);
  // A leaf passes at most 32 + 6 additions in its chunk and 1 + 6 above.
  assert.ok(Math.abs(R(list) - exact) <= 45 * 2 ** -24 * size);
});

test('NaN wins a maximum, and the lowest position wins a tie', () => {
  const g = new ReferenceGraph();
  const nan = Number.NaN;
  const x = g.tensor([1, 5, 5, nan, 2, nan, 3, 3, 3], [3, 3]);
  assert.deepEqual([...g.value(x.max(1)).data], [5, nan, 3]);
  assert.deepEqual([...g.value(x.argmax(1)).data], [1, 0, 0]);
  assert.deepEqual([...g.value(x.argmax()).data], [3]);
  assert.deepEqual([...g.value(x.argmax([1, 0])).data], [3]);
});

test('moves, by hand', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
  const list = (t: Tensor) => [...g.value(t).data];
  assert.deepEqual(list(x.transpose()), [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(list(x.slice(null, [null, null, -2])), [3, 1, 6, 4]);
  assert.deepEqual(list(x.slice([1, 2], [0, -1]).broadcast([2, 2])), [4, 5, 4, 5]);
  assert.deepEqual(
    list(
      x.pad(
        [
          [1, 0],
          [0, 1, 1],
        ],
        9,
      ),
    ),
    [9, 9, 9, 9, 9, 9, 1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9],
  );
  const i = g.tensor([2, 0, -1, 3], [1, 4], 'i32');
  assert.deepEqual(list(x.gather(i, 1)), [3, 1, Number.NaN, Number.NaN, 6, 4, Number.NaN, Number.NaN]);
  const j = g.tensor([1, 1, 5], [1, 3], 'i32');
  assert.deepEqual(list(x.scatterAdd(j, g.tensor([10, 20, 30, 40, 50, 60], [2, 3]), 1)), [1, 32, 3, 4, 95, 6]);
});

test('composites stand for the graphs of N13', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([1, 2, 4, -1], [2, 2]);
  const e = x.sub(x.max(1, true)).exp();
  const expected = e.mul(g.scalar(1).div(e.sum(1, true)));
  assert.deepEqual(g.value(softmax(x)).data, g.value(expected).data);
  const d = x.sub(x.max(1, true));
  assert.deepEqual(g.value(logSoftmax(x)).data, g.value(d.sub(d.exp().sum(1, true).log())).data);
});

test('an op without a reference is refused, and NaN has one pattern', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([0, Number.NaN]);
  const op = { ...x.neg().node.op, name: 'unheard' };
  assert.throws(() => g.value(new Tensor(apply(op, [x.node]))), RangeError);
  const v = g.value(x.div(0));
  assert.deepEqual([bitsAt(v, 0), bitsAt(v, 1)], [0x7fc00000, 0x7fc00000]);
});
