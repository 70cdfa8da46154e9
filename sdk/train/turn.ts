/** The platform's turn: timers, messages, clicks and drawing wait until a task ends, and awaiting a step on WASM ends none. */

/** Between two turns, in milliseconds: half a frame. */
export const INTERVAL = 8;

/** Of the time between two turns, given to work that goes on beside the steps: it waits for the platform again and again. */
const SHARE = 1 / 50;

/**
 * A function to be awaited at step boundaries, which lets the platform do what waits, now and then. So a run can be aborted by
 * a message or a click, a page stays alive, and what is `aside` comes on. It changes no bit.
 */
export function turns(aside: () => boolean = () => false): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    const since = performance.now() - last;
    if (since < INTERVAL) return undefined;
    const share = async () => {
      const until = last + since * (1 + SHARE);
      do await turn();
      while (aside() && performance.now() < until);
      last = performance.now();
    };
    return share();
  };
}

/** Behind everything that waits now. Timers are the last resort: browsers make nested ones wait for 4 ms. */
function turn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (then: () => void) => void };
  return new Promise((then) => {
    if (setImmediate) return void setImmediate(then);
    if (typeof MessageChannel === 'undefined') return void setTimeout(then, 0);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      then();
    };
    port2.postMessage(null);
  });
}
