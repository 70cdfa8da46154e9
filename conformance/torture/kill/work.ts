/**
 * What writers do until they are killed: train, save every step, and tell of each commit once it is promised. Where another
 * writer was faster one takes the run over and goes on; now and then it goes back to an older state, or collects what dead
 * writers left.
 */

import type { Store } from '../../../adapters/store.ts';
import { RunStore } from '../../../sdk/checkpoint/index.ts';
import { random } from '../../../sdk/checkpoint/sample.ts';
import { isIsobitError } from '../../../sdk/core/errors.ts';
import { training } from './training.ts';

export interface Work {
  readonly seed: number;
  /** 0 keeps everything. */
  readonly keepLast: number;
  /** Of the training's hidden layer. */
  readonly width?: number;
}

/** What a writer says. */
export type Said =
  | { readonly commit: number; readonly root: string; readonly step: number }
  | { readonly lost: number | undefined };

/** Longer than any writer takes from an object to its record. */
const GRACE_MS = 15_000;

export async function work(store: Store, { seed, keepLast, width }: Work, say: (s: Said) => void): Promise<never> {
  const next = random(seed);
  const { trainer, to } = await training(store, keepLast > 0 ? { keepLast } : undefined, width);
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
      if (!isIsobitError(e) || !['E_CONFLICT', 'E_FENCED'].includes(e.code)) throw e;
      say({ lost: e.details?.seq as number | undefined });
      await trainer.resume();
    }
  }
}
