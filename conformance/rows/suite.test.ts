/** The suite judges: it passes an honest runtime, and names what is wrong with another. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWasmRuntime } from '../../sdk/engine/create.ts';
import type { Flags, Pending } from '../../sdk/engine/device.ts';
import type { EngineRuntime } from '../../sdk/engine/runtime.ts';
import { difference, readDifference } from '../compare.ts';
import golden from '../fixtures/iris.json' with { type: 'json' };
import type { Mismatch } from './report.ts';
import { runSuite, SEED } from './suite.ts';

let rt: EngineRuntime;
before(async () => {
  rt = await createWasmRuntime({ seed: SEED });
});
after(() => rt.dispose());

/** A part of the suite, and all that it found. */
async function found(runtime: EngineRuntime, o: { stride?: number; graphs?: number; golden?: typeof golden } = {}) {
  const mismatches: Mismatch[] = [];
  const report = await runSuite(runtime, {
    seed: 20,
    graphs: o.graphs ?? 0,
    stride: o.stride ?? 1_000_000,
    golden: o.golden ?? golden,
    onMismatch: (m) => mismatches.push(m),
  });
  assert.equal(report.mismatches, mismatches.length);
  assert.deepEqual(report.first, mismatches[0] ?? null);
  return { cases: report.cases, mismatches };
}

test('an honest runtime: every case is run, none differs', async () => {
  let begun = 0;
  const report = await runSuite(rt, {
    seed: 20,
    graphs: 8,
    stride: 100,
    golden,
    onBegin: (cases) => {
      begun = cases;
    },
  });
  assert.deepEqual({ ...report, cases: begun }, { cases: begun, mismatches: 0, first: null });
  assert.ok(report.cases > 50);
});

test('one bit of one element that a device gives wrong is named, with both patterns', async () => {
  const wrong = await createWasmRuntime({ seed: SEED });
  const { device } = wrong;
  const honest = device.download.bind(device);
  device.download = async (from, elements) => {
    const words = await honest(from, elements);
    // Those of [7, 11], the matrix's `prime`.
    if (elements === 77) words[5] ^= 1;
    return words;
  };
  const { mismatches } = await found(wrong, { stride: 100 });
  const seen = mismatches.filter((m) => m.case.includes(' prime '));
  assert.ok(seen.length > 0);
  for (const m of seen) {
    assert.equal(m.index, 5);
    assert.equal(Number.parseInt(m.bits!.got, 16) ^ Number.parseInt(m.bits!.expected, 16), 1, m.text);
    assert.match(m.case, /^matrix: \w+ \w+ prime /);
  }
  await wrong.dispose();
});

test('what a runtime throws is a mismatch of its case, and the rest goes on', async () => {
  const broken = await createWasmRuntime({ seed: SEED });
  const { device } = broken;
  const honest = device.run.bind(device);
  let runs = 0;
  device.run = (...args): Flags | Pending => {
    if (runs++ === 3) throw new RangeError('the device hiccups');
    return honest(...args);
  };
  const { cases, mismatches } = await found(broken, { graphs: 12 });
  assert.equal(cases, 1 + 12 + 2 + 8);
  assert.deepEqual(
    mismatches.map((m) => [m.index, m.bits]),
    [[null, null]],
  );
  assert.match(mismatches[0].case, /^fuzz: seed 20, graph \d+$/);
  assert.match(mismatches[0].text, /the device hiccups/);
  await broken.dispose();
});

test('iris: another loss, another file, another state are seen', async () => {
  const losses = golden.losses.with(7, '3f800000');
  const bytes = Buffer.from(golden.file, 'base64');
  bytes[100] ^= 0x40;
  const { mismatches } = await found(rt, { golden: { ...golden, losses, file: bytes.toString('base64') } });
  const [loss, file, resumed, ...more] = mismatches;
  assert.deepEqual(more, []);
  assert.equal(loss.case, 'iris: losses of 5 epochs');
  assert.deepEqual([loss.index, loss.bits], [7, { got: golden.losses[7], expected: '3f800000' }]);
  assert.equal(file.case, 'iris: bytes of the checkpoint');
  assert.equal(file.index, 100);
  assert.equal(resumed.case, 'iris: gone on with at step 25');
});

test('a difference that was told as text can be read again', () => {
  const expected = { data: Float32Array.of(1, 2, -0.5), shape: [3], dtype: 'f32' } as const;
  const text = difference(expected, Float32Array.of(1, 2, 0.5));
  assert.deepEqual(readDifference(`somewhere: ${text}`), { index: 2, got: '3f000000', expected: 'bf000000' });
  assert.equal(readDifference('threw Error: element of surprise'), null);
});
