import assert from 'node:assert/strict';
import { test } from 'node:test';
import { irisAccuracies, train } from './accuracy.ts';

// A slice of `npm run accuracy`, which takes seeds 0 to 99, mnist, and all epochs.
test('iris reaches 95 % of all rows with the first seeds, and seeds differ', async () => {
  const all = await irisAccuracies(4);
  for (const [seed, accuracy] of all.entries()) assert.ok(accuracy >= 0.95, `seed ${seed}: ${accuracy}`);
  const [a, b] = [await train('iris', 0n, 1), await train('iris', 1n, 1)];
  assert.notEqual(a[0].fingerprint, b[0].fingerprint);
});

test('the synthetic sets reach 100 % after 15 epochs', async () => {
  for (const run of await train('synthetic', 0n)) {
    assert.equal(run.epochs, 15);
    assert.equal(run.trainAccuracy, 1);
  }
});

test('LeNet reaches 93 % of the digits held out after one epoch', async () => {
  const [run] = await train('lenet', 0n, 1);
  assert.ok((run.testAccuracy ?? 0) >= 0.93, `${run.testAccuracy}`);
});

test('the small transformer foretells 70 % of the poem after 6 epochs', async () => {
  const [run] = await train('text', 0n, 6);
  assert.ok(run.trainAccuracy >= 0.7, `${run.trainAccuracy}`);
});
