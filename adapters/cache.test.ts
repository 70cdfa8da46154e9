import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { draftCheckpoint, openCheckpoint, RunStore, repairRun } from '../sdk/checkpoint/index.ts';
import { CheckpointError } from '../sdk/core/errors.ts';
import { type CacheOptions, cacheStore } from './cache.ts';
import { fetchStore } from './fetch.ts';
import { fsStore } from './fs.ts';
import { memoryStore } from './memory.ts';
import { s3Store } from './s3.ts';
import type { Store } from './store.ts';
import { storeSuite } from './suite.ts';
import { listen, type Server } from './testing/browsers.ts';
import { s3Handler } from './testing/s3.ts';
import { storeHandler } from './testing/store-server.ts';

const MIB = 2 ** 20;
const retry = { attempts: 3, ms: 1 };
const noise = (n: number, seed = 1) => Uint8Array.from({ length: n }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 255);
const KEY = `objects/${'ab'.repeat(32)}.cbor`;

const ends: (() => PromiseLike<unknown>)[] = [];
after(() => Promise.all(ends.map((end) => end())));

async function serve(handler: Parameters<typeof listen>[0]): Promise<Server> {
  const server = await listen(handler);
  ends.push(() => server[Symbol.asyncDispose]());
  return server;
}

async function directory(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'isobit-cache-'));
  ends.push(() => rm(folder, { recursive: true }));
  return folder;
}

/** A store that counts the bytes that are read of it, and can be cut off. */
function watched(inner: Store) {
  const watch = { reads: [] as string[], bytes: 0, down: false };
  const check = () => {
    if (watch.down) throw new CheckpointError('E_IO', 'down', { retryable: true, hint: 'wait' });
  };
  const store: Store = {
    ...inner,
    async caps() {
      check();
      return inner.caps();
    },
    async head(key, io) {
      check();
      return inner.head(key, io);
    },
    async get(key, io) {
      check();
      const got = await inner.get(key, io);
      watch.reads.push(`${key.slice(0, 7)} ${io?.offset ?? 0}+${got.length}`);
      watch.bytes += got.length;
      return got;
    },
    async put(key, body, io) {
      check();
      return inner.put(key, body, io);
    },
    async *list(prefix, io) {
      check();
      yield* inner.list(prefix, io);
    },
  };
  return { store, watch };
}

function made(o: CacheOptions = {}) {
  const [inner, local] = [memoryStore(), memoryStore()];
  const { store: remote, watch } = watched(inner);
  return { inner, local, remote, watch, store: cacheStore(remote, local, o) };
}

const keys = async (store: Store) => {
  const out: string[] = [];
  for await (const { key } of store.list('')) out.push(key);
  return out;
};

const code = (want: string) => (e: unknown) => {
  assert.equal((e as { code?: string }).code, want, String(e));
  return true;
};

const everything = { immutable: () => true };

storeSuite('cache, memory before fetch', async () => {
  const { url } = await serve(storeHandler(memoryStore()));
  return cacheStore(fetchStore(url, { retry }), memoryStore(), everything);
});

storeSuite('cache, fs before s3', async () => {
  const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' };
  const { url } = await serve(s3Handler(memoryStore(), { credentials, page: 3 }));
  const remote = s3Store({ bucket: 'models', endpoint: url, credentials, retry });
  return cacheStore(remote, fsStore(await directory()), everything);
});

test('cache: an object is read once, in blocks that are asked for together; ranges of it are then here', async () => {
  const { store, inner, watch } = made();
  const data = noise(5 * MIB + 100);
  await inner.put(KEY, data);
  assert.deepEqual(await store.get(KEY, { offset: MIB + 5, length: 2 * MIB }), data.slice(MIB + 5, 3 * MIB + 5));
  assert.deepEqual(watch.reads, [`objects ${MIB}+${3 * MIB}`]);
  assert.deepEqual(await store.get(KEY, { offset: 3 * MIB, length: 10 }), data.slice(3 * MIB, 3 * MIB + 10));
  assert.equal(watch.reads.length, 1);
  assert.deepEqual(await store.get(KEY), data);
  assert.deepEqual(watch.reads.slice(1), [`objects 0+${MIB}`, `objects ${4 * MIB}+${MIB + 100}`], 'what was missing');
  assert.deepEqual(await store.get(KEY), data);
  assert.equal(watch.bytes, data.length);
  await assert.rejects(store.get(KEY, { offset: data.length, length: 1 }), code('E_RANGE'));
});

test('cache: what is written goes to the remote store first, and is then here', async () => {
  const { store, inner, local, watch } = made();
  const data = noise(2 * MIB + 1);
  assert.equal(await store.put(KEY, data, { ifAbsent: true }), 'written');
  assert.deepEqual(await inner.get(KEY), data);
  assert.deepEqual(await store.get(KEY), data);
  assert.equal(watch.bytes, 0);
  watch.down = true;
  const other = KEY.replace('ab', 'cd');
  await assert.rejects(store.put(other, data), code('E_IO'));
  assert.equal((await keys(local)).length, 3, 'nothing is kept of what was not written');
  watch.down = false;
  const large = KEY.replace('ab', 'ef');
  const body = {
    size: 17 * MIB,
    chunks: async function* () {
      for (let i = 0; i < 17; i++) yield noise(MIB, i);
    },
  };
  assert.equal(await store.put(large, body), 'written');
  assert.deepEqual(await store.get(large, { offset: 16 * MIB }), noise(MIB, 16));
  assert.equal(watch.bytes, 0, 'larger ones are read once more');
  assert.equal(await store.put(() => other, data, { ifAbsent: true }), 'written', 'also under a late name');
  assert.deepEqual(await store.get(other), data);
  assert.equal(watch.bytes, 0);
});

test('cache: the log is always asked of the remote store; no commit is served stale', async () => {
  const { store, inner, watch } = made();
  const content = (step: number) => ({ kind: 'train', schema: {}, state: { step }, tensors: new Map() });
  const [here, there] = [new RunStore(store), new RunStore(inner)];
  await there.save(content(1), { step: 1, epoch: 0 });
  assert.equal((await here.open())?.commit.step, 1);
  await there.save(content(2), { step: 2, epoch: 0 });
  assert.equal((await here.open())?.commit.step, 2);
  await here.open();
  const before = watch.reads.length;
  assert.equal((await here.open())?.commit.step, 2);
  assert.ok(watch.reads.slice(before).length > 0 && watch.reads.slice(before).every((r) => r.startsWith('commits')));
  await here.resume();
  await there.save(content(3), { step: 3, epoch: 0 });
  await assert.rejects(here.save(content(4), { step: 4, epoch: 0 }), code('E_CONFLICT'));
  // what the remote store no longer has is not committed on the word of the cache
  for await (const { key } of inner.list('objects/')) await inner.delete(key);
  await assert.rejects(new RunStore(store).open(), code('E_NO_VALID_CHECKPOINT'));
});

test('cache: blocks that are damaged, cut, moved, or of another size are dropped and read again', async () => {
  const data = noise(3 * MIB);
  const block = (names: readonly string[], n: number) => names.find((k) => k.endsWith(`/${n}`)) as string;
  for (const harm of [
    async (local: Store, names: readonly string[]) => {
      const bytes = await local.get(block(names, 1));
      bytes[500_000] ^= 1;
      await local.put(block(names, 1), bytes);
    },
    async (local: Store, names: readonly string[]) => {
      const bytes = await local.get(block(names, 1));
      bytes[33] ^= 1;
      await local.put(block(names, 1), bytes);
    },
    async (local: Store, names: readonly string[]) =>
      local.put(block(names, 1), (await local.get(block(names, 1))).slice(0, -1)),
    async (local: Store, names: readonly string[]) => local.put(block(names, 1), new Uint8Array(0)),
    async (local: Store, names: readonly string[]) => local.put(block(names, 1), await local.get(block(names, 0))),
    async (local: Store, names: readonly string[]) => local.delete(block(names, 1)),
  ]) {
    const { store, inner, local, watch } = made();
    await inner.put(KEY, data);
    await store.get(KEY);
    watch.reads.length = 0;
    await harm(local, await keys(local));
    assert.deepEqual(await store.get(KEY), data, String(harm));
    assert.deepEqual(watch.reads, [`objects ${MIB}+${MIB}`], String(harm));
    assert.deepEqual(await store.get(KEY), data);
    assert.equal(watch.reads.length, 1, 'and is here again');
  }
});

test('cache: bytes that were damaged on their way here are found by the reader, and asked for afresh', async () => {
  const tensors = new Map([
    ['model/w', { data: new Float32Array(2 ** 19).fill(1.5), shape: [2 ** 19], dtype: 'f32' as const }],
  ]);
  const file = await draftCheckpoint({ kind: 'weights', schema: {}, state: {}, tensors });
  const { root } = await file.seal();
  const key = `objects/${root}.cbor`;
  for (const verify of ['full', 'lazy'] as const) {
    for (const at of [20, 130, MIB + 5, file.size - 1]) {
      const [inner, local] = [memoryStore(), memoryStore()];
      await inner.put(key, file.body);
      let damage = true;
      const remote: Store = {
        ...inner,
        async get(k, io = {}) {
          const got = await inner.get(k, io);
          const i = at - (io.offset ?? 0);
          if (damage && i >= 0 && i < got.length) got[i] ^= 1;
          return got;
        },
      };
      const store = cacheStore(remote, local);
      await store.get(key); // fills the cache with what is wrong
      damage = false;
      const open = await openCheckpoint({ store, key }, { verify });
      assert.equal((await open.read('model/w')).data[7], 1.5);
      assert.equal(open.root, root);
      assert.deepEqual(await store.get(key), await inner.get(key), 'the cache is mended');
      damage = true;
      await store.get(key, { fresh: true });
      const again = openCheckpoint({ store, key }, { verify }).then((f) => f.read('model/w'));
      await assert.rejects(again, (e) => /^E_/.test((e as { code: string }).code), 'what stays wrong is an error');
    }
  }
});

test('cache: repair, tags and what is saved again look at what lies in the remote store', async () => {
  const { store, inner } = made();
  const tensors = new Map([['model/w', { data: new Float32Array(9), shape: [9], dtype: 'f32' as const }]]);
  const content = (step: number) => ({ kind: 'train', state: { step }, tensors });
  const run = new RunStore(store);
  for (let step = 1; step <= 3; step++) await run.save(content(step), { step, epoch: 0 });
  const objects = (await run.commits()).map((c) => c.object);
  for (const key of objects.slice(1)) await inner.put(key, (await inner.get(key)).fill(0, 300, 304));
  await run.save(content(3), { step: 3, epoch: 0 });
  const { damaged, newest, needed } = await repairRun(store);
  assert.deepEqual([damaged.map((d) => d.seq), newest?.seq, needed], [[2], 4, false], 'what is saved again is mended');
  await inner.put(objects[2], (await inner.get(objects[2])).fill(0, 300, 304));
  for (const ref of ['step:2', 'step:3']) await assert.rejects(run.pin(ref, ['good']), code('E_NO_VALID_CHECKPOINT'));
  assert.equal((await repairRun(store, { apply: true })).done?.step, 1);
});

test('cache: offline, what is here is read by its key; a run is not opened, and nothing is written', async () => {
  const { store, inner, local, remote, watch } = made();
  const content = { kind: 'train', schema: {}, state: { step: 1 }, tensors: new Map() };
  await new RunStore(store).save(content, { step: 1, epoch: 0 });
  let key = '';
  for await (const entry of inner.list('objects/')) key = entry.key;
  watch.down = true;
  assert.equal((await openCheckpoint({ store, key })).state.step, 1);
  assert.equal(
    (await openCheckpoint({ store: cacheStore(remote, local), key })).state.step,
    1,
    'also by a later process',
  );
  await assert.rejects(new RunStore(store).open(), code('E_IO'));
  await assert.rejects(store.put(KEY, noise(1)), code('E_IO'));
  await assert.rejects(store.get(KEY), code('E_IO'));
  await assert.rejects(store.head(KEY), code('E_IO'));
  await assert.rejects(store.head('commits/x'), code('E_IO'));
});

test('cache: no more than it may is kept, what was read longest ago goes first, also by a later process', async () => {
  const object = (n: number) => KEY.replace('ab', `0${n}`);
  const room = { maxBytes: 3.5 * MIB };
  const { store, inner, local, remote, watch } = made(room);
  for (let n = 0; n < 4; n++) await inner.put(object(n), noise(MIB, n));
  for (const n of [0, 1, 2]) await store.get(object(n));
  await store.get(object(0));
  await store.get(object(3)); // 1 goes
  watch.reads.length = 0;
  for (const n of [0, 2, 3]) assert.deepEqual(await store.get(object(n)), noise(MIB, n));
  assert.equal(watch.reads.length, 0);
  await store.get(object(1));
  assert.equal(watch.reads.length, 1);
  let bytes = 0;
  for await (const { size } of local.list('')) bytes += size;
  assert.ok(bytes <= room.maxBytes && bytes > 3 * MIB, `${bytes}`);
  const smaller = cacheStore(remote, local, { maxBytes: 1.5 * MIB });
  await smaller.get(object(0));
  assert.equal((await keys(local)).length, 1);
  const none = made({ maxBytes: 100 });
  await none.inner.put(KEY, noise(1000));
  assert.deepEqual(await none.store.get(KEY), noise(1000));
  assert.deepEqual(await keys(none.local), []);
});

test('cache: a local store that fails only makes it slower', async () => {
  const full: Store = {
    ...memoryStore(),
    put: () => Promise.reject(new Error('full')),
    list: () => {
      throw new Error('no');
    },
  };
  const { inner, remote } = made();
  const store = cacheStore(remote, full);
  const data = noise(MIB + 1);
  assert.equal(await store.put(KEY, data), 'written');
  assert.deepEqual(await store.get(KEY), data);
  assert.deepEqual(await inner.get(KEY), data);
});

test('cache: what is put or deleted while it is read is not kept as it was', async () => {
  const { inner, local, remote } = made();
  await inner.put(KEY, noise(MIB));
  let meanwhile = async () => {};
  const slow: Store = {
    ...remote,
    async get(key, io) {
      const got = await inner.get(key, io);
      await meanwhile();
      return got;
    },
  };
  const store = cacheStore(slow, local);
  meanwhile = async () => {
    meanwhile = async () => {};
    await store.put(KEY, noise(MIB, 2));
  };
  assert.deepEqual(await store.get(KEY), noise(MIB));
  assert.deepEqual(await store.get(KEY), noise(MIB, 2));
  await store.delete(KEY);
  assert.equal(await store.head(KEY), null);
  assert.deepEqual(await keys(local), []);
  await assert.rejects(store.get(KEY), code('E_NOT_FOUND'));
});
