/** grad and jvp: the order of addition, ties and edges, what carries no derivative, and errors (N12). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReferenceGraph } from '../../conformance/reference/graph.ts';
import { R } from '../../conformance/reference/reduce.ts';
import { scatter } from '../../conformance/slice.ts';
import { conv1d, conv2d, convTranspose1d, convTranspose2d } from './convolution.ts';
import { DisposedError, OptionError, ShapeError } from './errors.ts';
import { grad } from './grad.ts';
import { jvp } from './jvp.ts';
import { avgPool1d, avgPool2d, type MaxPoolOptions, maxPool1d } from './pooling.ts';
import { bitsOf } from './scalar/index.ts';
import type { Tensor } from './tensor.ts';

type F32 = Tensor<'f32'>;
const f = Math.fround;

/** The value of a tensor, as a list. */
const list = (t: Tensor) => [...(t.node.graph as ReferenceGraph).value(t).data];

test('contributions add by consumer number descending', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([1]);
  const [a, b, c] = [2 ** 25, -(2 ** 25), 1].map((k) => x.mul(k));
  // (1 - 2^25) + 2^25 is 0 in f32; in the order of creation it would be 1.
  assert.deepEqual(list(grad(a.add(b).add(c), [x])[0]), [0]);
  const y = g.tensor([1]);
  const [d, e, h] = [1, -(2 ** 25), 2 ** 25].map((k) => y.mul(k));
  assert.deepEqual(list(grad(d.add(e).add(h), [y])[0]), [1]);
});

test('contributions of one consumer add by operand position', () => {
  const g = new ReferenceGraph();
  // x / x sends g/x and then -(g/x): after the later consumer's 1, (1 + 2^24) - 2^24 is 0, (1 - 2^24) + 2^24 would be 1.
  const x = g.tensor([1]);
  const q = x.div(x).mul(2 ** 24);
  assert.deepEqual(list(grad(q.add(x.mul(1)), [x])[0]), [0]);
  // sub sends a tangent and a negated one; the first operand's comes first.
  const t = jvp(x.mul(2 ** 24).sub(x.mul(3)), [x], [g.tensor([1])]);
  assert.deepEqual(list(t), [2 ** 24 - 3 - 1 + 1]);
});

test('a broadcast operand gets R over all its stretched axes at once, before the sum', () => {
  const g = new ReferenceGraph();
  const next = scatter(17);
  const w = Array.from({ length: 70 * 3 * 50 }, () => f((next() / 2 ** 31 - 1) * 2 ** (next() % 20)));
  const x = g.tensor([1, 1, 1], [3, 1]);
  const weights = g.tensor(w, [70, 3, 50]);
  const own = (i: number) => R(w.filter((_, k) => Math.floor(k / 50) % 3 === i));
  const [dx] = grad(x.mul(weights).sum(), [x]);
  assert.deepEqual(dx.shape, [3, 1]);
  assert.deepEqual(
    list(dx).map(bitsOf),
    [0, 1, 2].map((i) => bitsOf(own(i))),
  );
  // Two stretched uses are two sums, added.
  const y = x.mul(weights).sum().add(x.add(weights).sum());
  assert.deepEqual(
    list(grad(y, [x])[0]),
    [0, 1, 2].map((i) => f(3500 + own(i))),
  );
  // An axis of size 1 in both is not stretched: no sum, so no load window.
  const tiny = 2 ** -110;
  const z = g.tensor([1], [1, 1]);
  assert.deepEqual(list(grad(z.mul(g.tensor([tiny], [1, 1])), [z])[0]), [tiny]);
  assert.deepEqual(list(grad(z.mul(g.tensor([tiny, tiny], [1, 2])), [z], { seed: g.tensor([1, 1], [1, 2]) })[0]), [0]);
});

test('the right side of a batched matmul has one contraction over all rows for its gradient (N6)', () => {
  const g = new ReferenceGraph();
  const next = scatter(23);
  const draw = (n: number) => Array.from({ length: n }, () => f(next() / 2 ** 31 - 1));
  const [a, u] = [draw(3 * 100 * 2), draw(3 * 100 * 4)];
  const w = g.tensor(draw(8), [2, 4]);
  const y = g.tensor(a, [3, 100, 2]).matmul(w);
  const seed = g.tensor(u, [3, 100, 4]);
  const merged = g.tensor(a, [300, 2]).matmul(g.tensor(u, [300, 4]), { transposeA: true });
  assert.deepEqual(list(grad(y, [w], { seed })[0]).map(bitsOf), list(merged).map(bitsOf));
});

test('ties and edges take the sides that N12 says', () => {
  const g = new ReferenceGraph();
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
  const at = (v: number, y: (x: F32) => F32) => {
    const x = g.tensor([v]);
    return list(grad(y(x), [x])[0])[0];
  };
  assert.equal(
    at(0, (x) => x.relu()),
    0,
  );
  assert.equal(
    at(nan, (x) => x.relu()),
    0,
  );
  assert.equal(
    at(-1, (x) => x.clamp(-1, 1)),
    1,
  );
  assert.equal(
    at(1, (x) => x.clamp(-1, 1)),
    1,
  );
  assert.equal(
    at(2, (x) => x.clamp(-1, 1)),
    0,
  );
  assert.equal(
    at(3, (x) => x.maximum(3)),
    0.5,
  );
  assert.equal(
    at(3, (x) => x.minimum(3)),
    0.5,
  );
  assert.equal(
    at(3, (x) => x.maximum(x)),
    1,
  );
  assert.equal(
    at(0, (x) => x.abs()),
    0,
  );
  assert.equal(
    at(0, (x) => x.sqrt()),
    0,
  );
  assert.equal(
    at(inf, (x) => x.sqrt()),
    0,
  );
  assert.equal(
    at(0, (x) => x.pow(2)),
    0,
  );
  assert.equal(
    at(0, (x) => x.pow(0)),
    0,
  );
  assert.equal(
    at(0, (x) => x.powi(1)),
    1,
  );
  assert.equal(
    at(-2, (x) => x.pow(3)),
    list(g.tensor([3]).mul(g.tensor([-2]).pow(2)))[0],
  );
  const b = g.tensor([2]);
  assert.deepEqual(list(grad(g.tensor([-2]).pow(b), [b])[0]), [0]);
  assert.deepEqual(list(grad(g.tensor([0]).pow(b), [b])[0]), [0]);
  const x = g.tensor([2, 5, 5, nan, nan], [5]);
  assert.deepEqual(list(grad(x.max(), [x])[0]), [0, 0, 0, 1, 0]);
  const y = g.tensor([2, 5, 5], [3]);
  assert.deepEqual(list(grad(y.max(), [y])[0]), [0, 1, 0]);
  assert.deepEqual(list(jvp(y.max(), [y], [g.tensor([1, 2, 3])])), [2]);
  // A dropped source reads its adjoint by gather, at the index that does not exist (N7).
  const source = g.tensor([1, 1]);
  const dropped = x.scatterAdd(g.tensor([0, 5], [2], 'i32'), source, 0);
  assert.deepEqual(list(grad(dropped.slice([0, 3]).sum(), [source])[0]), [1, nan]);
});

test('what a maxPool window takes gets its gradient: the first tap, NaN before all, padding never', () => {
  const g = new ReferenceGraph();
  const { NEGATIVE_INFINITY: low, NaN: nan } = Number;
  const row = (v: number[]) => g.tensor(v, [1, 1, v.length]);
  const from = (v: number[], kernel: number, o: MaxPoolOptions, seed: number[]) => {
    const x = row(v);
    const y = maxPool1d(x, kernel, o);
    return [list(y), list(grad(y, [x], { seed: row(seed) })[0]), list(jvp(y, [x], [row(v.map((_, i) => i + 1))]))];
  };
  assert.deepEqual(from([3, 3, 1, 3], 4, {}, [7]), [[3], [7, 0, 0, 0], [1]]);
  assert.deepEqual(from([3, nan, 5, nan], 4, {}, [7]), [[nan], [0, 7, 0, 0], [2]]);
  // Nothing here is above the padding, were it -Inf or 0.
  assert.deepEqual(from([low, low], 2, { stride: 1, padding: 1 }, [1, 10, 100]), [
    [low, low, low],
    [11, 100],
    [1, 1, 2],
  ]);
  assert.deepEqual(from([-1, -2], 2, { stride: 1, padding: 1 }, [1, 10, 100]), [
    [-1, -1, -2],
    [11, 100],
    [1, 1, 2],
  ]);
  // Windows that overlap: R over the taps, so tap 0 meets tap 2 before tap 1; and its load rule.
  assert.deepEqual(from([0, 0, 9, 0, 0], 3, { stride: 1 }, [2 ** 24, 1, 1])[1], [0, 0, 2 ** 24, 0, 0]);
  assert.deepEqual(from([0, 0, 9, 0, 0], 3, { stride: 1 }, [1, 2 ** 24, 1])[1], [0, 0, 2 ** 24 + 2, 0, 0]);
  assert.deepEqual(from([5], 1, {}, [2 ** -110])[1], [0]);
});

test('sizes of convolution and pooling that do not fit say so', () => {
  const g = new ReferenceGraph();
  const ones = (...shape: number[]) => g.tensor(new Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape);
  const [x, w] = [ones(2, 4, 5), ones(6, 2, 3)];
  assert.deepEqual(conv1d(x, w, { groups: 2 }).shape, [2, 6, 3]);
  assert.deepEqual(conv1d(x, w, { groups: 2, padding: 'same' }).shape, [2, 6, 5]);
  assert.deepEqual(conv1d(x, w, { groups: 2, padding: 'valid', stride: 2 }).shape, [2, 6, 2]);
  assert.deepEqual(
    convTranspose1d(x, ones(4, 3, 2), { stride: 3, padding: 1, outputPadding: 2, groups: 2 }).shape,
    [2, 6, 14],
  );
  assert.deepEqual(conv2d(ones(1, 1, 5, 6), ones(1, 1, 1, 3), { stride: [2, 1], padding: [0, 1] }).shape, [1, 1, 3, 6]);
  assert.deepEqual(convTranspose2d(ones(1, 1, 2, 2), ones(1, 1, 3, 3), { stride: [1, 2] }).shape, [1, 1, 4, 5]);
  assert.deepEqual(maxPool1d(x, 2).shape, [2, 4, 2]);
  assert.deepEqual(avgPool2d(ones(1, 1, 5, 6), [2, 3], { stride: [1, 3] }).shape, [1, 1, 4, 2]);
  assert.deepEqual(list(avgPool1d(ones(1, 1, 3), 2, { padding: 1 })), [0.5, 1]);
  assert.deepEqual(list(avgPool1d(ones(1, 1, 3), 2, { padding: 1, countIncludePad: false })), [1, 1]);
  for (const refused of [
    () => conv1d(x, w),
    () => conv1d(x, ones(5, 2, 3), { groups: 2 }),
    () => conv1d(x, ones(6, 4, 6)),
    () => conv1d(x, ones(6, 4, 0)),
    () => conv1d(ones(4, 5), w),
    () => conv2d(x, w),
    () => convTranspose1d(x, w),
    () => convTranspose1d(x, ones(4, 3, 1), { padding: 3 }),
    () => maxPool1d(ones(2, 4), 2),
    () => maxPool1d(x, 6),
    () => maxPool1d(ones(1, 1, 1), 2, { dilation: 2, padding: 1 }),
    () => avgPool2d(x, 2),
  ])
    assert.throws(refused, ShapeError);
  for (const refused of [
    () => conv1d(x, w, { groups: 2, padding: 'same', stride: 2 }),
    () => conv1d(x, w, { groups: 2, stride: 0 }),
    () => conv1d(x, w, { groups: 2, stride: [1, 1] }),
    () => conv1d(x, w, { groups: 2, pad: 1 } as object),
    () => convTranspose1d(x, ones(4, 3, 2), { outputPadding: 1 }),
    () => maxPool1d(x, 2, { padding: 2 }),
    () => maxPool1d(x, 0),
    () => avgPool1d(x, 2, { countIncludePad: 1 } as object),
  ])
    assert.throws(refused, OptionError);
});

test('ops that have no derivative carry none', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([1.5, -2]);
  const none: [string, F32][] = [
    ['floor', x.floor()],
    ['ceil', x.ceil()],
    ['trunc', x.trunc()],
    ['round', x.round()],
    ['sign', x.sign()],
    ['cast', x.cast('i32').cast('f32')],
    ['comparison', x.gt(0).cast('f32')],
    ['argmax', x.argmax().cast('f32').broadcast([2])],
    ['detach', x.detach()],
  ];
  for (const [name, y] of none) {
    assert.throws(() => grad(y.sum(), [x]), OptionError, name);
    assert.deepEqual(list(grad(y.sum(), [x], { unused: 'zero' })[0]), [0, 0], name);
    assert.deepEqual(list(jvp(y, [x], [g.tensor([1, 1])])), [0, 0], name);
    // Beside a path that carries one, they add nothing.
    assert.deepEqual(list(grad(y.mul(x).sum(), [x])[0]), list(y), name);
  }
});

test('intermediate values, doubled targets, variables and reads', async () => {
  const g = new ReferenceGraph();
  const x = g.tensor([3]);
  const h = x.mul(x);
  const y = h.mul(5);
  assert.deepEqual(
    grad(y, [h, x, h, y]).map((t) => list(t)[0]),
    [5, 30, 5, 1],
  );
  assert.deepEqual(list(jvp(y, [x, x], [g.tensor([1]), g.tensor([2])])), [90]);
  assert.deepEqual(list(jvp(y, [], [])), [0]);
  // A value with a tangent of its own takes none from what it was made of.
  assert.deepEqual(list(jvp(y, [x, h], [g.tensor([1]), g.tensor([2])])), [10]);
  const v = g.variable(g.tensor([2]));
  const before = v.value().mul(7);
  assert.deepEqual(list(grad(before, [v])[0]), [7]);
  await before.data();
  assert.deepEqual(list(grad(before, [v])[0]), [7]);
  v.assign(g.tensor([4]));
  assert.throws(() => grad(before, [v]), OptionError);
});

test('errors say what to do', () => {
  const g = new ReferenceGraph();
  const x = g.tensor([1, 2]);
  const whole = g.tensor([1, 2], [2], 'i32') as unknown as F32;
  assert.throws(() => grad(x.mul(2), [x]), ShapeError);
  assert.throws(() => grad(x.sum(), [x], { seed: g.tensor([1]) }), ShapeError);
  assert.throws(() => grad(whole.sum(), [x]), OptionError);
  assert.throws(() => grad(g.scalar(1), [x]), OptionError);
  assert.throws(() => jvp(x, [x], []), OptionError);
  assert.throws(() => jvp(x, [x], [g.tensor([1])]), ShapeError);
  assert.throws(() => grad(x.sum(), [new ReferenceGraph().tensor([1])]), OptionError);
  const gone = g.tensor([1]);
  gone.dispose();
  assert.throws(() => grad(x.sum(), [gone]), DisposedError);
});
