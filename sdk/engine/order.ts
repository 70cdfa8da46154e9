/**
 * Program order on a device that answers later: while a call that may reject waits for its flags, nothing is assigned, so what
 * comes after it (calls, assigns, reads of variables) waits in line. Without such a call everything runs at once.
 */

export class Order {
  #busy = false;
  readonly #line: (() => void)[] = [];

  /** True while a call may yet reject. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Runs now, or in its turn. */
  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (!this.#busy) return work();
    return new Promise<T>((resolve, reject) => {
      this.#line.push(() => {
        try {
          resolve(work());
        } catch (e) {
          reject(e);
        }
      });
    });
  }

  /** What comes from now on waits until the call has ended, well or not. */
  hold(call: Promise<unknown>): void {
    this.#busy = true;
    const next = (): void => {
      this.#busy = false;
      // One of them may hold the line again.
      while (!this.#busy && this.#line.length > 0) this.#line.shift()!();
    };
    call.then(next, next);
  }
}
