/** Weights alone, out of and into checkpoints, runs and other programs' files: what is loaded, and the report of it. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { openDevice } from '../../wgsl/dawn.ts';
import { type CheckpointFile, encodeCheckpoint, openCheckpoint, RunStore } from '../checkpoint/index.ts';
import { ARRAY, type DType } from '../core/dtype.ts';
import { isIsobitError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { castOf, f32ToBf16, f32ToF16 } from '../core/scalar/cast.ts';
import { EngineRuntime } from '../engine/runtime.ts';
import { WebGpuDevice } from '../engine/webgpu/device.ts';
import type { Archive } from '../formats/archive.ts';
import { fromBurn, toBurn } from '../formats/burn.ts';
import { readBurnpack, writeBurnpack } from '../formats/burnpack.ts';
import { toArchive } from '../formats/content.ts';
import { readJson, writeJson } from '../formats/json.ts';
import { quantizeRows } from '../formats/narrow.ts';
import { readNpz, writeNpz } from '../formats/npz.ts';
import { readPyTorch } from '../formats/pytorch.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { createRuntime, quantize, type Runtime } from '../index.ts';
import { Linear, Module, relu, Sequential, tanh } from '../nn/index.ts';
import { adam, ema } from '../optim/index.ts';
import { type LoadReport, type LoadWeightsOptions, loadWeights, weightsOf } from './index.ts';
import { live } from './live.ts';
import { drain, tinyBatches, tinyModel, tinyTrainer } from './tiny.ts';
import { LOAD_OPTIONS, WEIGHTS_OPTIONS } from './weights.ts';

const wasm = await createRuntime({ backend: 'wasm', seed: 42n });
const device = await openDevice();
if (!device && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const gpu = device ? new EngineRuntime(new WebGpuDevice(device, 'test'), { seed: 42n }) : null;
const seeded = await createRuntime({ backend: 'wasm', seed: 7n });
after(() => Promise.all([wasm.dispose(), seeded.dispose(), gpu?.dispose()]));

const NAMES = ['0.weight', '0.bias', '2.weight', '2.bias'];

async function valuesOf(model: Module): Promise<Record<string, readonly number[]>> {
  const all = [...model.parameters(), ...model.buffers()];
  return Object.fromEntries(await Promise.all(all.map(async ([n, v]) => [n, Array.from(await v.value().data())])));
}

/** Weights by name, in the shapes of the tiny model. */
async function tensorsOf(model: Module): Promise<Map<string, HostArray>> {
  const all = [...model.parameters()].map(async ([n, v]): Promise<[string, HostArray]> => {
    return [n, { data: await v.value().data(), shape: v.shape, dtype: v.dtype }];
  });
  return new Map(await Promise.all(all));
}

const archive = (tensors: ReadonlyMap<string, HostArray>, more: Partial<Archive> = {}): Archive => ({
  tensors,
  metadata: {},
  ...more,
});

async function fileOf(tensors: ReadonlyMap<string, HostArray>): Promise<CheckpointFile> {
  const named = new Map([...tensors].map(([n, t]) => [`model/${n}`, t]));
  const content = { kind: 'weights', schema: { model: 1 }, state: { model: null }, tensors: named };
  return openCheckpoint(await (await encodeCheckpoint(content)).bytes());
}

const as = <D extends DType>({ data, shape }: HostArray, dtype: D): HostArray<D> => ({
  data: ARRAY[dtype].from(Array.from(data, (v) => castOf(v, 'f32', dtype))),
  shape,
  dtype,
});

const source = tinyModel(seeded);
const weights = await tensorsOf(source);
const want = await valuesOf(source);
const NOTHING: Omit<LoadReport, 'loaded'> = {
  missing: [],
  unexpected: [],
  shapeMismatch: [],
  dtypeMismatch: [],
  cast: [],
  renamed: [],
  flushed: 0,
  migrated: [],
};

/** Every kind of fault at once: 2.bias missing, `extra` unexpected, 0.bias of another shape, 0.weight of another dtype. */
function damaged(): Map<string, HostArray> {
  const t = new Map(weights);
  t.delete('2.bias');
  t.set('extra', { data: Float32Array.of(1), shape: [1], dtype: 'f32' });
  t.set('0.bias', { data: new Float32Array(5), shape: [5], dtype: 'f32' });
  t.set('0.weight', as(weights.get('0.weight')!, 'bf16'));
  return t;
}
const FAULTS = {
  ...NOTHING,
  missing: ['2.bias'],
  unexpected: ['extra'],
  shapeMismatch: [{ name: '0.bias', file: [5], model: [4] }],
  dtypeMismatch: [{ name: '0.weight', file: 'bf16', model: 'f32' }],
};

for (const [backend, rt] of [
  ['wasm', wasm],
  ['webgpu', gpu],
] as const) {
  describe(backend, { skip: rt ? false : 'no WebGPU device' }, () => {
    const fresh = () => tinyModel(rt as Runtime);

    test('all of a file, under its own names', async () => {
      const model = fresh();
      const file = await openCheckpoint(await (await encodeCheckpoint(weightsOf(source))).bytes());
      const r = await loadWeights(model, file);
      assert.deepEqual({ ...r, loaded: [...r.loaded].sort() }, { ...NOTHING, loaded: [...NAMES].sort() });
      assert.deepEqual(await valuesOf(model), want);
    });

    test('strict: every fault in one typed error, whose details are the report; the model is untouched', async () => {
      const model = fresh();
      const before = await valuesOf(model);
      for (const from of [archive(damaged()), await fileOf(damaged())]) {
        await assert.rejects(loadWeights(model, from), (e: unknown) => {
          assert.ok(isIsobitError(e));
          assert.equal(e.code, 'E_MODEL');
          assert.deepEqual(e.details, { ...FAULTS, loaded: [] });
          for (const text of ['2.bias', 'extra', '0.bias: [5] in the file, [4] wanted', 'bf16 in the file, f32'])
            assert.ok(e.message.includes(text), e.message);
          assert.match(e.hint, /cast: true/);
          return true;
        });
        assert.deepEqual(await valuesOf(model), before);
      }
    });

    test('not strict: what fits is loaded, the rest is told and stays', async () => {
      const model = fresh();
      const before = await valuesOf(model);
      const r = await loadWeights(model, await fileOf(damaged()), { strict: false });
      assert.deepEqual(r, { ...FAULTS, loaded: ['2.weight'] });
      assert.deepEqual(await valuesOf(model), { ...before, '2.weight': want['2.weight'] });
    });

    test('cast: half to even, and listed', async () => {
      const halves = new Map([...weights].map(([n, t]) => [n, as(t, n.endsWith('bias') ? 'f16' : 'bf16')]));
      const model = fresh();
      const r = await loadWeights(model, archive(halves), { cast: true });
      assert.deepEqual(r.cast.map((c) => `${c.name} ${c.from} ${c.to}`).sort(), [
        '0.bias f16 f32',
        '0.weight bf16 f32',
        '2.bias f16 f32',
        '2.weight bf16 f32',
      ]);
      const got = await valuesOf(model);
      for (const n of NAMES) {
        const narrow = n.endsWith('bias') ? f32ToF16 : f32ToBf16;
        assert.deepEqual(got[n].map(narrow), want[n].map(narrow), n);
        assert.notDeepEqual(got[n], want[n]);
      }
    });

    test('only: by list, prefix and predicate; nothing else is touched or read', async () => {
      for (const only of [['0.weight', '0.bias'], '0.', (n: string) => n.startsWith('0')]) {
        const model = fresh();
        const before = await valuesOf(model);
        const r = await loadWeights(model, await fileOf(weights), { only });
        assert.deepEqual([...r.loaded].sort(), ['0.bias', '0.weight']);
        assert.deepEqual(await valuesOf(model), { ...before, '0.weight': want['0.weight'], '0.bias': want['0.bias'] });
      }
    });

    test('rename: ordered rules, with turned matrices, before names are compared', async () => {
      const theirs = new Map(
        [...weights].map(([n, t]) => [`net.layer${n.replace('2.', '1.').replace('weight', 'kernel')}`, t]),
      );
      const burned = toBurn(archive(theirs), { linear: (n) => n.endsWith('kernel') }).archive;
      const model = fresh();
      const r = await loadWeights(model, burned, {
        rename: [
          { match: /kernel$/, transpose: true },
          { match: /^net\.layer/, rename: '' },
          { match: /kernel$/, rename: 'weight' },
          { match: /^1\./, rename: '2.' },
        ],
      });
      assert.deepEqual(
        r.renamed.find(([from]) => from === 'net.layer1.kernel'),
        ['net.layer1.kernel', '2.weight'],
      );
      assert.equal(r.renamed.length, 4);
      assert.deepEqual(await valuesOf(model), want);
    });
  });
}

describe('sources', () => {
  const load = async (from: Parameters<typeof loadWeights>[1], o: LoadWeightsOptions = {}) => {
    const model = tinyModel(wasm);
    await loadWeights(model, from, o);
    return valuesOf(model);
  };

  test('safetensors, npz, JSON, burnpack: as weights, and as whole checkpoints', async () => {
    const plain = archive(weights);
    const { kind, schema, state } = weightsOf(source);
    const named = new Map([...weights].map(([n, t]) => [`model/${n}`, t]));
    const whole = toArchive({ kind, schema: schema!, state, tensors: named, metadata: {} }, false);
    for (const a of [plain, whole]) {
      assert.deepEqual(await load(readSafetensors(writeSafetensors(a))), want);
      assert.deepEqual(await load(readJson(writeJson(a))), want);
      assert.deepEqual(await load(fromBurn(readBurnpack(writeBurnpack(toBurn(a).archive))).archive), want);
    }
    assert.deepEqual(await load(readNpz(writeNpz(plain))), want);
  });

  test("PyTorch's own file", async () => {
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(new URL('../formats/fixtures/state.pt', import.meta.url));
    const pt = readPyTorch(new Uint8Array(bytes), { cast: true });
    class Plain extends Module {
      plain = wasm.variable(
        wasm.tensor(new Float32Array(pt.tensors.get('plain')!.data.length), pt.tensors.get('plain')!.shape),
      );
      forward() {
        return this.plain.value();
      }
    }
    const model = new Plain();
    const r = await loadWeights(model, pt, { only: ['plain'] });
    assert.deepEqual(r.loaded, ['plain']);
    assert.deepEqual((await valuesOf(model)).plain, Array.from(pt.tensors.get('plain')!.data));
  });

  test('a run, by reference; one without commits', async () => {
    const store = memoryStore();
    const trainer = tinyTrainer(wasm, { store });
    await assert.rejects(load(new RunStore(store)), { code: 'E_NOT_FOUND' });
    await drain(trainer.run(tinyBatches(), { steps: 2 }));
    await trainer.save({ tags: ['early'] });
    const early = await load(new RunStore(store));
    await drain(trainer.run(tinyBatches(), { steps: 4 }));
    await trainer.save();
    assert.notDeepEqual(await load(new RunStore(store)), early);
    for (const ref of ['early', 'step:2']) assert.deepEqual(await load(new RunStore(store), { ref }), early);
    await assert.rejects(load(archive(weights), { ref: 'early' }), { code: 'E_OPTION' });
  });

  test('a file that was opened lazily: only what is loaded is fetched', async () => {
    const wide = new Sequential(new Linear(512, 512), relu, new Linear(512, 2)).init(wasm);
    const store = memoryStore();
    await store.put('w', (await encodeCheckpoint(weightsOf(wide))).body);
    let fetched = 0;
    const counting: Store = {
      ...store,
      caps: () => store.caps(),
      head: (k, o) => store.head(k, o),
      list: (p, o) => store.list(p, o),
      put: (k, b, o) => store.put(k, b, o),
      delete: (k, o) => store.delete(k, o),
      close: () => store.close(),
      async get(k, o) {
        const bytes = await store.get(k, o);
        fetched += bytes.length;
        return bytes;
      },
    };
    const size = (await store.head('w'))!.size;
    const file = await openCheckpoint({ store: counting, key: 'w' }, { verify: 'lazy' });
    const model = new Sequential(new Linear(512, 512), relu, new Linear(512, 2)).init(seeded);
    await loadWeights(model, file, { only: '2.' });
    assert.deepEqual((await valuesOf(model))['2.bias'], (await valuesOf(wide))['2.bias']);
    assert.ok(fetched < 80_000 && size > 1_000_000, `${fetched} of ${size}`);
  });
});

describe('what is refused, and what is counted', () => {
  test('another activation, unless a part is asked for', async () => {
    const file = await openCheckpoint(await (await encodeCheckpoint(weightsOf(source))).bytes());
    const other = () => new Sequential(new Linear(3, 4), relu, new Linear(4, 3)).init(wasm);
    await assert.rejects(loadWeights(other(), file), { code: 'E_MODEL', message: /tanh/ });
    assert.equal((await loadWeights(other(), file, { strict: false })).loaded.length, 4);
    assert.equal((await loadWeights(other(), file, { only: '0.' })).loaded.length, 2);
  });
  test('Inf and NaN: before anything is assigned', async () => {
    const bad = new Map(weights).set('2.bias', { data: Float32Array.of(0, Number.NaN, 0), shape: [3], dtype: 'f32' });
    const model = tinyModel(wasm);
    const before = await valuesOf(model);
    await assert.rejects(loadWeights(model, archive(bad)), { code: 'E_DATA', message: /2\.bias: element 1/ });
    assert.deepEqual(await valuesOf(model), before);
  });
  test('-0 and what is too small become 0, and are counted', async () => {
    const tiny = new Map(weights).set('2.bias', { data: Float32Array.of(-0, 1e-40, 1), shape: [3], dtype: 'f32' });
    const model = tinyModel(wasm);
    assert.equal((await loadWeights(model, archive(tiny))).flushed, 2);
    assert.deepEqual((await valuesOf(model))['2.bias'], [0, 0, 1]);
  });
  test('a list with a name that nobody has; a selection of nothing; names that fall together', async () => {
    const from = archive(weights);
    const model = tinyModel(wasm);
    await assert.rejects(loadWeights(model, from, { only: ['0.bias', '0.wieght'] }), {
      message: /not in it: 0\.wieght/,
    });
    const loose = await loadWeights(model, from, { only: ['0.bias', '0.wieght'], strict: false });
    assert.deepEqual([loose.loaded, loose.missing], [['0.bias'], ['0.wieght']]);
    await assert.rejects(loadWeights(model, from, { only: 'encoder.' }), { code: 'E_OPTION', hint: /0\.weight/ });
    await assert.rejects(loadWeights(model, from, { rename: [{ match: /^\d/, rename: 'x' }] }), { code: 'E_OPTION' });
    await assert.rejects(loadWeights(model, from, { onlyy: '0.' } as LoadWeightsOptions), { code: 'E_OPTION' });
  });
});

describe('fewer bits', () => {
  const stored = async (dtype: 'f16' | 'bf16' | 'i8') =>
    openCheckpoint(await (await encodeCheckpoint(weightsOf(source, { dtype }))).bytes());

  test('i8: values and scales are those of quantize() on the device, and load as their products', async () => {
    const file = await stored('i8');
    assert.deepEqual(
      file.tensors.map((t) => `${t.name} ${t.dtype} [${t.shape}]`),
      ['model/0.bias f32 [4]', 'model/0.weight i8 [4,3]', 'model/0.weight_scale f32 [4,1]'].concat([
        'model/2.bias f32 [3]',
        'model/2.weight i8 [3,4]',
        'model/2.weight_scale f32 [3,1]',
      ]),
    );
    await assert.rejects(loadWeights(tinyModel(wasm), file), { code: 'E_MODEL', hint: /cast: true/ });
    const model = tinyModel(wasm);
    const r = await loadWeights(model, file, { cast: true });
    assert.deepEqual(
      r.cast.map((c) => `${c.name} ${c.from}`),
      ['0.weight i8', '2.weight i8'],
    );
    const got = await valuesOf(model);
    for (const n of ['0.weight', '2.weight']) {
      const w = source.parameters().get(n)!.value();
      const q = quantize(w, w.abs().max(1, true).div(127));
      assert.deepEqual((await file.read(`model/${n}`)).data, await q.values.data());
      assert.deepEqual((await file.read(`model/${n}_scale`)).data, await q.scale.data());
      assert.deepEqual(got[n], Array.from(await q.values.cast('f32').mul(q.scale).data()));
    }
    assert.deepEqual(got['0.bias'], want['0.bias']);
  });
  test('quantizeRows: ties, both ends, zeros, ranks, and values that have no scale', async () => {
    const q = (data: readonly number[], shape: readonly number[]) =>
      quantizeRows({ data: Float32Array.from(data), shape, dtype: 'f32' });
    const { values, scale } = q([127, 0.5, 1.5, 2.5, -0.5, -127, 0, 0, 0, 0, 0, 0], [2, 3, 2]);
    assert.deepEqual([...values.data], [127, 0, 2, 2, 0, -127, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(
      [[...scale.data], scale.shape],
      [
        [1, 0],
        [2, 1, 1],
      ],
    );
    assert.deepEqual([...q([], [0, 4]).values.data], []);
    assert.deepEqual([...q([], [4, 0]).scale.data], [0, 0, 0, 0]);
    assert.throws(() => q([1, Number.NaN], [1, 2]), { code: 'E_DATA' });
  });
  test('averages go with everything else', async () => {
    const store = memoryStore();
    const trainer = tinyTrainer(wasm, { store, optimizer: ema(adam({ lr: 0.05 }), { decay: 0.5 }) });
    await drain(trainer.run(tinyBatches(), { steps: 3 }));
    await trainer.save();
    const run = new RunStore(store);
    const file = (await run.open())!.file;
    const model = tinyModel(wasm);
    const r = await loadWeights(model, run, { average: true, only: ['0.bias'] });
    assert.deepEqual(r.loaded, ['0.bias']);
    assert.deepEqual((await valuesOf(model))['0.bias'], Array.from((await file.read('optim/ema/0.bias')).data));
  });
});

/** What a load came to: values, and the report or the code of an error. */
async function outcome(from: Parameters<typeof loadWeights>[1], o: LoadWeightsOptions): Promise<unknown> {
  const model = new Sequential(new Linear(3, 4), tanh, new Linear(4, 3)).init(wasm);
  const r = await loadWeights(model, from, o).catch((e: { code?: string; reason?: unknown }) => e.code ?? String(e));
  return [r, await valuesOf(model)];
}
const between = (from: Parameters<typeof loadWeights>[1], a: LoadWeightsOptions, b: LoadWeightsOptions) => async () =>
  [await outcome(from, a), await outcome(from, b)] as const;

const averaged = memoryStore();
{
  const trainer = tinyTrainer(wasm, { store: averaged, optimizer: ema(adam({ lr: 0.05 }), { decay: 0.5 }) });
  for (const steps of [2, 3]) {
    await drain(trainer.run(tinyBatches(), { steps }));
    await trainer.save();
  }
}
const halves = archive(new Map([...weights].map(([n, t]) => [n, as(t, 'f16')])));
live('loadWeights', Object.keys(LOAD_OPTIONS), {
  ref: between(new RunStore(averaged), { ref: 'step:2' }, { ref: 'step:3' }),
  average: between(new RunStore(averaged), { average: false }, { average: true }),
  only: between(archive(weights), { only: '0.' }, { only: '2.' }),
  rename: between(archive(weights), { strict: false }, { strict: false, rename: [{ match: '0.bias', rename: 'b' }] }),
  cast: between(halves, { cast: false }, { cast: true }),
  strict: between(archive(damaged()), { strict: true }, { strict: false }),
  signal: between(new RunStore(averaged), {}, { signal: AbortSignal.abort('stop') }),
});
live('weightsOf', Object.keys(WEIGHTS_OPTIONS), {
  dtype: async () => {
    const root = async (dtype: 'f16' | 'bf16') => (await encodeCheckpoint(weightsOf(source, { dtype }))).root;
    return [await root('f16'), await root('bf16')];
  },
  metadata: () => [weightsOf(source).state, weightsOf(source, { metadata: { author: 'me' } }).state],
});
