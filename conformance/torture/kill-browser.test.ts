/** The short form of `npm run torture -- kill-browser`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killBrowser } from './kill-browser.ts';

test('a browser killed while two writers save to IndexedDB: no promised commit is lost, and the run is the uninterrupted one', {
  timeout: 180_000,
}, async (t) => {
  const kinds = { browser: 'chromium', store: 'indexeddb', tear: true } as const;
  const ledger = await killBrowser({ ...kinds, kills: 3, seed: 3, keepLast: 2, width: 60_000, samples: 1 });
  if (typeof ledger === 'string') {
    assert.notEqual(process.env.CI, 'true', ledger);
    return t.skip(ledger);
  }
  assert.deepEqual(ledger.faults, []);
  assert.ok(ledger.promised.size >= 3);
});
