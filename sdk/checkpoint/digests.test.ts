import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { fsStore } from '../../adapters/fs.ts';
import type { Store } from '../../adapters/store.ts';
import type { HostArray } from '../core/host.ts';
import { digestsOf, WORTH } from './digests.ts';
import { BackgroundSaver, openCheckpoint, RunStore } from './index.ts';
import { LEAF } from './layout.ts';

const MIB = 2 ** 20;
/** Threads that may be there at once. */
const MOST = Math.min(4, availableParallelism());
const started: Worker[] = [];
process.on('worker', (w) => started.push(w));

const killed = (e: { code?: string; hint?: string; retryable?: boolean }) =>
  e.code === 'E_IO' && e.retryable === true && e.hint === 'try again';

/** The threads that are there end when one of them is given work; resolves when they have. */
function doom(): Promise<unknown> {
  const there = started.splice(0);
  return new Promise((done) => {
    for (const thread of there) thread.postMessage = () => done(Promise.all(there.map((t) => t.terminate())));
  });
}

/** Tensors of a leaf, several leaves, more than one fetch, and a few bytes. */
function model(bytes: number): Map<string, HostArray> {
  const sizes = [5, 4 * MIB + 12, MIB, 3, bytes - 6 * MIB, 0];
  return new Map(
    sizes.map((n, i) => [`t/${i}`, { dtype: 'u8', shape: [n], data: new Uint8Array(n).map((_, k) => k * (i + 3)) }]),
  );
}

async function inDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'isobit-digests-'));
  await work(dir).finally(() => rm(dir, { recursive: true }));
}

test('memory goes to a thread and comes back as it was, with the digests of its parts', async () => {
  const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i * 7);
  const memory = bytes.slice();
  const view = memory.subarray(8, 2900);
  const parts = [
    [0, 1000],
    [1000, 0],
    [1500, 1392],
  ] as const;
  const want = parts.map(([at, n]) =>
    createHash('sha256')
      .update(bytes.subarray(8 + at, 8 + at + n))
      .digest(),
  );
  const here = await digestsOf(view, parts);
  assert.equal(here.memory, view);
  assert.deepEqual(Buffer.from(here.digests), Buffer.concat(want));
  const aside = digestsOf(view, parts, 1);
  assert.equal((await aside).memory.byteOffset, 8);
  assert.deepEqual(Buffer.from((await aside).memory), Buffer.from(bytes.subarray(8, 2900)));
  assert.deepEqual(Buffer.from((await aside).digests), Buffer.concat(want));
  assert.equal(memory.length, 0, 'nobody else has it meanwhile');
  assert.equal(started.length, 1);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  assert.equal((await digestsOf(shared, [[0, 4]], 1)).memory, shared, 'shared memory stays');
});

test('many things to do at once are divided among as many threads as are asked for, if there are processors', async () => {
  const memories = Array.from({ length: 40 }, (_, i) => new Uint8Array(MIB).fill(i));
  const want = memories.map((m) => createHash('sha256').update(m).digest('hex'));
  for (const threads of [1, 4]) {
    const found = await Promise.all(memories.map((m) => digestsOf(m, [[0, MIB]], threads)));
    assert.deepEqual(
      found.map(({ digests }) => Buffer.from(digests).toString('hex')),
      want,
    );
    found.forEach(({ memory }, i) => {
      memories[i] = memory as Uint8Array<ArrayBuffer>;
    });
    assert.ok(memories.every((m, i) => m.length === MIB && m[i] === i));
    // Another one is started meanwhile, one at a time.
    await new Promise((done) => setTimeout(done, 200));
    const most = Math.min(threads, MOST);
    assert.ok(started.length >= Math.min(2, most) && started.length <= most, `${started.length} of ${most}`);
  }
});

test('a file that is hashed aside is the same file, gives plain arrays, and names what is damaged', async () => {
  await inDir(async (dir) => {
    const store = fsStore(dir);
    const tensors = model(WORTH + 9 * MIB);
    const content = { kind: 'weights', state: {}, tensors };
    const { commit } = await new RunStore(store).save(content, { step: 0, epoch: 0 });
    const saver = new BackgroundSaver(new RunStore(store, { prefix: 'b/' }), 'block');
    for (const step of [1, 2]) await saver.save(() => ({ content, step, epoch: 0 }));
    assert.equal((await saver.close())?.commit.root, commit.root);
    assert.ok(started.length <= MOST, 'few threads for all');

    const source = { store, key: commit.object };
    const all = await (await openCheckpoint(source, { verify: 'lazy' })).readAll();
    assert.deepEqual([...all.keys()], [...tensors.keys()]);
    for (const [name, { data }] of all) {
      assert.ok(data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength, name);
      assert.deepEqual(Buffer.from(data.buffer), Buffer.from(tensors.get(name)!.data.buffer), name);
    }
    // Two leaves of two tensors: the first in the file is told.
    const file = await openCheckpoint(source, { verify: 'lazy' });
    const bad: Store = {
      ...store,
      async get(key, o) {
        const got = await store.get(key, o);
        for (const name of ['t/1', 't/4']) {
          const at = file.tensors.find((t) => t.name === name)!.offset + LEAF + 3 - (o?.offset ?? 0);
          if (at >= 0 && at < got.length) got[at] ^= 1;
        }
        return got;
      },
    };
    for (const verify of ['full', 'keep', 'lazy'] as const) {
      const load = async () => (await openCheckpoint({ ...source, store: bad }, { verify })).readAll();
      await assert.rejects(load, { code: 'E_INTEGRITY', tensor: 't/1' }, verify);
    }
    const stop = new AbortController();
    const reading = (await openCheckpoint(source, { verify: 'lazy' })).readAll({ signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(reading, { message: 'enough' });
  });
});

test('a large run is resumed with each byte read once', async () => {
  await inDir(async (dir) => {
    const inner = fsStore(dir);
    let read = 0;
    const store: Store = {
      ...inner,
      async get(key, o) {
        const got = await inner.get(key, o);
        if (key.startsWith('objects/')) read += got.length;
        return got;
      },
    };
    const tensors = model(67 * MIB);
    const { commit } = await new RunStore(store).save({ kind: 'weights', state: {}, tensors }, { step: 0, epoch: 0 });
    const found = await new RunStore(store).resume();
    const all = await found!.file.readAll();
    assert.ok(read < commit.size + 70_000, `${read} of ${commit.size}`);
    const again = await found!.file.read('t/4');
    assert.ok(read > commit.size + 60 * MIB, 'what was given is not given again');
    for (const t of [all.get('t/4')!, again])
      assert.deepEqual(Buffer.from(t.data.buffer), Buffer.from(tensors.get('t/4')!.data.buffer));
    assert.notEqual(all.get('t/4')!.data.buffer, again.data.buffer);
  });
});

test('a thread that is killed is an error that says what to do, for load and for save; the next call has another', async () => {
  await inDir(async (dir) => {
    const store = fsStore(dir);
    const content = { kind: 'weights', state: {}, tensors: model(WORTH + 2 * MIB) };
    let run = new RunStore(store);
    const { commit } = await run.save(content, { step: 0, epoch: 0 });
    const file = await openCheckpoint({ store, key: commit.object }, { verify: 'lazy' });
    let ended = doom();
    await assert.rejects(file.readAll(), killed);
    await ended;
    const all = await file.readAll();
    assert.deepEqual(all.get('t/1'), content.tensors.get('t/1'));

    const next = { ...content, state: { step: 1 } };
    const saver = new BackgroundSaver(run, 'skip');
    ended = doom();
    await saver.save(() => ({ content: next, step: 1, epoch: 0 }));
    await assert.rejects(saver.flush(), killed);
    await ended;
    assert.equal((await new RunStore(store).open())?.commit.step, 0, 'the run is as it was');
    await saver.save(() => ({ content: next, step: 1, epoch: 0 }));
    assert.equal((await saver.close())?.commit.step, 1);

    ended = doom();
    await assert.rejects(run.save({ ...content, state: { step: 2 } }, { step: 2, epoch: 0 }), killed);
    await ended;
    run = new RunStore(store);
    assert.equal((await run.resume())?.commit.step, 1);
  });
});

test('where no thread can be started, digests are made here', async () => {
  await Promise.all(started.map((t) => t.terminate()));
  const threads = createRequire(import.meta.url)('node:worker_threads');
  const { Worker: kept } = threads;
  threads.Worker = class {
    constructor() {
      throw new Error('not allowed');
    }
  };
  syncBuiltinESMExports();
  const before = started.length;
  const memory = Uint8Array.of(1, 2, 3);
  const { digests, memory: same } = await digestsOf(memory, [[0, 3]], 1);
  assert.deepEqual([same, Buffer.from(digests)], [memory, createHash('sha256').update(memory).digest()]);
  assert.equal(started.length, before);
  threads.Worker = kept;
  syncBuiltinESMExports();
});
