/**
 * However many threads there are, and whoever does what: the same bits. The suite of every runtime with all work divided, however
 * small, and work that is large enough to be divided by itself.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWasmRuntime } from '../sdk/engine/create.ts';
import { digests, unreported, WORK } from './divided.ts';
import golden from './fixtures/iris.json' with { type: 'json' };
import { runSuite, SEED } from './rows/suite.ts';

for (const threads of [2, 3]) {
  test(`the suite on ${threads} threads, every kernel divided`, async () => {
    await using rt = await createWasmRuntime({ seed: SEED }, { threads, worth: 0 });
    assert.equal(rt.threads, threads);
    const { cases, ...report } = await runSuite(rt, { seed: 20 + threads, graphs: 30, stride: 12, golden });
    assert.deepEqual(report, { mismatches: 0, first: null });
    assert.ok(cases > 100);
  });
}

for (const [name, work] of Object.entries(WORK)) {
  test(`${name}: 1, 2, 3 and 5 threads`, async () => {
    await using one = await createWasmRuntime({ seed: SEED });
    const expected = await digests(one, work);
    for (const threads of [2, 3, 5]) {
      for (const worth of [undefined, 0]) {
        await using rt = await createWasmRuntime({ seed: SEED }, { threads, worth });
        for (let again = 0; again < 3; again++) assert.deepEqual(await digests(rt, work), expected, `${threads}`);
      }
    }
  });
}

test('an Inf is reported wherever it is', async () => {
  for (const worth of [undefined, 0]) {
    await using rt = await createWasmRuntime({ seed: SEED }, { threads: 3, worth });
    assert.deepEqual(await unreported(rt), []);
  }
});
