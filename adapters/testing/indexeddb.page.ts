/** In a page or a worker: the shared suite over IndexedDB, and what is special to it. Node's side is indexeddb.test.ts. */

import assert from 'node:assert/strict';
import { type BrowserStore, indexeddbStore } from '../indexeddb.ts';
import { bytes, code, fresh, noise, paused, serveCalls, storeCalls } from './page-calls.ts';
import { failedPuts, pageStoreTests } from './page-store.ts';
import { runTests } from './page-test.ts';

const ROW = 4 * 2 ** 20;
const STALE_MS = 60 * 60 * 1000;

function wait<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** What lies in the tables, read without the adapter. */
async function raw(name: string): Promise<Record<'objects' | 'rows' | 'writing', unknown[]>> {
  const db = await wait(indexedDB.open(`isobit:${name}`));
  const tx = db.transaction(['objects', 'rows', 'writing']);
  const all = (table: string) => wait(tx.objectStore(table).getAll());
  const [objects, rows, writing] = await Promise.all([all('objects'), all('rows'), all('writing')]);
  db.close();
  return { objects, rows, writing };
}

const it = pageStoreTests('indexeddb', (name) => indexeddbStore(name));

it('says that it is durable, and every transaction that writes is strict', async (s) => {
  assert.equal((await s.caps()).durable, true);
  const proto = IDBDatabase.prototype;
  const { transaction } = proto;
  const seen: string[] = [];
  proto.transaction = function (this: IDBDatabase, ...a: Parameters<IDBDatabase['transaction']>) {
    const tx = transaction.apply(this, a);
    if (tx.mode === 'readwrite') seen.push(tx.durability);
    return tx;
  };
  try {
    await s.put('x', noise(2 * ROW + 1));
    await s.delete('x');
  } finally {
    proto.transaction = transaction;
  }
  assert.ok(seen.length >= 4, `${seen}`);
  assert.deepEqual([...new Set(seen)], ['strict']);
});

it('put resolves after the transaction is complete, not after its requests', async (s) => {
  await s.put('y', bytes(1)); // the first put also cleans
  const proto = IDBDatabase.prototype;
  const { transaction } = proto;
  const log: string[] = [];
  proto.transaction = function (this: IDBDatabase, ...a: Parameters<IDBDatabase['transaction']>) {
    const tx = transaction.apply(this, a);
    tx.addEventListener('complete', () => log.push('complete'));
    return tx;
  };
  try {
    await s.put('x', bytes(1));
    log.push('resolved');
  } finally {
    proto.transaction = transaction;
  }
  assert.deepEqual(log, ['complete', 'resolved']);
});

it('objects around the size of a row, and ranges across rows', async (s, name) => {
  for (const size of [ROW - 1, ROW, ROW + 1, 2 * ROW, 2 * ROW + 5]) {
    const data = noise(size);
    await s.put('x', data);
    assert.deepEqual(await s.head('x'), { size });
    assert.deepEqual(await s.get('x'), data);
    const from = Math.max(0, ROW - 10);
    assert.deepEqual(await s.get('x', { offset: from }), data.slice(from));
    if (size > ROW + 4) {
      assert.deepEqual(await s.get('x', { offset: ROW - 3, length: 8 }), data.slice(ROW - 3, ROW + 5));
      assert.deepEqual(await s.get('x', { offset: ROW, length: 4 }), data.slice(ROW, ROW + 4));
    }
  }
  const { rows, objects, writing } = await raw(name);
  assert.deepEqual(
    rows.map((r) => (r as ArrayBuffer).byteLength).sort((a, b) => a - b),
    [5, ROW, ROW],
    'what was overwritten is gone',
  );
  assert.equal(objects.length, 1);
  assert.equal(writing.length, 0);
});

it('a view is stored without the buffer that it is part of', async (s, name) => {
  const big = new Uint8Array(8 * 2 ** 20);
  big[100] = 7;
  await s.put('x', big.subarray(100, 104));
  assert.deepEqual(
    (await raw(name)).rows.map((r) => (r as ArrayBuffer).byteLength),
    [4],
  );
  assert.deepEqual(await s.get('x'), bytes(7, 0, 0, 0));
});

it('failed and refused writes leave no rows', async (s, name) => {
  await s.put('x', bytes(1));
  await failedPuts(s, 2 * ROW + 5, new Error('the source broke'));
  const { rows, writing } = await raw(name);
  assert.equal(rows.length, 1);
  assert.equal(writing.length, 0);
});

it('rows of a writer that is gone are not visible, and are removed after an hour', async (s, name) => {
  const { body, reached } = paused(2 * ROW + 1);
  const never = s.put('x', body).catch(() => {});
  await reached;
  assert.equal(await s.head('x'), null);
  assert.equal((await raw(name)).rows.length, 1, 'the first row is there while the second is filled');
  await indexeddbStore(name).put('y', bytes(1));
  assert.equal((await raw(name)).rows.length, 2, 'and is not taken from one who still writes');
  const { now } = Date;
  Date.now = () => now() + STALE_MS + 1;
  try {
    await indexeddbStore(name).put('z', bytes(1));
  } finally {
    Date.now = now;
  }
  const { rows, writing } = await raw(name);
  assert.deepEqual([rows.length, writing.length], [2, 0]);
  void never;
});

it('a writer whose rows were removed is told, and nothing is published', async (s, name) => {
  const { body, reached, go } = paused(2 * ROW + 1);
  const put = s.put('x', body);
  put.catch(() => {});
  await reached;
  const { now } = Date;
  Date.now = () => now() + STALE_MS + 1;
  try {
    await indexeddbStore(name).put('z', bytes(1));
  } finally {
    Date.now = now;
  }
  go();
  await assert.rejects(put, code('E_IO'));
  assert.equal(await s.head('x'), null);
  assert.equal((await raw(name)).rows.length, 1);
});

it('gives way to one who deletes the database, while idle and while writing', async (s, name) => {
  await s.put('x', bytes(1));
  await wait(indexedDB.deleteDatabase(`isobit:${name}`));
  assert.equal(await s.head('x'), null);
  const { body, reached, go } = paused(3 * ROW + 1);
  const put = s.put('x', body);
  put.catch(() => {});
  await reached;
  await wait(indexedDB.deleteDatabase(`isobit:${name}`));
  go();
  await assert.rejects(put, code('E_IO'));
  assert.equal(await s.head('x'), null);
  assert.equal((await raw(name)).rows.length, 0);
  assert.equal(await s.put('x', bytes(2), { ifAbsent: true }), 'written');
});

it('who deletes the database while it is opened is in nobody’s way', async (s, name) => {
  await s.put('x', bytes(1));
  for (let i = 0; i < 20; i++) {
    const again = indexeddbStore(name);
    const found = again.head('x');
    await new Promise((r) => setTimeout(r, i / 4));
    await wait(indexedDB.deleteDatabase(`isobit:${name}`));
    assert.ok([null, 1].includes((await found)?.size ?? null));
    await again.put('x', bytes(1));
    await again.close();
  }
});

it('an older version that another tab holds is E_BUSY; a newer one is E_VERSION', async (s, name) => {
  const held = await wait(indexedDB.open(`isobit:${name}`, 1));
  const proto = IDBFactory.prototype;
  const { open } = proto;
  proto.open = function (this: IDBFactory, n: string, version = 1) {
    return open.call(this, n, version + 1); // as the next version of the adapter would
  };
  try {
    await assert.rejects(s.head('x'), code('E_BUSY'));
  } finally {
    proto.open = open;
  }
  held.close();
  const newer = fresh();
  (await wait(indexedDB.open(`isobit:${newer}`, 9))).close();
  await assert.rejects(indexeddbStore(newer).head('x'), code('E_VERSION'));
});

it('waiting for another tab ends with an abort', async (s, name) => {
  const held = await wait(indexedDB.open(`isobit:${name}`, 1));
  const gone = wait(indexedDB.deleteDatabase(`isobit:${name}`)); // waits for `held`, and every open waits for it
  const reason = new Error('enough');
  const abort = new AbortController();
  setTimeout(() => abort.abort(reason), 50);
  await assert.rejects(s.head('x', { signal: abort.signal }), (e) => e === reason);
  held.close();
  await gone;
  assert.equal(await s.head('x'), null);
});

it('stays usable after close, and its name keeps databases apart', async (s, name) => {
  await s.put('x', bytes(1));
  await s.close();
  assert.deepEqual(await s.get('x'), bytes(1));
  assert.equal(await indexeddbStore(`${name}-b`).head('x'), null);
  assert.deepEqual(await indexeddbStore(name).get('x'), bytes(1));
});

it('lists more entries than one transaction reads', async (s) => {
  const all = Array.from({ length: 600 }, (_, i) => `k/${String(i).padStart(4, '0')}`);
  await Promise.all(all.map((k) => s.put(k, bytes(1))));
  const seen: string[] = [];
  for await (const { key } of s.list('k/')) {
    seen.push(key);
    if (seen.length === 10) await new Promise((r) => setTimeout(r, 20)); // a consumer that takes its time
  }
  assert.deepEqual(seen, all);
});

it('an object whose rows are lost is E_INTEGRITY', async (s, name) => {
  await s.put('x', noise(ROW + 1));
  const db = await wait(indexedDB.open(`isobit:${name}`));
  await wait(db.transaction('rows', 'readwrite').objectStore('rows').clear());
  db.close();
  await assert.rejects(s.get('x'), code('E_INTEGRITY'));
});

it('a transaction that the browser gives up: E_QUOTA where the store is full, else E_IO that may be tried again', async (s) => {
  const proto = IDBObjectStore.prototype;
  const { put } = proto;
  const storage = StorageManager.prototype;
  const { estimate } = storage;
  proto.put = function (this: IDBObjectStore, ...a: Parameters<IDBObjectStore['put']>) {
    const request = put.apply(this, a);
    this.transaction.abort();
    return request;
  };
  try {
    storage.estimate = async () => ({ usage: 90, quota: 100 });
    await assert.rejects(s.put('x', bytes(1, 2)), (e) => code('E_IO')(e) && (e as { retryable: boolean }).retryable);
    await assert.rejects(s.put('x', noise(11)), code('E_QUOTA'));
    storage.estimate = () => Promise.reject(new TypeError('there is no such thing here'));
    proto.put = () => {
      throw new DOMException('no room', 'QuotaExceededError');
    };
    await assert.rejects(
      s.put('x', noise(11)),
      (e) => code('E_QUOTA')(e) && !(e as Error).message.includes('in use'),
      'no figure that nobody told',
    );
  } finally {
    proto.put = put;
    storage.estimate = estimate;
  }
  assert.equal(await s.head('x'), null);
});

/** What calls say after the browser has removed everything, by every store; and after `close()` the keys of one. */
async function afterLoss(name: string): Promise<unknown[]> {
  const keysOf = async (store: BrowserStore) => {
    const found: string[] = [];
    for await (const { key } of store.list('')) found.push(key);
    return found;
  };
  const [store, same, other] = [name, name, `${name}-b`].map((n) => indexeddbStore(n));
  const said = await Promise.all(
    [keysOf(store), store.head('x'), store.put('x', bytes(1)), same.head('x'), other.head('x')].map((call) =>
      call.catch((e) => {
        assert.ok(e.message.includes(name) && e.details.message !== '' && e.hint.includes('copyRun'), e.message);
        return e.code;
      }),
    ),
  );
  assert.equal(await store.head('x').catch((e) => e.code), 'E_LOST', 'and still');
  await store.close();
  assert.equal(await store.put('y', bytes(1)), 'written');
  return [...said, await keysOf(store), await keysOf(same)];
}

/** A database as a page leaves it that is closed too soon. */
const leave = async (name: string) => (await wait(indexedDB.open(name))).close();

const databases = async () => (await indexedDB.databases()).map((d) => d.name);

serveCalls({
  runTests,
  afterLoss,
  leave,
  databases,
  ...storeCalls(indexeddbStore, async (name) => (await raw(name)).writing.length),
});
