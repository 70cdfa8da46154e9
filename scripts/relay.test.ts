/** `npm run relay` on this machine, and what it says of a relay that goes wrong. These look at dist. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { handovers } from '../conformance/relay/course.ts';
import { isGood, type RelayReport, type RelayRun, ROUTE, runRelay } from '../conformance/relay/run.ts';
import { irisRecipe } from '../examples/iris.ts';
import { triggersAt } from '../sdk/checkpoint/index.ts';

const { CI, PATH } = process.env;
afterEach(() => {
  process.env.PATH = PATH;
  if (CI === undefined) delete process.env.CI;
  else process.env.CI = CI;
});

const relay = (o: Partial<RelayRun> = {}) => runRelay({ example: 'iris', seed: 42n, ...o });
const told = (r: RelayReport) =>
  JSON.stringify([r.unavailable, r.failed, r.runs.map((run) => [run.runtime, run.same])]);

test('four runtimes, one after the other, end where each ends alone', async (t) => {
  const r = await relay();
  for (const run of r.runs) {
    const { what, runtime, since, until, stores, seconds } = run;
    t.diagnostic(
      `${what} on ${runtime}, ${run.adapter}: steps ${since}-${until} by ${stores.join(' > ')}; ${seconds} s`,
    );
  }
  if (CI === 'true') assert.deepEqual(r.unavailable, []);
  else for (const { runtime, why } of r.unavailable) t.diagnostic(`${runtime} is missing: ${why}`);
  assert.deepEqual(r.failed, []);
  assert.ok(r.same && isGood(r), told(r));
  const legs = r.runs.filter((run) => run.what === 'leg');
  const wholes = r.runs.filter((run) => run.what === 'whole');
  assert.equal(wholes.length, ROUTE.length - r.unavailable.length);
  for (const run of wholes) assert.deepEqual([run.fingerprint, run.root], [r.fingerprint, r.root]);
  assert.deepEqual([legs.at(-1)?.until, legs.at(-1)?.root], [200, r.root]);
  if (r.unavailable.length > 0) return;
  assert.deepEqual(
    legs.map((run) => [run.runtime, run.since, run.epoch, run.batch, run.stores.join(' > ')]),
    [
      ['node-wasm', 0, 5, 1, 'fs'],
      ['chromium-webgpu', 51, 10, 4, 'http > indexeddb > http'],
      ['firefox-wasm', 104, 15, 7, 'http > http'],
      ['node-webgpu', 157, 20, 0, 'http > fs'],
    ],
  );
});

test('handovers are inside epochs, at steps where nothing is saved by itself', () => {
  for (let legs = 2; legs <= 10; legs++) {
    const steps = handovers(irisRecipe, 150, legs);
    assert.deepEqual([steps.length, steps.at(-1)], [legs, 200]);
    steps.slice(0, -1).forEach((step, i) => {
      assert.ok(step > (steps[i - 1] ?? 0) && step < steps[i + 1]);
      assert.notEqual(step % 10, 0);
      const at = { step, epoch: Math.floor(step / 10), epochEnd: false, seconds: 0, improved: false };
      assert.deepEqual(triggersAt(irisRecipe.checkpoint, at), []);
    });
  }
});

test('one bit of one weight, flipped between two legs, is seen from there on', async () => {
  const r = await relay({ route: ['node-wasm', 'node-wasm', 'node-wasm'], fault: { leg: 2, kind: 'bit' } });
  assert.deepEqual(r.failed, []);
  assert.deepEqual(
    r.runs.filter((run) => run.what === 'leg').map((run) => run.same),
    [true, false, false],
  );
  assert.ok(r.runs.filter((run) => run.what === 'whole').every((run) => run.same));
  assert.ok(!r.same && !isGood(r));
});

test('a leg with another seed is refused; other seeds end elsewhere', async () => {
  const r = await relay({ route: ['node-wasm', 'node-wasm'], fault: { leg: 2, kind: 'seed' } });
  assert.ok(!r.same && !isGood(r));
  assert.equal(r.fingerprint, null);
  assert.match(r.failed[0].why, /seed 42, the trainer was given 43/);
  const other = await relay({ route: ['node-wasm'], seed: 43n });
  assert.ok(other.same);
  assert.notEqual(other.fingerprint, r.runs[0].fingerprint);
});

test('a runtime that is missing is told, another one brings the run to its end, and with CI=true that fails', async () => {
  process.env.PATH = '/nowhere';
  const r = await relay({ route: ['node-wasm', 'firefox-wasm'] });
  assert.deepEqual(r.unavailable, [{ runtime: 'firefox-wasm', why: 'Firefox is not installed' }]);
  const legs = r.runs.filter((run) => run.what === 'leg');
  assert.deepEqual(
    legs.map((run) => [run.runtime, run.until, run.same]),
    [
      ['node-wasm', 101, true],
      ['node-wasm', 200, true],
    ],
  );
  process.env.CI = '';
  assert.ok(isGood(r), told(r));
  process.env.CI = 'true';
  assert.ok(!isGood(r));
});
