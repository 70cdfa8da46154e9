import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexeddbStore } from './indexeddb.ts';
import { browserStoreTests } from './testing/browser-store.ts';

browserStoreTests('indexeddb', new URL('./testing/indexeddb.page.ts', import.meta.url));

test('indexeddb: where there is none, E_UNSUPPORTED says what to use', async () => {
  const store = indexeddbStore('x', { persist: true });
  await assert.rejects(store.put('x', new Uint8Array(1)), (e) => {
    const { code, message, hint } = e as { code: string; message: string; hint: string };
    assert.equal(code, 'E_UNSUPPORTED');
    assert.ok(message.includes('indexeddb:x') && hint.includes('fsStore'));
    return true;
  });
  assert.equal(await store.persisted(), undefined, 'nobody was there to be asked');
  await store.close();
});
