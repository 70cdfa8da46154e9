import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import { BackgroundSaver, type Picture, RunStore } from './index.ts';
import { tensor } from './sample.ts';

/** A store whose objects wait at a gate, or fail there. */
function gated(inner: Store = memoryStore()) {
  const waiting: (() => void)[] = [];
  const gate = { closed: true, fail: null as unknown, tries: 0 };
  const store: Store = {
    ...inner,
    async put(key, body, o) {
      if (typeof key === 'function') {
        gate.tries++;
        if (gate.closed) await new Promise<void>((then) => waiting.push(then));
        if (gate.fail) throw gate.fail;
      }
      return inner.put(key, body, o);
    },
  };
  const open = () => {
    gate.closed = false;
    for (const then of waiting.splice(0)) then();
  };
  return { store, gate, open };
}

const full = new CheckpointError('E_QUOTA', 'the disk is full', { hint: 'free some space' });
const tick = () => new Promise((then) => setTimeout(then, 2));
const steps = async (store: Store) => (await new RunStore(store).commits()).map((c) => c.step);

/** A picture of step n, which counts what is done with it. */
function pictures() {
  const taken: number[] = [];
  const released: number[] = [];
  const of = (step: number) => (): Picture => {
    taken.push(step);
    const w = tensor('f32', [4], [step, 1, 2, 3]);
    const content = { kind: 'train', state: { step }, tensors: new Map([['model/w', w]]) };
    return { content, step, epoch: 0, release: () => released.push(step) };
  };
  return { of, taken, released };
}

test("'block' waits for the save before, and takes the picture only then", async () => {
  const { store, open } = gated();
  const { of, taken, released } = pictures();
  const saver = new BackgroundSaver(new RunStore(store), 'block');
  assert.equal(await saver.save(of(1)), true, 'the first is not waited for');
  assert.equal(saver.busy, true);
  let second = false;
  const next = saver.save(of(2)).then(() => {
    second = true;
  });
  await tick();
  assert.deepEqual([second, taken, released], [false, [1], [1]], 'what is copied is released');
  open();
  await next;
  assert.deepEqual(
    [taken, released],
    [
      [1, 2],
      [1, 2],
    ],
  );
  const saved = await saver.flush();
  assert.equal(saved?.commit.step, 2);
  assert.deepEqual([await steps(store), released, saver.busy], [[1, 2], [1, 2], false]);
});

test("'skip' leaves the new one out, without a picture of it", async () => {
  const { store, open } = gated();
  const { of, taken, released } = pictures();
  const saver = new BackgroundSaver(new RunStore(store), 'skip');
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => saver.save(of(n)))), [true, false, false]);
  open();
  await saver.flush();
  assert.equal(await saver.save(of(4)), true);
  await saver.close();
  assert.deepEqual(
    [await steps(store), taken, released],
    [
      [1, 4],
      [1, 4],
      [1, 4],
    ],
  );
});

test("'replace' keeps the newest one waiting, and gives the others up", async () => {
  const { store, open, gate } = gated();
  const { of, released } = pictures();
  const saver = new BackgroundSaver(new RunStore(store), 'replace');
  for (const n of [1, 2, 3, 4]) assert.equal(await saver.save(of(n)), true);
  await tick();
  assert.equal(gate.tries, 1, 'one at a time');
  open();
  await saver.flush();
  assert.deepEqual(
    [await steps(store), released],
    [
      [1, 4],
      [1, 2, 3, 4],
    ],
  );
});

test("'replace' holds two copies; the one that waits stays where the next cannot be taken or stored", async () => {
  const { store, open } = gated();
  const { of } = pictures();
  const saver = new BackgroundSaver(new RunStore(store), 'replace');
  const w = { data: new Float32Array(4 << 20), shape: [4 << 20], dtype: 'f32' as const };
  const large = (step: number) => () => ({
    ...of(step)(),
    content: { kind: 'train', state: { step }, tensors: new Map([['model/w', w]]) },
  });
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  const held = () => {
    gc();
    return process.memoryUsage().arrayBuffers / w.data.byteLength;
  };
  const before = held();
  for (const n of [1, 2, 3, 4]) {
    await saver.save(large(n));
    const copies = held() - before;
    assert.ok(copies > 0.9 && copies < 2.4, `${copies} copies behind save ${n}`); // each has an eighth to grow
  }
  await assert.rejects(
    saver.save(() => Promise.reject(full)),
    (e) => e === full,
  );
  const bad = () => ({ ...of(5)(), content: { kind: 'train', state: { lr: Number.NaN }, tensors: new Map() } });
  await assert.rejects(saver.save(bad), { code: 'E_ENCODE' });
  open();
  await saver.close();
  assert.deepEqual(await steps(store), [1, 4]);
});

test("'replace' gives no picture with tags up: the next save waits until it is written", async () => {
  const { store, open } = gated();
  const { of, taken } = pictures();
  const saver = new BackgroundSaver(new RunStore(store), 'replace');
  await saver.save(of(1));
  await saver.save(() => ({ ...of(2)(), tags: ['release'] }));
  const third = saver.save(of(3));
  await tick();
  assert.deepEqual(taken, [1, 2]);
  open();
  assert.equal(await third, true);
  await saver.close();
  assert.deepEqual(await steps(store), [1, 2, 3]);
  assert.equal((await new RunStore(store).open('release'))?.commit.step, 2);
});

test('what is saved is the state when it was taken: arrays, shared memory and state may change at once', async () => {
  const shared = new Float32Array(new SharedArrayBuffer(4 * 300_000)).fill(1);
  const own = Int32Array.of(1, 2, 3);
  const state = { step: 1, list: [1, 2] };
  const metrics: Record<string, number> = { loss: 0.5 };
  const content = {
    kind: 'train',
    state,
    tensors: new Map([
      ['model/own', { data: own, shape: [3], dtype: 'i32' as const }],
      ['model/shared', { data: shared, shape: [300_000], dtype: 'f32' as const }],
    ]),
  };
  const now = memoryStore();
  const { commit } = await new RunStore(now).save(content, { step: 1, epoch: 0, metrics });
  const { store, open } = gated();
  const saver = new BackgroundSaver(new RunStore(store), 'block');
  await saver.save(() => ({ content, step: 1, epoch: 0, metrics }));
  shared.fill(2);
  own[0] = 9;
  state.list.push(3);
  state.step = 7;
  metrics.loss = 3;
  content.tensors.clear();
  open();
  const later = await saver.flush();
  assert.equal(later?.commit.root, commit.root);
  assert.deepEqual(later?.commit.metrics, { loss: 0.5 });
  assert.deepEqual(await store.get(later?.commit.object ?? ''), await now.get(commit.object));
});

test('an error surfaces once, at the next save, flush or close; the run is as it was, and goes on', async () => {
  const { store, gate, open } = gated();
  open();
  const run = new RunStore(store);
  const { of, taken, released } = pictures();
  const saver = new BackgroundSaver(run, 'block');
  await saver.save(of(1));
  await saver.flush();
  gate.fail = full;
  await saver.save(of(2));
  await assert.rejects(saver.save(of(3)), (e) => e === full);
  assert.deepEqual(
    [taken, released],
    [
      [1, 2],
      [1, 2],
    ],
    'nothing was taken for the save that told of it',
  );
  await saver.save(of(4));
  await assert.rejects(saver.flush(), (e) => e === full);
  assert.equal((await saver.flush())?.commit.step, 1, 'told once');
  gate.fail = null;
  await saver.save(of(5));
  await saver.flush();
  assert.deepEqual(await steps(store), [1, 5]);
  gate.fail = full;
  await saver.save(of(6));
  await saver.settled();
  assert.equal(await saver.save(of(7), { quiet: true }), true, 'left to be told by the next call');
  await assert.rejects(saver.close(), (e) => e === full);
  await assert.rejects(saver.save(of(8)), { code: 'E_BUSY' });
  assert.deepEqual(released, [1, 2, 4, 5, 6, 7]);
});

test('close carries out the saves that were called before it, and refuses those behind it', async () => {
  for (const policy of ['block', 'replace'] as const) {
    const { store, open } = gated();
    const { of } = pictures();
    const saver = new BackgroundSaver(new RunStore(store), policy);
    const before = Promise.all([1, 2].map((n) => saver.save(of(n))));
    const closed = saver.close();
    await assert.rejects(saver.save(of(3)), { code: 'E_BUSY' });
    open();
    assert.equal((await closed)?.commit.step, 2);
    assert.deepEqual(await before, [true, true]);
    assert.deepEqual(await steps(store), [1, 2], policy);
  }
});

test('a picture that cannot be stored is told at once, and released', async () => {
  const { of, released } = pictures();
  const saver = new BackgroundSaver(new RunStore(memoryStore()), 'skip');
  const bad = () => ({ ...of(1)(), content: { kind: 'train', state: { lr: Number.NaN }, tensors: new Map() } });
  await assert.rejects(saver.save(bad), { code: 'E_ENCODE', path: 'state.lr' });
  assert.deepEqual([released, saver.busy], [[1], false]);
  await assert.rejects(
    saver.save(() => Promise.reject(full)),
    (e) => e === full,
  );
});

test('retention comes behind the commit: until the new state is durable, the old one stays', async () => {
  const inner = memoryStore();
  const { store, gate, open } = gated(inner);
  gate.closed = false;
  const { of } = pictures();
  const saver = new BackgroundSaver(new RunStore(store, { keepLast: 1 }), 'replace');
  await saver.save(of(1));
  await saver.flush();
  const before = await keys(inner);
  gate.closed = true;
  await saver.save(of(2));
  await tick();
  assert.deepEqual(await keys(inner), before);
  assert.equal((await new RunStore(inner).open())?.commit.step, 1, 'a process that ends here loses nothing');
  open();
  await saver.flush();
  assert.deepEqual(await steps(inner), [2]);
  assert.equal((await keys(inner)).length, 3, 'record, object, hint');
});

async function keys(store: Store): Promise<string[]> {
  const out: string[] = [];
  for await (const { key } of store.list('')) out.push(key);
  return out;
}

test('a month of saves leaves few keys, and opening reads few records', () => {
  const script = fileURLToPath(new URL('./month.run.ts', import.meta.url));
  const args = ['--import', 'tsx', script, '--commits', '1800'];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const { daily, ...rest } = JSON.parse(run.stdout);
  // 3 records, 3 objects and the hint; 60 commits are a day.
  assert.deepEqual(rest, { commits: 1800, keys: 7, step: 1800, floor: 1798, read: 1 });
  assert.deepEqual(daily, { keys: 15, steps: [1798, 1800, 1860, 1920, 1978, 1979, 1980] });
});
