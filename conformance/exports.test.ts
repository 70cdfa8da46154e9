/** Weights in fewer bits: what a model of iris loses by them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '../adapters/memory.ts';
import { irisRecipe } from '../examples/iris.ts';
import { accuracyOn } from '../examples/predict.ts';
import { encodeCheckpoint, openCheckpoint } from '../sdk/checkpoint/index.ts';
import { batches } from '../sdk/data/index.ts';
import { createRuntime } from '../sdk/index.ts';
import { build } from '../sdk/nn/build.ts';
import { crossEntropy } from '../sdk/nn/index.ts';
import { loadWeights, Trainer, weightsOf } from '../sdk/train/index.ts';

test('iris from f16, bf16 and i8: at most two of 150 rows are judged otherwise', async (t) => {
  await using rt = await createRuntime({ backend: 'wasm', seed: 1n });
  const [task] = await irisRecipe.tasks({ rng: rt.rng, holdout: false, stores: [memoryStore()] });
  const model = task.model().init(rt);
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: irisRecipe.optimizer() });
  const { x, y } = task.train;
  for await (const _ of trainer.run(batches(x, y, { size: irisRecipe.batch, shuffle: true }), { epochs: 20 }));
  const whole = await accuracyOn(rt, model, task.train);
  assert.ok(whole >= 0.95, `f32: ${whole}`);
  for (const dtype of ['f16', 'bf16', 'i8'] as const) {
    const bytes = await (await encodeCheckpoint(weightsOf(model, { dtype }))).bytes();
    const file = await openCheckpoint(bytes);
    const small = build(file.state.model).init(rt);
    await loadWeights(small, file, { cast: true });
    const got = await accuracyOn(rt, small, task.train);
    t.diagnostic(`${dtype}: ${got.toFixed(4)}, f32: ${whole.toFixed(4)}`);
    assert.ok(Math.abs(got - whole) <= 2 / 150 + 1e-9, `${dtype}: ${got}, f32: ${whole}`);
  }
});
