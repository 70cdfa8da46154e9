/** In a page and its worker: writers that share a run until the browser dies, and afterwards what is left of it. */

import { indexeddbStore } from '../../../adapters/indexeddb.ts';
import { opfsStore } from '../../../adapters/opfs.ts';
import { serveCalls } from '../../../adapters/testing/page-calls.ts';
import { RunStore } from '../../../sdk/checkpoint/index.ts';
import { type Work, work } from '../kill/work.ts';

const STORES = { indexeddb: indexeddbStore, opfs: opfsStore };
export type StoreName = keyof typeof STORES;

const RUN = 'torture';

const post = async (path: string, body: BodyInit) => {
  const { ok } = await fetch(path, { method: 'POST', body });
  if (!ok) throw new Error(`${path}: not taken`);
};

serveCalls({
  /** Ends with the browser, or says why it ended before. */
  async write(store: StoreName, o: Work): Promise<void> {
    try {
      await work(STORES[store](RUN), o, (s) => void post('/said', JSON.stringify(s)).catch(() => {}));
    } catch (e) {
      await post('/ended', String((e as Error).stack ?? e));
    }
  },

  /** Sends what lies in the store: every record, and the states of the newest of them, or of all. */
  async dump(store: StoreName, states: number): Promise<void> {
    const from = STORES[store](RUN);
    const named = (await new RunStore(from).commits()).slice(-states).map((r) => r.object);
    for await (const { key } of from.list('')) {
      if (key.startsWith('objects/') && !named.includes(key) && states !== Number.MAX_SAFE_INTEGER) continue;
      await post(`/object?key=${encodeURIComponent(key)}`, (await from.get(key)) as Uint8Array<ArrayBuffer>);
    }
  },
});
