import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fetchStore } from '../../adapters/fetch.ts';
import { fsStore } from '../../adapters/fs.ts';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { listen, type Server } from '../../adapters/testing/browsers.ts';
import { storeHandler } from '../../adapters/testing/store-server.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { hex, sha256 } from '../core/sha256.ts';
import { copyRun } from './copy.ts';
import { RunStore, type RunStoreOptions } from './run.ts';
import { tensor } from './sample.ts';

const cleanup: (() => PromiseLike<unknown>)[] = [];
after(() => Promise.all(cleanup.map((f) => f())));

/** Stores over HTTP, one that lists and one that does not, with what lies behind. */
async function served(lists: boolean): Promise<{ store: Store; inner: Store }> {
  const inner = memoryStore();
  const server: Server = await listen(storeHandler(inner, { lists }));
  cleanup.push(() => server[Symbol.asyncDispose]());
  return { store: fetchStore(server.url), inner };
}

async function onDisk(): Promise<Store> {
  const dir = await mkdtemp(join(tmpdir(), 'isobit-copy-'));
  cleanup.push(() => rm(dir, { recursive: true }));
  return fsStore(dir);
}

const own = (store: Store) => ({ store, inner: store });
const STORES: Readonly<Record<string, () => Promise<{ store: Store; inner: Store }>>> = {
  memory: async () => own(memoryStore()),
  fs: async () => own(await onDisk()),
  http: () => served(true),
  'http without a list': () => served(false),
};
const ROADS = [
  ['fs', 'memory'],
  ['fs', 'http'],
  ['fs', 'http without a list'],
  ['http', 'fs'],
  ['http without a list', 'fs'],
  ['http without a list', 'http'],
] as const;

const content = (step: number) => ({
  kind: 'train',
  schema: { model: 1 },
  state: { step },
  tensors: new Map<string, HostArray>([
    ['model/w', tensor('f32', [2], [step, 1])],
    ['model/empty', tensor('f32', [0], [])],
    ['model/n', tensor('i32', [3], [step, 2, 3])],
  ]),
});
let now = 1000;
const run = (store: Store, o: RunStoreOptions = {}) =>
  new RunStore(store, { clock: () => now++, writer: 'test', ...o });
const save = (r: RunStore, step: number, tags: readonly string[] = []) =>
  r.save(content(step), { step, epoch: 0, metrics: { loss: 1 / step }, tags });

const code =
  (want: string, more: (e: CheckpointError) => boolean = () => true) =>
  (e: unknown) => {
    assert.ok(e instanceof CheckpointError, String(e));
    assert.equal(e.code, want, e.message);
    assert.notEqual(e.hint, '');
    assert.ok(more(e), e.message);
    return true;
  };

/** Digests of what a store holds, by key. */
async function objectsOf(store: Store): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  for await (const { key } of store.list('')) {
    if (key !== '.isobit-probe') out.set(key, hex(await sha256(await store.get(key))));
  }
  return out;
}

/** A run that retention has thinned out, with a tag and a rollback. */
async function thinned(store: Store, steps = 12): Promise<RunStore> {
  const r = run(store, { keepLast: 2, keepEvery: 4 });
  for (let step = 1; step <= steps; step++) await save(r, step, step === 3 ? ['third'] : []);
  return r;
}

for (const [a, b] of ROADS) {
  test(`from ${a} to ${b}: the same objects and records, and a run that goes on in both`, async () => {
    const from = await STORES[a]();
    const to = await STORES[b]();
    await thinned(from.store);
    const { latest, commits, written, skipped } = await copyRun(from.store, to.store);
    assert.deepEqual(skipped, []);
    assert.equal(latest.step, 12);
    assert.equal(written, commits);
    const [there, here] = [await objectsOf(from.inner), await objectsOf(to.inner)];
    if (a !== 'http without a list') assert.deepEqual(here, there);
    else for (const [key, bytes] of here) assert.equal(bytes, there.get(key), key);
    const r = run(to.store);
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [3, 4, 8, 11, 12],
    );
    assert.equal((await r.resume())?.commit.step, 12);
    assert.equal((await r.open('third'))?.commit.step, 3);
    const next = run(from.store);
    await next.resume();
    const [x, y] = [await save(r, 13), await save(next, 13)];
    assert.deepEqual([x.commit.seq, x.commit.root], [y.commit.seq, y.commit.root]);
  });
}

test('a copy served without a list is found, also where the original was never thinned out', async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  const r = run(from);
  for (let step = 1; step <= 3; step++) await save(r, step);
  await copyRun(from, to);
  const server = await listen(storeHandler(to, { lists: false }));
  cleanup.push(() => server[Symbol.asyncDispose]());
  assert.equal((await run(fetchStore(server.url)).resume())?.commit.step, 3);
});

test('a second copy brings only what is new; a run that went on elsewhere comes back', async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  await thinned(from);
  await copyRun(from, to);
  assert.equal((await copyRun(from, to)).written, 0);
  const r = run(to);
  await r.resume();
  await save(r, 13);
  await r.pin('step:13', ['mine']);
  await assert.rejects(copyRun(from, to), code('E_CONFLICT'), 'it would go back in time');
  const back = await copyRun(to, from);
  assert.deepEqual([back.written, back.latest.step], [2, 13]);
  const [here, there] = [await objectsOf(from), await objectsOf(to)];
  for (const [key, digest] of here) assert.ok(key === 'LATEST' || there.get(key) === digest, key);
  assert.equal(here.size, there.size);
  assert.equal((await run(from).open('mine'))?.commit.step, 13);
});

test('another run, a fork of this one, and a place with a damaged newest commit are not written to', async () => {
  const from = memoryStore();
  await thinned(from);
  const other = memoryStore();
  await save(run(other), 7);
  const fork = memoryStore();
  await copyRun(from, fork);
  for (const [store, step] of [
    [from, 13],
    [fork, 14],
  ] as const) {
    const r = run(store, { writer: String(step) });
    await r.resume();
    await save(r, step);
  }
  const damaged = memoryStore();
  await copyRun(from, damaged);
  const last = [...(await objectsOf(damaged)).keys()].filter((k) => k.startsWith('commits/')).at(-1) as string;
  await damaged.put(last, new Uint8Array(9));
  for (const to of [other, fork, damaged]) {
    const before = await objectsOf(to);
    await assert.rejects(
      copyRun(from, to),
      code('E_CONFLICT', (e) => e.details.seq !== undefined),
    );
    assert.deepEqual(await objectsOf(to), before);
  }
});

test('nothing to copy is an error, as is a run of which nothing can be read', async () => {
  const from = memoryStore();
  await assert.rejects(copyRun(from, memoryStore()), code('E_NOT_FOUND'));
  await save(run(from), 1);
  for (const key of (await objectsOf(from)).keys()) if (key.startsWith('objects/')) await from.delete(key);
  const to = memoryStore();
  await assert.rejects(copyRun(from, to), code('E_NO_VALID_CHECKPOINT'));
  assert.equal((await objectsOf(to)).size, 0);
});

test('any changed bit of a state leaves that commit behind and says so; the rest is copied', async () => {
  const from = memoryStore();
  const r = run(from);
  for (let step = 1; step <= 3; step++) await save(r, step);
  const { commit } = (await run(from).open()) as { commit: { object: string } };
  const honest = await from.get(commit.object);
  for (let i = 0; i < honest.length; i += 37) {
    const bad = honest.slice();
    bad[i] ^= 1 << (i & 7);
    await from.put(commit.object, bad);
    const to = memoryStore();
    const { latest, commits, skipped } = await copyRun(from, to);
    assert.deepEqual([latest.step, commits, skipped.length], [2, 2, 1], `byte ${i}`);
    assert.equal((await run(to).resume())?.commit.step, 2);
    assert.equal((await objectsOf(to)).has(commit.object), false);
  }
});

test('an end at any write leaves the run that was there, or the newest; the same call again completes it', async () => {
  for (const blind of [false, true]) {
    for (const past of [0, 4]) {
      for (let left = 0, ended = true; ended; left++) {
        ended = false;
        const from = memoryStore();
        const inner = memoryStore();
        const r = await thinned(from, 4);
        if (past > 0) await copyRun(from, inner);
        for (let step = 5; step <= 9; step++) await save(r, step);
        const view: Store = blind ? { ...inner, caps: async () => ({ ...(await inner.caps()), list: false }) } : inner;
        let calls = 0;
        const dying: Store = {
          ...view,
          put: async (...a) => {
            if (calls === left) throw new Error('ended');
            calls++;
            return view.put(...a);
          },
        };
        await copyRun(from, dying).catch((e) => {
          assert.equal(e.message, 'ended');
          ended = true;
        });
        const step = (await run(view).open())?.commit.step ?? 0;
        assert.ok([past, 9].includes(step), `${left} writes: step ${step}`);
        await copyRun(from, view);
        const [here, there] = [await objectsOf(inner), await objectsOf(from)];
        for (const [key, digest] of there) assert.ok(key === 'LATEST' || here.get(key) === digest, key);
        assert.equal((await run(view).open())?.commit.step, 9);
        assert.ok(ended || left > 4);
      }
    }
  }
});

test('an abort before the records leaves no run; later it comes too late', async () => {
  const from = memoryStore();
  await thinned(from);
  const reason = new Error('enough');
  const is = (e: unknown) => e === reason;
  await assert.rejects(copyRun(from, memoryStore(), { signal: AbortSignal.abort(reason) }), is);
  for (const [at, steps] of [
    ['objects/', 0],
    ['commits/', 12],
  ] as const) {
    const inner = memoryStore();
    const control = new AbortController();
    const to: Store = {
      ...inner,
      caps: async () => ({ ...(await inner.caps()), lateKey: false }),
      put: (key, body, o) => {
        if (String(key).startsWith(at)) control.abort(reason);
        return inner.put(key, body, o);
      },
    };
    const copying = copyRun(from, to, { signal: control.signal });
    if (steps === 0) await assert.rejects(copying, is);
    else await copying;
    assert.equal((await run(inner).open())?.commit.step ?? 0, steps);
  }
});

test('faults of the target are thrown as they are, and count for no damage of the source', async () => {
  const from = memoryStore();
  await thinned(from);
  const full: Store = {
    ...memoryStore(),
    put: async () => {
      throw new CheckpointError('E_LIMIT', 'too large', { hint: 'x' });
    },
  };
  await assert.rejects(copyRun(from, full), code('E_LIMIT'));
});

test('prefixes on both sides', async () => {
  const store = memoryStore();
  await save(run(store, { prefix: 'a/' }), 1);
  await copyRun(store, store, { prefix: 'a/', toPrefix: 'b/c/' });
  assert.equal((await run(store, { prefix: 'b/c/' }).open())?.commit.step, 1);
  await assert.rejects(copyRun(store, store, { prefix: 'a' }), (e) => (e as { code: string }).code === 'E_OPTION');
});
