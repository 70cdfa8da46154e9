import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from './memory.ts';
import { storeSuite } from './suite.ts';

storeSuite('memory', async () => memoryStore());

test('memory: each store is its own, and says that it is not durable', async () => {
  const a = memoryStore();
  await a.put('x', Uint8Array.of(1));
  assert.equal(await memoryStore().head('x'), null);
  assert.equal((await a.caps()).durable, false);
});
