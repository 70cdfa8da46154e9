/** A run of iris in whatever store, in a page, a worker of workerd or Node, by one writer or by two. */

import { irisRecipe } from '../../examples/iris.ts';
import { type CheckpointPlan, RunStore } from '../../sdk/checkpoint/index.ts';
import { isIsobitError } from '../../sdk/core/errors.ts';
import { batches } from '../../sdk/data/index.ts';
import { createRuntime } from '../../sdk/index.ts';
import { crossEntropy } from '../../sdk/nn/index.ts';
import { Trainer } from '../../sdk/train/index.ts';
import type { Store } from '../store.ts';

async function start(store: Store, checkpoint?: CheckpointPlan) {
  const rt = await createRuntime({ backend: 'wasm', seed: 5 });
  const [task] = await irisRecipe.tasks({ rng: rt.rng, holdout: false, stores: [store] });
  const data = batches(task.train.x, task.train.y, { size: irisRecipe.batch, shuffle: true });
  const model = task.model().init(rt);
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: irisRecipe.optimizer(), store, checkpoint });
  const { step: from } = await trainer.resume();
  const to = async (steps: number) => {
    for await (const _ of trainer.run(data, { steps }));
  };
  return { trainer, from, to };
}

/** Takes the run over from where it is to that step, saving every 5 steps. */
export async function trainIris(store: Store, until: number) {
  const { trainer, from, to } = await start(store, { everySteps: 5, keepLast: 2 });
  await to(until);
  const { root } = await trainer.save();
  const end = { from, root, fingerprint: await trainer.fingerprint() };
  trainer.dispose();
  return end;
}

/** What one of two writers was promised, and what it was told when the other was faster. */
export interface Rival {
  readonly promised: { readonly seq: number; readonly step: number; readonly root: string }[];
  readonly conflicts: {
    readonly code: string;
    readonly message: string;
    readonly seq: number;
    readonly winner: string;
  }[];
}

/** Takes the run over; what it gives saves every step up to that one, and takes the run over again where it has lost. */
export async function rival(store: Store): Promise<(until: number) => Promise<Rival>> {
  const { trainer, to } = await start(store);
  return async (until) => {
    const out: Rival = { promised: [], conflicts: [] };
    while (trainer.step < until) {
      await to(trainer.step + 1);
      try {
        out.promised.push({ ...(await trainer.save()), step: trainer.step });
      } catch (e) {
        if (!isIsobitError(e)) throw e;
        const { seq, winner } = e.details as { seq: number; winner: { writer: string } };
        out.conflicts.push({ code: e.code, message: e.message, seq, winner: winner.writer });
        await trainer.resume();
      }
    }
    trainer.dispose();
    return out;
  };
}

/** Every commit of a run, oldest first; opening one verifies it. */
export async function history(store: Store) {
  const out: { seq: number; step: number; root: string; writer: string }[] = [];
  for await (const { seq, commit, open } of new RunStore(store).audit()) {
    await open();
    if (commit) out.unshift({ seq, step: commit.step, root: commit.root, writer: commit.writer });
  }
  return out;
}
