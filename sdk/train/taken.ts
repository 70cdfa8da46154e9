/**
 * Steps that were taken, and whose values have not been read. A GPU tells late whether a step stands: one that it refused has
 * changed nothing, and where that ends the run, none behind it has; so what was counted goes back to where the values are.
 */

import { NumericError } from '../core/errors.ts';
import type { Numbers } from '../core/runtime.ts';
import type { Batch } from '../data/source.ts';
import { type Measured, numbersOf, release, type StepProgram } from './program.ts';
import type { TrainingState } from './state.ts';

interface Step {
  readonly step: number;
  /** Tensors, or numbers where several steps were one call. */
  readonly measured: Measured | Numbers<Measured>;
  /** Asks whether the step stands; null once it does. */
  done: (() => Promise<void>) | null;
  /** Where the run stood before it. */
  readonly before: { readonly done: number; readonly epoch: number; readonly batch: number };
}

export class Taken {
  /** Of the step under way: kept until the loop goes on, because the caller may read it. */
  current: Measured | undefined;
  readonly #state: TrainingState;
  readonly #skips: boolean;
  #steps: Step[] = [];

  constructor(state: TrainingState, onNonFinite: 'throw' | 'skip' = 'throw') {
    this.#state = state;
    this.#skips = onNonFinite === 'skip';
  }

  get size(): number {
    return this.#steps.length;
  }

  /** Takes a step for each batch, in as few calls as it can. `current` is that of the last, where it is to be `seen`. */
  async takeAll(program: StepProgram, batches: readonly Batch[], seen: boolean): Promise<void> {
    const together = seen ? batches.length - 1 : batches.length;
    for (let i = 0; i < batches.length; ) {
      if (i < together) {
        const { rows, refused } = await program.series(batches.slice(i, together), this.#state.steps.done);
        for (const measured of rows) {
          const before = this.#before();
          this.#count();
          this.#steps.push({ step: this.#state.steps.done, measured, done: null, before });
        }
        i += rows.length;
        if (refused) {
          try {
            await refused();
          } catch (e) {
            this.#refuse(this.#state.steps.done + 1, e);
          }
          this.#count();
          i++;
        }
        if (rows.length > 0 || refused) continue;
      }
      await this.take(program, batches[i++]);
      if (i < batches.length || !seen) this.pass();
    }
  }

  /** Takes a step, whose values are then `current`: undefined where it is known to be skipped. */
  async take(program: StepProgram, batch: Batch): Promise<void> {
    const before = this.#before();
    const step = before.done + 1;
    this.current = undefined;
    try {
      const { result, done } = await program.ahead(batch, before.done);
      this.current = result;
      this.#steps.push({ step, measured: result, done, before });
    } catch (e) {
      this.#refuse(step, e);
    }
    this.#count();
  }

  #before(): Step['before'] {
    const { steps, cursor } = this.#state;
    return { done: steps.done, epoch: cursor.epoch, batch: cursor.batch };
  }
  #count(): void {
    this.#state.steps.done++;
    this.#state.cursor.batch++;
  }

  /** The loop goes on behind `current`. */
  pass(): void {
    const { current } = this;
    this.current = undefined;
    if (current && !this.#steps.some((s) => s.measured === current)) release(current);
  }

  /**
   * Waits until it is known that all steps stand.
   * @throws NumericError, that of the first that does not, unless such steps are skipped.
   */
  async prove(): Promise<void> {
    for (const s of this.#steps.slice()) {
      try {
        await s.done?.();
        s.done = null;
      } catch (e) {
        const skip = e instanceof NumericError && this.#skips;
        const gone = this.#steps.filter((x) => (skip ? x === s : x.step >= s.step));
        this.#steps = this.#steps.filter((x) => !gone.includes(x));
        // The caller may hold those that were yielded, and read from them why the run ends.
        for (const { measured } of gone) if (skip || measured !== this.current) release(measured);
        if (skip && s.measured === this.current) this.current = undefined;
        if (!skip) {
          this.#state.steps.done = s.before.done;
          Object.assign(this.#state.cursor, { epoch: s.before.epoch, batch: s.before.batch });
        }
        this.#refuse(s.step, e);
      }
    }
  }

  /** Moves all values into the history. */
  async read(): Promise<void> {
    await this.prove();
    const steps = this.#steps.splice(0);
    const values = await Promise.all(steps.map(({ measured }) => numbersOf(measured)));
    for (const [i, { step, measured }] of steps.entries()) {
      this.#state.history.record(step, values[i]);
      if (measured !== this.current) release(measured);
    }
  }

  /** Forgets what was not read. */
  drop(): void {
    for (const { measured } of this.#steps.splice(0)) release(measured);
  }

  /** Counts a step that changed nothing, or throws. */
  #refuse(step: number, e: unknown): void {
    if (!(e instanceof NumericError)) throw e;
    if (!this.#skips) {
      throw new NumericError(`step ${step}: ${e.message}`, {
        hint: "Lower the learning rate, clip gradients, check the data, or pass onNonFinite: 'skip'.",
        details: { ...e.details, step },
        cause: e,
      });
    }
    this.#state.steps.skipped++;
  }
}
