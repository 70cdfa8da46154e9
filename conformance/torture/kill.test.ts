/** The short form of `npm run torture -- kill`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killWriters } from './kill.ts';

test('two writers killed at random moments: no promised commit is lost, and the run is the uninterrupted one', async () => {
  const { faults, promised } = await killWriters({ commits: 40, seed: 3, keepLast: 2, writers: 2, samples: 2 });
  assert.deepEqual(faults, []);
  assert.ok(promised.size >= 40);
});
