/**
 * `npm run accuracy`: trains the examples and holds them to their bounds.
 *
 *     npm run accuracy -- [--seeds N] [--only iris|synthetic|mnist|lenet|text]
 *
 * Iris: at least 95 % of all 150 rows after 20 epochs, for every seed 0 .. N-1 (100 unless said). The four synthetic sets:
 * 100 % after 15 epochs. mnist: at least 94 % of the 2,000 digits held out within 10 epochs. lenet: at least 96 % of the
 * same in 5 epochs. text: at least 85 % of the poem's
 * characters after 10 epochs.
 */

import { parseArgs } from 'node:util';
import { memoryStore } from '../adapters/memory.ts';
import { RECIPES } from '../examples/index.ts';
import { type Trained, trainTask } from '../examples/train.ts';
import { createRuntime } from '../sdk/index.ts';

type Example = keyof typeof RECIPES;

/** Trains every task of an example with one seed. */
export async function train(example: Example, seed: bigint, epochs?: number): Promise<Trained[]> {
  const recipe = RECIPES[example];
  const rt = await createRuntime({ backend: 'wasm', seed });
  const stores = recipe.runs.map(() => memoryStore());
  const tasks = await recipe.tasks({ rng: rt.rng, holdout: false, stores });
  const out: Trained[] = [];
  for (const [i, task] of tasks.entries())
    out.push(await trainTask({ rt, recipe, task, store: stores[i], seed, epochs }));
  await rt.dispose();
  return out;
}

const percent = (a: number) => `${(100 * a).toFixed(2)} %`;

/** Iris with the seeds 0 .. n-1: the accuracies on all rows, in order. */
export async function irisAccuracies(n: number, onSeed?: (seed: number, accuracy: number) => void): Promise<number[]> {
  const out: number[] = [];
  for (let seed = 0; seed < n; seed++) {
    const [{ trainAccuracy }] = await train('iris', BigInt(seed));
    out.push(trainAccuracy);
    onSeed?.(seed, trainAccuracy);
  }
  return out;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seeds: { type: 'string', default: '100' }, only: { type: 'string' } } });
  const wanted = (name: Example) => values.only === undefined || values.only === name;
  let failed = 0;
  const gate = (what: string, got: number, least: number) => {
    if (!(got >= least)) failed++;
    console.log(`${got >= least ? 'ok  ' : 'FAIL'} ${what}: ${percent(got)} (at least ${percent(least)})`);
  };
  if (wanted('iris')) {
    const all = await irisAccuracies(Number(values.seeds), (seed, accuracy) => {
      if (accuracy < 0.95) console.log(`     seed ${seed}: ${percent(accuracy)}`);
      if (process.stderr.isTTY) process.stderr.write(`\r     iris: seed ${seed} of ${values.seeds} `);
    });
    const sorted = [...all].sort((a, b) => a - b);
    gate(`iris, 20 epochs, the worst of seeds 0 to ${all.length - 1}`, sorted[0], 0.95);
    console.log(`     median ${percent(sorted[all.length >> 1])}, best ${percent(sorted[all.length - 1])}`);
  }
  if (wanted('synthetic')) {
    const runs = await train('synthetic', 0n);
    RECIPES.synthetic.runs.forEach((name, i) => {
      gate(`synthetic/${name}, ${runs[i].epochs} epochs`, runs[i].trainAccuracy, 1);
    });
  }
  if (wanted('mnist')) {
    const [run] = await train('mnist', 0n, 10);
    gate('mnist, 10 epochs, 2,000 digits held out', run.testAccuracy ?? 0, 0.94);
  }
  if (wanted('lenet')) {
    const [run] = await train('lenet', 0n);
    gate('lenet, 5 epochs, 2,000 digits held out', run.testAccuracy ?? 0, 0.96);
  }
  if (wanted('text')) {
    const [run] = await train('text', 0n);
    gate('text, 10 epochs, characters foretold', run.trainAccuracy, 0.85);
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

if (process.argv[1]?.endsWith('accuracy.ts')) await main();
