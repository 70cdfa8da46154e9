/** The two ways in which the benchmark runs isobit do the same work. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { makeStep, makeTrainer } from './isobit.ts';
import { batchesOf, NETS } from './nets.ts';

test('a captured step by hand and the Trainer give the same losses, to the bit', async () => {
  const [net] = NETS;
  const [step, trainer] = [await makeStep(net), await makeTrainer(net)];
  const batches = batchesOf(net);
  const losses: number[] = [];
  for (let i = 0; i < 12; i++) {
    const batch = batches[i % batches.length];
    losses.push(await step.step(batch));
    assert.equal(await trainer.step(batch), losses[i], `step ${i + 1}`);
  }
  // The batches differ in their classes alone, so that a step that trained nothing would repeat itself.
  assert.notEqual(losses[8], losses[0]);
});
