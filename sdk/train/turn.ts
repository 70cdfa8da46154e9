/** The platform's turn: timers, messages, clicks and drawing wait until a task ends, and awaiting a step on WASM ends none. */

/** Between two turns, in milliseconds: half a frame. */
export const INTERVAL = 8;

/**
 * A function to be awaited at step boundaries, which lets the platform do what waits, now and then. So a run can be aborted by
 * a message or a click, and a page stays alive. It changes no bit.
 */
export function turns(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < INTERVAL) return undefined;
    return turn().then(() => {
      last = performance.now();
    });
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
