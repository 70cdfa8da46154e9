/** `isobit train`: an example, from options to a report. */

import { join } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { RECIPES } from '../../examples/index.ts';
import type { Inputs } from '../../examples/labelled.ts';
import type { Recipe, Task } from '../../examples/recipe.ts';
import { savedSeed, type Trained, trainTask } from '../../examples/train.ts';
import { RunStore } from '../checkpoint/index.ts';
import { OptionError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import { hex, sha256 } from '../core/sha256.ts';
import { createRuntime } from '../index.ts';
import type { ExampleName, TrainOptions } from './options.ts';
import type { Terminal } from './program.ts';
import { type Progress, progressBar } from './progress.ts';

/** The object that `--json` prints. An example of several runs sums them up, and lists them in `runs`. */
interface Report extends Omit<Trained, 'checkpoint'> {
  example: string;
  backend: string;
  adapter: string;
  exactness: string;
  /** The last checkpoint's file; null without `--store`, and where there are several. */
  checkpoint: string | null;
  seconds: number;
  runs?: readonly Run[];
}

interface Run extends Omit<Trained, 'checkpoint'> {
  name: string;
  checkpoint: string | null;
}

export async function train(example: string, o: TrainOptions, t: Terminal): Promise<void> {
  const started = performance.now();
  const recipe: Recipe<Inputs> = RECIPES[example as ExampleName];
  check(recipe, o);
  const stores = recipe.runs.map((name) => (o.store === undefined ? memoryStore() : fsStore(join(o.store, name))));
  const saved = await Promise.all(stores.map((store) => new RunStore(store).open()));
  const found = saved.find((s) => s !== null);
  if (found && !o.resume) {
    throw new OptionError(`${example}: ${o.store} already holds a run, at step ${found.commit.step}`, {
      hint: 'Add --resume to go on with it, or name another --store.',
    });
  }
  // Which rows are held out hangs on the seed, so a resumed run's own is needed before its data are.
  const seed = o.seed ?? (found ? savedSeed(found.file) : 0n);
  await using rt = await createRuntime({ backend: o.backend, seed });
  const tasks = await recipe.tasks({ rng: rt.rng, holdout: o.holdout ?? false, stores });
  const runs: Run[] = [];
  for (const [i, task] of tasks.entries()) {
    const name = recipe.runs[i];
    const label = name === '' ? example : `${example}/${name}`;
    const { checkpoint, ...trained } = await trainOne(rt, recipe, task, stores[i], label, o, t);
    runs.push({ name, ...trained, checkpoint: o.store === undefined ? null : join(o.store, name, checkpoint) });
  }
  const report = await sumUp(example, rt, runs, (performance.now() - started) / 1000);
  t.out(describe(report));
  if (o.json) t.out(`${JSON.stringify(report)}\n`);
}

/** Options that mean nothing here are refused, not passed over. */
function check(recipe: Recipe<Inputs>, o: TrainOptions): void {
  if (o.resume && o.store === undefined) {
    throw new OptionError('--resume: there is no --store to resume from', { hint: 'Add --store <dir>.' });
  }
  if (o.saveAsync && o.store === undefined) {
    throw new OptionError('--save-async: there is no --store to save in', { hint: 'Add --store <dir>.' });
  }
  if (o.holdout && !recipe.canHoldOut) {
    throw new OptionError('--holdout: this example leaves no choice of rows', { hint: 'Leave --holdout out.' });
  }
}

async function trainOne(
  rt: Runtime,
  recipe: Recipe<Inputs>,
  task: Task<Inputs>,
  store: Store,
  label: string,
  o: TrainOptions,
  t: Terminal,
): Promise<Trained> {
  let bar: Progress | undefined;
  try {
    return await trainTask({
      rt,
      recipe,
      task,
      store,
      seed: o.seed,
      epochs: o.epochs,
      stopAtStep: o.stopAtStep,
      // Without a directory there is nothing that outlives the process.
      checkpoint: { async: o.saveAsync, onSignal: o.store !== undefined },
      onStart: ({ step, total, epochs, skipped }) => {
        for (const e of skipped) t.err(`isobit: passed over a checkpoint: ${e.message} (${e.code})\n`);
        if (step >= total) t.err(`${label}: already at step ${step}, nothing left to train\n`);
        else if (step > 0) t.err(`${label}: going on from step ${step} of ${total}\n`);
        bar = progressBar({ label, total, done: step, epochs });
        return bar && ((at) => bar?.update(at.step, at.epoch, at.loss));
      },
    });
  } finally {
    bar?.stop();
  }
}

async function sumUp(example: string, rt: Runtime, runs: readonly Run[], seconds: number): Promise<Report> {
  const { backend, adapter, exactness } = rt;
  const where = { example, backend, adapter, exactness };
  if (runs.length === 1) {
    const { name: _, ...only } = runs[0];
    return { ...where, ...only, seconds };
  }
  const tested = runs.map((r) => r.testAccuracy).filter((a) => a !== null);
  const losses = runs.map((r) => r.loss).filter((l) => l !== null);
  return {
    ...where,
    epochs: Math.min(...runs.map((r) => r.epochs)),
    steps: runs.reduce((n, r) => n + r.steps, 0),
    trainAccuracy: Math.min(...runs.map((r) => r.trainAccuracy)),
    testAccuracy: tested.length === runs.length ? Math.min(...tested) : null,
    loss: losses.length === runs.length ? Math.max(...losses) : null,
    fingerprint: hex(await sha256(new TextEncoder().encode(runs.map((r) => r.fingerprint).join('\n')))),
    checkpoint: null,
    seconds,
    runs,
  };
}

function describe(r: Report): string {
  const percent = (a: number) => `${(100 * a).toFixed(1)} %`;
  const lines = (run: Run | Report, name: string) => [
    `${name}: ${run.epochs} epochs, ${run.steps} steps`,
    `  accuracy     ${percent(run.trainAccuracy)} of the training rows${run.testAccuracy === null ? '' : `, ${percent(run.testAccuracy)} of the rows held out`}`,
    `  loss         ${run.loss?.toFixed(4) ?? 'Inf or NaN'}`,
    `  fingerprint  ${run.fingerprint}`,
    ...(run.checkpoint === null ? [] : [`  checkpoint   ${run.checkpoint}`]),
  ];
  const runs = r.runs ? r.runs.flatMap((run) => lines(run, `${r.example}/${run.name}`)) : lines(r, r.example);
  return `${runs.join('\n')}\n${r.seconds.toFixed(1)} s on ${r.backend} (${r.adapter}), ${r.exactness}\n`;
}
