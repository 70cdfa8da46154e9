import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grad, isIsobitError, mean, type Tensor } from '../index.ts';
import { createWasmRuntime } from './create.ts';

type F = Tensor<'f32'>;
const code = (c: string) => (e: unknown) => isIsobitError(e) && e.code === c;
const list = async (t: Tensor) => [...(await t.data())];

test('a captured call replays: host arrays, tensors and numbers are arguments; one plan a signature', async () => {
  await using rt = await createWasmRuntime();
  let traces = 0;
  const f = rt.capture((x: F, k: F, o: { on: boolean }) => {
    traces++;
    return { y: o.on ? x.mul(k) : x.add(k) };
  });
  const host = { data: Float32Array.of(1, 2, 3), shape: [3], dtype: 'f32' } as const;
  assert.deepEqual(await list((await f(host, 2, { on: true })).y), [2, 4, 6]);
  assert.deepEqual(await list((await f(host, 3, { on: true })).y), [3, 6, 9]);
  assert.deepEqual(await list((await f(rt.tensor([5, 6, 7]), rt.scalar(1), { on: true })).y), [5, 6, 7]);
  assert.equal(traces, 1);
  assert.deepEqual(await list((await f(host, 2, { on: false })).y), [3, 4, 5]);
  assert.deepEqual(
    await list((await f({ data: Float32Array.of(9), shape: [1], dtype: 'f32' }, 2, { on: true })).y),
    [18],
  );
  assert.equal(traces, 3);
  assert.equal(f.plans, 3);
});

test('outputs are fresh: no later call overwrites them', async () => {
  await using rt = await createWasmRuntime();
  const f = rt.capture((x: F) => x.mul(10));
  const a = await f(1);
  const b = await f(2);
  assert.equal(await a.item(), 10);
  assert.equal(await b.item(), 20);
});

test('variables: read at the line, assigned at the end of the call, old tensors keep the old value', async () => {
  await using rt = await createWasmRuntime();
  const v = rt.variable(rt.tensor([1, 2]));
  const old = v.value();
  const f = rt.capture((d: F) => {
    const before = v.value();
    v.assign(before.add(d));
    const between = v.value();
    v.assign(between.mul(2));
    return { before, between };
  });
  const { before, between } = await f(10);
  assert.deepEqual(await list(before), [1, 2]);
  assert.deepEqual(await list(between), [11, 12]);
  assert.deepEqual(await list(v.value()), [22, 24]);
  assert.deepEqual(await list(old), [1, 2]);
  v.assign(v.value().sub(2));
  await f(0);
  assert.deepEqual(await list(v.value()), [40, 44]);
});

test('variables may swap and share values', async () => {
  await using rt = await createWasmRuntime();
  const a = rt.variable(rt.scalar(1));
  const b = rt.variable(rt.scalar(2));
  const swap = rt.capture(() => {
    const [x, y] = [a.value(), b.value()];
    a.assign(y);
    b.assign(x);
  });
  await swap();
  assert.deepEqual([await a.value().item(), await b.value().item()], [2, 1]);
  const same = rt.capture((x: F) => {
    const y = x.exp();
    a.assign(y);
    b.assign(y);
    return y;
  });
  const y = await same(0);
  y.dispose();
  a.assign(rt.scalar(7));
  assert.deepEqual([await a.value().item(), await b.value().item()], [7, 1]);
});

test('values made before the trace are constants of the program, also when they are differentiated through', async () => {
  await using rt = await createWasmRuntime();
  const w = rt.tensor([2, 3]);
  const z = w.mul(w);
  const f = rt.capture((x: F) => grad(z.mul(x).sum(), [z])[0]);
  assert.deepEqual(await list(await f(5)), [5, 5]);
});

test('reading inside a trace is E_IMPURE, and nothing stays half done', async () => {
  await using rt = await createWasmRuntime();
  const v = rt.variable(rt.scalar(1));
  const f = rt.capture((x: F) => {
    v.assign(x);
    void x.data().catch(() => {});
    throw new Error('stop');
  });
  await assert.rejects(f(3), /stop/);
  assert.equal(await v.value().item(), 1);
  const g = rt.capture((x: F) => x.mul(2));
  assert.equal(await (await g(4)).item(), 8);
  let inside: unknown;
  await rt.capture((x: F) => {
    inside = x.item();
    return x.add(1);
  })(1);
  await assert.rejects(inside as Promise<number>, code('E_IMPURE'));
});

test('an asynchronous function and a Variable argument are refused', async () => {
  await using rt = await createWasmRuntime();
  const f = rt.capture((async (x: F) => x) as never);
  await assert.rejects((f as unknown as (x: number) => Promise<unknown>)(1), code('E_IMPURE'));
  const g = rt.capture((x: F) => x.add(1));
  await assert.rejects(g(rt.variable(rt.scalar(1)) as never), code('E_CAPTURE'));
});

test('debug traces again and names the first op that differs', async () => {
  await using rt = await createWasmRuntime({ debug: true });
  let k = 1;
  const f = rt.capture((x: F) => (k > 1 ? x.mul(3) : x.add(3)));
  await f(1);
  await f(1);
  k = 2;
  await assert.rejects(f(1), (e) => code('E_IMPURE')(e) && /mul/.test((e as Error).message));
});

test('without debug, closed-over values are frozen at the trace', async () => {
  await using rt = await createWasmRuntime();
  let k = 1;
  const f = rt.capture((x: F) => x.mul(k));
  assert.equal(await (await f(5)).item(), 5);
  k = 2;
  assert.equal(await (await f(5)).item(), 5);
});

test('a captured call inside a trace is inlined', async () => {
  await using rt = await createWasmRuntime();
  const v = rt.variable(rt.scalar(1));
  const inner = rt.capture((x: F) => {
    v.assign(v.value().add(x));
    return x.mul(2);
  });
  const outer = rt.capture((x: F) => inner.inline(x).add(1));
  assert.equal(await (await outer(3)).item(), 7);
  assert.equal(await v.value().item(), 4);
  assert.equal(inner.plans, 0);
});

test('onNonFinite: reject assigns nothing and names the op; flag assigns and lets the next read throw', async () => {
  await using rt = await createWasmRuntime();
  const v = rt.variable(rt.scalar(1));
  const body = (x: F) => {
    v.assign(v.value().add(x.log().exp()));
    return { y: x.add(0.5) };
  };
  const strict = rt.capture(body, { onNonFinite: 'reject' });
  await assert.rejects(strict(-1), (e) => code('E_NUMERIC')(e) && /log/.test((e as Error).message));
  assert.equal(await v.value().item(), 1);
  await strict(1);
  assert.equal(await v.value().item(), 2);

  const lax = rt.capture(body);
  const { y } = await lax(-1);
  await assert.rejects(y.item(), code('E_NUMERIC'));
  assert.equal(await y.item(), -0.5);
  assert.ok(Number.isNaN(await v.value().item({ nonfinite: 'keep' })));
});

test('NaN in a host argument is a DataError and runs nothing', async () => {
  await using rt = await createWasmRuntime();
  const v = rt.variable(rt.scalar(1));
  const f = rt.capture((x: F) => {
    v.assign(v.value().add(x.sum()));
  });
  await assert.rejects(
    f({ data: Float32Array.of(1, Number.NaN), shape: [2], dtype: 'f32' }),
    (e) => code('E_DATA')(e) && /element 1/.test((e as Error).message),
  );
  await assert.rejects(f(Number.POSITIVE_INFINITY), code('E_DATA'));
  assert.equal(await v.value().item(), 1);
});

test('a gather index out of range raises at the read, and names gather', async () => {
  await using rt = await createWasmRuntime();
  const x = rt.tensor([1, 2, 3]);
  const i = rt.tensor(Int32Array.of(0, 5), [2], 'i32');
  await assert.rejects(x.gather(i, 0).data(), (e) => code('E_NUMERIC')(e) && /gather/.test((e as Error).message));
  const ints = rt.tensor(Int32Array.of(4, 5), [2], 'i32');
  await assert.rejects(ints.gather(i, 0).data(), (e) => code('E_NUMERIC')(e) && /gather/.test((e as Error).message));
});

test('a steady loop holds its memory: 10,000 captured steps', async () => {
  await using rt = await createWasmRuntime();
  const w = rt.variable(rt.rng.normal('w', [8, 4]));
  const step = rt.capture((x: F, lr: F) => {
    const loss = mean(x.matmul(w).tanh().powi(2));
    const [g] = grad(loss, [w]);
    w.assign(w.value().sub(g.mul(lr)));
    return { loss };
  });
  const x = { data: new Float32Array(32).fill(0.5), shape: [4, 8], dtype: 'f32' } as const;
  for (let i = 0; i < 100; i++) (await step(x, 0.01)).loss.dispose();
  const before = rt.memory();
  for (let i = 0; i < 10_000; i++) (await step(x, 0.01)).loss.dispose();
  assert.deepEqual(rt.memory(), before);
});

test('an error is told by the arguments of its own call, whatever was called since', async () => {
  await using rt = await createWasmRuntime();
  const f = rt.capture((x: F) => x.log().add(0));
  const bad = await f(-1);
  assert.equal(await (await f(1)).item(), 0);
  await assert.rejects(bad.item(), (e) => code('E_NUMERIC')(e) && /call 1 .*log/.test((e as Error).message));
  assert.equal(await (await f(1)).item(), 0);
});

test('a form that was called before has its plan, whatever was called between', async () => {
  await using rt = await createWasmRuntime();
  const f = rt.capture((o: { x: F; k?: F; word: string | null; list: readonly F[] }) =>
    o.list.reduce((a, b) => a.add(b), o.x),
  );
  const list = [1, 2];
  const forms = [
    { x: 1, word: 'a', list },
    { x: 1, word: null, list },
    { x: 1, word: 'a', list: [1] },
    { x: 1, word: 'a', list: [1, rt.scalar(2)] },
    { word: 'a', x: 1, list },
    { x: 1, k: 3, word: 'a', list },
    { x: { data: Float32Array.of(1), shape: [1], dtype: 'f32' as const }, word: 'a', list },
    { x: { data: Float32Array.of(1), shape: [1, 1], dtype: 'f32' as const }, word: 'a', list },
  ];
  for (let round = 0; round < 2; round++) {
    for (const o of forms) assert.equal((await (await f(o)).data())[0], o.list.length === 1 ? 2 : 4);
  }
  // A tensor and a number of one shape and dtype are one form.
  assert.equal(f.plans, forms.length - 1);
});
