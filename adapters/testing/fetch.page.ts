/** In a page, a process of Bun or Deno, or a worker of workerd: the shared suite over HTTP. Node's side is fetch.platforms.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchStore } from '../fetch.ts';
import { storeSuite } from '../suite.ts';
import { largeSuite } from './large-suite.ts';
import { type Outcome, runTests } from './page-test.ts';
import { FAULTY, KINDS } from './store-kinds.ts';

let server = '';
let made = 0;
const bytes = (...v: number[]) => Uint8Array.from(v);

for (const kind of Object.keys(KINDS)) {
  const retry = kind === 'faulty' ? FAULTY : { attempts: 3, ms: 1 };
  const fresh = async () => fetchStore(`${server}${encodeURIComponent(kind)}/${made++}/`, { retry });
  storeSuite(`fetch, ${kind}`, fresh);
}

// Browsers send them whole, which Node's side tries too.
if (typeof document === 'undefined') {
  largeSuite('fetch, large bodies', async () => fetchStore(`${server}obedient/${made++}/`));
}

test('fetch: streams that are asked for arrive, or are no streams, or fail', async () => {
  const store = fetchStore(`${server}obedient/${made++}/`, { stream: true, retry: { attempts: 1 } });
  const size = 8 * 2 ** 20 + 1;
  // Chromium streams over HTTP/2 only, and this server does not speak it.
  const done = await store.put('x', new Uint8Array(size)).catch((e) => e.code);
  assert.deepEqual(await store.head('x'), done === 'written' ? { size } : null);
  assert.ok(done === 'written' || done === 'E_IO', `${done}`);
});

test('fetch: an address that is relative to the page', async () => {
  if (typeof document === 'undefined') return;
  const store = fetchStore('./no/such/place');
  assert.equal(store.name, `${location.origin}/no/such/place`);
});

test('fetch: shared memory is copied', async () => {
  const shared = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  shared[1] = 9;
  const store = fetchStore(`${server}obedient/${made++}/`);
  await store.put('x', shared.subarray(0, 2));
  assert.deepEqual(await store.get('x'), bytes(0, 9));
});

async function runAgainst(url: string): Promise<Outcome[]> {
  server = url;
  return runTests();
}

Object.assign(globalThis, { runAgainst });

// In a process the address of the server is the last argument.
const { process } = globalThis as { process?: { argv: string[] } };
if (typeof document === 'undefined' && process)
  console.log(JSON.stringify(await runAgainst(process.argv.at(-1) ?? '')));
