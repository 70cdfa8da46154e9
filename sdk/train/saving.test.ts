/** Saving beside the steps: what is saved is what a save that waits would have saved, and training goes on with the same bits. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fsStore } from '../../adapters/fs.ts';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import {
  type Async,
  type CheckpointPlan,
  describeCheckpoint,
  encodeCheckpoint,
  openCheckpoint,
  RunStore,
} from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import { createRuntime, type Runtime } from '../index.ts';
import { Linear, Sequential } from '../nn/index.ts';
import { weightsOf } from './index.ts';
import { drain, tinyBatches, tinyTrainer } from './tiny.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

const POLICIES: readonly Async[] = ['block', 'skip', 'replace'];
const commitsOf = (store: Store) => new RunStore(store).commits();
const stepsOf = async (store: Store) => (await commitsOf(store)).map((c) => c.step);
const full = new CheckpointError('E_QUOTA', 'the disk is full', { hint: 'free some space' });

/** A store whose objects take some milliseconds, and fail while `fails` says so. */
function slow(ms: number, inner: Store = memoryStore(), fails: () => boolean = () => false): Store {
  return {
    ...inner,
    async put(key, body, o) {
      if (typeof key === 'function') {
        await new Promise((then) => setTimeout(then, ms));
        if (fails()) throw full;
      }
      return inner.put(key, body, o);
    },
  };
}

test('under every policy the run ends in the bits of one that does not save, and each commit is that of a save that waits', async () => {
  const steps = 60;
  const straight = tinyTrainer(rt, { store: undefined });
  await drain(straight.run(tinyBatches(), { steps }));
  const waits = memoryStore();
  await drain(tinyTrainer(rt, { store: waits, checkpoint: { everySteps: 1 } }).run(tinyBatches(), { steps }));
  const roots = new Map((await commitsOf(waits)).map((c) => [c.step, c.root]));
  for (const async of POLICIES) {
    const store = slow(3);
    const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 1, async } });
    await drain(trainer.run(tinyBatches(), { steps }));
    assert.equal(await trainer.fingerprint(), await straight.fingerprint(), async);
    const commits = await commitsOf(store);
    for (const c of commits) assert.equal(c.root, roots.get(c.step), `${async}: step ${c.step}`);
    const saved = commits.map((c) => c.step);
    if (async === 'block') assert.equal(saved.length, steps);
    else assert.ok(saved.length > 1 && saved.length < steps, `${async}: ${saved}`);
    if (async === 'replace')
      assert.equal(saved.at(-1), steps, 'the newest one waits, and the end of the run waits for it');
    assert.equal(saved[0], 1);
  }
});

test('a save on disk comes to its end while steps go on that hardly leave it a turn', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'isobit-saving-'));
  try {
    // Tensors of 4 MiB, and steps of some 10 ms.
    const model = new Sequential(new Linear(3, 1024), new Linear(1024, 1024), new Linear(1024, 3)).init(rt);
    const trainer = tinyTrainer(rt, {
      model,
      store: fsStore(dir),
      checkpoint: { everySteps: 1, async: 'skip', keepLast: 2 },
    });
    let seen = 0;
    for await (const { step } of trainer.run(tinyBatches(), { steps: 400 })) {
      if (step % 20 !== 0) continue;
      seen = (await stepsOf(fsStore(dir))).at(-1) ?? 0;
      if (seen > 1) break;
    }
    assert.ok(seen > 1, 'a second save was durable before the run ended');
    const [latest] = (await commitsOf(fsStore(dir))).slice(-1);
    const { file } = (await new RunStore(fsStore(dir)).open())!;
    assert.equal(file.root, latest.root);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('beside the run, saves hold one copy of the state, and nothing on the device', async () => {
  const model = new Sequential(new Linear(3, 512), new Linear(512, 512), new Linear(512, 3)).init(rt);
  const trainer = tinyTrainer(rt, { model, store: slow(20, hollow()), checkpoint: { everySteps: 3, async: 'skip' } });
  await drain(trainer.run(tinyBatches(), { steps: 2 }));
  const bytes = 4 * 3 * [...model.parameters().values()].reduce((n, v) => n + v.shape.reduce((a, b) => a * b, 1), 0);
  const now = () => [rt.memory().live, process.memoryUsage().arrayBuffers];
  const before = now();
  const most = [0, 0];
  for await (const { step } of trainer.run(tinyBatches(), { steps: 60 })) {
    if (step > 3) now().forEach((v, i) => (most[i] = Math.max(most[i], v - before[i])));
  }
  assert.ok(most[0] < bytes / 4, `${most[0]} bytes more on the device, of a state of ${bytes}`);
  assert.ok(most[1] > bytes / 2, 'the copy was there');
  assert.ok(most[1] < bytes * 1.5, `${most[1]} bytes more in arrays, of a state of ${bytes}`);
});

/** A store that keeps no bytes of objects. */
function hollow(): Store {
  const inner = memoryStore();
  return {
    ...inner,
    async put(key, body, o) {
      if (typeof key !== 'function' || body instanceof Uint8Array) return inner.put(key, body, o);
      for await (const _ of body.chunks());
      key();
      return 'written';
    },
  };
}

test('an error surfaces at the next save, at flush, at the end of the run, or behind a break; the next run goes on', async () => {
  let failing = false;
  const inner = memoryStore();
  const plan: CheckpointPlan = { everySteps: 4, async: 'block' };
  const trainer = tinyTrainer(rt, { store: slow(1, inner, () => failing), checkpoint: plan });
  const told = (e: unknown) => e === full;
  await drain(trainer.run(tinyBatches(), { steps: 4 }));
  failing = true;
  await assert.rejects(drain(trainer.run(tinyBatches(), { steps: 40 })), told);
  assert.equal(trainer.step, 12, 'step 8 failed, which step 12 heard of');
  const run = trainer.run(tinyBatches(), { steps: 40 });
  for await (const { step } of run) {
    if (step !== 17) continue;
    await assert.rejects(trainer.flush(), told);
    await trainer.flush();
    break;
  }
  await assert.rejects(drain(trainer.run(tinyBatches(), { steps: 21 })), told, 'at the end');
  const broken = async () => {
    for await (const { step } of trainer.run(tinyBatches(), { steps: 40 })) if (step === 25) break;
  };
  await assert.rejects(broken(), told);
  for await (const { step } of trainer.run(tinyBatches(), { steps: 29 })) {
    if (step !== 29) continue;
    await assert.rejects(trainer.save(), told, 'by hand');
    failing = false;
    await trainer.save();
  }
  assert.deepEqual(await stepsOf(inner), [4, 29]);
  const straight = tinyTrainer(rt);
  await drain(straight.run(tinyBatches(), { steps: 29 }));
  assert.equal((await commitsOf(inner)).at(-1)?.fingerprint, await straight.fingerprint());
  await trainer.close();
});

test('onException saves behind a background save that failed, and the error of the run stays first', async () => {
  let failing = true;
  const inner = memoryStore();
  const store = slow(1, inner, () => failing);
  const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 4, async: 'skip', onException: true } });
  const why = new Error('enough');
  const stop = new AbortController();
  const run = async () => {
    for await (const { step } of trainer.run(tinyBatches(), { steps: 40 }, { signal: stop.signal })) {
      if (step !== 6) continue;
      await new Promise((then) => setTimeout(then, 20));
      failing = false;
      stop.abort(why);
    }
  };
  await assert.rejects(run(), (e) => e === why && why.cause === full);
  assert.deepEqual(await stepsOf(inner), [6]);
});

test("with 'skip', an improvement that was left out is saved by the next one", async () => {
  const keepBest = { metric: 'loss', mode: 'min' } as const;
  const store = slow(5);
  const trainer = tinyTrainer(rt, { store, checkpoint: { onImprove: true, async: 'skip', keepBest, keepLast: 100 } });
  await drain(trainer.run(tinyBatches(), { steps: 100 }));
  const losses = await trainer.history('loss');
  const saved = (await commitsOf(store)).map((c) => losses[c.step - 1].value as number);
  assert.ok(saved.length > 2);
  for (let i = 1; i < saved.length; i++) assert.ok(saved[i] < saved[i - 1], `${saved}`);
});

test('the clock of the plan: commits, everySeconds and keepInterval go by it', async () => {
  let time = 5000;
  const store = memoryStore();
  const plan: CheckpointPlan = { everySeconds: 10, keepLast: 1, keepInterval: 60, clock: () => time };
  const trainer = tinyTrainer(rt, { store, checkpoint: plan });
  for await (const _ of trainer.run(tinyBatches(), { steps: 60 })) time += 4000;
  const commits = await commitsOf(store);
  assert.deepEqual(
    commits.map((c) => [c.step, c.createdAt / 1000]),
    [
      [4, 17],
      [16, 65],
      [31, 125],
      [46, 185],
      [58, 233],
    ],
  );
});

test('everySeconds counts from the beginning of a run, or from the save before where there are steps since', async () => {
  let time = 0;
  const store = memoryStore();
  const plan: CheckpointPlan = { everySeconds: 60, clock: () => time };
  const trainer = tinyTrainer(rt, { store, checkpoint: plan });
  const hour = 3_600_000;
  const run = async (steps: number) => {
    for await (const _ of trainer.run(tinyBatches(), { steps })) time += 25_000;
  };
  time += hour;
  await run(6); // 25 s lie behind each step, and a save is due at the boundary after 75
  assert.deepEqual(await stepsOf(store), [4]);
  time += hour;
  await run(7);
  assert.deepEqual(await stepsOf(store), [4, 7], 'steps 5 and 6 were not saved for an hour');
  const other = tinyTrainer(rt, { store, checkpoint: plan });
  await other.resume();
  time += hour;
  for await (const _ of other.run(tinyBatches(), { steps: 10 })) time += 25_000;
  assert.deepEqual(await stepsOf(store), [4, 7]);
  for await (const _ of other.run(tinyBatches(), { steps: 11 })) time += 25_000;
  assert.deepEqual(await stepsOf(store), [4, 7, 11], 'many short runs are saved as a long one is');
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} saves at the next step, ends the run, and leaves no listener`, async () => {
    const listeners = process.listenerCount(signal);
    const store = memoryStore();
    const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 1000, onSignal: true, async: 'skip' } });
    const run = async () => {
      for await (const { step } of trainer.run(tinyBatches(), { steps: 1_000_000 })) {
        if (step === 7) {
          assert.equal(process.listenerCount(signal), listeners + 1);
          process.kill(process.pid, signal);
        }
      }
    };
    await assert.rejects(run(), { code: 'E_SIGNAL', message: new RegExp(signal), hint: /resume/ });
    assert.equal(process.listenerCount(signal), listeners);
    assert.deepEqual(await stepsOf(store), [trainer.step]);
    const straight = tinyTrainer(rt, { store: undefined });
    await drain(straight.run(tinyBatches(), { steps: trainer.step }));
    assert.equal((await commitsOf(store))[0].fingerprint, await straight.fingerprint());
    // The run may go on, here or elsewhere.
    await drain(trainer.run(tinyBatches(), { steps: trainer.step + 3 }));
  });
}

test('without onSignal nothing listens; behind a break, an error and the end, nothing listens any more', async () => {
  const count = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');
  const before = count();
  const plain = tinyTrainer(rt, { checkpoint: { everySteps: 5 } });
  for await (const _ of plain.run(tinyBatches(), { steps: 2 })) assert.equal(count(), before);
  const trainer = tinyTrainer(rt, { checkpoint: { onSignal: true } });
  for await (const _ of trainer.run(tinyBatches(), { steps: 9 })) break;
  assert.equal(count(), before);
  await drain(trainer.run(tinyBatches(), { steps: 9 }));
  await assert.rejects(drain(trainer.run(tinyBatches({ size: 4 }), { steps: 12 })), { code: 'E_DATA_ORDER' });
  assert.equal(count(), before);
});

/** Where a page's globals are. */
async function inPage(work: (document: EventTarget & { visibilityState: string }, page: EventTarget) => Promise<void>) {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const page = new EventTarget();
  const globals = {
    document,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  };
  Object.assign(globalThis, globals);
  try {
    await work(document, page);
  } finally {
    for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
  }
}
const settle = () => new Promise((then) => setTimeout(then, 10));

test('a page that is hidden or left saves once what is not saved, and the run goes on', () =>
  inPage(async (document, page) => {
    const store = memoryStore();
    const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 1000, onSignal: true } });
    for await (const { step } of trainer.run(tinyBatches(), { steps: 12 })) {
      document.visibilityState = step === 5 ? 'visible' : 'hidden';
      if (step === 3 || step === 5) document.dispatchEvent(new Event('visibilitychange'));
      if (step === 3) page.dispatchEvent(new Event('pagehide'));
      if (step === 9) page.dispatchEvent(new Event('pagehide'));
      await settle();
    }
    assert.deepEqual(await stepsOf(store), [3, 9]);
    page.dispatchEvent(new Event('pagehide'));
    await settle();
    assert.deepEqual(await stepsOf(store), [3, 9], 'nothing listens behind the run');
  }));

test('a page that is hidden while a save is under way saves behind it what came since, also where it fails', () =>
  inPage(async (document) => {
    document.visibilityState = 'hidden';
    for (const async of POLICIES) {
      for (const [fails, late] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        let open = () => {};
        let first = true;
        const inner = memoryStore();
        const gate = new Promise<void>((then) => {
          open = then;
        });
        const store: Store = {
          ...inner,
          async put(key, body, o) {
            if (typeof key === 'function') {
              const failing = first && fails;
              first = false;
              await gate;
              if (late) await settle();
              if (failing) throw full;
            }
            return inner.put(key, body, o);
          },
        };
        const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 5, onSignal: true, async } });
        const run = async () => {
          for await (const { step } of trainer.run(tinyBatches(), { steps: 9 })) {
            if (step !== 8) continue;
            for (const _ of [1, 2]) document.dispatchEvent(new Event('visibilitychange'));
            if (late) setTimeout(open, 10);
            else await settle().then(open).then(settle);
          }
        };
        if (fails) await assert.rejects(run(), (e) => e === full, 'the run tells of it');
        else await run();
        const want = late ? [5, 9] : fails ? [8] : [5, 8];
        assert.deepEqual(await stepsOf(store), want, `${async}: the end of the run waits for it`);
      }
    }
  }));

test('metadata: in every checkpoint and in weights, shown by inspect, kept by a run that is resumed', async () => {
  const metadata = {
    version: '1.2.0',
    description: 'three classes on a line',
    author: 'Ada',
    accuracy: 0.97,
    loss: 0.125,
    tags: ['tiny', 'test'],
  };
  const [store, bare] = [memoryStore(), memoryStore()];
  const trainer = tinyTrainer(rt, { store, metadata, checkpoint: { everySteps: 5 } });
  await drain(trainer.run(tinyBatches(), { steps: 5 }));
  const { file } = (await new RunStore(store).open())!;
  assert.deepEqual([file.state.user, file.schema.user], [metadata, 1]);
  const text = await describeCheckpoint(file);
  for (const [name, v] of Object.entries(metadata)) assert.ok(text.includes(`${name}: ${JSON.stringify(v)}`), name);
  // Without it, nothing of it is in a state: the same bytes as ever.
  const plain = tinyTrainer(rt, { store: bare, checkpoint: { everySteps: 5 } });
  await drain(plain.run(tinyBatches(), { steps: 5 }));
  const without = (await new RunStore(bare).open())!.file;
  assert.deepEqual(['user' in without.state, 'user' in without.schema], [false, false]);
  // Resumed without: its own. Resumed with others: those. Given late: from the next save on.
  const again = tinyTrainer(rt, { store });
  await again.resume();
  assert.deepEqual(again.metadata, metadata);
  assert.equal(await again.fingerprint(), await trainer.fingerprint());
  const other = tinyTrainer(rt, { store, metadata: { version: '2' } });
  await other.resume();
  assert.deepEqual(other.metadata, { version: '2' });
  other.metadata = { ...other.metadata, accuracy: 1 };
  await other.save({ tags: ['done'] });
  assert.deepEqual((await new RunStore(store).open('done'))?.file.state.user, { version: '2', accuracy: 1 });
  // Weights alone.
  const model = new Linear(2, 1).init(rt);
  const weights = await openCheckpoint(await (await encodeCheckpoint(weightsOf(model, { metadata }))).bytes());
  assert.deepEqual([weights.kind, weights.state.user, weights.schema.user], ['weights', metadata, 1]);
  assert.equal('user' in weightsOf(model).state, false);
  // What no file can hold is refused before any step.
  assert.throws(() => tinyTrainer(rt, { metadata: { loss: Number.NaN } }), { code: 'E_ENCODE', path: 'metadata.loss' });
});
