import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Captured, isIsobitError, mean, type Tensor } from '../index.ts';
import { createWasmRuntime } from './create.ts';
import type { EngineRuntime } from './runtime.ts';

type F = Tensor<'f32'>;
const named = (text: string) => (e: unknown) =>
  isIsobitError(e) && e.code === 'E_NUMERIC' && new RegExp(text).test((e as Error).message);
const host = (...values: number[]) => ({
  data: Float32Array.from(values),
  shape: [values.length],
  dtype: 'f32' as const,
});

/** Two Variables of which one step depends on both, and which swap. */
function stepper(rt: EngineRuntime, onNonFinite: 'flag' | 'reject' | 'stop' = 'stop') {
  const [a, b] = [1, 2].map((x) => rt.variable(rt.tensor([x, x])));
  const f = rt.capture(
    (x: F, k: F) => {
      const [va, vb] = [a.value(), b.value()];
      a.assign(vb.add(mean(x).log().mul(k)));
      b.assign(va);
      return { loss: mean(va).add(mean(x)), k };
    },
    { onNonFinite },
  );
  const state = () => Promise.all([a, b].map(async (v) => [...(await v.value().data())]));
  return { f, a, b, state };
}
/** Calls of two forms, in turns of different lengths. */
const CALLS = Array.from({ length: 23 }, (_, i) => {
  const x = i % 7 === 6 ? host(i + 1) : host(i + 1, i / 3 + 1);
  return [x, 1 / (i + 1)] as const;
});

test('a series is its calls one after the other: results and Variables to the bit', async () => {
  await using rt = await createWasmRuntime();
  const [one, all] = [stepper(rt), stepper(rt)];
  const want: unknown[] = [];
  for (const args of CALLS) {
    const { loss, k } = await one.f(...args);
    want.push({ loss: await loss.item(), k: await k.item() });
  }
  const before = all.a.value();
  const { rows, refused } = await all.f.series(CALLS);
  assert.deepEqual(rows, want);
  assert.equal(refused, null);
  assert.deepEqual(await all.state(), await one.state());
  assert.deepEqual([...(await before.data())], [1, 1], 'what was read before keeps its value');
  assert.equal(all.f.plans, 2);
  assert.deepEqual((await all.f.series([])).rows, []);
});

test('a refused call ends the series: those before it stand, and calls go on behind it', async () => {
  for (const kind of ['reject', 'stop'] as const) {
    await using rt = await createWasmRuntime();
    const [one, all] = [stepper(rt), stepper(rt, kind)];
    const calls = [...CALLS.slice(0, 4), [host(-1, -1), 1] as const, ...CALLS.slice(4, 6)];
    for (const args of CALLS.slice(0, 4)) await one.f(...args);
    const { rows, refused } = await all.f.series(calls);
    assert.equal(rows.length, 4);
    assert.deepEqual(await all.state(), await one.state());
    const again = await all.f.series(calls.slice(5));
    assert.equal(again.rows.length, 2);
    await assert.rejects(refused!(), named('call 5 .*log'), 'told by its own arguments');
    for (const args of CALLS.slice(4, 6)) await one.f(...args);
    assert.deepEqual(await all.state(), await one.state());
    const bad = await all.f.series([CALLS[0], [host(Number.NaN, 1), 1]]);
    assert.equal(bad.rows.length, 1);
    await assert.rejects(bad.refused!(), /element 0 is NaN/);
  }
});

test('a series makes no call where it is no gain, or what a call reads has yet to be judged', async () => {
  await using rt = await createWasmRuntime();
  const none = async (f: Captured<[x: F, k: F], unknown>) =>
    assert.deepEqual(await f.series(CALLS.slice(0, 2)), { rows: [], refused: null });
  await none(stepper(rt, 'flag').f);
  await none(rt.capture((x: F, k: F) => x.mul(k), { onNonFinite: 'reject' }));
  await using debug = await createWasmRuntime({ debug: true });
  await none(stepper(debug).f);
  const { f, a } = stepper(rt);
  a.assign(await rt.capture((x: F) => x.log())(host(-1, -1)));
  await none(f);
});

test('a series holds no memory behind it', async () => {
  await using rt = await createWasmRuntime();
  const { f } = stepper(rt);
  await f.series(CALLS);
  const { live } = rt.memory();
  for (let i = 0; i < 20; i++) await f.series(CALLS);
  assert.equal(rt.memory().live, live);
  f.dispose();
  assert.ok(rt.memory().live < live);
});
