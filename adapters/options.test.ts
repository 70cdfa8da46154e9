/** Options of stores: what there is not, or takes something else, is refused by name. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheStore } from './cache.ts';
import { fetchStore } from './fetch.ts';
import { fsStore } from './fs.ts';
import { indexeddbStore } from './indexeddb.ts';
import { memoryStore } from './memory.ts';
import { opfsStore } from './opfs.ts';
import { r2Store } from './r2.ts';
import { s3Store } from './s3.ts';

const bucket = { bucket: 'models', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
const address = 'https://example.org/';

for (const [name, option, make] of [
  ['fetchStore', 'readonly', () => fetchStore(address, { readonly: true } as never)],
  ['fetchStore', 'readOnly', () => fetchStore(address, { readOnly: 1 } as never)],
  ['s3Store', 'partsize', () => s3Store({ ...bucket, partsize: 1 } as never)],
  ['s3Store', 'checksums', () => s3Store({ ...bucket, checksums: 'no' } as never)],
  ['cacheStore', 'maxBites', () => cacheStore(memoryStore(), memoryStore(), { maxBites: 1 } as never)],
  ['cacheStore', 'maxBytes', () => cacheStore(memoryStore(), memoryStore(), { maxBytes: -5 })],
  ['indexeddbStore', 'persisted', () => indexeddbStore('x', { persisted: true } as never)],
  ['opfsStore', 'persist', () => opfsStore('x', { persist: 'yes' } as never)],
  ['fsStore', 'module', () => fsStore('x', { module: {} } as never)],
  ['r2Store', 'nam', () => r2Store({} as never, { nam: 'x' } as never)],
] as const) {
  test(`${name}: ${option} is refused by name`, () => {
    assert.throws(make, (e) => {
      const { code, message } = e as { code: string; message: string };
      assert.equal(code, 'E_OPTION');
      assert.ok(message.startsWith(`${name}: `) && message.includes(option), message);
      return true;
    });
  });
}
