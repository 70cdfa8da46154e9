/**
 * How Chromium can lose all of an origin's databases, and what a page can do about it.
 *
 * They lie in one LevelDB, whose log is gone on with at the next start of the browser, also behind a record that a kill has
 * cut short (https://github.com/google/leveldb/issues/1287). At the start after that the log does not check, LevelDB
 * counts as damaged, and Chromium removes everything. So no session may end with the log that the last one has left.
 */

import { deleteDB, openDB } from 'idb';
import { CheckpointError } from '../sdk/core/errors.ts';
import { nonce } from './key.ts';

/** What Chromium alone tells of a database that was opened and not found. */
interface Loss {
  readonly dataLoss?: 'none' | 'total';
  readonly dataLossMessage?: string;
}

let made: Promise<void> | undefined;

/**
 * A new log, which LevelDB begins where it compacts, as it does when a database is deleted. Once in a page or worker, which
 * ends with its browser: each time also writes a few records of the manifest, which has the same flaw. Housekeeping: it
 * never throws.
 */
export function freshLog(): Promise<void> {
  const chromium = typeof IDBVersionChangeEvent === 'function' && 'dataLoss' in IDBVersionChangeEvent.prototype;
  made ??= chromium ? makeAndDelete().catch(() => {}) : Promise.resolve();
  return made;
}

async function makeAndDelete(): Promise<void> {
  const name = `isobit-log-${nonce()}`; // of its own, so that no other tab is waited for
  (await openDB(name)).close();
  await deleteDB(name);
}

/** The error for a database that is new because the browser has removed what was there. */
export function lossOf(event: IDBVersionChangeEvent & Loss, path: string): CheckpointError | undefined {
  if (event.dataLoss !== 'total') return;
  return new CheckpointError('E_LOST', `${path}: the browser found its files damaged and removed all that was stored`, {
    path,
    details: { message: event.dataLossMessage },
    hint: 'it is empty now: close() the store or reload the page to begin anew, or copy the run back from elsewhere (copyRun)',
  });
}
