/** In a worker of workerd: the shared suite over an R2 bucket, what is special to it, and a run that is trained there. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type R2BucketLike, type R2Upload, r2Store } from '../r2.ts';
import type { Store, StoreBody } from '../store.ts';
import { storeSuite } from '../suite.ts';
import { trainIris } from './iris-run.ts';
import { runTests } from './page-test.ts';

const MIB = 2 ** 20;
const bytes = (...v: number[]) => Uint8Array.from(v);

/** Set by the first request: bindings come with it. */
let bucket: R2BucketLike;

async function fresh(): Promise<Store> {
  const store = r2Store(bucket, { name: 'test' });
  for await (const { key } of store.list('')) await store.delete(key);
  return store;
}

storeSuite('r2', fresh);

const code = (want: string) => (e: unknown) => {
  assert.equal((e as { code?: string }).code, want, String(e));
  assert.notEqual((e as { hint?: string }).hint, '');
  return true;
};

/** A bucket whose methods are watched, and one of them replaced. */
function spied(o: Partial<R2BucketLike> = {}): { store: Store; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const watched = new Proxy(bucket, {
    get: (_, method: keyof R2BucketLike) => {
      return (...a: unknown[]) => {
        calls.push([method, ...a]);
        const own = o[method] ?? bucket[method];
        return (own as (...a: unknown[]) => unknown).apply(bucket, a);
      };
    },
  });
  return { store: r2Store(watched, { name: 'test' }), calls };
}

/** Chunks of one MiB in one array that is used again. */
function large(mib: number, more = 0, mark = 1): StoreBody {
  return {
    size: mib * MIB + more,
    async *chunks() {
      const chunk = new Uint8Array(MIB);
      for (let i = 0; i < mib; i++) yield chunk.fill(mark + i);
      if (more > 0) yield chunk.subarray(0, more).fill(mark + mib);
    },
  };
}

async function holds(store: Store, key: string, body: StoreBody): Promise<void> {
  let at = 0;
  for await (const chunk of body.chunks()) {
    const got = await store.get(key, { offset: at, length: chunk.length });
    // all of a chunk is one byte
    const [same, end] = [got[0] === chunk[0] && got.length === chunk.length, got.length - 1];
    assert.ok(same && got.subarray(0, end).every((v, i) => v === got[i + 1]), `${key} at ${at}`);
    at += chunk.length;
  }
  assert.deepEqual(await store.head(key), { size: at });
}

test('r2: small bodies go up with their digest and, where nothing may be there, with a condition', async () => {
  const { store, calls } = spied();
  await store.put('x', bytes(1, 2, 3));
  await store.put('y', bytes(1, 2, 3), { ifAbsent: true });
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes(1, 2, 3)));
  const options = calls.map(([, , , o]) => o as { sha256: ArrayBuffer; onlyIf?: object });
  for (const o of options) assert.deepEqual(new Uint8Array(o.sha256), digest);
  assert.deepEqual(
    options.map((o) => o.onlyIf),
    [undefined, { etagDoesNotMatch: '*' }],
  );
});

test('r2: bytes that change on their way are refused, and nothing is written', async () => {
  await fresh();
  const { store } = spied({
    put: (key, body, o) => {
      const changed = new Uint8Array(body as ArrayBuffer);
      changed[1] ^= 1;
      return bucket.put(key, changed.buffer, o);
    },
  });
  await assert.rejects(store.put('x', bytes(1, 2, 3)), code('E_INTEGRITY'));
  assert.equal(await store.head('x'), null);
});

test('r2: large bodies go up in equal parts; what fails is aborted', async () => {
  await fresh();
  const uploads: unknown[][] = [];
  const { store } = spied({
    createMultipartUpload: async (key) => {
      const real = await bucket.createMultipartUpload(key);
      return {
        uploadPart: (n, part) => {
          uploads.push(['part', n, part.byteLength]);
          return real.uploadPart(n, part);
        },
        complete: (parts) => real.complete(parts),
        abort: () => {
          uploads.push(['abort']);
          return real.abort();
        },
      };
    },
  });
  await store.put('x', bytes(7));
  await store.put('x', large(11, 5));
  assert.deepEqual(uploads, [
    ['part', 1, 5 * MIB],
    ['part', 2, 5 * MIB],
    ['part', 3, MIB + 5],
  ]);
  await holds(store, 'x', large(11, 5));
  await assert.rejects(store.put('x', { ...large(6), size: 7 * MIB }), code('E_INTEGRITY'));
  assert.deepEqual(uploads.at(-1), ['abort']);
  await holds(store, 'x', large(11, 5));
});

test('r2: a large body that fails or is aborted leaves what was there, in a stream and in parts', async () => {
  const store = await fresh();
  const fault = new Error('the source broke');
  const at = (n: number, what: () => void): StoreBody => ({
    size: 7 * MIB,
    async *chunks() {
      let i = 0;
      for await (const chunk of large(7).chunks()) {
        if (i++ === n) what();
        yield chunk;
      }
    },
  });
  const breaks = () => {
    throw fault;
  };
  for (const ifAbsent of [true, false]) {
    for (const n of [0, 6]) await assert.rejects(store.put('y', at(n, breaks), { ifAbsent }), (e) => e === fault);
    for (const size of [6 * MIB, 8 * MIB]) {
      await assert.rejects(store.put('y', { ...large(7), size }, { ifAbsent }), code('E_INTEGRITY'));
    }
    const aborted = new AbortController();
    const stops = at(5, () => aborted.abort(fault));
    await assert.rejects(store.put('y', stops, { ifAbsent, signal: aborted.signal }), (e) => e === fault);
  }
  assert.equal(await store.head('y'), null);
});

test('r2: of a large body no more is held than a part or a chunk', async () => {
  let pulled = 0;
  const body: StoreBody = {
    size: 64 * MIB,
    async *chunks() {
      for await (const chunk of large(64).chunks()) {
        pulled += chunk.length;
        yield chunk;
      }
    },
  };
  let [taken, most] = [0, 0];
  const take = (n: number) => {
    most = Math.max(most, pulled - taken);
    taken += n;
  };
  const upload: R2Upload = {
    async uploadPart(partNumber, part) {
      take(part.byteLength);
      return { partNumber, etag: '' };
    },
    complete: async () => null,
    abort: async () => {},
  };
  const { store } = spied({
    head: async () => null,
    createMultipartUpload: async () => upload,
    async put(key, stream) {
      for await (const part of stream as unknown as AsyncIterable<Uint8Array>) {
        await new Promise((done) => setTimeout(done, 0));
        take(part.length);
      }
      return { key, size: taken, uploaded: new Date() };
    },
  });
  assert.equal(await store.put('x', body), 'written');
  assert.deepEqual([taken, most], [64 * MIB, 5 * MIB]);
  [pulled, taken, most] = [0, 0, 0];
  assert.equal(await store.put('x', body, { ifAbsent: true }), 'written');
  assert.equal(taken, 64 * MIB);
  assert.ok(most <= 2 * MIB, `${most} bytes`);
});

test('r2: of large bodies that race with ifAbsent one wins, whole; of what is there nothing is sent', async () => {
  const store = await fresh();
  const bodies = [0, 1, 2].map((i) => large(6, 0, 50 * i));
  const answers = await Promise.all(bodies.map((b) => store.put('race', b, { ifAbsent: true })));
  assert.equal(answers.filter((a) => a === 'written').length, 1);
  await holds(store, 'race', bodies[answers.indexOf('written')]);
  let passes = 0;
  const counted: StoreBody = {
    size: 6 * MIB,
    chunks: () => {
      passes++;
      return large(6).chunks();
    },
  };
  assert.equal(await store.put('race', counted, { ifAbsent: true }), 'exists');
  assert.equal(passes, 0);
});

test('r2: a writer that is overtaken while its stream is under way is told', async () => {
  const store = await fresh();
  const body = large(6);
  const slow: StoreBody = {
    size: body.size,
    async *chunks() {
      let i = 0;
      for await (const chunk of body.chunks()) {
        if (i++ === 3) await store.put('x', bytes(9));
        yield chunk;
      }
    },
  };
  assert.equal(await store.put('x', slow, { ifAbsent: true }), 'exists');
  assert.deepEqual(await store.get('x'), bytes(9));
});

test('r2: an upload that R2 gives up while the body still comes does not hang', async () => {
  await fresh();
  for (const [message, want] of [
    ['put: We encountered an internal error. (10001)', 'E_IO'],
    ['put: not you. (10003)', 'E_PERMISSION'],
  ]) {
    const { store } = spied({ put: async () => Promise.reject(new Error(message)) });
    await assert.rejects(store.put('x', large(6), { ifAbsent: true }), code(want));
  }
  const { store } = spied({ put: async () => null });
  assert.equal(await store.put('x', large(6), { ifAbsent: true }), 'exists');
});

test('r2: lists in pages, from behind a key', async () => {
  await fresh();
  const { store, calls } = spied({ list: (o) => bucket.list({ ...o, ...{ limit: 2 } }) });
  const keys = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'b'];
  for (const key of keys) await store.put(key, bytes(1));
  calls.length = 0;
  const seen: string[] = [];
  for await (const { key, modified } of store.list('a/', { after: 'a/1' })) {
    seen.push(key);
    assert.ok(Math.abs((modified ?? 0) - Date.now()) < 60_000);
  }
  assert.deepEqual(seen, keys.slice(1, 5));
  assert.equal(calls.length, 2);
});

test('r2: faults become typed errors that name bucket and key', async () => {
  const broken = (message: string) => spied({ get: async () => Promise.reject(new Error(message)) }).store;
  const store = await fresh();
  await store.put('x', bytes(1));
  for (const [message, want, retryable] of [
    ['get: We encountered an internal error. Please try again. (10001)', 'E_IO', true],
    ['Network connection lost.', 'E_IO', true],
    ['get: slow down (10058)', 'E_IO', true],
    ['get: no (10003)', 'E_PERMISSION', false],
    ['get: what (19999)', 'E_IO', false],
  ] as const) {
    await assert.rejects(broken(message).get('x'), (e) => {
      code(want)(e);
      assert.equal((e as { retryable: boolean }).retryable, retryable, message);
      assert.ok(String(e).includes('r2:test/x'), String(e));
      return true;
    });
  }
  await assert.rejects(
    store.put('x', { size: 6 * 2 ** 30, chunks: large(1).chunks }, { ifAbsent: true }),
    code('E_LIMIT'),
  );
});

Object.assign(globalThis, {
  async testR2(b: R2BucketLike) {
    bucket = b;
    return runTests();
  },
  async emptyR2(b: R2BucketLike) {
    bucket = b;
    await fresh();
  },
  trainR2: (b: R2BucketLike, until: number) => trainIris(r2Store(b, { name: 'test' }), until),
});
