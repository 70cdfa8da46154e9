import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grad, logSoftmax, softmax, type Tensor } from '../index.ts';
import { layerNorm } from '../nn/index.ts';
import { createWasmRuntime } from './create.ts';
import { collect } from './expr.ts';
import { makePlan } from './plan.ts';
import type { EngineRuntime } from './runtime.ts';

type F32 = Tensor<'f32'>;

/** What is done row by row; several times the elements that a unit does at once (wasm/rows.ts), and rows that blocks do not end with. */
const WORK: Readonly<Record<string, (x: F32) => Tensor>> = {
  softmax: (x) => softmax(x, 1),
  'its gradient': (x) => grad(softmax(x, 1).mul(x).sum(), [x])[0],
  logSoftmax: (x) => logSoftmax(x, 1),
  'a norm': (x) => layerNorm(x, [x.shape[1]]),
  'its gradient in two axes': (x) => grad(layerNorm(x, [x.shape[1]]).mul(x).sum(), [x])[0],
  'the distance from where the greatest is': (x) => {
    const at = x.argmax([1]).cast('f32').reshape([x.shape[0], 1]);
    return x.sub(at).mul(x.abs().sum(1, true)).max([1]);
  },
  integers: (x) => {
    const i = x.mul(100).cast('i32');
    return i.sub(i.max([1], true)).sum([1]);
  },
};
const input = (rt: EngineRuntime, rows = 701, n = 129): F32 => rt.rng.normal('x', [rows, n]);
const kinds = (t: Tensor, fuse = true) => makePlan(collect([t.node]), { fuse }).plan.kernels.map((k) => k.kind);

test('reductions of rows and what is between them are one unit', async () => {
  const rt = await createWasmRuntime();
  const x = rt.tensor(new Float32Array(4096), [64, 64]);
  for (const [name, of] of Object.entries(WORK)) assert.ok(kinds(of(x)).includes('rows'), name);
  assert.deepEqual(kinds(softmax(x, 1)), ['rows']);
  assert.ok(!kinds(softmax(x, 1), false).includes('rows'));
});

test('what reads other rows, or columns, is none', async () => {
  const rt = await createWasmRuntime();
  const x = rt.tensor(new Float32Array(4096), [64, 64]);
  const s = x.max([1], true);
  for (const t of [
    x.add(s.slice([null, null, -1], null)),
    x.add(s.transpose()),
    x.add(s.slice([3, 4], null)),
    softmax(x, 0),
    x.add(x.max()),
  ])
    assert.ok(!kinds(t).includes('rows'));
});

test('the same bits as one kernel after the other, on one thread and on three', async () => {
  await using plain = await createWasmRuntime({ fuse: false });
  await using one = await createWasmRuntime();
  await using three = await createWasmRuntime({}, { threads: 3, worth: 0 });
  for (const [name, of] of Object.entries(WORK)) {
    for (const shape of [[], [4, 20_000], [3, 40_001]]) {
      const expected = await of(input(plain, ...shape)).data();
      for (const rt of [one, three])
        assert.deepEqual(await of(input(rt, ...shape)).data(), expected, `${name} ${shape}`);
    }
  }
});
