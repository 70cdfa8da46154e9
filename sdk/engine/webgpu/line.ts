/** Work in program order: at once, or behind what waits, such as for a pipeline. */
export class Line {
  #last: Promise<void> | null = null;

  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    const done = this.#last ? this.#last.then(work) : work();
    if (done instanceof Promise) this.#wait(done);
    return done;
  }
  #wait(done: Promise<unknown>): void {
    const last = done.then(
      () => {},
      () => {},
    );
    this.#last = last;
    void last.then(() => {
      if (this.#last === last) this.#last = null;
    });
  }
}
