/** grad and jvp: the order of addition, ties and edges, what carries no derivative, and errors (N12). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReferenceGraph } from '../../conformance/reference/graph.ts';
import { R } from '../../conformance/reference/reduce.ts';
import { scatter } from '../../conformance/slice.ts';
import { DisposedError, OptionError, ShapeError } from './errors.ts';
import { grad } from './grad.ts';
import { jvp } from './jvp.ts';
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
