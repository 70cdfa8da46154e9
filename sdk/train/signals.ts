/** Word that the program is about to end, from wherever the platform gives it. */

interface Hears {
  on?(name: string, then: () => void): unknown;
  off?(name: string, then: () => void): unknown;
}

/**
 * Calls `ended` at the first SIGTERM or SIGINT, with its name: a second one then does what it does without this. Calls `hidden`
 * whenever a page is hidden or left: browsers tell no more, and may stop it at any moment after that. Workers hear neither.
 *
 * @returns what stops listening
 */
export function listen(ended: (signal: string) => void, hidden: () => void): () => void {
  const { process, document } = globalThis as { process?: Hears; document?: EventTarget & { visibilityState: string } };
  const stops: (() => void)[] = [];
  const stop = () => {
    for (const end of stops.splice(0)) end();
  };
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const hear = () => {
      stop();
      ended(signal);
    };
    process?.on?.(signal, hear);
    stops.push(() => process?.off?.(signal, hear));
  }
  const hide = () => {
    if (document?.visibilityState === 'hidden') hidden();
  };
  document?.addEventListener('visibilitychange', hide);
  if (document) addEventListener('pagehide', hidden);
  stops.push(() => {
    document?.removeEventListener('visibilitychange', hide);
    if (document) removeEventListener('pagehide', hidden);
  });
  return stop;
}
