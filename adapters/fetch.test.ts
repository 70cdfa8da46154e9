import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { RunStore } from '../sdk/checkpoint/index.ts';
import { type FetchStoreOptions, fetchStore } from './fetch.ts';
import { fsStore } from './fs.ts';
import { memoryStore } from './memory.ts';
import type { Store } from './store.ts';
import { storeSuite } from './suite.ts';
import { listen, type Server } from './testing/browsers.ts';
import { largeSuite } from './testing/large-suite.ts';
import { FAULTY, type Fault, KINDS, type ServerOptions } from './testing/store-kinds.ts';
import { type Seen, storeHandler } from './testing/store-server.ts';

const bytes = (...v: number[]) => Uint8Array.from(v);
const noise = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 31 + (i >> 8) * 7) & 255);

const servers: Server[] = [];
after(() => Promise.all(servers.map((s) => s[Symbol.asyncDispose]())));

async function serve(handler: RequestListener): Promise<string> {
  const server = await listen(handler);
  servers.push(server);
  return server.url;
}

const QUICK = { attempts: 5, ms: 1 };

/** A store, what lies behind it, and the requests that it makes. */
async function made(server: ServerOptions = {}, o: FetchStoreOptions = {}) {
  const inner = memoryStore();
  const seen: Seen[] = [];
  const url = await serve(storeHandler(inner, server, seen));
  return { store: fetchStore(url, { retry: QUICK, ...o }), inner, seen, url };
}

for (const [kind, options] of Object.entries(KINDS)) {
  const retry = kind === 'faulty' ? FAULTY : QUICK;
  storeSuite(`fetch, ${kind}`, async () => (await made(options, { retry })).store);
}

largeSuite('fetch, large bodies', async () => (await made()).store);
largeSuite('fetch, large bodies not streamed', async () => (await made({}, { stream: false })).store);

const code =
  (
    want: string,
    more: (e: { message: string; retryable: boolean; details: Record<string, unknown> }) => boolean = () => true,
  ) =>
  (e: unknown) => {
    const error = e as {
      code: string;
      message: string;
      hint: string;
      retryable: boolean;
      details: Record<string, unknown>;
    };
    assert.equal(error.code, want, String(e));
    assert.notEqual(error.hint, '');
    assert.ok(more(error), inspect(e));
    return true;
  };

async function first(store: Store): Promise<string | undefined> {
  for await (const { key } of store.list('')) return key;
}

const methods = (seen: readonly Seen[]) => seen.map((s) => s.method).join(' ');

test('fetch: says what the server keeps, after trying it', async () => {
  const { store, seen, url, inner } = await made();
  const caps = { ifAbsent: true, lateKey: false, range: true, list: true, durable: true };
  assert.deepEqual(await store.caps(), { ...caps, maxObject: Number.MAX_SAFE_INTEGER });
  const tries = seen.filter((s) => s.headers['if-none-match'] === '*');
  assert.equal(tries.length, 8, 'one to write, one to be refused, three times two at once');
  assert.equal(await first(inner), '.isobit-probe', 'what two wrote is removed');
  const tried = seen.length;
  await store.caps();
  await store.put('x', bytes(1), { ifAbsent: true });
  assert.equal(seen.length, tried + 1, 'is tried once');
  const again = seen.length;
  assert.equal((await fetchStore(url).caps()).ifAbsent, true);
  assert.equal(
    methods(seen.slice(again)).match(/PUT/g)?.length,
    7,
    'and later with one write, which is refused, and two at once',
  );
  assert.deepEqual(await inner.head('.isobit-probe').then((h) => h !== null), true);

  assert.equal((await (await made({ conditions: false })).store.caps()).ifAbsent, false);
  assert.equal((await (await made({ ranges: false })).store.caps()).range, false);
  assert.equal((await (await made({ lists: false })).store.caps()).list, false);
});

test('fetch: a server that overwrites in spite of If-None-Match is not written to with ifAbsent', async () => {
  const { store, inner } = await made({ conditions: false });
  await store.put('x', bytes(1));
  await assert.rejects(store.put('x', bytes(2), { ifAbsent: true }), code('E_UNSUPPORTED'));
  assert.deepEqual(await inner.get('x'), bytes(1));
});

test('fetch: a server that refuses every conditional write does not pass for one that obeys', async () => {
  const inner = memoryStore();
  const handler = storeHandler(inner);
  const url = await serve((request, response) => {
    if (request.headers['if-none-match']) response.writeHead(412).end();
    else handler(request, response);
  });
  const store = fetchStore(url, { retry: QUICK });
  assert.equal((await store.caps()).ifAbsent, false);
  await assert.rejects(store.put('x', bytes(1), { ifAbsent: true }), code('E_UNSUPPORTED'));
});

test('fetch: a server that obeys, but looks first and writes later, does not pass for one that keeps it', async () => {
  const { store, inner, seen } = await made({ conditions: 'early' });
  assert.equal((await store.caps()).ifAbsent, false);
  await assert.rejects(store.put('x', bytes(1), { ifAbsent: true }), code('E_UNSUPPORTED'));
  const tried = seen.length;
  await assert.rejects(store.put('x', bytes(1), { ifAbsent: true }), code('E_UNSUPPORTED'));
  assert.equal(seen.length, tried);
  assert.equal(await inner.head('x'), null);
});

test('fetch: one writer looks before it writes, in turn; what is there is never overwritten', async () => {
  for (const conditions of [true, false, 'early'] as const) {
    const { store, inner, seen } = await made({ conditions }, { oneWriter: true });
    const { ifAbsent, range } = await store.caps();
    assert.deepEqual([ifAbsent, range], [true, true]);
    const puts = await Promise.all([1, 2, 3].map((v) => store.put('x', bytes(v), { ifAbsent: true })));
    assert.deepEqual(puts, ['written', 'exists', 'exists']);
    assert.deepEqual(await inner.get('x'), bytes(1));
    assert.equal(await store.put('x', bytes(1), { ifAbsent: true }), 'written', 'the bytes decide');
    assert.equal(methods(seen).match(/PUT/g)?.length, 2, 'the probe, and one');
    assert.equal(await store.put('x', bytes(4)), 'written');
    assert.deepEqual(await inner.get('x'), bytes(4));
  }
});

test('fetch: collections that must be made first are made, once, where a write is answered by 409', async () => {
  const inner = memoryStore();
  const handler = storeHandler(inner);
  const folders = new Set(['/']);
  const asked: string[] = [];
  const url = await serve((request, response) => {
    const { method, url = '' } = request;
    asked.push(`${method} ${url}`);
    const parent = url.replace(/[^/]+\/?$/, '');
    if (method === 'MKCOL') {
      const status = folders.has(url) ? 405 : folders.has(parent) ? 201 : 409;
      folders.add(url);
      return void response.writeHead(status).end();
    }
    if (method === 'PUT' && !folders.has(parent)) {
      request.resume();
      return void response.writeHead(409).end();
    }
    handler(request, response);
  });
  const store = fetchStore(`${url}my runs/iris`, { retry: QUICK });
  assert.equal(await store.put('objects/x', bytes(1)), 'written');
  const where = '/my%20runs/iris/objects';
  assert.deepEqual(asked, [
    `PUT ${where}/x`,
    'MKCOL /my%20runs/',
    'MKCOL /my%20runs/iris/',
    `MKCOL ${where}/`,
    `PUT ${where}/x`,
  ]);
  assert.deepEqual(await inner.get('my runs/iris/objects/x'), bytes(1));
});

test('fetch: a server that only reads', async () => {
  for (const [status, want] of [
    [405, 'E_UNSUPPORTED'],
    [501, 'E_UNSUPPORTED'],
    [403, 'E_PERMISSION'],
    [404, 'E_NOT_FOUND'],
  ] as const) {
    const { store, inner, seen } = await made({
      fault: ({ method }) => (method === 'PUT' || method === 'DELETE' ? { status } : undefined),
    });
    await inner.put('x', bytes(1, 2, 3));
    assert.deepEqual(await store.get('x', { offset: 1 }), bytes(2, 3));
    const { ifAbsent, range } = await store.caps();
    assert.deepEqual([ifAbsent, range], [false, true]);
    await assert.rejects(store.put('y', bytes(1), { ifAbsent: true }), code(want));
    await assert.rejects(store.put('y', bytes(1)), code(want));
    if (status !== 404) await assert.rejects(store.delete('x'), code(want));
    assert.deepEqual((methods(seen).match(/PUT/g) ?? []).length, 2, 'what is refused is not tried again');
  }
});

test('fetch: readOnly writes nothing, not even to try', async () => {
  const { store, inner, seen } = await made({}, { readOnly: true });
  await inner.put('x', bytes(1));
  assert.deepEqual(await store.get('x'), bytes(1));
  const { ifAbsent, list } = await store.caps();
  assert.deepEqual([ifAbsent, list], [false, true]);
  await assert.rejects(store.put('x', bytes(2)), code('E_UNSUPPORTED'));
  await assert.rejects(store.put('x', bytes(2), { ifAbsent: true }), code('E_UNSUPPORTED'));
  await assert.rejects(store.delete('x'), code('E_UNSUPPORTED'));
  assert.ok(!/PUT|DELETE/.test(methods(seen)));
});

test('fetch: ranges are asked for as servers and CORS know them, and no byte too many', async () => {
  const { store, inner, seen } = await made();
  await inner.put('x', noise(100));
  await store.get('x');
  await store.get('x', { offset: 10, length: 5 });
  await store.get('x', { offset: 10 });
  await store.get('x', { length: 5 });
  assert.deepEqual(
    seen.map((s) => s.headers.range),
    [undefined, 'bytes=10-14', 'bytes=10-', 'bytes=0-4'],
  );
});

/** A server that answers one object's GETs by hand. */
async function answering(
  answer: (
    range: string | undefined,
    n: number,
  ) => { status: number; headers?: Record<string, string>; body?: Uint8Array },
): Promise<{ store: Store; asked: (string | undefined)[] }> {
  const asked: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    asked.push(request.headers.range);
    const { status, headers, body } = answer(request.headers.range, asked.length - 1);
    response.writeHead(status, headers).end(body);
  });
  return { store: fetchStore(url, { retry: QUICK }), asked };
}

test('fetch: an answer with another range than asked for is E_RANGE, and is not asked for again', async () => {
  const body = noise(4);
  for (const [what, headers] of [
    ['another start', { 'content-range': 'bytes 11-14/100' }],
    ['more than asked for', { 'content-range': 'bytes 10-99/100' }],
    ['none', {}],
    ['nonsense', { 'content-range': 'bytes ten-14/100' }],
    ['backwards', { 'content-range': 'bytes 10-9/100' }],
    ['several', { 'content-type': 'multipart/byteranges; boundary=x' }],
    ['encoded', { 'content-range': 'bytes 10-13/100', 'content-encoding': 'x' }],
    ['of an object that is too short', { 'content-range': 'bytes 10-12/13' }],
    ['shorter, of an object without a version', { 'content-range': 'bytes 10-12/100' }],
  ] as [string, Record<string, string>][]) {
    const cut = headers['content-range']?.startsWith('bytes 10-12') ? body.subarray(0, 3) : body;
    const { store, asked } = await answering(() => ({ status: 206, headers, body: cut }));
    await assert.rejects(store.get('x', { offset: 10, length: 4 }), code('E_RANGE'), what);
    assert.equal(asked.length, 1, what);
  }
  const open = await answering(() => ({ status: 206, headers: { 'content-range': 'bytes 10-13/*' }, body }));
  await assert.rejects(open.store.get('x', { offset: 10 }), code('E_RANGE'), 'to an end that is not told');
  assert.deepEqual(await open.store.get('x', { offset: 10, length: 4 }), body);
});

test('fetch: an answer in several parts, each of the same version', async () => {
  const data = noise(100);
  const { store, inner, seen } = await made({ slice: 30 });
  await inner.put('x', data);
  assert.deepEqual(await store.get('x', { offset: 5, length: 80 }), data.slice(5, 85));
  assert.deepEqual(
    seen.map((s) => s.headers.range),
    ['bytes=5-84', 'bytes=35-84', 'bytes=65-84'],
  );
});

test('fetch: a broken answer goes on where it broke, if the server names the version; else it begins again', async () => {
  const data = noise(100_000);
  const fault = (_: unknown, n: number): Fault | undefined => (n < 3 ? 'truncate' : undefined);
  const tagged = await made({ fault });
  await tagged.inner.put('x', data);
  assert.deepEqual(await tagged.store.get('x'), data);
  const starts = tagged.seen.map((s) => Number(/^bytes=(\d+)-/.exec(s.headers.range ?? 'bytes=0-')?.[1]));
  assert.equal(starts.length, 4);
  for (let i = 1; i < 4; i++) assert.ok(starts[i] > starts[i - 1], `${starts}`);

  const untagged = await made({ fault, etags: false });
  await untagged.inner.put('x', data);
  assert.deepEqual(await untagged.store.get('x'), data);
  assert.deepEqual(
    untagged.seen.map((s) => s.headers.range),
    [undefined, undefined, undefined, undefined],
  );

  const always = await made({ fault: () => 'truncate', etags: false });
  await always.inner.put('x', data);
  await assert.rejects(
    always.store.get('x'),
    code('E_IO', (e) => e.retryable),
  );
  assert.equal(always.seen.length, QUICK.attempts);
});

test('fetch: bytes of two versions are never joined', async () => {
  const [old, fresh] = [noise(1000), noise(1000).map((v) => 255 - v)];
  for (const ranges of [true, false]) {
    const inner = memoryStore();
    const seen: Seen[] = [];
    const handler = storeHandler(inner, { ranges, fault: (_, n) => (n === 0 ? 'truncate' : undefined) }, seen);
    const url = await serve(async (request, response) => {
      if (seen.length === 1) await inner.put('x', fresh);
      handler(request, response);
    });
    const store = fetchStore(url, { retry: QUICK });
    await inner.put('x', old);
    assert.deepEqual(await store.get('x', { offset: 10 }), fresh.slice(10));
    assert.equal(seen.length, 3, 'the rest of another version, then all of it');
  }
});

test('fetch: an answer that ends early without a broken connection is seen by its range', async () => {
  const data = noise(1000);
  const { store, inner } = await made({ fault: (_, n) => (n === 0 ? 'mute' : undefined) });
  await inner.put('x', data);
  assert.deepEqual(await store.get('x', { offset: 100, length: 500 }), data.slice(100, 600));
});

test('fetch: what may succeed later is tried again, and no more often than asked', async () => {
  for (const [fault, tries] of [
    [{ status: 500 }, 3],
    [{ status: 502 }, 3],
    [{ status: 503 }, 3],
    [{ status: 504 }, 3],
    [{ status: 429 }, 3],
    [{ status: 408 }, 3],
    [{ status: 409 }, 3],
    ['drop', 3],
    [{ status: 400 }, 1],
    [{ status: 401 }, 1],
    [{ status: 403 }, 1],
    [{ status: 413 }, 1],
    [{ status: 507 }, 1],
    [{ status: 200 }, undefined],
  ] as [Fault, number | undefined][]) {
    const { store, seen } = await made({ fault: () => fault }, { retry: { attempts: 3, ms: 1 } });
    if (tries === undefined) continue;
    for (const work of [
      () => store.get('x'),
      () => store.head('x'),
      () => store.put('x', bytes(1)),
      () => store.delete('x'),
    ]) {
      seen.length = 0;
      await assert.rejects(work(), (e) => (e as { retryable: boolean }).retryable === tries > 1);
      assert.equal(seen.length, tries, JSON.stringify(fault));
    }
  }
  const { store, inner } = await made({ fault: (_, n) => (n < 2 ? { status: 503 } : undefined) });
  await inner.put('x', bytes(1));
  assert.deepEqual(await store.get('x'), bytes(1));
});

test('fetch: statuses become typed errors that name the place and the status', async () => {
  for (const [status, want] of [
    [401, 'E_PERMISSION'],
    [403, 'E_PERMISSION'],
    [405, 'E_UNSUPPORTED'],
    [413, 'E_LIMIT'],
    [507, 'E_QUOTA'],
    [503, 'E_IO'],
    [418, 'E_IO'],
    [307, 'E_UNSUPPORTED'],
    [302, 'E_UNSUPPORTED'],
  ] as const) {
    const { store, url } = await made({ fault: () => ({ status, headers: { location: '/elsewhere' } }) });
    const names = code(want, (e) => e.message.includes(`${url}a/b`) && e.message.includes(String(status)));
    await assert.rejects(store.put('a/b', bytes(1)), names);
    if (status > 400 && status !== 405) await assert.rejects(store.get('a/b'), names);
  }
});

/** Runs `work` with pauses that end at once, and gives back how long they would have been. */
async function pauses(answer: (n: number) => Response, retry: FetchStoreOptions['retry']): Promise<number[]> {
  const { setTimeout } = globalThis;
  const found: number[] = [];
  let n = 0;
  const store = fetchStore('http://nowhere.invalid/', { retry, fetch: async () => answer(n++) });
  globalThis.setTimeout = ((run: () => void, ms: number, ...more: unknown[]) => {
    if (more.length > 0) return setTimeout(run, ms, ...more); // not ours: Node's own fetch
    found.push(ms);
    return setTimeout(run, 0);
  }) as typeof setTimeout;
  try {
    await store.get('x').catch(() => {});
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return found;
}

test('fetch: pauses grow, are random, and are as long as the server asks', async () => {
  const busy = () => new Response(null, { status: 503 });
  const runs = [];
  for (let i = 0; i < 20; i++) runs.push(await pauses(busy, { attempts: 4, ms: 100 }));
  for (const run of runs) {
    assert.equal(run.length, 3);
    for (const [i, ms] of run.entries()) assert.ok(ms >= 0 && ms <= 100 * 2 ** i, `${run}`);
  }
  assert.ok(new Set(runs.flat()).size > 50, 'random');
  assert.ok(Math.max(...runs.map((r) => r[2])) > 200, 'growing');
  const asked = () => new Response(null, { status: 429, headers: { 'retry-after': '7' } });
  assert.deepEqual(await pauses(asked, { attempts: 3, ms: 1 }), [7000, 7000]);
  const long = () => new Response(null, { status: 429, headers: { 'retry-after': '86400' } });
  assert.deepEqual(await pauses(long, { attempts: 2, ms: 1 }), [30_000]);
});

test('fetch: where the answer to an ifAbsent put was lost, the bytes decide', async () => {
  let lose = false;
  const fault = ({ method }: { method?: string }): Fault | undefined => {
    const now = lose && method === 'PUT';
    if (now) lose = false;
    return now ? 'lose' : undefined;
  };
  const { store, inner } = await made({ fault });
  await store.caps();
  lose = true;
  assert.equal(await store.put('x', noise(1000), { ifAbsent: true }), 'written');
  assert.deepEqual(await inner.get('x'), noise(1000));
  // some platforms send again by themselves: then there is no fault to see
  assert.equal(await store.put('x', noise(1000), { ifAbsent: true }), 'written');
  for (const others of [noise(999), noise(1000).fill(7, 999), noise(1001)]) {
    assert.equal(await store.put('x', others, { ifAbsent: true }), 'exists');
  }

  // lost on the way there, and another writer comes first
  const other = memoryStore();
  let drop = false;
  const racing = storeHandler(other);
  const url = await serve(async (request, response) => {
    if (!drop || request.method !== 'PUT') return racing(request, response);
    drop = false;
    await other.put('y', bytes(9, 9));
    request.socket.destroy();
  });
  const late = fetchStore(url, { retry: QUICK });
  await late.caps();
  for (const mine of [bytes(1, 2), bytes(1, 2, 3)]) {
    drop = true;
    await other.delete('y');
    assert.equal(await late.put('y', mine, { ifAbsent: true }), 'exists');
    assert.deepEqual(await other.get('y'), bytes(9, 9));
  }
});

test('fetch: an abort ends a pause, an upload and a download, with its reason', async () => {
  const reason = new Error('enough');
  const is = (e: unknown) => e === reason;
  const slow = { attempts: 5, ms: 10 ** 6 };
  const busy = await made({ fault: () => ({ status: 503, headers: { 'retry-after': '20' } }) }, { retry: slow });
  await assert.rejects(busy.store.get('x', { signal: AbortSignal.any([after20(reason)]) }), is);

  const never = await serve((request, response) => {
    request.resume();
    if (request.method === 'GET') response.writeHead(200, { 'content-length': '100' }).write(noise(10));
  });
  const store = fetchStore(never);
  await assert.rejects(store.get('x', { signal: after20(reason) }), is);
  await assert.rejects(store.put('x', bytes(1), { signal: after20(reason) }), is);
  await assert.rejects(store.head('x', { signal: after20(reason) }), is);
  await assert.rejects(store.delete('x', { signal: after20(reason) }), is);
});

function after20(reason: Error): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(reason), 20);
  return abort.signal;
}

test('fetch: sizes from servers that do not tell them in a HEAD', async () => {
  const data = noise(1234);
  for (const answer of [
    { headers: { 'content-encoding': 'gzip', 'content-length': '55' } },
    { status: 405 },
    { status: 501 },
    { headers: {} },
  ]) {
    const inner = memoryStore();
    const handler = storeHandler(inner);
    const url = await serve((request, response) => {
      if (request.method !== 'HEAD') return handler(request, response);
      response.writeHead(answer.status ?? 200, answer.headers).end();
    });
    await inner.put('x', data);
    await inner.put('empty', bytes());
    const store = fetchStore(url);
    assert.deepEqual(await store.head('x'), { size: 1234 });
    assert.deepEqual(await store.head('empty'), { size: 0 });
    if (answer.status) assert.equal(await store.head('none'), null);
  }
});

test('fetch: keys are written so that no sign in them means something else', async () => {
  const { store, inner } = await made();
  const keys = [
    'a b',
    'a%20b',
    'a#b',
    'a?list=b',
    'a&b=c',
    'é/ü',
    'a+b',
    'a;b,c',
    '\u{1f600}',
    "a'b(c)!*~",
    '%2e%2e/x',
  ];
  for (const [i, k] of keys.entries()) await store.put(k, bytes(i));
  for (const [i, k] of keys.entries()) assert.deepEqual(await inner.get(k), bytes(i), k);
  for (const [i, k] of keys.entries()) assert.deepEqual(await store.get(k), bytes(i), k);
  const listed: string[] = [];
  for await (const { key } of store.list('')) listed.push(key);
  assert.deepEqual(new Set(listed), new Set(keys));
});

test('fetch: headers and the query go with every request; a function is asked each time', async () => {
  let n = 0;
  const { inner, seen, url } = await made();
  const store = fetchStore(`${url}?sig=s3cret&x=1#here`, { headers: async () => ({ 'x-token': String(n++) }) });
  await inner.put('x', bytes(1));
  await store.get('x');
  await store.head('x');
  await store.put('y', bytes(2), { ifAbsent: true });
  for await (const _ of store.list('')) assert.equal(n, seen.length);
  assert.deepEqual(
    seen.map((s) => s.headers['x-token']),
    seen.map((_, i) => String(i)),
  );
  for (const s of seen) assert.ok(s.url.includes('?sig=s3cret&x=1') && !s.url.includes('here'), s.url);
});

test('fetch: no credential is in any error, name or cause', async () => {
  const secret = 's3cr3t';
  const options = { headers: { authorization: `Bearer ${secret}` }, retry: QUICK };
  const caught: unknown[] = [];
  const gather = async (work: () => unknown) => {
    try {
      await work();
      assert.fail('no error');
    } catch (e) {
      caught.push(e);
    }
  };
  const every = async (url: string, o: FetchStoreOptions = options) => {
    const store = fetchStore(`${url}?sig=${secret}`, o);
    assert.ok(!store.name.includes(secret));
    await gather(() => store.get('x', { offset: 1, length: 2 }));
    await gather(() => store.head('x'));
    await gather(() => store.put('x', bytes(1)));
    await gather(() => store.put('x', bytes(1), { ifAbsent: true }));
    await gather(() => store.delete('x'));
    await gather(async () => {
      for await (const _ of store.list('')) assert.fail();
    });
  };
  await every((await made({ authorization: 'another' })).url); // it echoes what it was sent
  for (const fault of [{ status: 500 }, { status: 302, headers: { location: `/?sig=${secret}` } }, 'drop'] as Fault[]) {
    await every((await made({ fault: () => fault })).url);
  }
  const closed = await listen(() => {});
  await closed[Symbol.asyncDispose]();
  await every(closed.url);
  await every(closed.url, { headers: { authorization: `${secret}\n` } });
  await every(closed.url, { headers: { authorization: `${secret}\u{1f600}` } });
  await gather(() => fetchStore(`http://user:${secret}@127.0.0.1/`));
  await gather(() => fetchStore(`http://[${secret}/`));
  await gather(() => fetchStore(`ftp://127.0.0.1/${secret}`));
  assert.ok(caught.length > 40);
  for (const e of caught) {
    const shown = inspect(e, { depth: 10, showHidden: true }).replaceAll(/at .*\n/g, '');
    assert.ok(!shown.includes(secret), shown);
    assert.notEqual((e as { hint?: string }).hint, '');
    assert.match((e as { code: string }).code, /^E_/);
  }
});

test('fetch: listings come in pages; one that breaks its rules is not believed', async () => {
  const { store, inner } = await made({ page: 3 });
  const keys = Array.from({ length: 10 }, (_, i) => `k/${i}`);
  for (const k of keys) await inner.put(k, bytes(1));
  const listed: string[] = [];
  for await (const { key } of store.list('k/')) listed.push(key);
  assert.deepEqual(listed, keys);
  const e = (key: string, more: object = {}) => ({ key, size: 1, ...more });
  for (const page of [
    { entries: [e('b'), e('a')], more: false },
    { entries: [e('a'), e('a')], more: false },
    { entries: [e('a', { size: -0.5 })], more: false },
    { entries: [e('a', { modified: 'now' })], more: false },
    { entries: [{ size: 1 }], more: false },
    { entries: [null], more: false },
    { entries: [], more: true },
    { entries: [e('a')] },
    { entries: 'a', more: false },
    { entries: [e('z/a')], more: false, prefix: 'a' },
  ] as { prefix?: string; entries: unknown }[]) {
    const url = await serve((_, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ isobit: 'list/1', ...page }));
    });
    await assert.rejects(
      async () => {
        for await (const _ of fetchStore(url, { retry: QUICK }).list(page.prefix ?? ''));
      },
      code('E_IO'),
      JSON.stringify(page),
    );
  }
  for (const other of ['[]', 'null', '{}', '{"isobit": "list/2"}', '<html>']) {
    const url = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(other),
    );
    await assert.rejects(
      async () => {
        for await (const _ of fetchStore(url).list(''));
      },
      code('E_UNSUPPORTED'),
      other,
    );
  }
});

test('fetch: a run of checkpoints on a server that fails now and then; the second writer is told', async () => {
  for (const lists of [true, false]) {
    const { url, inner } = await made({ ...KINDS.faulty, lists });
    const content = (step: number) => ({
      kind: 'train',
      state: { step },
      tensors: new Map([['model/w', { data: Float32Array.of(step, 1), shape: [2], dtype: 'f32' as const }]]),
    });
    const run = (writer: string) => new RunStore(fetchStore(url, { retry: FAULTY }), { writer, keepLast: 2 });
    const [a, b] = [run('a'), run('b')];
    for (let step = 1; step <= 4; step++) await a.save(content(step), { step, epoch: 0 });
    assert.equal((await b.resume())?.file.state.step, 4);
    await a.save(content(5), { step: 5, epoch: 0 });
    await assert.rejects(b.save(content(50), { step: 50, epoch: 0 }), code('E_CONFLICT'));
    assert.equal((await run('c').open())?.commit.step, 5);
    let objects = 0;
    for await (const _ of inner.list('objects/')) objects++;
    assert.ok(objects <= 3, 'retention works there too'); // two that are kept, and that of the loser
  }
});

/** What goes out: a stream or not, for bodies of 9 MiB but as told. */
async function sent(url: string, o: FetchStoreOptions, sizes: readonly number[]): Promise<boolean[]> {
  const streamed: boolean[] = [];
  const watched: typeof fetch = (input, init) => {
    if (init?.method === 'PUT') streamed.push(init.body instanceof ReadableStream);
    return fetch(input, init);
  };
  const store = fetchStore(url, { retry: QUICK, ...o, fetch: watched });
  for (const size of sizes) await store.put('x', new Uint8Array(size));
  return streamed;
}

test('fetch: large bodies are streamed with their length told, unless told otherwise or in a browser', async (t) => {
  const { url, seen } = await made();
  const MIB = 2 ** 20;
  assert.deepEqual(await sent(url, {}, [8 * MIB, 8 * MIB + 1]), [false, true]);
  assert.deepEqual(
    seen.filter((s) => s.method === 'PUT').map((s) => Number(s.headers['content-length'])),
    [8 * MIB, 8 * MIB + 1],
  );
  assert.deepEqual(await sent(url, { stream: false }, [9 * MIB]), [false]);
  const platform = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  t.after(() => {
    if (platform) Object.defineProperty(globalThis, 'navigator', platform);
    else Reflect.deleteProperty(globalThis, 'navigator');
  });
  for (const userAgent of ['Mozilla/5.0 (X11; Linux x86_64) Chrome/140', 'Cloudflare-Workers']) {
    Object.defineProperty(globalThis, 'navigator', { value: { userAgent }, configurable: true });
    assert.deepEqual(await sent(url, {}, [9 * MIB]), [false]);
    assert.deepEqual(await sent(url, { stream: true }, [9 * MIB]), [true]);
  }
});

test('fetch: a server that wants another kind of body gets it whole, from then on', async () => {
  const inner = memoryStore();
  const handler = storeHandler(inner);
  let asked = 0;
  const url = await serve((request, response) => {
    if (request.method !== 'PUT' || asked++ > 0) return handler(request, response);
    request.resume();
    response.writeHead(411).end();
  });
  const size = 9 * 2 ** 20;
  assert.deepEqual(await sent(url, {}, [size, size]), [true, false, false]);
  assert.deepEqual(await inner.head('x'), { size });
});

test('fetch: a streamed body that is sent elsewhere is E_UNSUPPORTED; one that is lost on the way is read again', async () => {
  const url = await serve((request, response) => {
    request.resume();
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  const big = new Uint8Array(9 * 2 ** 20).fill(3);
  await assert.rejects(fetchStore(url, { retry: QUICK }).put('x', big), code('E_UNSUPPORTED'));
  let lost = 0;
  const { store, inner } = await made({ fault: ({ method }) => (method === 'PUT' && lost++ < 2 ? 'drop' : undefined) });
  let passes = 0;
  const body = {
    size: big.length,
    async *chunks() {
      passes++;
      yield big;
    },
  };
  assert.equal(await store.put('x', body), 'written');
  assert.equal(passes, 3);
  assert.deepEqual(await inner.head('x'), { size: big.length });
});

test('fetch: a run that was thinned out in a directory, served by what does not list: the latest is found', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'isobit-served-'));
  try {
    const there = new RunStore(fsStore(dir), { keepLast: 2 });
    const save = (r: RunStore, step: number) =>
      r.save({ kind: 'train', schema: {}, state: { step }, tensors: new Map() }, { step, epoch: 0 });
    const store = fetchStore(await serve(storeHandler(fsStore(dir), { lists: false })));
    assert.equal(await new RunStore(store).open(), null);
    for (let step = 1; step <= 7; step++) {
      await save(there, step);
      assert.equal((await new RunStore(store).open())?.commit.step, step);
    }
    assert.deepEqual(
      (await new RunStore(store).commits()).map((c) => c.step),
      [6, 7],
    );
    for await (const { key } of fsStore(dir).list('commits/')) await fsStore(dir).delete(key);
    await assert.rejects(new RunStore(store).open(), code('E_NO_VALID_CHECKPOINT'));
  } finally {
    await rm(dir, { recursive: true });
  }
});
