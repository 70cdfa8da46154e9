/** Every row of `isobit conformance` on this machine, with a part of the suite. These look at dist. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runRows } from '../conformance/rows/launch/run.ts';
import { RUNTIMES } from '../conformance/rows/report.ts';

test('the same bits on every runtime', async (t) => {
  const rows = await runRows(RUNTIMES, { seed: 20, graphs: 4, stride: 75 });
  assert.deepEqual(
    rows.map((r) => r.runtime),
    RUNTIMES,
  );
  for (const r of rows) {
    t.diagnostic(`${r.runtime}: ${r.status}, ${r.cases} cases on ${r.engine}, ${r.adapter}; ${r.seconds} s`);
    if (r.status === 'unavailable' && process.env.CI !== 'true') continue;
    assert.equal(r.status, 'passed', `${r.runtime}: ${r.why ?? JSON.stringify(r.first)}`);
    // An iris run, graphs and a part of the matrix.
    assert.ok(r.cases > 60, `${r.runtime}: ${r.cases} cases`);
  }
  assert.ok(
    rows.some((r) => r.status === 'passed'),
    'no row could be run',
  );
});
