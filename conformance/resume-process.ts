/**
 * One process of the resume tests: trains three runs side by side, one for each optimiser, resuming whatever lies in the
 * working directory, and at a given step ends at once, by exit or by SIGKILL.
 *
 *   node resume-process.mjs '{"dirs": ["."], "seed": 7, "everySteps": 1, "end": {"step": 12, "by": "SIGKILL"}}'
 */

import { resolve } from 'node:path';
import { fsStore } from '../adapters/fs.ts';
import { loadIris } from '../examples/iris.ts';
import { RunStore } from '../sdk/checkpoint/index.ts';
import { batches, moments } from '../sdk/data/index.ts';
import { createRuntime, type Runtime } from '../sdk/index.ts';
import { crossEntropy, Linear, Normalize, relu, Sequential } from '../sdk/nn/index.ts';
import { adam, adamw, cosineDecay, type Optimizer, sgd } from '../sdk/optim/index.ts';
import { Trainer } from '../sdk/train/index.ts';

export const STEPS = 30;

export const OPTIMIZERS: Readonly<Record<string, () => Optimizer>> = {
  'sgd-momentum': () => sgd({ lr: 0.05, momentum: 0.9 }),
  adam: () => adam({ lr: 0.01 }),
  adamw: () => adamw({ lr: cosineDecay({ lr: 0.02, steps: STEPS }), weightDecay: 0.05 }),
};

export interface Job {
  /** Directories to work in, relative to the working directory; each holds one store for each optimiser. */
  dirs: readonly string[];
  /** Of this process's runtime. A resumed run must go on with its own. */
  seed: number;
  everySteps: number;
  /** 'wasm' unless given. */
  backend?: 'wasm' | 'webgpu';
  /** All of them unless given. */
  optimizers?: readonly string[];
  /** Where to end; without it, runs go to their last step. */
  end?: { step: number; by: 'exit' | 'SIGKILL' };
}

/** One line of output for each run that reached its last step. */
export interface Result {
  dir: string;
  optimizer: string;
  resumedAt: number;
  fingerprint: string;
  root: string;
  /** Where the last state lies, below the directory of the run. */
  object: string;
}

async function trainer(rt: Runtime, name: string, dir: string, everySteps: number) {
  const { x, y } = await loadIris();
  const model = new Sequential(new Normalize(4, moments(x)), new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
  const store = fsStore(resolve(dir, name));
  const optimizer = OPTIMIZERS[name]();
  // 150 rows in batches of 40: the last one has 30 rows, and step 30 is in the middle of an epoch.
  const data = batches(x, y, { size: 40, shuffle: true });
  return {
    data,
    store,
    trainer: new Trainer({ model, loss: crossEntropy, optimizer, store, checkpoint: { everySteps } }),
  };
}

async function runtime({ backend = 'wasm', seed }: Job): Promise<Runtime> {
  if (backend === 'wasm') return createRuntime({ backend, seed });
  const [{ openDevice }, { EngineRuntime }, { WebGpuDevice }] = await Promise.all([
    import('../wgsl/dawn.ts'),
    import('../sdk/engine/runtime.ts'),
    import('../sdk/engine/webgpu/device.ts'),
  ]);
  // Without qualification, which other tests do and which takes longer than the run.
  return new EngineRuntime(new WebGpuDevice((await openDevice()) as GPUDevice, 'test'), { seed: BigInt(seed) });
}

async function work(job: Job): Promise<void> {
  const { end } = job;
  for (const dir of job.dirs) {
    const rt = await runtime(job);
    const runs = await Promise.all(
      (job.optimizers ?? Object.keys(OPTIMIZERS)).map(async (name) => ({
        name,
        ...(await trainer(rt, name, dir, job.everySteps)),
      })),
    );
    const resumedAt = await Promise.all(runs.map(async (r) => (await r.trainer.resume()).step));
    for (const [i, run] of runs.entries()) {
      // The last of the three ends the process, so that all of them end at the same step.
      const last = i === runs.length - 1;
      for await (const { step } of run.trainer.run(run.data, { steps: end?.step ?? STEPS })) {
        if (!end || !last || step !== end.step) continue;
        if (end.by === 'exit') process.exit(3);
        process.kill(process.pid, 'SIGKILL');
      }
    }
    for (const [i, { name, store, trainer: t }] of runs.entries()) {
      const { root } = await t.save();
      const { object } = (await new RunStore(store).commits()).at(-1)!;
      const result: Result = {
        dir,
        optimizer: name,
        resumedAt: resumedAt[i],
        fingerprint: await t.fingerprint(),
        root,
        object,
      };
      console.log(JSON.stringify(result));
    }
    await rt.dispose();
  }
}

if (process.argv[2]) await work(JSON.parse(process.argv[2]) as Job);
