/** When a Trainer saves, and where: its store, and the triggers of its plan. */

import {
  type CheckpointFile,
  type CheckpointPlan,
  checkPlan,
  isBetter,
  type Opened,
  RunStore,
  stepsToSave,
  triggersAt,
} from '../checkpoint/index.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import type { TrainerOptions } from './options.ts';
import type { Snapshot, TrainingState } from './state.ts';

export class Checkpoints {
  readonly #store: TrainerOptions['store'];
  readonly #plan: CheckpointPlan;
  readonly #automatic: boolean;
  readonly #state: TrainingState;
  #run: RunStore | undefined;
  /** True once the store has been looked into, and so may be written to. */
  #claimed = false;
  #best: number | null = null;
  #savedStep = 0;
  #savedAt = performance.now();

  constructor(o: TrainerOptions, state: TrainingState) {
    this.#store = o.store;
    this.#plan = checkPlan(o.checkpoint ?? {});
    this.#automatic = o.checkpoint !== undefined;
    this.#state = state;
    this.#run = this.#open();
  }

  /** Refuses a store that holds a run which was not resumed, before any training. */
  async claim(o: IO): Promise<void> {
    if (this.#claimed || !this.#run || !this.#automatic) return;
    if ((await this.#run.commits(o)).length > 0) {
      throw new CheckpointError('E_CONFLICT', `${this.#store?.name}: already holds a run, and it was not resumed`, {
        path: this.#store?.name,
        hint: 'Call trainer.resume() first, or give the new run a store of its own.',
      });
    }
    this.#claimed = true;
  }

  /** Opens a commit and hands its file to `load`; where that throws, nothing can be saved after it. */
  async resume(ref: string | undefined, load: (f: CheckpointFile) => Promise<void>, o: IO): Promise<Opened | null> {
    const found = await this.#need('resume').resume(ref, o);
    try {
      if (found) await load(found.file);
    } catch (e) {
      this.#run = this.#open();
      this.#claimed = false;
      throw e;
    }
    this.#claimed = true;
    if (found) {
      const { keepBest } = this.#plan;
      const { history, steps } = this.#state;
      this.#best = keepBest ? history.best(keepBest.metric, keepBest.mode, steps.done) : null;
      this.#mark();
    }
    return found;
  }

  async save(
    snapshot: Snapshot,
    o: IO & { tags?: readonly string[] },
  ): Promise<{ readonly seq: number; readonly root: string }> {
    const run = this.#need('save');
    const { step, epoch, metrics } = snapshot;
    const { commit } = await run.save(snapshot.content, { step, epoch, metrics, tags: o.tags }, { signal: o.signal });
    this.#claimed = true;
    this.#mark();
    return { seq: commit.seq, root: commit.root };
  }

  /** True where the plan watches a metric, so that values must have been read before `due`. */
  get watches(): boolean {
    return this.#plan.onImprove === true;
  }

  /** Steps that may be taken before the plan must be asked again. */
  get room(): number {
    return this.watches ? 1 : stepsToSave(this.#plan, this.#state.steps.done);
  }

  /** True where the plan asks for a save at this step boundary. */
  due(epochEnd: boolean): boolean {
    if (!this.#automatic) return false;
    const { history, steps, cursor } = this.#state;
    const { keepBest } = this.#plan;
    let improved = false;
    if (keepBest && this.watches) {
      const value = history.at(steps.done)[keepBest.metric];
      improved = isBetter(value, this.#best, keepBest.mode);
      if (improved) this.#best = value;
    }
    const seconds = (performance.now() - this.#savedAt) / 1000;
    return triggersAt(this.#plan, { step: steps.done, epoch: cursor.epoch, epochEnd, seconds, improved }).length > 0;
  }

  /** True where the plan asks for a save when a run fails, and there are steps to save. */
  get dueOnException(): boolean {
    return this.#plan.onException === true && this.#claimed && this.#state.steps.done !== this.#savedStep;
  }

  #mark(): void {
    this.#savedStep = this.#state.steps.done;
    this.#savedAt = performance.now();
  }

  #open(): RunStore | undefined {
    const { keepLast, keepEvery, keepBest } = this.#plan;
    return this.#store && new RunStore(this.#store, { keepLast, keepEvery, keepBest });
  }

  #need(what: string): RunStore {
    if (this.#run) return this.#run;
    throw new OptionError(`${what}: this trainer has no store`, {
      hint: "Give one, such as store: fsStore('runs/mine').",
    });
  }
}
