/**
 * Trainer: the loop over batches, and everything that must survive a stop. Its state is that after the last completed step;
 * saving reads it and never changes it, so that a run that stops and resumes ends in the same bytes as one that does not.
 */

import { type CheckpointFile, fingerprintOf } from '../checkpoint/index.ts';
import { type CheckpointError, DataError, NumericError, OptionError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import { checkOptions } from '../core/options.ts';
import type { Rng } from '../core/rng.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Tensor } from '../core/tensor.ts';
import type { BatchSource } from '../data/source.ts';
import { runtimeOf } from '../nn/module.ts';
import { Checkpoints } from './checkpoints.ts';
import type { Migrated } from './component.ts';
import type { Metadata } from './metadata.ts';
import { variablesOf } from './model-state.ts';
import { checkTrainer, checkUntil, RUN_OPTIONS, type RunOptions, type TrainerOptions, type Until } from './options.ts';
import { EvaluationProgram, StepProgram } from './program.ts';
import { type Snapshot, TrainingState } from './state.ts';
import { Taken } from './taken.ts';
import { Pace, together } from './together.ts';
import { turns } from './turn.ts';

/** What a run yields. The tensors live until the loop goes on: read what is to be kept. */
export interface Progress {
  /** Completed steps, counted from the beginning of the run. */
  step: number;
  /** Completed epochs. */
  epoch: number;
  /** Of this step's batch, before its update. */
  loss: Tensor<'f32'>;
  /** Of this step's batch; at the end of an epoch also `val/<name>`, where there is validation. */
  metrics: Record<string, Tensor>;
}

/** What `resume` found. */
export interface Resumed {
  /** False for a store without commits. */
  resumed: boolean;
  step: number;
  /** Newer commits that could not be read. */
  skipped: readonly CheckpointError[];
  /** Components that the checkpoint holds in an older version. */
  migrated: readonly Migrated[];
}

/** Losses that wait to be read: reading one at each step would stop a device that runs ahead. */
const PENDING = 64;

/**
 * Trains a model, and keeps a run that can be stopped and resumed anywhere.
 *
 * @example
 * const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }), store, checkpoint: { everyEpochs: 5 } });
 * await trainer.resume();
 * for await (const { step, loss } of trainer.run(data, { epochs: 20 })) if (step % 10 === 0) console.log(step, await loss.item());
 */
export class Trainer implements Disposable {
  readonly #o: TrainerOptions;
  readonly #rt: Runtime;
  readonly #state: TrainingState;
  readonly #checkpoints: Checkpoints;
  #programs: { readonly step: StepProgram; readonly evaluation: EvaluationProgram; readonly rng: Rng };
  #running = false;
  /** Steps, saves and evaluations take turns, so that each sees the state of a step boundary. */
  #tail: Promise<unknown> = Promise.resolve();
  readonly #taken: Taken;

  /** @throws OptionError for unknown, missing and contradictory options, and a model that is not initialised. */
  constructor(o: TrainerOptions) {
    checkTrainer(o);
    const [first] = variablesOf(o.model).values();
    if (!first) {
      throw new OptionError('Trainer: the model has no Variables', { hint: 'Call model.init(rt) before.' });
    }
    this.#o = o;
    this.#rt = runtimeOf(first);
    this.#state = new TrainingState(o, this.#rt);
    this.#checkpoints = new Checkpoints(o, this.#state);
    this.#taken = new Taken(this.#state, o.onNonFinite);
    this.#programs = this.#make();
  }

  /** Completed steps. */
  get step(): number {
    return this.#state.steps.done;
  }
  /** Completed epochs. */
  get epoch(): number {
    return this.#state.cursor.epoch;
  }
  /** Steps that `onNonFinite: 'skip'` left out. */
  get skipped(): number {
    return this.#state.steps.skipped;
  }

  /** What checkpoints say under `user`; to be replaced as a whole, before the save that shall say it. */
  get metadata(): Metadata | undefined {
    return this.#state.user.value;
  }
  set metadata(metadata: Metadata | undefined) {
    this.#state.user.value = metadata;
  }

  /** Every value of a metric so far, with its step: `loss`, a metric's name, or `val/<name>`. */
  async history(metric: string): Promise<{ step: number; value: number | null }[]> {
    await this.#inTurn(() => this.#taken.read());
    return this.#state.history.of(metric);
  }

  /** SHA-256 of the whole state as 64 hex digits: equal states give equal digits on every runtime. */
  async fingerprint(o: IO = {}): Promise<string> {
    const snapshot = await this.#snapshot();
    try {
      return await fingerprintOf(snapshot.content, o);
    } finally {
      snapshot.release();
    }
  }

  /** Commits the state of the last completed step, durably, behind a save that is under way. @throws that one's error instead. */
  async save(o: IO & { tags?: readonly string[] } = {}): Promise<{ seq: number; root: string }> {
    await this.#checkpoints.flush();
    return this.#checkpoints.save(await this.#snapshot(), o);
  }

  /** Waits until what is saved in the background is durable. @throws the error of such a save, once. */
  flush(): Promise<void> {
    return this.#checkpoints.flush();
  }

  /**
   * Takes over a commit of the store: `latest` (the default), `best`, a tag, `step:N`, or the first digits of a root. An empty
   * store is a fresh start. `skipped` lists newer commits that could not be read, `migrated` what was of an older version.
   * @throws CheckpointError for a damaged store or a checkpoint of another model or optimizer, OptionError for another
   *   explicit seed; the trainer and the model are then as they were.
   */
  resume(ref?: string, o: IO = {}): Promise<Resumed> {
    return this.#inTurn(async () => {
      if (this.#running) throw new OptionError('resume: a run is under way', { hint: 'Resume before run().' });
      let migrated: readonly Migrated[] = [];
      const load = async (file: CheckpointFile) => {
        migrated = await this.#state.load(file, o);
      };
      const found = await this.#checkpoints.resume(ref, load, o);
      if (!found) return { resumed: false, step: this.step, skipped: [], migrated };
      this.#drop();
      this.#programs = this.#make();
      return { resumed: true, step: this.step, skipped: found.skipped, migrated };
    });
  }

  /** Mean loss and metrics over all rows of the data, without training; null where a value is Inf or NaN. */
  evaluate(data: BatchSource, o: IO = {}): Promise<Record<string, number | null>> {
    return this.#inTurn(async () => {
      await this.#taken.prove();
      return this.#evaluate(data, o.signal);
    });
  }

  /**
   * Trains until that many epochs or steps are complete in all. `break` leaves the state after the yielded step. An abort ends
   * at a step boundary and throws `signal.reason`.
   * @throws NumericError for Inf or NaN, DataError for data that do not fit (E_DATA_ORDER: not those of this run), and what the
   *   store throws. The state is that of the last good step.
   */
  async *run(data: BatchSource, until: Until, o: RunOptions = {}): AsyncGenerator<Progress, void, undefined> {
    checkUntil(until);
    checkOptions('run', RUN_OPTIONS, o);
    if (this.#running) {
      throw new OptionError('run: this trainer is running already', { hint: 'Wait until the other loop ends.' });
    }
    this.#running = true;
    const deaf = this.#checkpoints.listen(() => this.#snapshot());
    try {
      o.signal?.throwIfAborted();
      await this.#checkpoints.claim(o);
      await this.#state.cursor.attach(data, o.allowNewData ?? false);
      yield* this.#loop(data, until, o);
      await this.#checkpoints.heed(() => this.save());
      await this.#inTurn(() => this.#taken.read());
      await this.flush();
    } catch (e) {
      const first = await this.#proven(o.signal?.aborted ? e : null);
      await this.#saveAfter(first ?? e);
      throw first ?? e;
    } finally {
      deaf();
      this.#running = false;
      this.#taken.current = undefined;
      await this.#left();
    }
  }

  /** Behind an error: what was wrong before it, unless that is not to be told. */
  async #proven(instead: unknown): Promise<NumericError | null> {
    try {
      await this.#inTurn(() => this.#taken.prove());
      return null;
    } catch (e) {
      return instead === null && e instanceof NumericError ? e : null;
    }
  }

  /** Behind a `break`: the yielded step stands and saves are durable, or this throws. */
  async #left(): Promise<void> {
    try {
      await this.#inTurn(() => this.#taken.prove());
      await this.flush();
    } catch (e) {
      await this.#saveAfter(e);
      throw e;
    }
  }

  /** `flush()`, then `dispose()`. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.dispose();
    }
  }

  /** Frees the optimiser's slots and the captured programs; the model is the caller's. */
  dispose(): void {
    this.#drop();
    this.#state.optim.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  async *#loop(data: BatchSource, until: Until, o: RunOptions): AsyncGenerator<Progress, void, undefined> {
    const { cursor } = this.#state;
    const every = o.every ?? 1;
    const turn = turns(() => this.#checkpoints.busy);
    const pace = new Pace();
    /** Steps up to where the loop yields, saves or ends, and no more than keep the platform waiting. */
    const room = () =>
      Math.min(
        every - (this.step % every),
        (until.steps ?? Number.POSITIVE_INFINITY) - this.step,
        (data.batches ?? Number.POSITIVE_INFINITY) - cursor.batch,
        this.#checkpoints.room,
        PENDING - this.#taken.size,
        pace.room,
      );
    const reached = () => (until.steps === undefined ? this.epoch >= until.epochs : this.step >= until.steps);
    while (!reached()) {
      const from = cursor.batch;
      let ended = false;
      const source = data.epoch(cursor.epoch, this.#programs.rng, from, { signal: o.signal });
      for await (const group of together(source, room)) {
        await turn();
        o.signal?.throwIfAborted();
        await this.#checkpoints.heed(() => this.save());
        const seen = (this.step + group.length) % every === 0;
        const taken = pace.begin();
        await this.#inTurn(() => this.#taken.takeAll(this.#programs.step, group, seen));
        taken(group.length);
        ended = cursor.batch === data.batches;
        const validated = ended ? await this.#inTurn(() => this.#endEpoch(o.signal)) : {};
        await this.#saveIfDue(ended);
        // A step that is skipped is not yielded.
        const due = this.step % every === 0;
        if (due && this.#o.onNonFinite === 'skip') await this.#inTurn(() => this.#taken.prove());
        if (due && this.#taken.current) {
          const extra = this.#tensors(validated);
          const { loss, ...metrics } = this.#taken.current;
          yield { step: this.step, epoch: this.epoch, loss, metrics: { ...metrics, ...extra } };
          for (const t of Object.values(extra)) t.dispose();
        }
        this.#taken.pass();
        if (this.#taken.size >= PENDING) await this.#inTurn(() => this.#taken.read());
        if (ended || reached()) break;
      }
      // A source that does not tell its number of batches ends by itself; so does a resume behind the last batch.
      if (!ended && !reached()) {
        if (from === 0 && cursor.batch === 0) {
          throw new DataError('run: an epoch without batches', { hint: 'Give data with at least one batch.' });
        }
        await this.#inTurn(() => this.#endEpoch(o.signal));
        await this.#saveIfDue(true);
      }
    }
  }

  /** Validation first and then the count, so that a stop in between does it again. */
  async #endEpoch(signal: AbortSignal | undefined): Promise<Record<string, number | null>> {
    const { cursor, history } = this.#state;
    const { data, everyEpochs = 1 } = this.#o.validation ?? {};
    let found: Record<string, number | null> = {};
    if (data && (cursor.epoch + 1) % everyEpochs === 0) {
      await this.#taken.prove();
      const values = await this.#evaluate(data, signal);
      found = Object.fromEntries(Object.entries(values).map(([name, v]) => [`val/${name}`, v]));
      history.record(this.step, found);
    }
    cursor.epoch++;
    cursor.batch = 0;
    return found;
  }

  async #saveIfDue(epochEnd: boolean): Promise<void> {
    if (this.#checkpoints.watches(epochEnd)) await this.#inTurn(() => this.#taken.read());
    if (this.#checkpoints.due(epochEnd)) await this.#checkpoints.saveByPlan(() => this.#snapshot());
  }

  /** `onException`: saves the last good step. The error that ended the run stays the one that is thrown. */
  async #saveAfter(e: unknown): Promise<void> {
    const tell = (failed: unknown) => {
      if (e instanceof Error && e.cause === undefined && failed !== e) e.cause = failed;
    };
    await this.flush().catch(tell);
    if (this.#checkpoints.dueOnException) await this.save().catch(tell);
  }

  async #evaluate(data: BatchSource, signal: AbortSignal | undefined): Promise<Record<string, number | null>> {
    return this.#programs.evaluation.mean(data.epoch(0, this.#programs.rng, 0, { signal }), this.step, signal);
  }

  #snapshot(): Promise<Snapshot> {
    return this.#inTurn(async () => {
      await this.#taken.read();
      await this.#state.cursor.known();
      return this.#state.snapshot();
    });
  }

  #tensors(values: Readonly<Record<string, number | null>>): Record<string, Tensor> {
    const known = Object.entries(values).filter((e): e is [string, number] => e[1] !== null);
    return Object.fromEntries(known.map(([name, v]) => [name, this.#rt.scalar(v)]));
  }

  #make() {
    const rng = this.#rt.rng.withSeed(this.#state.seed.value);
    const step = new StepProgram(this.#o, this.#state.optim, this.#rt, rng);
    return { step, evaluation: new EvaluationProgram(this.#o, this.#rt, rng), rng };
  }

  #drop(): void {
    this.#taken.drop();
    this.#programs.step.dispose();
    this.#programs.evaluation.dispose();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(work, work);
    this.#tail = mine.catch(() => {});
    return mine;
  }
}
