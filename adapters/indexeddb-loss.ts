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

/** Names of databases that are made to be deleted. */
const MADE = 'isobit-log-';

let made: Promise<string | undefined> | undefined;

/**
 * A new log, which LevelDB begins where it compacts, as it does when a database is deleted. Once in a page or worker, which
 * ends with its browser: each time also writes a few records of the manifest, which has the same flaw. Housekeeping: it
 * never throws. Resolves to why Chromium has removed all databases at its start, if it has. It says so to the first that
 * opens one, so this comes before every other opening.
 */
export function freshLog(): Promise<string | undefined> {
  const chromium = typeof IDBVersionChangeEvent === 'function' && 'dataLoss' in IDBVersionChangeEvent.prototype;
  made ??= chromium ? makeAndDelete() : Promise.resolve(undefined);
  return made;
}

async function makeAndDelete(): Promise<string | undefined> {
  const name = MADE + nonce(); // of its own, so that no other tab is waited for
  let told: Loss = {};
  try {
    const db = await openDB(name, 1, {
      upgrade(_db, _old, _new, _tx, event) {
        told = event as Loss;
      },
    });
    db.close();
    await deleteDB(name);
    // of pages that were closed in between
    for (const left of await indexedDB.databases()) {
      if (left.name?.startsWith(MADE)) deleteDB(left.name).catch(() => {});
    }
  } catch {}
  return told.dataLoss === 'total' ? told.dataLossMessage : undefined;
}

export function lostStore(path: string, message: string): CheckpointError {
  return new CheckpointError('E_LOST', `${path}: the browser found its files damaged and removed all that was stored`, {
    path,
    details: { message },
    hint: 'close() the store to begin anew, or copy the run back from elsewhere after that (copyRun)',
  });
}
