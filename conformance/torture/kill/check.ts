/** What must hold of a run whose writers may die at any moment, on whatever store. */

import type { Store } from '../../../adapters/store.ts';
import { type Opened, RunStore } from '../../../sdk/checkpoint/index.ts';
import { training } from './training.ts';

/** A commit that a writer was promised, and has told of. */
export interface Promised {
  readonly commit: number;
  readonly root: string;
  readonly step: number;
}

/** What was promised so far, and the faults found. */
export class Ledger {
  readonly promised = new Map<number, Promised>();
  readonly faults: string[] = [];
  /** The highest number promised. */
  top = 0;
  readonly #truth: (step: number) => Promise<string>;
  /** Of the training. */
  readonly #width: number | undefined;

  constructor(truth: (step: number) => Promise<string>, width?: number) {
    this.#truth = truth;
    this.#width = width;
  }

  fault(what: string): void {
    this.faults.push(what);
  }

  promise(p: Promised): void {
    if (this.promised.has(p.commit)) this.fault(`commit ${p.commit} was promised twice`);
    this.promised.set(p.commit, p);
    this.top = Math.max(this.top, p.commit);
  }

  /** At any instant: the newest state opens, verifies, is the uninterrupted run's, and no promised one is newer. */
  async latest(store: Store): Promise<void> {
    const found = await new RunStore(store).open().catch((e: Error) => this.fault(`latest: ${e.message}`));
    if (found === undefined) return;
    if (found === null) {
      if (this.top > 0) this.fault(`nothing is there, and commit ${this.top} was promised`);
      return;
    }
    for (const e of found.skipped) this.fault(`latest: skipped ${e.message}`);
    const { seq } = found.commit;
    if (seq < this.top) this.fault(`latest is commit ${seq}, and ${this.top} was promised`);
    await this.#same(found, `commit ${seq}`);
  }

  async #same({ file, commit }: Pick<Opened, 'file' | 'commit'>, name: string): Promise<void> {
    const promise = this.promised.get(commit.seq);
    if (promise && (promise.root !== commit.root || promise.step !== commit.step)) {
      this.fault(`${name} is step ${commit.step}, root ${commit.root}; promised were ${JSON.stringify(promise)}`);
    }
    if (file.fingerprint !== (await this.#truth(commit.step))) {
      this.fault(`${name} is not the state of step ${commit.step} of the uninterrupted run`);
    }
  }

  /**
   * Once all writers are dead: every live commit verifies; without retention every number has its record and every promise is
   * kept, with it the newest states are there; `unknown` numbers at most were taken and not promised.
   */
  async whole(store: Store, o: { keepLast: number; unknown: number }): Promise<{ commits: number; collected: number }> {
    await this.latest(store);
    const run = new RunStore(store);
    const live = await run.commits();
    const seqs = new Set(live.map((r) => r.seq));
    for await (const entry of run.audit()) {
      // below the floor lies what a dead writer had no time to remove
      if (!seqs.has(entry.seq) || !entry.commit) continue;
      const name = `commit ${entry.seq}`;
      const file = await entry.open().catch((e: Error) => this.fault(`${name}: ${e.message}`));
      if (file) await this.#same({ file, commit: entry.commit }, name);
    }
    const top = live.at(-1)?.seq ?? 0;
    const taken = Array.from({ length: top }, (_, i) => i + 1).filter((seq) => !this.promised.has(seq));
    if (taken.length > o.unknown) this.fault(`${taken.length} numbers were taken and never promised: ${taken}`);
    if (o.keepLast === 0) {
      for (let seq = 1; seq <= top; seq++) if (!seqs.has(seq)) this.fault(`commit ${seq} is missing`);
    } else {
      const states = new Set(live.map((r) => r.root)).size;
      const most = new Set([...this.promised.values()].map((p) => p.root)).size;
      if (states < Math.min(o.keepLast, most)) this.fault(`${states} states are left, to keep are ${o.keepLast}`);
    }
    const { removed } = await run.gc({ graceMs: 0 });
    await this.latest(store);
    return { commits: live.length, collected: removed.length };
  }

  /** Resumes some commits in a fresh trainer, and trains on: every step is the uninterrupted run's. */
  async resumes(store: Store, samples: number): Promise<number> {
    const live = await new RunStore(store).commits();
    const stride = Math.max(1, Math.floor(live.length / samples));
    const chosen = live.filter((_, i) => (live.length - 1 - i) % stride === 0);
    for (const { seq, root } of chosen) {
      const { trainer, to } = await training(store, undefined, this.#width);
      await trainer.resume(root);
      for (const more of [0, 1, 3]) {
        if (more > 0) await to(trainer.step + more);
        if ((await trainer.fingerprint()) !== (await this.#truth(trainer.step))) {
          this.fault(`resumed from commit ${seq}, step ${trainer.step} is not the uninterrupted run's`);
        }
      }
      trainer.dispose();
    }
    return chosen.length;
  }
}
