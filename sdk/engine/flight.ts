/**
 * Runs that the device has taken and not answered yet. A loop may be some steps ahead of it, so that the device never waits
 * for the loop, nor the loop for an answer; but not far, because each of these runs holds the values that it read and made.
 */

import type { Pending } from './device.ts';

/** Runs whose flags are asked for at once: one read of flags in so many steps. */
export const BATCH = 16;
/** Bytes of results after which flags are asked for sooner. */
const BATCH_BYTES = 1 << 25;

export class Flight {
  readonly #running: { readonly answer: Pending; readonly bytes: number }[] = [];
  #bytes = 0;
  #unasked = 0;
  #unaskedBytes = 0;

  /** Notes a run that made so many bytes. A loop that is two batches ahead waits for what this returns. */
  add(answer: Pending, bytes: number): Promise<unknown> | null {
    const run = { answer, bytes };
    this.#running.push(run);
    this.#bytes += bytes;
    const end = (): void => {
      this.#running.splice(this.#running.indexOf(run), 1);
      this.#bytes -= bytes;
    };
    // A lost device is told by whatever comes next.
    answer.flags.then(end, end);
    this.#unaskedBytes += bytes;
    if (++this.#unasked >= BATCH || this.#unaskedBytes >= BATCH_BYTES) {
      void answer.ask();
      this.#unasked = 0;
      this.#unaskedBytes = 0;
    }
    const far = this.#running.length > 2 * BATCH || (this.#bytes > 2 * BATCH_BYTES && this.#running.length > 2);
    // It was asked for: what is not, is less than one batch.
    return far ? this.#running[0].answer.flags : null;
  }
}
