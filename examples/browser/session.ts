/** One run in the worker: a runtime, a recipe's task, a Trainer, and the store that it is saved in. */

import type { Store } from '../../adapters/store.ts';
import { RunStore, type Opened as Saved } from '../../sdk/checkpoint/index.ts';
import type { HostArray } from '../../sdk/core/host.ts';
import type { Captured, Runtime } from '../../sdk/core/runtime.ts';
import type { Tensor } from '../../sdk/core/tensor.ts';
import { type BatchSource, batches } from '../../sdk/data/index.ts';
import { createRuntime, softmax } from '../../sdk/index.ts';
import { crossEntropy, type Module } from '../../sdk/nn/index.ts';
import { Trainer } from '../../sdk/train/index.ts';
import type { Recipe, Task } from '../recipe.ts';
import { savedSeed } from '../train.ts';
import { lookAt } from './look.ts';
import { readMeasures, writeMeasures } from './measures.ts';
import { breath, type Pace } from './pace.ts';
import type { Measure, Opened, Say, Setup } from './protocol.ts';
import { EXAMPLES } from './recipes.ts';

/** A reload loses at most an epoch, or this many seconds. When a run is saved is no part of its state. */
const PLAN = { everyEpochs: 1, everySeconds: 5, keepLast: 3 } as const;
/** Milliseconds between two reports. */
const REPORT = 40;

export class Session {
  readonly setup: Setup;
  readonly pace: Pace;
  readonly #rt: Runtime;
  readonly #recipe: Recipe;
  readonly #task: Task;
  readonly #store: Store;
  readonly #say: Say;
  readonly #model: Module;
  readonly #data: BatchSource;
  readonly #trainer: Trainer;
  readonly #stepsPerEpoch: number;
  readonly #probabilities: Captured<[Tensor<'f32'>], Tensor<'f32'>>;
  #measures: readonly Measure[] = [];
  #stopping = false;
  /** Training waits while a file is read: states that are saved meanwhile would take its place. */
  #reading: Promise<unknown> = Promise.resolve();
  /** Losses that the page has. */
  #reported = 0;

  private constructor(setup: Setup, store: Store, rt: Runtime, task: Task, pace: Pace, say: Say) {
    this.setup = setup;
    this.pace = pace;
    this.#rt = rt;
    this.#recipe = EXAMPLES[setup.example];
    this.#task = task;
    this.#store = store;
    this.#say = say;
    this.#model = task.model().init(rt);
    this.#data = batches(task.train.x, task.train.y, { size: this.#recipe.batch, shuffle: true });
    this.#stepsPerEpoch = this.#data.batches as number;
    this.#trainer = new Trainer({
      model: this.#model,
      loss: crossEntropy,
      optimizer: this.#recipe.optimizer(),
      store,
      checkpoint: PLAN,
    });
    this.#probabilities = rt.capture((x: Tensor<'f32'>) => softmax(this.#model.forward(x) as Tensor<'f32'>, 1));
  }

  /**
   * Goes on with the run in the store, or begins one. Throws what the runtime, the data and the store throw, and then holds
   * nothing.
   */
  static async open(setup: Setup, store: Store, pace: Pace, say: Say): Promise<{ session: Session; run: Opened }> {
    const { example, backend } = setup;
    const saved = await new RunStore(store).open();
    // Which digits are held out hangs on the seed, so a saved run's own is needed before its data are.
    const seed = saved ? savedSeed(saved.file) : setup.seed;
    const rt = await createRuntime({
      backend,
      seed,
      onProgress: ({ phase, done, total }) => {
        if (phase === 'qualify')
          say({ kind: 'preparing', what: 'Checking that this GPU gives the same bits', done, total });
      },
    });
    try {
      const [task] = await EXAMPLES[example].tasks({ rng: rt.rng, holdout: false, stores: [store] });
      const session = new Session({ example, backend, seed }, store, rt, task, pace, say);
      return { session, run: await session.#resume() };
    } catch (e) {
      await rt.dispose();
      throw e;
    }
  }

  async #resume(): Promise<Opened> {
    const { resumed, step, skipped } = await this.#trainer.resume();
    // No step is done: this compares the data with those of the run.
    for await (const _ of this.#trainer.run(this.#data, { steps: step }));
    const losses = (await this.#trainer.history('loss')).map(({ value }) => value);
    this.#reported = losses.length;
    this.#measures = (await readMeasures(this.#store)).filter((m) => m.step <= step);
    const { backend, adapter, why, exactness } = this.#rt;
    return {
      setup: this.setup,
      resumed,
      device: { backend, adapter, why, exactness },
      epochs: this.#recipe.epochs,
      stepsPerEpoch: this.#stepsPerEpoch,
      step,
      losses,
      measures: this.#measures,
      skipped: skipped.map((e) => `${e.message} (${e.code})`),
    };
  }

  /** Fingerprint, accuracies and picture of the run as it stands. */
  async measure(): Promise<void> {
    const { step } = this.#trainer;
    const { picture, ...shares } = await lookAt(this.#rt, this.#model, this.#task, this.setup.example);
    const at = { step, fingerprint: await this.#trainer.fingerprint(), ...shares };
    this.#measures = [...this.#measures.filter((m) => m.step !== step), at];
    this.#say({ kind: 'measured', at, picture });
  }

  /** Trains to the end of the run, or until `stop()`; saved in both cases. */
  async train(): Promise<void> {
    this.#stopping = false;
    const { epochs } = this.#recipe;
    const meter = this.pace.begin();
    for await (const { step } of this.#trainer.run(this.#data, { epochs })) {
      const epochEnds = step % this.#stepsPerEpoch === 0;
      // A step that ends an epoch also saves, and the first one compiles.
      meter.step(!epochEnds);
      if (epochEnds || meter.sinceReport > REPORT) {
        await this.#report(meter.report());
        if (epochEnds) {
          await this.measure();
          await writeMeasures(this.#store, this.#measures);
        }
        // Only between tasks do messages come in.
        await breath();
      }
      await this.#reading;
      if (this.#stopping) break;
      await meter.wait();
    }
    await this.#report(null);
    if (this.#trainer.step % this.#stepsPerEpoch !== 0) {
      await this.#trainer.save();
      await this.measure();
      await writeMeasures(this.#store, this.#measures);
    }
    this.#say({ kind: 'stopped', step: this.#trainer.step, finished: this.#trainer.epoch >= epochs });
  }

  /** Ends training behind the step under way. */
  stop(): void {
    this.#stopping = true;
    this.pace.wake();
  }

  /** The run as it stands, as a checkpoint file: the bytes of the store. */
  file(): Promise<{ name: string; bytes: Uint8Array }> {
    const reading = this.#readFile();
    this.#reading = reading.catch(() => {});
    return reading;
  }

  async #readFile(): Promise<{ name: string; bytes: Uint8Array }> {
    const { example, seed } = this.setup;
    const { root } = await this.#trainer.save();
    const { commit } = (await new RunStore(this.#store).open(root)) as Saved;
    const bytes = await this.#store.get(commit.object);
    return { name: `isobit-${example}-seed${seed}-step${commit.step}.cbor`, bytes };
  }

  /** How likely the model finds each class of one row. */
  async classify(row: HostArray<'f32'>): Promise<number[]> {
    using out = await this.#probabilities(row);
    return Array.from(await out.data());
  }

  async #report(perSecond: number | null): Promise<void> {
    const losses = (await this.#trainer.history('loss')).slice(this.#reported).map(({ value }) => value);
    this.#reported += losses.length;
    this.#say({ kind: 'steps', step: this.#trainer.step, losses, perSecond });
  }

  async close(): Promise<void> {
    this.#probabilities.dispose();
    this.#trainer.dispose();
    this.#model.dispose();
    await this.#rt.dispose();
    await this.#store.close();
  }
}
