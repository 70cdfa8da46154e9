/** A checkpoint tells how its run computes where that is not the default, and an exact run's bytes know nothing of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { type CheckpointContent, encodeCheckpoint, openCheckpoint } from '../checkpoint/index.ts';
import { createRuntime, type RuntimeOptions } from '../index.ts';
import { drain, tinyBatches, tinyModel, tinyTrainer } from './tiny.ts';
import { weightsOf } from './weights.ts';

const on = (o: RuntimeOptions) => createRuntime({ backend: 'wasm', ...o });
const exact = await on({});
const fast = await on({ numerics: 'fast' });
const medium = await on({ precision: 'medium' });

/** A store with three steps of a run. */
async function trained(rt: typeof exact) {
  const store = memoryStore();
  const trainer = tinyTrainer(rt, { store });
  await drain(trainer.run(tinyBatches(), { steps: 3 }));
  await trainer.save();
  return { store, fingerprint: await trainer.fingerprint() };
}
const shown = async (content: CheckpointContent) => {
  const store = memoryStore();
  await store.put('file', await (await encodeCheckpoint(content)).bytes());
  const { schema, state } = await openCheckpoint({ store, key: 'file' });
  return [schema.arithmetic, state.arithmetic];
};

test('an exact run has no mark; fast and another precision have one', async () => {
  assert.deepEqual(await shown(weightsOf(tinyModel(exact))), [undefined, undefined]);
  const unverified = { precision: 'highest', exactness: 'unverified' };
  assert.deepEqual(await shown(weightsOf(tinyModel(fast))), [1, unverified]);
  assert.deepEqual(await shown(weightsOf(tinyModel(medium))), [1, { precision: 'medium', exactness: 'bitwise' }]);
});

test('fast is never the default', async () => {
  for (const o of [{}, { numerics: undefined }, { precision: 'high' }] as const) {
    assert.equal((await on(o)).exactness, 'bitwise');
  }
});

test('what was once unverified stays so where an exact runtime goes on', async () => {
  const a = await trained(exact);
  const b = await trained(fast);
  assert.notEqual(a.fingerprint, b.fingerprint, 'on WASM the tensors are equal: it is the mark that differs');
  const next = tinyTrainer(exact, { store: b.store });
  await next.resume();
  assert.equal(await next.fingerprint(), b.fingerprint);
  // The other way round, a run is marked from the first step that nobody vouches for.
  const other = tinyTrainer(fast, { store: a.store });
  await other.resume();
  assert.equal(await other.fingerprint(), b.fingerprint);
});

test('a run goes on in its own precision alone', async () => {
  const { store, fingerprint } = await trained(medium);
  await assert.rejects(tinyTrainer(exact, { store }).resume(), { code: 'E_OPTION', message: /'medium'.*'highest'/ });
  const plain = await trained(exact);
  await assert.rejects(tinyTrainer(medium, { store: plain.store }).resume(), { code: 'E_OPTION' });
  const again = tinyTrainer(await on({ precision: 'medium' }), { store });
  await again.resume();
  assert.equal(await again.fingerprint(), fingerprint);
  assert.notEqual(fingerprint, plain.fingerprint);
});
