/**
 * The process that is killed: trains, saves every step, and tells of each commit once it is promised. Where another writer was
 * faster it takes the run over and goes on; now and then it goes back to an older state, or collects what dead writers left.
 *
 *   node writer.mjs '{"dir": "…", "seed": 1, "keepLast": 3}'
 */

import { fsStore } from '../../../adapters/fs.ts';
import { RunStore } from '../../../sdk/checkpoint/index.ts';
import { random } from '../../../sdk/checkpoint/sample.ts';
import { isIsobitError } from '../../../sdk/core/errors.ts';
import { training } from './training.ts';

export interface Job {
  readonly dir: string;
  readonly seed: number;
  /** 0 keeps everything. */
  readonly keepLast: number;
}

/** What a writer says, one a line. */
export type Said =
  | { readonly commit: number; readonly root: string; readonly step: number }
  | { readonly lost: number | undefined };

/** Longer than any writer takes from an object to its record. */
const GRACE_MS = 15_000;

export async function write({ dir, seed, keepLast }: Job, say: (s: Said) => void): Promise<never> {
  const next = random(seed);
  const store = fsStore(dir);
  const { trainer, to } = await training(store, keepLast > 0 ? { keepLast } : undefined);
  const code = (e: unknown) => (isIsobitError(e) ? e.code : '');
  await trainer.resume();
  for (;;) {
    const chance = next() % 100;
    if (chance < 3 && trainer.step > 4) {
      // an older state, made the newest again
      await trainer.resume(`step:${trainer.step - 1 - (next() % 3)}`).catch((e) => {
        // retention, or the other writer's, has removed it
        if (!['E_NOT_FOUND', 'E_NO_VALID_CHECKPOINT'].includes(code(e))) throw e;
        return trainer.resume();
      });
    } else if (chance < 5) await new RunStore(store).gc({ graceMs: GRACE_MS });
    await to(trainer.step + 1);
    try {
      const { seq, root } = await trainer.save();
      say({ commit: seq, root, step: trainer.step });
    } catch (e) {
      if (!isIsobitError(e) || e.code !== 'E_CONFLICT') throw e;
      say({ lost: e.details?.seq as number | undefined });
      await trainer.resume();
    }
  }
}

if (process.argv[2]?.startsWith('{')) {
  await write(JSON.parse(process.argv[2]) as Job, (s) => process.stdout.write(`${JSON.stringify(s)}\n`));
}
