/** When a Trainer saves, and where: its store, and the triggers of its plan. */

import {
  BackgroundSaver,
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
import { listen } from './signals.ts';
import type { Snapshot, TrainingState } from './state.ts';

export class Checkpoints {
  readonly #store: TrainerOptions['store'];
  readonly #plan: CheckpointPlan;
  readonly #automatic: boolean;
  readonly #state: TrainingState;
  #run: RunStore | undefined;
  #saver: BackgroundSaver | undefined;
  readonly #now: () => number;
  /** True once the store has been looked into, and so may be written to. */
  #claimed = false;
  /** Of the watched metric: the best that was saved, and the one that asks for a save now. */
  #best: number | null = null;
  #better: number | null = null;
  /** Where the run stood when it began or was saved by hand. */
  #savedStep = 0;
  /** Measured wherever the metric of `keepBest` is. */
  readonly #beside: string;
  /** When it was saved, or began with nothing that was not: so old may be what a stop would lose. */
  #savedAt = 0;
  /** A page that is hidden is being saved. */
  #hidden: Promise<void> | undefined;
  /** The one that is to end the run. */
  #signal: string | null = null;

  constructor(o: TrainerOptions, state: TrainingState) {
    this.#store = o.store;
    this.#plan = checkPlan(o.checkpoint ?? {});
    this.#automatic = o.checkpoint !== undefined;
    this.#state = state;
    this.#now = this.#plan.clock ?? (() => performance.now());
    const names = Object.keys({ loss: 0, ...o.metrics });
    // What an objective measures is known at the end of an epoch.
    if (o.loss) this.#checkMetric(o.validation ? [...names, ...names.map((name) => `val/${name}`)] : names);
    this.#beside = o.validation && this.#plan.keepBest?.metric.startsWith('val/') ? 'val/loss' : 'loss';
    this.#open();
  }

  /** A save goes on beside the steps. */
  get busy(): boolean {
    return this.#saver?.busy === true;
  }

  /** Refuses a store that holds a run which was not resumed, before any training. */
  async claim(o: IO): Promise<void> {
    if (this.#claimed || !this.#run || !this.#automatic) return;
    await this.#run.claim(o);
    this.#claimed = true;
  }

  /** Opens a commit and hands its file to `load`; where that throws, nothing can be saved after it. */
  async resume(ref: string | undefined, load: (f: CheckpointFile) => Promise<void>, o: IO): Promise<Opened | null> {
    const found = await this.#need('resume').resume(ref, o);
    try {
      if (found) await load(found.file);
    } catch (e) {
      this.#open();
      this.#claimed = false;
      throw e;
    }
    this.#claimed = true;
    this.#background();
    if (found) {
      const { keepBest } = this.#plan;
      const { history, steps } = this.#state;
      this.#best = keepBest ? history.best(keepBest.metric, keepBest.mode, steps.done) : null;
      this.#mark(steps.done);
    }
    return found;
  }

  /** Saves now, behind what is under way, and releases the snapshot. */
  async save(
    snapshot: Snapshot,
    o: IO & { tags?: readonly string[] },
  ): Promise<{ readonly seq: number; readonly root: string }> {
    const run = this.#need('save');
    const { content, step, epoch, metrics } = snapshot;
    try {
      const { commit } = await run.save(content, { step, epoch, metrics, tags: o.tags }, { signal: o.signal });
      this.#claimed = true;
      this.#mark(step);
      return { seq: commit.seq, root: commit.root };
    } finally {
      snapshot.release();
    }
  }

  /** Saves as the plan says: in the background, or before this resolves. */
  async saveByPlan(take: () => Promise<Snapshot>): Promise<void> {
    if (this.#plan.async === undefined) {
      await this.flush();
      await this.save(await take(), {});
      // What is left out stays due.
    } else if (!(await this.#saver?.save(take))) return;
    this.#savedAt = this.#now();
    this.#best = this.#better;
  }

  /** A run begins. Hears that the program is about to end, where the plan says so, until what it gives is called. */
  listen(take: () => Promise<Snapshot>): () => void {
    this.#signal = null;
    if (this.#isSaved) this.#savedAt = this.#now();
    if (this.#plan.onSignal !== true) return () => {};
    const hidden = async () => {
      await this.#saver?.settled();
      if (this.#claimed && !this.#isSaved) await this.#saver?.save(take, { quiet: true });
    };
    const ended = (signal: string) => {
      this.#signal = signal;
    };
    // The run tells what is wrong with the state, and the next save or the end what is wrong with the store.
    return listen(ended, () => {
      this.#hidden ??= hidden()
        .catch(() => {})
        .finally(() => {
          this.#hidden = undefined;
        });
    });
  }

  /** At a step boundary: saves and throws, where a signal asked for it. */
  async heed(save: () => Promise<{ readonly seq: number }>): Promise<void> {
    const signal = this.#signal;
    if (signal === null) return;
    this.#signal = null;
    const { seq } = await save();
    const step = this.#state.steps.done;
    throw new CheckpointError('E_SIGNAL', `run: ended by ${signal} at step ${step}, which is saved as commit ${seq}`, {
      hint: 'resume() goes on from it.',
      details: { signal, step, seq },
    });
  }

  /** Waits until what is under way is durable; throws what went wrong since the last save. */
  async flush(): Promise<void> {
    await this.#hidden;
    await this.#saver?.flush();
  }

  /** True where the plan looks at a metric, so that values must have been read before `due`. */
  watches(epochEnd = false): boolean {
    return this.#plan.onImprove === true || (epochEnd && this.#plan.keepBest !== undefined);
  }

  /** Steps that may be taken before the plan must be asked again. */
  get room(): number {
    return this.watches() ? 1 : stepsToSave(this.#plan, this.#state.steps.done);
  }

  /**
   * True where the plan asks for a save at this step boundary.
   * @throws OptionError behind the first epoch that did not measure the metric of `keepBest`.
   */
  due(epochEnd: boolean): boolean {
    if (!this.#automatic) return false;
    const { history, steps, cursor } = this.#state;
    const { keepBest } = this.#plan;
    let improved = false;
    if (keepBest && this.watches(epochEnd)) {
      const measured = history.at(steps.done);
      if (epochEnd && this.#beside in measured) this.#checkMetric(Object.keys(measured));
      const value = measured[keepBest.metric];
      improved = isBetter(value, this.#best, keepBest.mode);
      this.#better = improved ? value : this.#best;
    }
    const seconds = (this.#now() - this.#savedAt) / 1000;
    return triggersAt(this.#plan, { step: steps.done, epoch: cursor.epoch, epochEnd, seconds, improved }).length > 0;
  }

  /** True where the plan asks for a save when a run fails, and there are steps to save. */
  get dueOnException(): boolean {
    return this.#plan.onException === true && this.#claimed && !this.#isSaved;
  }

  get #isSaved(): boolean {
    return [this.#savedStep, this.#saver?.saved?.commit.step].includes(this.#state.steps.done);
  }

  #checkMetric(known: readonly string[]): void {
    const { keepBest } = this.#plan;
    if (!keepBest || known.includes(keepBest.metric)) return;
    throw new OptionError(`checkpoint: keepBest.metric ${keepBest.metric} is not measured`, {
      hint: `These are: ${known.join(', ')}.`,
    });
  }

  #mark(step: number): void {
    this.#savedStep = step;
    this.#savedAt = this.#now();
  }

  #open(): void {
    if (!this.#store) return;
    const { keepLast, keepEvery, keepBest, keepInterval, clock } = this.#plan;
    this.#run = new RunStore(this.#store, { keepLast, keepEvery, keepBest, keepInterval, clock });
    this.#background();
  }

  #background(): void {
    if (this.#run) this.#saver = new BackgroundSaver(this.#run, this.#plan.async ?? 'block');
  }

  #need(what: string): RunStore {
    if (this.#run) return this.#run;
    throw new OptionError(`${what}: this trainer has no store`, {
      hint: "Give one, such as fsStore('runs/mine').",
    });
  }
}
