/** Every way in which a row can end, and what the command makes of it. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { judge } from '../../../sdk/cli/conformance.ts';
import { isIsobitError } from '../../../sdk/core/errors.ts';
import type { Mismatch, RowReport, Said } from '../report.ts';
import { type Launch, Unavailable } from './ask.ts';
import { runChild } from './child.ts';
import { runRow } from './run.ts';

const MISMATCH: Mismatch = { case: 'c', index: 3, bits: { got: '1', expected: '2' }, text: 'element 3 …' };
const BEGIN: Said = { kind: 'begin', engine: 'e', adapter: 'a', cases: 9 };
const end = (mismatches: number): Said => ({
  kind: 'end',
  cases: 9,
  mismatches,
  first: mismatches > 0 ? MISMATCH : null,
});

async function report(launch: Launch, signal?: AbortSignal): Promise<Omit<RowReport, 'seconds'>> {
  const { seconds, ...rest } = await runRow('node-wasm', { backend: 'wasm', launch }, '', {
    task: { seed: 1, graphs: 1, stride: 1 },
    signal,
  });
  assert.ok(seconds >= 0);
  return rest;
}

/** A child process that prints these lines and then does this. */
const child =
  (lines: readonly Said[], then: string): Launch =>
  (ask) =>
    runChild(
      process.execPath,
      ['-e', `${lines.map((l) => `console.log(${JSON.stringify(JSON.stringify(l))});`).join('')}${then}`],
      {},
      ask,
    );

const ROW = { runtime: 'node-wasm', engine: 'e', adapter: 'a', cases: 9, mismatches: 0, first: null, why: null };

test('a row that ends without mismatch has passed', async () => {
  assert.deepEqual(await report(child([BEGIN, { kind: 'progress', done: 5 }, end(0)], 'console.log("by the way")')), {
    ...ROW,
    status: 'passed',
  });
});

test('a row with mismatches has failed, and tells the first', async () => {
  const got = await report(child([BEGIN, { kind: 'mismatch', mismatch: MISMATCH }, end(2)], ''));
  assert.deepEqual(got, { ...ROW, status: 'failed', mismatches: 2, first: MISMATCH });
});

test('a row that stops in the middle, dies after its end, or cannot begin has failed', async () => {
  const middle = await report(
    child([BEGIN, { kind: 'progress', done: 4 }], 'console.error("out of luck"); process.exit(7)'),
  );
  assert.deepEqual(middle, { ...ROW, status: 'failed', cases: 4, why: 'ended with code 7\nout of luck' });
  assert.equal((await report(child([BEGIN], ''))).why, 'ended early');
  const late = await report(child([BEGIN, end(0)], 'process.kill(process.pid, "SIGKILL")'));
  assert.deepEqual([late.status, late.why], ['failed', 'ended by SIGKILL']);
  const never = await report(child([{ kind: 'failed', why: 'no SIMD' }], ''));
  assert.deepEqual([never.status, never.why, never.engine], ['failed', 'no SIMD', null]);
});

test('what a machine lacks makes a row unavailable, whoever finds out', async () => {
  const here = await report(() => Promise.reject(new Unavailable('Bun is not installed')));
  assert.deepEqual([here.status, here.why, here.cases], ['unavailable', 'Bun is not installed', 0]);
  const there = await report(child([{ kind: 'unavailable', why: 'no adapter' }], ''));
  assert.deepEqual([there.status, there.why], ['unavailable', 'no adapter']);
});

test('a row that is called off ends what it started', async () => {
  const control = new AbortController();
  const row = report(child([BEGIN], 'setInterval(() => {}, 1000)'), control.signal);
  setTimeout(() => control.abort(new Error('enough')), 300);
  assert.equal((await row).status, 'failed');
});

const { CI } = process.env;
afterEach(() => {
  if (CI === undefined) delete process.env.CI;
  else process.env.CI = CI;
});

/** The code of the error, if there is one. */
function verdict(statuses: readonly RowReport['status'][], ci: string): string | null {
  process.env.CI = ci;
  try {
    judge(statuses.map((status) => ({ ...ROW, runtime: 'node-wasm', status, seconds: 1 })));
    return null;
  } catch (e) {
    assert.ok(isIsobitError(e) && e.hint !== '');
    return e.code;
  }
}

test('the command fails where a row failed, and with CI=true where one could not be run', () => {
  assert.equal(verdict(['passed', 'passed'], 'true'), null);
  assert.equal(verdict(['passed', 'unavailable'], ''), null);
  assert.equal(verdict(['passed', 'unavailable'], 'true'), 'E_NO_DEVICE');
  assert.equal(verdict(['unavailable', 'failed'], ''), 'E_UNQUALIFIED');
});
