import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opfsStore } from './opfs.ts';
import { browserStoreTests } from './testing/browser-store.ts';

browserStoreTests('opfs', new URL('./testing/opfs.page.ts', import.meta.url));

test('opfs: where there is none, E_UNSUPPORTED says what to use; a name that cannot be one is refused', async () => {
  const store = opfsStore('x');
  for (const work of [() => store.caps(), () => store.head('x'), () => store.put('x', new Uint8Array(1))]) {
    await assert.rejects(work, (e) => {
      const { code, message, hint } = e as { code: string; message: string; hint: string };
      assert.equal(code, 'E_UNSUPPORTED');
      assert.ok(message.includes('opfs:x') && hint.includes('fsStore'));
      return true;
    });
  }
  assert.throws(() => opfsStore(''), { code: 'E_OPTION' });
});
