/** A page that trains until it is hidden or left; and what is found by who comes after. */

import { indexeddbStore } from '../../adapters/indexeddb.ts';
import { opfsStore } from '../../adapters/opfs.ts';
import { serveCalls } from '../../adapters/testing/page-calls.ts';
import { RunStore } from '../../sdk/checkpoint/index.ts';
import { training } from '../torture/kill/training.ts';

const STORES = { indexeddb: indexeddbStore, opfs: opfsStore };
export type Kind = keyof typeof STORES;

export interface Saved {
  readonly step: number;
  readonly fingerprint: string;
}

serveCalls({
  /** Trains on and on; resolves after some steps. */
  async train(kind: Kind, name: string): Promise<void> {
    const { to } = await training(STORES[kind](name), { everySteps: 1_000_000, onSignal: true });
    await new Promise<void>((done) => {
      void to(1_000_000, (step) => step === 3 && done());
    });
  },

  async saved(kind: Kind, name: string): Promise<Saved[]> {
    const run = new RunStore(STORES[kind](name));
    const opened = await run.open();
    return opened ? (await run.commits()).map(({ step, fingerprint }) => ({ step, fingerprint })) : [];
  },
});
