/** Accuracies and fingerprints on the way, kept beside the run: they are no part of its state, only of what the page draws. */

import type { Store } from '../../adapters/store.ts';
import type { Measure } from './protocol.ts';

const KEY = 'page/measures.json';

export async function readMeasures(store: Store): Promise<readonly Measure[]> {
  if ((await store.head(KEY)) === null) return [];
  return JSON.parse(new TextDecoder().decode(await store.get(KEY))) as readonly Measure[];
}

export async function writeMeasures(store: Store, measures: readonly Measure[]): Promise<void> {
  await store.put(KEY, new TextEncoder().encode(JSON.stringify(measures)));
}

/** Those of another run say nothing of this one. */
export const forgetMeasures = (store: Store): Promise<void> => store.delete(KEY);
