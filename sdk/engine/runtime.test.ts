import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRuntime, isIsobitError, type Runtime, type RuntimeOptions, type Tensor, where } from '../index.ts';
import { createWasmRuntime, RUNTIME_OPTIONS } from './create.ts';

const code = (c: string) => (e: unknown) => isIsobitError(e) && e.code === c && e.hint.length > 0;
const list = async (t: Tensor) => [...(await t.data())];

test('every option of createRuntime is live', async () => {
  const alive: Record<string, () => Promise<void>> = {
    backend: async () => {
      assert.equal((await createRuntime({ backend: 'wasm' })).why, 'wasm was asked for');
      const { why } = await createRuntime({ backend: 'auto' });
      assert.match(why, /^(wasm: there is no|wasm: the WebGPU adapter|webgpu: a hardware adapter)/);
      // Here there may be an adapter or none.
      const webgpu = createRuntime({ backend: 'webgpu' }).then(
        (rt) => rt.backend,
        (e) => e.code,
      );
      assert.match(await webgpu, /^(webgpu|E_NO_DEVICE)$/);
    },
    seed: async () => {
      const draw = async (seed: number | bigint) => list((await createRuntime({ seed })).rng.bits('x', [2]));
      assert.notDeepEqual(await draw(1), await draw(2));
      assert.deepEqual(await draw(1), await draw(1n));
      assert.deepEqual(await draw(0), await list((await createRuntime()).rng.bits('x', [2])));
    },
    wasm: async () => {
      await assert.rejects(createRuntime({ wasm: Uint8Array.of(1, 2, 3) }), code('E_NO_DEVICE'));
    },
    device: async () => {
      await assert.rejects(createRuntime({ backend: 'wasm', device: {} }), code('E_OPTION'));
      const broken = new Proxy({}, { get: () => assert.fail('the device is used') });
      await assert.rejects(createRuntime({ backend: 'webgpu', device: broken }), /the device is used/);
    },
    threads: async () => {
      const of = (threads: number | 'auto') => createRuntime({ backend: 'wasm', threads });
      for (const threads of ['auto', 1] as const) assert.equal((await of(threads)).why, 'wasm was asked for');
      for (const threads of [1, 2]) {
        await using rt = await of(threads);
        assert.equal(rt.threads, threads);
      }
      for (const threads of [0, -1, 1.5, Number.NaN, 'all', '2'])
        await assert.rejects(of(threads as never), code('E_OPTION'));
    },
    numerics: async () => {
      const of = (numerics: 'exact' | 'fast') => createRuntime({ backend: 'wasm', numerics });
      const [exact, fast] = [await of('exact'), await of('fast')];
      assert.deepEqual([exact.exactness, fast.exactness], ['bitwise', 'unverified']);
      assert.match(fast.why, /numerics 'fast' changes nothing on WASM/);
      const sine = (rt: Runtime) => list(rt.rng.normal('x', [100]).sin());
      assert.deepEqual(await sine(fast), await sine(exact));
      await assert.rejects(of('quick' as never), code('E_OPTION'));
    },
    precision: async () => {
      const of = async (precision?: 'highest' | 'high') => {
        const rt = await createRuntime({ backend: 'wasm', precision });
        const x = rt.tensor([Math.PI], [1, 1]);
        return [rt.precision, await x.matmul(x).item()] as const;
      };
      assert.deepEqual(await of(), await of('highest'));
      assert.deepEqual(await of('high'), ['high', Math.fround(Math.fround(3.1416015625) ** 2)]);
      await assert.rejects(of('low' as never), code('E_OPTION'));
    },
    debug: async () => {
      const changed = async (debug: boolean) => {
        const rt = await createRuntime({ debug });
        let k = 1;
        const f = rt.capture((x: Tensor<'f32'>) => x.mul(k));
        await f(1);
        k = 2;
        return f(1);
      };
      await changed(false);
      await assert.rejects(changed(true), code('E_IMPURE'));
    },
    signal: async () => {
      await assert.rejects(createRuntime({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
    },
    onProgress: async () => {
      const seen: number[] = [];
      await createRuntime({ backend: 'wasm', onProgress: (e) => seen.push(e.done) });
      assert.deepEqual(seen, [0, 1]);
    },
  };
  for (const name of Object.keys(RUNTIME_OPTIONS)) {
    assert.ok(alive[name], `option ${name} has no liveness case`);
    await alive[name]();
  }
  assert.deepEqual(
    Object.keys(alive).filter((name) => !Object.hasOwn(RUNTIME_OPTIONS, name)),
    [],
  );
  await assert.rejects(createRuntime({ sed: 1 } as RuntimeOptions), code('E_OPTION'));
});

test('uploads are canonical, copied, and refuse what does not fit', async () => {
  const rt = await createWasmRuntime();
  const source = Float32Array.of(-0, 2 ** -126, -(2 ** -130), 2 ** -125, 1.5);
  const t = rt.tensor(source);
  source[4] = 9;
  assert.deepEqual(await list(t), [0, 0, 0, 2 ** -125, 1.5]);
  assert.ok(Object.is((await t.data())[0], 0));
  assert.throws(() => rt.tensor([1, Number.NaN]), code('E_DATA'));
  assert.ok(
    Number.isNaN((await rt.tensor([Number.NaN], [1], 'f32', { nonfinite: 'keep' }).data({ nonfinite: 'keep' }))[0]),
  );
  assert.throws(() => rt.tensor([1, 2, 3], [2]), code('E_SHAPE'));
  assert.throws(() => rt.tensor([1.5], [1], 'i32'), code('E_DATA'));
  assert.throws(() => rt.tensor([-1], [1], 'u32'), code('E_DATA'));
  assert.throws(() => rt.tensor([2], [1], 'bool'), code('E_DATA'));
  assert.throws(() => rt.tensor([1], [1], 'f64' as never), code('E_DTYPE'));
  assert.throws(() => rt.tensor([1], [-1]), code('E_SHAPE'));
  assert.deepEqual(await list(rt.tensor([4294967295], [1], 'u32')), [4294967295]);
  assert.deepEqual(await list(rt.tensor([1, 0], [2], 'bool')), [1, 0]);
});

test('dtypes are never promoted: the message names the cast', async () => {
  const rt = await createWasmRuntime();
  const f = rt.tensor([1]);
  const i = rt.tensor([1], [1], 'i32');
  assert.throws(
    () => f.add(i as never),
    (e) => code('E_DTYPE')(e) && /cast\('f32'\)/.test((e as { hint: string }).hint),
  );
  assert.throws(() => i.div(2), code('E_DTYPE'));
  assert.throws(() => i.add(0.5), code('E_DATA'));
  assert.throws(() => rt.tensor([1], [1], 'bool').sum(), code('E_DTYPE'));
  assert.throws(() => f.and(f as never), code('E_DTYPE'));
  assert.throws(() => where(f as never, 1, f), code('E_DTYPE'));
});

test('reads: a copy each time, cached values, item, abort', async () => {
  const rt = await createWasmRuntime();
  const t = rt.tensor([1, 2]).mul(3);
  const a = await t.data();
  a[0] = 99;
  assert.deepEqual(await list(t), [3, 6]);
  await assert.rejects(t.item(), code('E_SHAPE'));
  assert.equal(await t.sum().item(), 9);
  await assert.rejects(t.data({ signal: AbortSignal.abort(new Error('no more')) }), /no more/);
});

test('dispose: twice is fine, later reads throw, graphs that need the value keep it, memory comes back', async () => {
  const rt = await createWasmRuntime();
  const before = rt.memory().live;
  const t = rt.tensor([1, 2, 3]);
  const held = rt.memory().live;
  assert.ok(held > before);
  const y = t.add(1);
  t.dispose();
  t.dispose();
  assert.throws(() => t.shape, code('E_DISPOSED'));
  await assert.rejects(async () => t.data(), code('E_DISPOSED'));
  assert.deepEqual(await list(y), [2, 3, 4]);
  const alone = rt.tensor([1, 2, 3]);
  const now = rt.memory().live;
  alone.dispose();
  assert.ok(rt.memory().live < now);
  {
    using scoped = rt.tensor([5]);
    assert.equal(await scoped.item(), 5);
  }
  await rt.dispose();
  assert.throws(() => rt.tensor([1]), code('E_DISPOSED'));
});

test('two runtimes do not mix', async () => {
  const [a, b] = [await createWasmRuntime(), await createWasmRuntime()];
  assert.throws(() => a.tensor([1]).add(b.tensor([1])), code('E_OPTION'));
});

test('a long chain built without reading runs (no recursion over the graph)', async () => {
  const rt = await createWasmRuntime();
  const v = rt.variable(rt.scalar(0));
  for (let i = 0; i < 5000; i++) v.assign(v.value().add(1));
  await rt.flush();
  assert.equal(await v.value().item(), 5000);
});

test('random draws are a pure function of seed, name and step', async () => {
  const rt = await createWasmRuntime({ seed: 5n });
  const a = await list(rt.rng.at(3).normal('w', [5]));
  assert.deepEqual(await list(rt.rng.at(3).normal('w', [5])), a);
  assert.deepEqual(await list(rt.rng.at(rt.scalar(3, 'u32')).normal('w', [5])), a);
  // A computed step too, and where the draw has as many elements as the step.
  for (const step of [rt.scalar(1, 'u32').add(2), rt.tensor([1, 2], [2], 'u32').sum()]) {
    assert.deepEqual(await list(rt.rng.at(step).normal('w', [5])), a);
    assert.deepEqual(await list(rt.rng.at(step).normal('w', [])), a.slice(0, 1));
    assert.deepEqual(await list(rt.rng.at(step).normal('w', [1, 1])), a.slice(0, 1));
  }
  assert.notDeepEqual(await list(rt.rng.at(4).normal('w', [5])), a);
  assert.notDeepEqual(await list(rt.rng.at(3).normal('v', [5])), a);
  assert.notDeepEqual(await list(rt.rng.withSeed(6).at(3).normal('w', [5])), a);
  assert.throws(() => rt.rng.withSeed(-1), code('E_OPTION'));
  assert.throws(() => rt.rng.at(rt.scalar(0, 'u32')).permutation('p', 3), code('E_OPTION'));
  assert.deepEqual([...rt.rng.permutation('p', 6)].sort(), [0, 1, 2, 3, 4, 5]);
});

test('a draw holds no more than its values, and nothing when it is disposed of', async () => {
  const rt = await createWasmRuntime();
  const one = rt.tensor(new Float32Array(16));
  const room = rt.memory().live;
  one.dispose();
  const draws = [rt.rng.bits('a', [16]), rt.rng.uniform('b', [16]), rt.rng.at(7).normal('c', [16])];
  assert.equal(rt.memory().live, 0);
  for (const t of draws) await t.data();
  const after = rt.memory().live;
  for (const t of draws) t.dispose();
  assert.equal(after - rt.memory().live, 3 * room);
  // What is left belongs to plans and their arena: drawing again adds nothing.
  const left = rt.memory().live;
  for (let i = 0; i < 3; i++) {
    using t = rt.rng.bits('a', [16]);
    await t.data();
  }
  assert.equal(rt.memory().live, left);
});
