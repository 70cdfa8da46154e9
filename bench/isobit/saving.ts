/**
 * The Trainer's loop with and without saving beside it. A unit is so many steps that saves are as many as they are in a long run; it
 * begins and ends halfway between two, so that it has the whole of each and does not end with waiting for one.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { RunStore } from '../../sdk/checkpoint/index.ts';
import type { TrainerOptions } from '../../sdk/train/index.ts';
import type { Contender, Open } from '../work.ts';
import { training } from './train.ts';

const UNIT = 20;
const EVERY = 10;

/** Steps are taken without looking at them, and whatever is under way at the end is waited for. */
async function unit(work: Parameters<Open>[0], o: Partial<TrainerOptions>): Promise<Contender> {
  if (work.kind !== 'train') throw new Error('bench: the Trainer trains');
  const { trainer, source } = await training(work.net, o);
  let last = Number.NaN;
  const run = async (steps: number) => {
    for await (const { loss } of trainer.run(source, { steps: trainer.step + steps }, { every: steps }))
      last = await loss.item();
  };
  await run(EVERY / 2);
  return {
    step: () => run(UNIT),
    // The loss, and whether the whole state has the same bits.
    probe: async () => [last, Number.parseInt((await trainer.fingerprint()).slice(0, 12), 16)],
  };
}

export const openUnsaved: Open = (work) => unit(work, {});

export const openSaving: Open = async (work) => {
  const dir = await mkdtemp(join(tmpdir(), 'isobit-bench-'));
  const store = fsStore(dir);
  const contender = await unit(work, { store, checkpoint: { everySteps: EVERY, async: 'skip', keepLast: 2 } });
  const newest = async () => (await new RunStore(store).commits()).at(-1)?.seq ?? 0;
  let units = 0;
  return {
    ...contender,
    step(turn) {
      units++;
      return contender.step(turn);
    },
    async close() {
      const saved = await newest();
      console.error(`bench: ${saved} of ${(units * UNIT) / EVERY} saves were taken`);
      await rm(dir, { recursive: true });
      if (saved < units) throw new Error(`bench: of ${(units * UNIT) / EVERY} saves only ${saved} were taken`);
    },
  };
};
