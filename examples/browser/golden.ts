/** Writes fixtures/golden.json, the fingerprints that the page compares with: `node --import tsx examples/browser/golden.ts`. */

import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { memoryStore } from '../../adapters/memory.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { batches } from '../../sdk/data/index.ts';
import { createRuntime } from '../../sdk/index.ts';
import { crossEntropy } from '../../sdk/nn/index.ts';
import { Trainer } from '../../sdk/train/index.ts';
import { irisRecipe } from '../iris.ts';
import { mnistRecipe } from '../mnist.ts';
import type { Recipe } from '../recipe.ts';

/** The seed that the page begins with, and the README's example has. */
export const SEED = 42n;

/** The fingerprint before the first epoch, and after each. */
export async function fingerprints(rt: Runtime, recipe: Recipe, epochs = recipe.epochs): Promise<string[]> {
  const [task] = await recipe.tasks({ rng: rt.rng, holdout: false, stores: [memoryStore()] });
  const { x, y } = task.train;
  const data = batches(x, y, { size: recipe.batch, shuffle: true });
  using trainer = new Trainer({ model: task.model().init(rt), loss: crossEntropy, optimizer: recipe.optimizer() });
  const found: string[] = [];
  for (let epoch = 0; epoch <= epochs; epoch++) {
    for await (const _ of trainer.run(data, { epochs: epoch }));
    found.push(await trainer.fingerprint());
  }
  return found;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const golden: Record<string, unknown> = { seed: Number(SEED) };
  for (const [name, recipe] of Object.entries({ iris: irisRecipe, digits: mnistRecipe })) {
    await using rt = await createRuntime({ backend: 'wasm', seed: SEED });
    golden[name] = await fingerprints(rt, recipe);
  }
  writeFileSync(new URL('fixtures/golden.json', import.meta.url), `${JSON.stringify(golden, null, 1)}\n`);
}
