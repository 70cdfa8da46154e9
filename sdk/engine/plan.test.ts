import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grad, logSoftmax, mean, type Tensor } from '../index.ts';
import { adam } from '../optim/index.ts';
import { createWasmRuntime } from './create.ts';
import { collect } from './expr.ts';
import type { Kernel } from './kernel.ts';
import { touches } from './memory.ts';
import { makePlan } from './plan.ts';

const rt = await createWasmRuntime();
const kernelsOf = (ts: readonly Tensor[], fuse = true): readonly Kernel[] =>
  makePlan(collect(ts.map((t) => t.node)), { fuse }).plan.kernels;
const kinds = (ts: readonly Tensor[], fuse = true) => kernelsOf(ts, fuse).map((k) => k.kind);

test('chains of elementwise ops are one kernel, with broadcast and across reshapes', () => {
  const x = rt.tensor(new Float32Array(12), [3, 4]);
  const row = rt.tensor(new Float32Array(4));
  const y = x.add(row).exp().mul(2).reshape(12).sub(1).reshape(4, 3).tanh();
  assert.deepEqual(kinds([y]), ['map']);
  assert.equal(kinds([y], false).length, 5);
});

test('equal subexpressions are computed once, x*1 and x+0 not at all, dead code is gone', () => {
  const x = rt.tensor([1, 2]);
  const rows = (t: Tensor) => {
    const [k] = kernelsOf([t]);
    return k.kind === 'map' ? k.program.values.flatMap((v) => (v.kind === 'row' ? [v.op] : [])) : [];
  };
  assert.deepEqual(rows(x.exp().add(x.exp())), ['exp', 'add_f']);
  assert.deepEqual(rows(x.mul(1).add(0).neg()), ['neg_f']);
  assert.deepEqual(rows(x.mul(0)), ['mul_f']);
  assert.deepEqual(rows(x.sub(x)), ['sub_f']);
});

test('elementwise code rides on reductions as matmul, as prologue and epilogue', () => {
  const x = rt.tensor(new Float32Array(256), [4, 64]);
  const loss = mean(x.mul(x).exp());
  assert.deepEqual(kinds([loss]), ['reduce']);
  const w = rt.tensor(new Float32Array(640), [64, 10]);
  const b = rt.tensor(new Float32Array(10));
  assert.deepEqual(kinds([x.matmul(w).add(b).relu()]), ['matmul']);
  assert.deepEqual(kinds([x.sub(3).tanh().matmul(w).add(b).relu()]), ['matmul']);
});

test('moves cost nothing where strides can say them', () => {
  const x = rt.tensor(new Float32Array(24), [2, 3, 4]);
  assert.deepEqual(kinds([x.permute(2, 0, 1).slice([null, null, 2], null, [null, null, -1]).exp()]), ['map']);
  const w = rt.tensor(new Float32Array(12), [3, 4]);
  assert.deepEqual(kinds([w.matmul(w.transpose())]), ['matmul', 'finish']);
});

test('an operand of a contraction has a stride of 1', () => {
  const of = (...shape: number[]) => rt.tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
  const every = (n: number) => [null, null, n] as const;
  const pairs: [Tensor<'f32'>, Tensor<'f32'>][] = [
    [of(5, 7), of(7, 3)],
    [of(7, 5).transpose(), of(3, 7).transpose()],
    [of(1, 14).slice(null, every(2)), of(7, 2).slice(null, every(2))],
    [of(7, 3).slice(null, every(3)), of(1, 20).slice(null, every(2))],
    [of(4, 3).slice(null, every(3)), of(6, 2).slice(every(6), every(2))],
    [of(6, 8).slice(every(2), every(2)), of(4, 6).slice(every(-1), null)],
    [of(5, 1).broadcast([5, 4]), of(1, 3).broadcast([4, 3])],
    [of(3, 2, 4).permute(1, 2, 0), of(3, 5)],
  ];
  for (const [a, b] of pairs) {
    for (const k of kernelsOf([a.matmul(b)])) {
      if (k.kind !== 'matmul') continue;
      for (const x of [k.a, k.b])
        assert.ok(x.row === 1 || x.column === 1, `${a.shape} by ${b.shape}: ${x.row}, ${x.column}`);
    }
  }
});

test('a training step of a small classifier is few kernels', () => {
  const x = rt.tensor(new Float32Array(64), [16, 4]);
  const y = rt.tensor(new Int32Array(16), [16], 'i32');
  const params = [[16, 4], [16], [3, 16], [3]].map((s) => rt.tensor(new Float32Array(s.reduce((n, d) => n * d, 1)), s));
  const h = x.matmul(params[0], { transposeB: true }).add(params[1]).relu();
  const logits = h.matmul(params[2], { transposeB: true }).add(params[3]);
  const loss = mean(logSoftmax(logits, 1).gather(y.reshape(16, 1), 1).neg());
  const gs = grad(loss, params);
  const work = (fuse: boolean) => kinds([loss, ...gs], fuse).filter((k) => k !== 'finish').length;
  const [fused, unfused] = [work(true), work(false)];
  assert.ok(fused <= 16 && fused < 0.6 * unfused, `${fused} kernels fused, ${unfused} unfused`);
});

test('an update of Adam is one program, on the product that makes the gradient', () => {
  const x = rt.tensor(new Float32Array(64), [16, 4]);
  const [w, m, v] = [0, 0, 0].map(() => rt.tensor(new Float32Array(12), [4, 3]));
  const g = grad(mean(x.matmul(w).relu()), [w])[0];
  const rule = adam({ lr: 0.1 });
  const tree = (t: Tensor) => new Map([['w', t as Tensor<'f32'>]]);
  const hyper = Object.fromEntries(Object.entries(rule.hyper(0)).map(([k, n]) => [k, rt.scalar(n)]));
  const next = rule.update(tree(w), tree(g), { m: tree(m), v: tree(v) }, hyper);
  const results = [next.params.get('w'), ...Object.values(next.slots).map((s) => s.get('w'))] as Tensor[];
  const [last, ...others] = kernelsOf(results).toReversed();
  assert.ok(last.kind === 'matmul' && last.epilogue?.stores.length === 3, last.kind);
  assert.ok(!others.some((k) => k.kind === 'map'));
});

test('temps share the arena without touching each other while they live', () => {
  const x = rt.tensor(new Float32Array(4096), [64, 64]);
  let y: Tensor<'f32'> = x;
  for (let i = 0; i < 8; i++) y = y.matmul(x).tanh().add(y.sum(1, true)).matmul(y.transpose()).max(0, true).add(y);
  const { plan } = makePlan(collect([y.node]));
  const total = plan.buffers.reduce((n, b) => n + (b.kind === 'temp' ? b.size * 4 : 0), 0);
  assert.ok(plan.arena < total / 2, `${plan.arena} of ${total} bytes`);
  const lives = plan.buffers.map((b, id) => {
    const at = plan.kernels.flatMap((k, i) => {
      const t = touches(k);
      return [...t.reads, ...t.writes].includes(id) ? [i] : [];
    });
    return { ...b, id, first: Math.min(...at), last: Math.max(...at) };
  });
  const temps = lives.filter((b) => b.kind === 'temp');
  for (const a of temps) {
    for (const b of temps) {
      if (a.id >= b.id || a.last < b.first || b.last < a.first) continue;
      // The one sharing allowed: a result in the place of an input that its kernel reads for the last time.
      if (a.offset === b.offset && (a.last === b.first || b.last === a.first)) continue;
      assert.ok(
        a.offset + a.size * 4 <= b.offset || b.offset + b.size * 4 <= a.offset,
        `buffers ${a.id} and ${b.id} overlap`,
      );
    }
  }
});
