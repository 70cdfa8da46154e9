/** Versions: what older files hold is brought up step by step, newer ones are refused, and a caller's own state goes along. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { type CheckpointContent, encodeCheckpoint, openCheckpoint, RunStore } from '../checkpoint/index.ts';
import type { HostArray, Json } from '../core/host.ts';
import { createRuntime } from '../index.ts';
import {
  type Component,
  component,
  loadWeights,
  type Migrated,
  type Migration,
  type TrainerComponent,
  weightsOf,
} from './index.ts';
import { migrate } from './migrate.ts';
import { drain, tinyBatches, tinyModel, tinyTrainer } from './tiny.ts';

const rt = await createRuntime({ backend: 'wasm', seed: 42n });
after(() => rt.dispose());

const f32 = (...v: number[]): HostArray<'f32'> => ({ data: Float32Array.from(v), shape: [v.length], dtype: 'f32' });

/**
 * Early stopping through three versions: 1 kept `best` in the state; 2 keeps it in a tensor; 3 also counts how often it was
 * better, which a version 2 file cannot know.
 */
const STEPS: Readonly<Record<number, Migration>> = {
  1: ({ state }) => {
    const { best } = state as { best: number };
    return { state: { patience: 5 }, tensors: new Map([['best', f32(best)]]) };
  },
  2: ({ state, tensors }) => ({ state: { ...(state as object), better: 0 } as Json, tensors }),
};

class EarlyStop implements TrainerComponent {
  readonly version: number;
  readonly migrations: TrainerComponent['migrations'];
  best = f32(9);
  better = 3;
  patience = 7;
  constructor(version = 3, migrations = STEPS) {
    this.version = version;
    this.migrations = migrations;
  }
  save() {
    if (this.version === 1) return { state: { best: this.best.data[0] } };
    const state = { patience: this.patience, ...(this.version > 2 && { better: this.better }) };
    return { state, tensors: new Map([['best', this.best]]) };
  }
  load({ state, tensors }: { state: Json; tensors: ReadonlyMap<string, HostArray> }) {
    const { patience, better } = state as { patience: number; better: number };
    const best = tensors.get('best') as HostArray<'f32'>;
    return () => Object.assign(this, { patience, better, best });
  }
}

/** A run of three steps with a component of some version. */
async function saved(stop?: EarlyStop): Promise<Store> {
  const store = memoryStore();
  const trainer = tinyTrainer(rt, { store, ...(stop && { components: [component('stop', stop)] }) });
  await drain(trainer.run(tinyBatches(), { steps: 3 }));
  await trainer.save();
  return store;
}

test('two components of one name are refused: a file has one place for both', () => {
  const components = ['x', 'y', 'x'].map((name) => component(name, new EarlyStop()));
  assert.throws(() => tinyTrainer(rt, { components }), { code: 'E_OPTION', message: /two components are callbacks.x/ });
});

test('a component of version 1 in a file comes up to version 3, step by step, and is reported', async () => {
  const old = new EarlyStop(1);
  old.best = f32(0.25);
  const stop = new EarlyStop();
  const trainer = tinyTrainer(rt, { store: await saved(old), components: [component('stop', stop)] });
  const { migrated, resumed } = await trainer.resume();
  assert.deepEqual(
    { migrated, resumed },
    {
      migrated: [{ component: 'callbacks/stop', from: 1, to: 3 }],
      resumed: true,
    },
  );
  assert.deepEqual([stop.best, stop.patience, stop.better], [f32(0.25), 5, 0]);
});

test('the same version is not touched; what is saved is a copy under callbacks/', async () => {
  const store = memoryStore();
  const stop = new EarlyStop();
  const trainer = tinyTrainer(rt, { store, components: [component('stop', stop)] });
  await trainer.save();
  stop.best.data[0] = 1;
  const { file } = (await new RunStore(store).open())!;
  assert.deepEqual(file.state.callbacks, { stop: { patience: 7, better: 3 } });
  assert.equal(file.schema['callbacks/stop'], 3);
  assert.deepEqual(await file.read('callbacks/stop/best'), f32(9));
  const next = tinyTrainer(rt, { store, components: [component('stop', new EarlyStop())] });
  assert.deepEqual((await next.resume()).migrated, []);
});

test('E_MIGRATION: a newer version, a step that is missing, one that throws, one that gives nothing', async () => {
  const throws = { ...STEPS, 2: () => assert.fail('boom') };
  const nothing = { ...STEPS, 2: () => undefined as never };
  const cases: [number, EarlyStop, RegExp][] = [
    [3, new EarlyStop(2), /is version 3, newer than 2/],
    [1, new EarlyStop(3, { 1: STEPS[1] }), /is version 2, and nothing leads to 3/],
    [1, new EarlyStop(3, throws), /boom/],
    [1, new EarlyStop(3, nothing), /gave no/],
  ];
  for (const [version, stop, message] of cases) {
    const trainer = tinyTrainer(rt, {
      store: await saved(new EarlyStop(version)),
      components: [component('stop', stop)],
    });
    const before = await trainer.fingerprint();
    await assert.rejects(trainer.resume(), { code: 'E_MIGRATION', message, path: 'schema.callbacks/stop' });
    assert.equal(await trainer.fingerprint(), before);
  }
});

test('a component that the file lacks needs a step from 0; one that the trainer lacks is refused', async () => {
  const store = await saved();
  const trainer = () => new EarlyStop(3, STEPS);
  await assert.rejects(tinyTrainer(rt, { store, components: [component('stop', trainer())] }).resume(), {
    code: 'E_MIGRATION',
    message: /callbacks\/stop is missing/,
  });
  const from0 = { ...STEPS, 0: () => ({ state: { best: 4 }, tensors: new Map() }) };
  const stop = new EarlyStop(3, from0);
  const { migrated } = await tinyTrainer(rt, { store, components: [component('stop', stop)] }).resume();
  assert.deepEqual(migrated, [{ component: 'callbacks/stop', from: 0, to: 3 }]);
  assert.deepEqual(stop.best, f32(4));
  await assert.rejects(tinyTrainer(rt, { store: await saved(new EarlyStop()) }).resume(), {
    code: 'E_UNEXPECTED',
    message: /callbacks\/stop/,
  });
});

test('two components beside each other keep their own names; a bad name or version is refused', async () => {
  const store = memoryStore();
  const make = () => ({ stop: new EarlyStop(), 'stop-2': new EarlyStop() });
  const first = make();
  first['stop-2'].best = f32(1, 2);
  const all = (of: ReturnType<typeof make>) => Object.entries(of).map(([name, c]) => component(name, c));
  await tinyTrainer(rt, { store, components: all(first) }).save();
  const second = make();
  await tinyTrainer(rt, { store, components: all(second) }).resume();
  assert.deepEqual([second.stop.best, second['stop-2'].best], [f32(9), f32(1, 2)]);
  for (const [name, version] of [
    ['a/b', 1],
    ['a', 0],
  ] as const) {
    assert.throws(() => component(name, new EarlyStop(version)), { code: 'E_OPTION' });
  }
});

test('a state that is no map comes back as it was', async () => {
  for (const state of [0, '', false, null, [1]] as Json[]) {
    const store = memoryStore();
    let got: Json | undefined;
    const bare = {
      version: 1,
      save: () => ({ state }),
      load: (saved: { state: Json }) => () => {
        got = saved.state;
      },
    };
    await tinyTrainer(rt, { store, components: [component('bare', bare)] }).save();
    await tinyTrainer(rt, { store, components: [component('bare', bare)] }).resume();
    assert.deepEqual(got, state);
  }
});

test('our own components: registered steps are taken, newer ones refused, in a run and in weights', async () => {
  const optim: Pick<Component, 'root' | 'version' | 'migrations'> = {
    root: 'optim',
    version: 2,
    migrations: {
      1: ({ state, tensors }) => ({ state, tensors: new Map([...tensors].map(([k, t]) => [`s/${k}`, t])) }),
    },
  };
  const done: Migrated[] = [];
  const now = migrate(optim, 1, { state: { type: 'adam' }, tensors: new Map([['m/w', f32(1)]]) }, done);
  assert.deepEqual([...now.tensors.keys()], ['s/m/w']);
  assert.deepEqual(done, [{ component: 'optim', from: 1, to: 2 }]);

  const { file } = (await new RunStore(await saved()).open())!;
  const content = { kind: file.kind, schema: { ...file.schema, optim: 2 }, state: file.state };
  const newer = memoryStore();
  await new RunStore(newer).save({ ...content, tensors: await file.readAll() }, { step: 3, epoch: 0 });
  await assert.rejects(tinyTrainer(rt, { store: newer }).resume(), {
    code: 'E_MIGRATION',
    message: /optim is version 2/,
  });

  const weights: CheckpointContent = weightsOf(tinyModel(rt));
  const made = await encodeCheckpoint({ ...weights, schema: { ...weights.schema, model: 2 } });
  await assert.rejects(loadWeights(tinyModel(rt), await openCheckpoint(await made.bytes())), {
    code: 'E_MIGRATION',
    path: 'schema.model',
  });
});
