/** What a browser tells and promises of the storage of an origin: how much is used, and whether it may be evicted. */

import { checkOptions, flag } from '../sdk/core/options.ts';
import type { Store, StoreIO } from './store.ts';

export interface BrowserStoreOptions {
  /**
   * Asks the browser not to evict what this origin stores, once, at the first put or `persisted()`. It may ask the user;
   * nothing waits for the answer. Only pages can ask: in a worker, call `navigator.storage.persist()` in its page.
   */
  persist?: boolean;
}

export interface BrowserStore extends Store {
  /**
   * Whether the browser has promised not to evict what this origin stores; undefined where it does not tell. With
   * `persist` it waits for the answer, which may be the user's: give a signal to wait no longer.
   */
  persisted(o?: StoreIO): Promise<boolean | undefined>;
}

/** The asking of one store. */
export function persistence(what: string, o: BrowserStoreOptions): Pick<BrowserStore, 'persisted'> & { ask(): void } {
  checkOptions(what, { persist: flag }, o);
  let asked: Promise<unknown> | undefined;
  const ask = () => {
    if (o.persist) asked ??= inStorage((storage) => storage.persist());
  };
  return {
    ask,
    async persisted({ signal } = {}) {
      signal?.throwIfAborted();
      ask();
      if (asked) await untilAborted(asked, signal);
      return inStorage((storage) => storage.persisted());
    },
  };
}

/** What the origin uses and may use, in bytes, where the browser tells. */
export async function estimate(): Promise<{ usage?: number; quota?: number }> {
  return (await inStorage((storage) => storage.estimate())) ?? {};
}

/** `navigator.storage` is absent on pages that were not served over https, and workers have a part of it. */
async function inStorage<T>(call: (storage: StorageManager) => Promise<T>): Promise<T | undefined> {
  try {
    return await call(navigator.storage);
  } catch {
    return undefined;
  }
}

/** What `promise` gives, unless the signal comes first: a browser may wait for other tabs or the user without end. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
