/** Stores on nginx and Apache httpd as Debian ships them. What no real server does on demand is in fetch.test.ts. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draftCheckpoint, openCheckpoint, RunStore } from '../sdk/checkpoint/index.ts';
import { type FetchStoreOptions, fetchStore } from './fetch.ts';
import { storeSuite } from './suite.ts';
import { largeSuite } from './testing/large-suite.ts';
import { startApache, startNginx, type WebServer } from './testing/servers.ts';

const bytes = (...v: number[]) => Uint8Array.from(v);
const retry = { attempts: 3, ms: 5 };

const code = (want: string, about: RegExp) => (e: unknown) => {
  assert.equal((e as { code?: string }).code, want, String(e));
  assert.match(`${(e as Error).message} ${(e as { hint: string }).hint}`, about);
  return true;
};

/** Runs `tests` on a server, or skips them: not where CI=true. */
async function on(name: string, starting: Promise<WebServer | string>, tests: (server: WebServer) => void) {
  const server = await starting;
  if (typeof server !== 'string') {
    after(() => server[Symbol.asyncDispose]());
    return tests(server);
  }
  test(name, (t) => {
    assert.notEqual(process.env.CI, 'true', server);
    t.skip(server);
  });
}

let made = 0;
const fresh =
  ({ url }: WebServer, o: FetchStoreOptions = {}) =>
  async () =>
    fetchStore(`${url}runs/${made++}/`, { retry, ...o });

const state = (step: number) => ({
  kind: 'train',
  schema: {},
  state: { step },
  tensors: new Map([['model/w', { data: Float32Array.of(step, 1), shape: [2], dtype: 'f32' as const }]]),
});

/** Where two writers are refused: nothing is overwritten, one alone can save a run, and everybody can read it. */
function refuses(name: string, server: WebServer, why: RegExp) {
  test(`${name}: two writers are refused, one saves a run, and others read it`, async () => {
    const url = `${server.url}runs/${made++}/`;
    const plain = fetchStore(url, { retry });
    const { ifAbsent, range, list } = await plain.caps();
    assert.deepEqual([ifAbsent, range, list], [false, true, false]);
    await assert.rejects(plain.put('a/x', bytes(1), { ifAbsent: true }), code('E_UNSUPPORTED', why));
    await assert.rejects(plain.put('a/x', bytes(1), { ifAbsent: true }), code('E_UNSUPPORTED', /oneWriter/));
    assert.equal(await plain.head('a/x'), null);
    await assert.rejects(new RunStore(plain).save(state(1), { step: 1, epoch: 0 }), code('E_UNSUPPORTED', why));
    const run = new RunStore(fetchStore(url, { retry, oneWriter: true }), { keepLast: 2 });
    for (const step of [1, 2, 3]) await run.save(state(step), { step, epoch: 0 });
    const reader = new RunStore(fetchStore(url, { retry, readOnly: true }));
    assert.equal((await reader.open())?.commit.step, 3);
    const next = new RunStore(fetchStore(url, { retry, oneWriter: true }));
    assert.equal((await next.resume())?.file.state.step, 3);
    await next.save(state(4), { step: 4, epoch: 0 });
    await assert.rejects(run.save(state(5), { step: 5, epoch: 0 }), code('E_CONFLICT', /./));
  });
}

await on('nginx', startNginx(), (server) => {
  storeSuite('fetch, nginx', fresh(server));
  storeSuite('fetch, nginx, one writer', fresh(server, { oneWriter: true }));
  largeSuite('fetch, nginx, one writer, large bodies', fresh(server, { oneWriter: true }));
  refuses('nginx', server, /ignores If-None-Match/);

  test('nginx: 1 % of a checkpoint is loaded with at most 1.5 % of its bytes', async (t) => {
    const MIB = 2 ** 20;
    const [count, floats] = [200, 90_000];
    const name = (i: number) => `model/layers.${String(i).padStart(3, '0')}.weight`;
    const data = (i: number) => new Float32Array(floats).fill(i + 0.5);
    const tensors = new Map(
      Array.from({ length: count }, (_, i) => [name(i), { data: data(i), shape: [floats], dtype: 'f32' as const }]),
    );
    const file = await draftCheckpoint({ kind: 'weights', schema: {}, state: {}, tensors });
    await fetchStore(server.url).put('big.cbor', file.body);
    const before = (await server.log()).length;
    const open = await openCheckpoint({ store: fetchStore(server.url), key: 'big.cbor' }, { verify: 'lazy' });
    const wanted = new Set([name(40), name(151)]);
    const got = await open.readAll({ only: (e) => wanted.has(e.name) });
    assert.deepEqual([...got.keys()], [...wanted]);
    assert.deepEqual(got.get(name(151))?.data, data(151));
    const lines = (await server.log()).slice(before);
    const read = lines.filter((l) => l.startsWith('GET')).reduce((n, l) => n + Number(l.split(' ').at(-1)), 0);
    t.diagnostic(
      `${file.size} bytes, ${lines.length} requests, ${read} bytes: ${((100 * read) / file.size).toFixed(2)} %`,
    );
    assert.ok(file.size > 64 * MIB);
    assert.ok(read >= 0.01 * file.size && read <= 0.015 * file.size, `${read} of ${file.size}\n${lines.join('\n')}`);
  });
});

await on('Apache', startApache(), (server) => {
  refuses('Apache', server, /not when two write at once/);

  test('Apache: what was just written has a weak ETag, and is read in ranges all the same', async () => {
    const store = fetchStore(`${server.url}weak/`, { oneWriter: true, retry });
    await store.put('x', bytes(1, 2, 3, 4));
    const { headers } = await fetch(`${server.url}weak/x`, { method: 'HEAD' });
    assert.match(headers.get('etag') ?? '', /^W\//);
    assert.deepEqual(await store.get('x', { offset: 1, length: 2 }), bytes(2, 3));
  });
});

await on('Apache, one request at a time', startApache({ serial: true }), (server) => {
  storeSuite('fetch, Apache, one request at a time', fresh(server));

  test('Apache: where it takes one request at a time it obeys, and the second writer is told', async () => {
    const url = `${server.url}runs/${made++}/`;
    const store = fetchStore(url, { retry });
    assert.equal((await store.caps()).ifAbsent, true);
    const [a, b] = [new RunStore(store), new RunStore(fetchStore(url, { retry }))];
    await a.save(state(1), { step: 1, epoch: 0 });
    await b.resume();
    await a.save(state(2), { step: 2, epoch: 0 });
    await assert.rejects(b.save(state(3), { step: 3, epoch: 0 }), code('E_CONFLICT', /./));
  });
});
