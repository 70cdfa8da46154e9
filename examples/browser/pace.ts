/** How fast a run goes: as fast as it can, or slowly enough to watch. Waiting changes no bit. */

/** Lets messages in. A timer would wait for milliseconds each time. */
export function breath(): Promise<void> {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  });
}

/** Counts steps and the time that they take. */
export interface Meter {
  /** One step is done; `counts` is false where it did more than compute. */
  step(counts: boolean): void;
  /** Milliseconds since `report()`. */
  readonly sinceReport: number;
  /** Steps a second so far, waiting left out; null where none counted. */
  report(): number | null;
  /** Waits until the next step is due, and starts its clock. */
  wait(): Promise<void>;
}

export class Pace {
  /** Steps a second at most; null for as many as there are. */
  perSecond: number | null = null;
  #wake: () => void = () => {};

  /** Ends a wait that is under way. */
  wake(): void {
    this.#wake();
  }

  begin(): Meter {
    let [began, reported, busy, steps] = [performance.now(), performance.now(), 0, 0];
    let first = true;
    let due = began;
    return {
      step: (counts) => {
        if (counts && !first) {
          busy += performance.now() - began;
          steps++;
        }
        first = false;
      },
      get sinceReport() {
        return performance.now() - reported;
      },
      report: () => {
        const perSecond = busy > 0 ? (1000 * steps) / busy : null;
        reported = performance.now();
        return perSecond;
      },
      wait: async () => {
        if (this.perSecond !== null) {
          due = Math.max(due + 1000 / this.perSecond, performance.now() - 100);
          await this.#sleep(due - performance.now());
        }
        began = performance.now();
      },
    };
  }

  #sleep(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
