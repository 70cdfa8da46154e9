/**
 * A store in IndexedDB, for pages and workers of a browser.
 *
 * An object is rows of 4 MiB under an id of its own, and one entry under its key. Rows go in one by one while the body
 * streams, so that a put holds two of them and not the whole state; the entry goes in last, in one transaction with the
 * last row, and what has no entry is not there. Every transaction is strict and is awaited to its end, because by default
 * a browser answers before anything has reached the disk.
 */

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb';
import type { CheckpointError } from '../sdk/core/errors.ts';
import { browserError, type Doing, lostPlace, lostRow, notHere, olderTab } from './browser-error.ts';
import { type BrowserStore, type BrowserStoreOptions, persistence, untilAborted } from './browser-storage.ts';
import { freshLog, lostStore } from './indexeddb-loss.ts';
import { checkKey, checkRange, compareKeys, nonce, notFound } from './key.ts';
import { piecesOf, sizeOf } from './pieces.ts';

export type { BrowserStore, BrowserStoreOptions } from './browser-storage.ts';

/** Chromium refuses values over 127 MiB; small rows also keep ranges and the writer's memory small. */
const ROW = 4 * 2 ** 20;

/** Rows of a writer that has not added one for this long, because its tab was closed, are removed by the next writer. */
const STALE_MS = 60 * 60 * 1000;

/** Entries that one transaction of a listing reads: a consumer may take its time, a transaction may not. */
const PAGE = 256;

const VERSION = 1;
const TABLES = ['objects', 'rows', 'writing'] as const;

interface Tables extends DBSchema {
  /** By the UTF-8 bytes of the key, since text would be ordered by its UTF-16 units. Its rows are [id, 0], [id, 1], … */
  objects: { key: BufferSource; value: { key: string; size: number; id: string; modified: number } };
  rows: { key: [string, number]; value: ArrayBuffer };
  /** Ids of objects that are not complete, with when the last row came. */
  writing: { key: string; value: number };
}

type Mode = 'readonly' | 'readwrite';
type Tx<M extends Mode> = IDBPTransaction<Tables, typeof TABLES, M>;

/**
 * A store in the IndexedDB database `isobit:<name>` of this origin, which its tabs and workers share. After `close()` the
 * next call opens it again. A browser may evict what an origin stores, unless it was asked not to (`persist`) and agreed
 * (`persisted()`).
 *
 * @example
 *   const trainer = new Trainer({ model, loss, optimizer, store: indexeddbStore('iris') });
 * @throws CheckpointError E_QUOTA (`details`: usage, quota and size in bytes), E_UNSUPPORTED where there is no IndexedDB,
 *   E_BUSY (another tab holds an older version), E_VERSION (a newer one), E_PERMISSION, E_IO, E_LOST (Chromium removed all
 *   that was stored, which it tells the page or worker that opens first: by every call until `close()`); each names the place.
 */
export function indexeddbStore(name: string, o: BrowserStoreOptions = {}): BrowserStore {
  const where = `indexeddb:${name}`;
  const place = (key: string) => `${where}/${checkKey(where, key)}`;
  let opened: Promise<IDBPDatabase<Tables>> | undefined;
  const { ask, persisted } = persistence('indexeddbStore', o);
  let swept = false;
  /** That the browser has removed what was here; and that the caller knows, and begins anew. */
  let told: CheckpointError | undefined;
  let accepted = false;

  async function connect(forget: () => void): Promise<IDBPDatabase<Tables>> {
    if (typeof indexedDB === 'undefined')
      throw notHere(where, 'IndexedDB', 'outside a browser use fsStore or memoryStore');
    const loss = await freshLog();
    return new Promise((resolve, reject) => {
      let failed: CheckpointError | undefined;
      openDB<Tables>(`isobit:${name}`, VERSION, {
        upgrade(db, _old, _new, tx) {
          if (loss !== undefined && !accepted) {
            // Nothing is made, so that whoever else opens it is told too.
            failed = told = lostStore(where, loss);
            tx.done.catch(() => {});
            return tx.abort();
          }
          for (const table of TABLES) db.createObjectStore(table);
        },
        blocked() {
          failed = olderTab(where);
          reject(failed);
        },
        // Another tab wants to delete or upgrade it, and waits for this one: let go, and open it again when needed.
        blocking(_current, _wanted, event) {
          (event.target as IDBDatabase).close();
          forget();
        },
        terminated: forget,
      }).then(
        (db) => (failed ? db.close() : resolve(db)),
        (e) => reject(failed ?? e),
      );
    });
  }

  function open(): Promise<IDBPDatabase<Tables>> {
    const forget = () => {
      if (opened === mine) opened = undefined;
    };
    const mine = connect(forget);
    mine.catch(forget);
    return mine;
  }

  /** Runs `work`, which awaits nothing but this transaction, and resolves when it is on the disk: all of it or nothing. */
  async function transact<M extends Mode, T>(mode: M, doing: Doing, work: (tx: Tx<M>) => Promise<T>): Promise<T> {
    let tx: Tx<M> | undefined;
    try {
      opened ??= open();
      tx = (await untilAborted(opened, doing.signal)).transaction(TABLES, mode, { durability: 'strict' });
      tx.done.catch(() => {}); // awaited below, unless `work` throws first
      const result = await work(tx);
      await tx.done;
      return result;
    } catch (e) {
      // Why a transaction was aborted says more than that a request in it was.
      const cause = tx?.error && e instanceof DOMException && e.name === 'AbortError' ? tx.error : e;
      try {
        tx?.abort();
      } catch {} // it has ended
      throw await browserError(cause, doing);
    }
  }

  /** Adds a row to an object that is not complete. */
  async function addRow(id: string, index: number, row: ArrayBuffer, doing: Doing): Promise<void> {
    await transact('readwrite', doing, async (tx) => {
      const writing = tx.objectStore('writing');
      if (index > 0 && (await writing.get(id)) === undefined) throw lostPlace(doing.path);
      await writing.put(Date.now(), id);
      await tx.objectStore('rows').add(row, [id, index]);
    });
  }

  /** Removes rows of incomplete objects: those of `id`, or those that nobody adds to any more. */
  async function discard(id?: string): Promise<void> {
    await transact('readwrite', { verb: 'clean', path: where }, async (tx) => {
      const writing = tx.objectStore('writing');
      for (const found of id === undefined ? await writing.getAllKeys() : [id]) {
        if (id === undefined && Date.now() - ((await writing.get(found)) ?? 0) <= STALE_MS) continue;
        await tx.objectStore('rows').delete(rowsOf(found));
        await writing.delete(found);
      }
    });
  }

  return {
    name: where,
    persisted,

    async caps() {
      const durability = await transact('readonly', { verb: 'open', path: where }, async (tx) => tx.durability);
      return {
        ifAbsent: true,
        lateKey: true,
        range: true,
        list: true,
        durable: durability === 'strict', // an older browser does not know the option
        maxObject: Number.MAX_SAFE_INTEGER,
      };
    },

    async head(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      return transact('readonly', { verb: 'read', path, signal: io.signal }, async (tx) => {
        const entry = await tx.objectStore('objects').get(utf8(key));
        return entry ? { size: entry.size } : null;
      });
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      return transact('readonly', { verb: 'read', path, signal: io.signal }, async (tx) => {
        const entry = await tx.objectStore('objects').get(utf8(key));
        if (!entry) throw notFound(path);
        const { offset, length } = checkRange(path, entry.size, io);
        const out = new Uint8Array(length);
        for (let done = 0; done < length; ) {
          io.signal?.throwIfAborted();
          const start = Math.floor((offset + done) / ROW) * ROW;
          const row = await tx.objectStore('rows').get([entry.id, start / ROW]);
          if (row?.byteLength !== Math.min(ROW, entry.size - start)) throw lostRow(path, start);
          const from = offset + done - start;
          const part = new Uint8Array(row, from, Math.min(row.byteLength - from, length - done));
          out.set(part, done);
          done += part.length;
        }
        return out;
      });
    },

    async put(key, body, io = {}) {
      io.signal?.throwIfAborted();
      ask();
      const { signal } = io;
      const size = sizeOf(body);
      const first = typeof key === 'string' ? place(key) : where;
      if (!swept) await discard().catch(() => {}); // housekeeping: a fault that matters comes again below
      swept = true;
      const id = nonce();
      let rows = 0;
      let exists = false;
      try {
        let last: ArrayBuffer | undefined;
        for await (const row of piecesOf(first, body, ROW, signal)) {
          if (last) await addRow(id, rows++, last, { verb: 'write', path: first, size, signal });
          last = row.buffer;
        }
        const name = typeof key === 'string' ? key : key();
        const path = place(name);
        signal?.throwIfAborted();
        await transact('readwrite', { verb: 'write', path, size, signal }, async (tx) => {
          const objects = tx.objectStore('objects');
          if (rows > 0) {
            if ((await tx.objectStore('writing').get(id)) === undefined) throw lostPlace(path);
            await tx.objectStore('writing').delete(id);
          }
          if (last) await tx.objectStore('rows').add(last, [id, rows]);
          const entry = { key: name, size, id, modified: Date.now() };
          if (io.ifAbsent) {
            await objects.add(entry, utf8(name)).catch((e) => {
              exists = (e as Error).name === 'ConstraintError';
              throw e; // which takes the last row back
            });
          } else {
            const old = await objects.get(utf8(name));
            if (old) await tx.objectStore('rows').delete(rowsOf(old.id));
            await objects.put(entry, utf8(name));
          }
        });
        return 'written';
      } catch (e) {
        if (rows > 0) await discard(id).catch(() => {}); // else a later writer removes them
        if (exists) return 'exists';
        throw e;
      }
    },

    async delete(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      await transact('readwrite', { verb: 'delete', path, signal: io.signal }, async (tx) => {
        const entry = await tx.objectStore('objects').get(utf8(key));
        if (!entry) return;
        await tx.objectStore('rows').delete(rowsOf(entry.id));
        await tx.objectStore('objects').delete(utf8(key));
      });
    },

    async *list(prefix, io = {}) {
      let after = io.after;
      for (;;) {
        io.signal?.throwIfAborted();
        const range = keysUnder(prefix, after);
        if (!range) return;
        const page = await transact('readonly', { verb: 'list', path: where, signal: io.signal }, (tx) =>
          tx.objectStore('objects').getAll(range, PAGE),
        );
        for (const { key, size, modified } of page) {
          io.signal?.throwIfAborted();
          yield { key, size, modified };
        }
        if (page.length < PAGE) return;
        after = page[PAGE - 1].key;
      }
    },

    async close() {
      const open = opened;
      opened = undefined;
      accepted ||= told !== undefined;
      (await open?.catch(() => undefined))?.close();
    },
  };
}

const utf8 = (text: string): BufferSource => new TextEncoder().encode(text);

/** Every row of an object. */
const rowsOf = (id: string): IDBKeyRange => IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);

/** Keys that start with `prefix`, from behind `after`. No UTF-8 holds the byte FF, so it ends every prefix. */
function keysUnder(prefix: string, after: string | undefined): IDBKeyRange | undefined {
  const end = Uint8Array.of(...new TextEncoder().encode(prefix), 0xff);
  if (after === undefined || compareKeys(after, prefix) < 0) return IDBKeyRange.bound(utf8(prefix), end, false, true);
  return after.startsWith(prefix) ? IDBKeyRange.bound(utf8(after), end, true, true) : undefined;
}
