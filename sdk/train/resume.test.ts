import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { encodeCheckpoint, openCheckpoint, RunStore } from '../checkpoint/index.ts';
import { type BatchSource, batches, moments } from '../data/index.ts';
import { createRuntime, type Runtime, type Tensor } from '../index.ts';
import { build } from '../nn/build.ts';
import {
  crossEntropy,
  Embedding,
  Linear,
  leakyRelu,
  Normalize,
  Sequential,
  TransformerBlock,
  tanh,
} from '../nn/index.ts';
import { adam, adamw, clipByNorm, cosineDecay, ema, type Optimizer, sgd, warmup } from '../optim/index.ts';
import { accuracy, component, loadWeights, type Objective, weightsOf } from './index.ts';
import { drain, tinyBatches, tinyData, tinyModel, tinyTrainer } from './tiny.ts';
import { Trainer } from './trainer.ts';

let rt: Runtime;
let other: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
  other = await createRuntime({ backend: 'wasm', seed: 5n });
});
after(() => Promise.all([rt.dispose(), other.dispose()]));

const STEPS = 12;
const OPTIMIZERS: Record<string, () => Optimizer> = {
  'sgd with momentum': () => sgd({ lr: 0.1, momentum: 0.9, nesterov: true }),
  adam: () => adam({ lr: 0.05 }),
  'adamw with a schedule': () => adamw({ lr: warmup(cosineDecay({ lr: 0.1, steps: STEPS }), { steps: 4 }) }),
  'adam with clipping and averages': () => ema(clipByNorm(adam({ lr: 0.05 }), 0.5), { decay: 0.9, warmup: true }),
};

describe('a run that stops after any step and resumes ends in the same bytes', () => {
  for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
    test(name, async () => {
      const whole = tinyTrainer(rt, { optimizer: optimizer() });
      await drain(whole.run(tinyBatches(), { steps: STEPS }));
      const want = { fingerprint: await whole.fingerprint(), root: (await whole.save()).root };
      for (let k = 0; k <= STEPS; k++) {
        const store = memoryStore();
        const first = tinyTrainer(rt, { optimizer: optimizer(), store });
        await drain(first.run(tinyBatches(), { steps: k }));
        await first.save();
        // Another runtime with another seed: everything must come from the file.
        const second = tinyTrainer(other, { optimizer: optimizer(), store });
        assert.deepEqual(await second.resume(), { resumed: true, step: k, skipped: [], migrated: [] });
        await drain(second.run(tinyBatches(), { steps: STEPS }));
        assert.equal(await second.fingerprint(), want.fingerprint, `stopped after step ${k}`);
        assert.equal((await second.save()).root, want.root, `bytes, stopped after step ${k}`);
      }
    });
  }
  test('a transformer with dropout, on tokens', async () => {
    const text = (shift: number) => Int32Array.from({ length: 42 }, (_, i) => ((i + shift) * (i + shift)) % 5);
    const [x, y] = [0, 1].map((n) => ({ data: text(n), shape: [7, 6], dtype: 'i32' as const }));
    const make = (on: Runtime, store?: Store, dropout = 0.25) =>
      new Trainer({
        model: new Sequential(
          new Embedding(5, 4),
          new TransformerBlock(4, 2, { causal: true, dropout }),
          new Linear(4, 5),
        ).init(on),
        loss: crossEntropy,
        optimizer: adam({ lr: 0.05 }),
        store: store ?? memoryStore(),
      });
    const end = async (trainer: Trainer, steps: number) => {
      await drain(trainer.run(batches(x, y, { size: 3, shuffle: true }), { steps }));
      return trainer.fingerprint();
    };
    const want = await end(make(rt), 8);
    assert.notEqual(await end(make(rt, undefined, 0), 8), want, 'dropout changes the run');
    for (let k = 0; k <= 8; k++) {
      const store = memoryStore();
      const first = make(rt, store);
      await end(first, k);
      await first.save();
      const second = make(other, store);
      await second.resume();
      assert.equal(await end(second, 8), want, `stopped after step ${k}`);
    }
  });
  test('also when a validation, metrics and a skipped step are part of it', async () => {
    const { x, y } = tinyData();
    x.data[7] = 1e30;
    const data = () => batches(x, y, { size: 5, shuffle: true });
    // The square of 1e30 is Inf, and Inf * 0 is NaN: the step with that row is refused.
    const objective: Objective = (model, batch) => {
      const inputs = batch.x as Tensor<'f32'>;
      const prediction = model.forward(inputs) as Tensor<'f32'>;
      const labels = batch.y as Tensor<'i32'>;
      const loss = crossEntropy(prediction, labels).add(inputs.mul(inputs).max().mul(0));
      return { loss, accuracy: accuracy(prediction, labels) };
    };
    const options = () => ({ objective, onNonFinite: 'skip' as const, validation: { data: tinyBatches({ rows: 6 }) } });
    const whole = tinyTrainer(rt, options());
    await drain(whole.run(data(), { steps: STEPS }));
    assert.ok(whole.skipped >= 2, 'one step of each complete epoch');
    for (let k = 0; k <= STEPS; k++) {
      const store = memoryStore();
      const first = tinyTrainer(rt, { ...options(), store });
      await drain(first.run(data(), { steps: k }));
      await first.save();
      const second = tinyTrainer(other, { ...options(), store });
      await second.resume();
      await drain(second.run(data(), { steps: STEPS }));
      assert.equal(await second.fingerprint(), await whole.fingerprint(), `stopped after step ${k}`);
    }
  });
});

describe('what a state holds', () => {
  test('names, dtypes and roots are those of the format', async () => {
    const store = memoryStore();
    const saved = tinyTrainer(rt, { store });
    await drain(saved.run(tinyBatches(), { steps: 7 }));
    await saved.save();
    const { file } = (await new RunStore(store).open())!;
    assert.deepEqual(
      file.tensors.map((t) => `${t.name} ${t.dtype} [${t.shape}]`),
      [
        ...['metrics/loss f32 [7]', 'metrics/step u32 [7]'],
        ...['model/0.bias f32 [4]', 'model/0.weight f32 [4,3]', 'model/2.bias f32 [3]', 'model/2.weight f32 [3,4]'],
        ...['optim/m/0.bias f32 [4]', 'optim/m/0.weight f32 [4,3]', 'optim/m/2.bias f32 [3]'],
        ...['optim/m/2.weight f32 [3,4]', 'optim/v/0.bias f32 [4]', 'optim/v/0.weight f32 [4,3]'],
        ...['optim/v/2.bias f32 [3]', 'optim/v/2.weight f32 [3,4]'],
      ],
    );
    assert.deepEqual(file.state, {
      model: tinyModel(rt).describe(),
      optim: { type: 'adam' },
      metrics: {},
      train: { step: 7, skipped: 0 },
      data: { id: await tinyBatches().id(), epoch: 1, batch: 2 },
      rng: { seed: [42, 0] },
    });
    const { numerics, ...rest } = file.schema;
    assert.equal(numerics, 1);
    assert.deepEqual(rest, { model: 1, optim: 1, metrics: 1, train: 1, data: 1, rng: 1 });
  });
  test('nothing about saving, timing or how it is watched is in it', async () => {
    const plain = tinyTrainer(rt, { store: undefined });
    await drain(plain.run(tinyBatches(), { steps: 8 }));
    const watched = tinyTrainer(rt, {
      checkpoint: { everySteps: 1, keepLast: 2, everySeconds: 1e-9, onException: true },
    });
    for await (const { loss } of watched.run(tinyBatches(), { steps: 8 }, { every: 3 })) await loss.item();
    await watched.evaluate(tinyBatches());
    await watched.fingerprint();
    assert.equal(await watched.fingerprint(), await plain.fingerprint());
  });
  test('the seed has 64 bits', async () => {
    const seed = 0xfedcba9876543210n;
    const store = memoryStore();
    const first = tinyTrainer(rt, { seed, store });
    await drain(first.run(tinyBatches(), { steps: 3 }));
    await first.save();
    const second = tinyTrainer(other, { store });
    await second.resume();
    await drain(second.run(tinyBatches(), { steps: 9 }));
    await drain(first.run(tinyBatches(), { steps: 9 }));
    assert.equal(await second.fingerprint(), await first.fingerprint());
  });
});

describe('what does not fit is refused, and changes nothing', () => {
  async function saved(steps = 4) {
    const store = memoryStore();
    const trainer = tinyTrainer(rt, { store });
    await drain(trainer.run(tinyBatches(), { steps }));
    await trainer.save();
    return store;
  }
  test('another model, another optimizer', async () => {
    const store = await saved();
    const wider = () => new Sequential(new Linear(3, 5), tanh, new Linear(5, 3)).init(rt);
    const bent = () => new Sequential(new Linear(3, 4), leakyRelu(0.1), new Linear(4, 3)).init(rt);
    const cases = [
      [{ model: wider() }, 'E_MODEL', /another model/],
      [{ model: bent() }, 'E_MODEL', /leakyRelu/],
      [{ optimizer: sgd({ lr: 0.1, momentum: 0.9 }) }, 'E_OPTIMIZER', /adam, not sgd/],
      [{ optimizer: adamw({ lr: 0.1 }) }, 'E_OPTIMIZER', /adam, not adamw/],
    ] as const;
    for (const [o, code, message] of cases) {
      const trainer = tinyTrainer(rt, { ...o, store });
      const before = await trainer.fingerprint();
      await assert.rejects(trainer.resume(), { code, message });
      assert.equal(await trainer.fingerprint(), before);
      // Nor may the foreign run be written to.
      await assert.rejects(trainer.save(), { code: 'E_CONFLICT' });
    }
  });
  test('a model of one own that lacks a tensor: all differences are named', async () => {
    const store = await saved();
    class Mine extends Linear {
      override describe() {
        return null;
      }
    }
    const trainer = new Trainer({
      model: new Mine(3, 3).init(rt),
      loss: crossEntropy,
      optimizer: adam({ lr: 1 }),
      store,
    });
    await assert.rejects(trainer.resume(), {
      code: 'E_MODEL',
      message: /not in it: weight, bias; only in it: 0\.bias, 0\./,
    });
  });
  test('another explicit seed', async () => {
    const store = await saved();
    await assert.rejects(tinyTrainer(rt, { store, seed: 43 }).resume(), { code: 'E_OPTION', message: /seed 42.*43/ });
    assert.equal((await tinyTrainer(rt, { store, seed: 42 }).resume()).resumed, true);
  });
  test('other data, unless allowed', async () => {
    const store = await saved(7);
    const trainer = tinyTrainer(rt, { store });
    await trainer.resume();
    const before = await trainer.fingerprint();
    const smaller = tinyBatches({ size: 4 });
    await assert.rejects(drain(trainer.run(smaller, { steps: 9 })), { code: 'E_DATA_ORDER' });
    assert.equal(await trainer.fingerprint(), before);
    await drain(trainer.run(smaller, { epochs: 2 }, { allowNewData: true }));
    assert.equal(trainer.step, 7 + 6, 'the epoch under way began anew, in 6 batches of 4');
  });
  test("the data's digest is asked for by what needs it: a state, or another run", async () => {
    const wrapped = (asked: string[], name: string): BatchSource => {
      const source = tinyBatches();
      const id = () => {
        asked.push(name);
        return source.id();
      };
      return { batches: source.batches, id, epoch: (...a) => source.epoch(...a) };
    };
    const asked: string[] = [];
    const trainer = tinyTrainer(rt);
    const whole = tinyTrainer(rt);
    await drain(whole.run(tinyBatches(), { steps: 4 }));
    await drain(trainer.run(wrapped(asked, 'first'), { steps: 2 }));
    assert.deepEqual(asked, []);
    await drain(trainer.run(wrapped(asked, 'second'), { steps: 4 }));
    assert.deepEqual(asked, ['first', 'second']);
    assert.equal(await trainer.fingerprint(), await whole.fingerprint());
    const smaller = tinyBatches({ size: 4 });
    await assert.rejects(drain(trainer.run(smaller, { steps: 9 })), { code: 'E_DATA_ORDER' });
  });
  test('weights, a damaged file, another version', async () => {
    const store = memoryStore();
    await new RunStore(store).save(weightsOf(tinyModel(rt)), { step: 0, epoch: 0 });
    await assert.rejects(tinyTrainer(rt, { store }).resume(), {
      code: 'E_SCHEMA',
      message: /'weights', not a training/,
    });

    const damaged = await saved();
    for await (const { key } of damaged.list('objects/')) {
      const bytes = await damaged.get(key);
      bytes[bytes.length - 1] ^= 1;
      await damaged.put(key, bytes);
    }
    await assert.rejects(tinyTrainer(rt, { store: damaged }).resume(), { code: 'E_NO_VALID_CHECKPOINT' });

    const old = await saved();
    const { file } = (await new RunStore(old).open())!;
    const versions = memoryStore();
    const content = { kind: file.kind, schema: { ...file.schema, numerics: 2 }, state: file.state };
    await new RunStore(versions).save({ ...content, tensors: await file.readAll() }, { step: 4, epoch: 0 });
    await assert.rejects(tinyTrainer(rt, { store: versions }).resume(), { code: 'E_VERSION', message: /numerics/ });
  });
  test('what a device or a component refuses, before anything is changed', async () => {
    const kept = { n: 7 };
    const part = (refuses: boolean) =>
      component('part', {
        version: 1,
        save: () => ({ state: { ...kept } }),
        load: () => () => {
          if (refuses) throw new Error('not now');
        },
      });
    const store = memoryStore();
    const first = tinyTrainer(rt, { store, components: [part(false)] });
    await drain(first.run(tinyBatches(), { steps: 4 }));
    await first.save();
    const { file } = (await new RunStore(store).open())!;
    const { kind, schema, state } = file;
    const refused = async (name: string | null, value: number, want: object) => {
      const tensors = await file.readAll();
      const t = name === null ? undefined : tensors.get(name);
      assert.equal(t === undefined, name === null);
      if (t) t.data[t.data.length - 1] = value;
      const bad = memoryStore();
      await new RunStore(bad).save({ kind, schema, state, tensors }, { step: 4, epoch: 0 });
      const trainer = tinyTrainer(rt, { store: bad, components: [part(name === null)] });
      await drain(trainer.run(tinyBatches(), { steps: 2 }));
      const before = await trainer.fingerprint();
      await assert.rejects(trainer.resume(), want);
      assert.equal(await trainer.fingerprint(), before, String(name));
      assert.equal(trainer.step, 2);
      await assert.rejects(trainer.save(), { code: 'E_CONFLICT' });
    };
    const names = file.tensors.map((t) => t.name).filter((n) => /^(model|optim)/.test(n));
    assert.equal(names.length, 12);
    for (const name of names) await refused(name, Number.NaN, { code: 'E_DATA', message: /element \d+ is NaN/ });
    await refused(names[11], Number.POSITIVE_INFINITY, { code: 'E_DATA', message: /is Infinity/ });
    await refused(null, 0, { message: 'not now' });
  });
  test('a store that holds a run, without resume', async () => {
    const store = await saved();
    const refused = async () => {
      const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 2 } });
      await assert.rejects(drain(trainer.run(tinyBatches(), { steps: 4 })), { code: 'E_CONFLICT', hint: /resume/ });
      assert.equal(trainer.step, 0, 'before any training');
    };
    await refused();
    for await (const { key } of store.list('commits/')) await store.put(key, (await store.get(key)).subarray(0, 40));
    await refused(); // all of it damaged
  });
});

describe('references', () => {
  test('step:N, a tag and a root open older commits; going on from there is the same run', async () => {
    const store = memoryStore();
    const first = tinyTrainer(rt, { store, checkpoint: { everySteps: 2 } });
    await drain(first.run(tinyBatches(), { steps: 6 }));
    const { root } = await first.save({ tags: ['good'] });
    for (const [ref, step] of [
      ['step:4', 4],
      ['good', 6],
      [root.slice(0, 12), 6],
      ['latest', 6],
    ] as const) {
      assert.equal((await tinyTrainer(rt, { store }).resume(ref)).step, step, ref);
    }
    const back = tinyTrainer(rt, { store });
    await back.resume('step:2');
    await drain(back.run(tinyBatches(), { steps: 6 }));
    assert.equal(await back.fingerprint(), await first.fingerprint());
    await assert.rejects(tinyTrainer(rt, { store }).resume('step:3'), { code: 'E_NOT_FOUND' });
  });
});

describe('weights alone', () => {
  test('go into a fresh model, out of a training state or a file of weights', async () => {
    const store = memoryStore();
    const model = tinyModel(rt);
    const trainer = tinyTrainer(rt, { model, store });
    await drain(trainer.run(tinyBatches(), { epochs: 2 }));
    await trainer.save();
    const { x } = tinyData();
    const want = await model.forward(rt.tensor(x)).data();
    const files = [
      (await new RunStore(store).open())!.file,
      await openCheckpoint(await (await encodeCheckpoint(weightsOf(model))).bytes()),
    ];
    for (const file of files) {
      const fresh = build(file.state.model).init(other);
      assert.notDeepEqual(await fresh.forward(other.tensor(x)).data(), want);
      await loadWeights(fresh, file);
      assert.deepEqual(await fresh.forward(other.tensor(x)).data(), want, file.kind);
      await assert.rejects(loadWeights(new Linear(3, 3).init(rt), file), { code: 'E_MODEL' });
    }
  });
  test('averages: a model with them in place of its parameters, and its own buffers', async () => {
    const { x } = tinyData();
    const make = () => new Sequential(new Normalize(3, moments(x)), new Linear(3, 4), tanh, new Linear(4, 3)).init(rt);
    const run = async (optimizer: Optimizer, steps: number) => {
      const store = memoryStore();
      const trainer = tinyTrainer(rt, { model: make(), optimizer, store });
      await drain(trainer.run(tinyBatches(), { steps }));
      await trainer.save();
      return (await new RunStore(store).open())!.file;
    };
    const averaged = () => ema(adam({ lr: 0.05 }), { decay: 0.9 });
    const file = await run(averaged(), 12);
    const fresh = build(file.state.model).init(other);
    await loadWeights(fresh, file, { average: true });
    for (const [name, v] of fresh.parameters()) {
      const got = await v.value().data();
      assert.deepEqual(got, (await file.read(`optim/ema/${name}`)).data);
      assert.notDeepEqual(got, (await file.read(`model/${name}`)).data);
    }
    for (const [name, v] of fresh.buffers())
      assert.deepEqual(await v.value().data(), (await file.read(`model/${name}`)).data);
    const before = await fresh.parameters().get('1.bias')!.value().data();
    for (const none of [await run(adam({ lr: 0.05 }), 3), await run(averaged(), 0)]) {
      await assert.rejects(loadWeights(fresh, none, { average: true }), { code: 'E_MISSING' });
      assert.deepEqual(await fresh.parameters().get('1.bias')!.value().data(), before);
    }
    await assert.rejects(loadWeights(new Linear(3, 3).init(rt), file, { average: true }), { code: 'E_MODEL' });
  });
});
