/** Word that the program is about to end, from wherever the platform gives it. */

const LEFT = ['beforeunload', 'pagehide'] as const;

interface Hears {
  on?(name: string, then: () => void): unknown;
  off?(name: string, then: () => void): unknown;
}

/**
 * Calls `ended` at the first SIGTERM or SIGINT, with its name: a second one then does what it does without this. Calls `hidden`
 * whenever a page is hidden, left, or about to be left: browsers tell no more, and may stop it at any moment after that. A page that
 * is left runs on until the next one answers, and no longer, so the last word comes too late. Workers hear none of it.
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
  if (document) for (const word of LEFT) addEventListener(word, hidden);
  stops.push(() => {
    document?.removeEventListener('visibilitychange', hide);
    if (document) for (const word of LEFT) removeEventListener(word, hidden);
  });
  return stop;
}
