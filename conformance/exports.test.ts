/** Weights in fewer bits: what models of the examples lose by them, on the rows that they were not trained on where there are such. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '../adapters/memory.ts';
import { irisRecipe } from '../examples/iris.ts';
import { mnistRecipe } from '../examples/mnist.ts';
import { accuracyOn } from '../examples/predict.ts';
import { encodeCheckpoint, openCheckpoint } from '../sdk/checkpoint/index.ts';
import { batches } from '../sdk/data/index.ts';
import { createRuntime } from '../sdk/index.ts';
import { build } from '../sdk/nn/build.ts';
import { crossEntropy } from '../sdk/nn/index.ts';
import { loadWeights, Trainer, weightsOf } from '../sdk/train/index.ts';

/** Epochs, the accuracy that f32 reaches, and by how much another may differ: two rows of 150, four of 2,000. */
const CASES = {
  iris: { recipe: irisRecipe, epochs: 20, reached: 0.95, loss: 2 / 150 },
  // The recipe's ten epochs: ISOBIT_EPOCHS=10.
  mnist: { recipe: mnistRecipe, epochs: Number(process.env.ISOBIT_EPOCHS ?? 1), reached: 0.88, loss: 4 / 2000 },
};

for (const [name, { recipe, epochs, reached, loss }] of Object.entries(CASES)) {
  test(`${name} from f16, bf16 and i8: few rows are judged otherwise`, async (t) => {
    await using rt = await createRuntime({ backend: 'wasm', seed: 1n });
    const [task] = await recipe.tasks({ rng: rt.rng, holdout: false, stores: [memoryStore()] });
    const model = task.model().init(rt);
    const trainer = new Trainer({ model, loss: crossEntropy, optimizer: recipe.optimizer() });
    const { x, y } = task.train;
    for await (const _ of trainer.run(batches(x, y, { size: recipe.batch, shuffle: true }), { epochs }));
    const rows = task.test ?? task.train;
    const whole = await accuracyOn(rt, model, rows);
    assert.ok(whole >= reached, `f32: ${whole}`);
    for (const dtype of ['f16', 'bf16', 'i8'] as const) {
      const bytes = await (await encodeCheckpoint(weightsOf(model, { dtype }))).bytes();
      const file = await openCheckpoint(bytes);
      const small = build(file.state.model).init(rt);
      await loadWeights(small, file, { cast: true });
      const got = await accuracyOn(rt, small, rows);
      t.diagnostic(`${dtype}: ${got.toFixed(4)}, ${bytes.length} bytes; f32: ${whole.toFixed(4)}`);
      assert.ok(Math.abs(got - whole) <= loss + 1e-9, `${dtype}: ${got}, f32: ${whole}`);
    }
  });
}
