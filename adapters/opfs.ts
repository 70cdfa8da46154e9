/**
 * A store in the origin private file system of a browser (OPFS), for pages and workers.
 *
 * A put writes a temporary in the store's directory and then moves it to its key, which both engines that have `move` do in
 * one step; no file is ever written where it is read. Of two writers the browser's Web Locks let one look and move at a
 * time, and tell which temporaries belong to a writer that is gone: its locks went with it. Dedicated workers write through
 * a SyncAccessHandle and flush it, all others through a writable stream, whose bytes arrive when it is closed.
 *
 * Nothing flushes a directory here: what `put` resolved survives the end of the browser, but a power cut may take its name
 * back, and so `durable` is false. In Chromium so may a kill in the middle of a write of its own, for names that later
 * sessions add: they are logged behind a record that is cut short (indexeddb-loss.ts). Where that matters, use
 * indexeddbStore.
 */

import { browserError, type Doing, notHere } from './browser-error.ts';
import { type BrowserStore, type BrowserStoreOptions, persistence } from './browser-storage.ts';
import { checkKey, checkRange, nonce, notFound, TEMP } from './key.ts';
import { chunksOf, sizeOf, unshared } from './pieces.ts';
import type { StoreBody } from './store.ts';
import { type TreeEntry, walk } from './walk.ts';

export type { BrowserStore, BrowserStoreOptions } from './browser-storage.ts';

/** The part of a SyncAccessHandle that is used; the types of pages do not have it. */
interface SyncAccess {
  write(bytes: Uint8Array, o: { at: number }): number;
  flush(): void;
  close(): void;
}

interface Handle extends FileSystemFileHandle {
  /** Not in every browser; puts the file in the place of one that is there. */
  move?(to: FileSystemDirectoryHandle, name: string): Promise<void>;
  /** In dedicated workers only. */
  createSyncAccessHandle?(): Promise<SyncAccess>;
}

/** Where a body goes. */
interface Sink {
  write(chunk: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** Bytes that one read asks for, so that it can be aborted. */
const PIECE = 16 * 2 ** 20;

/** An object that is replaced while it is read is read again, so often. */
const ATTEMPTS = 5;

/**
 * A store in the directory `isobit-<name>` of this origin, which its tabs and workers share. A browser may evict what an
 * origin stores, unless it was asked not to (`persist`) and agreed (`persisted()`).
 *
 * @example
 *   const trainer = new Trainer({ model, loss, optimizer, store: opfsStore('iris') });
 * @throws CheckpointError E_QUOTA (`details`: usage, quota and size in bytes), E_UNSUPPORTED where there is no OPFS, or one
 *   that cannot move files, E_PERMISSION (also for a key that is a directory), E_IO; each names the place.
 */
export function opfsStore(name: string, o: BrowserStoreOptions = {}): BrowserStore {
  const where = `opfs:${name}`;
  const directory = `isobit-${encodeURIComponent(checkKey('opfs', name))}`;
  const place = (key: string) => `${where}/${checkKey(where, key)}`;
  const { ask, persisted } = persistence('opfsStore', o);
  let swept = false;

  /** Runs `work`, turning what the browser throws into typed errors. */
  async function tell<T>(doing: Doing, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (e) {
      throw await browserError(e, doing);
    }
  }

  /** While it runs nobody else holds the lock of that name; a lock ends with its tab. */
  const alone = <T>(lock: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> =>
    navigator.locks.request(`${directory}/${lock}`, { signal }, work) as Promise<T>;

  async function top(): Promise<FileSystemDirectoryHandle> {
    const there = typeof navigator !== 'undefined' && navigator.locks && navigator.storage?.getDirectory;
    if (!there)
      throw notHere(where, 'OPFS', 'in pages that are served over https; elsewhere use fsStore or memoryStore');
    if (!(FileSystemFileHandle.prototype as Handle).move) {
      throw notHere(where, 'OPFS that can move files', 'update the browser, or use indexeddbStore');
    }
    return navigator.storage.getDirectory();
  }

  /** A directory of the store, '' or text that ends in '/'. */
  async function find(path: string): Promise<FileSystemDirectoryHandle | undefined> {
    let at: FileSystemDirectoryHandle | undefined = await top();
    for (const segment of [directory, ...path.split('/').slice(0, -1)]) {
      at = await at?.getDirectoryHandle(segment).catch(absent);
    }
    return at;
  }

  /** What lies at a key now: later changes do not show in it, they make it unreadable. */
  async function fileAt(key: string): Promise<File | undefined> {
    const [path, leaf] = split(key);
    const handle = await (await find(path))?.getFileHandle(leaf).catch(absent);
    return handle?.getFile().catch(absent);
  }

  async function entries(path: string): Promise<TreeEntry[]> {
    const out: TreeEntry[] = [];
    const at = await find(path);
    if (at) for await (const { name, kind } of at.values()) out.push({ name, directory: kind === 'directory' });
    return out;
  }

  /** Removes temporaries whose writers are gone, once. Chromium's streams have a second one, `<temporary>.crswap`. */
  async function sweep(root: FileSystemDirectoryHandle): Promise<void> {
    if (swept) return;
    swept = true;
    for await (const left of root.keys()) {
      if (!left.startsWith(TEMP)) continue;
      const lock = `${directory}/${left.replace(/\.crswap$/, '')}`;
      await navigator.locks.request(lock, { ifAvailable: true }, async (free) => {
        if (free) await root.removeEntry(left);
      });
    }
  }

  /** Writes a body to a new temporary, flushed. */
  async function write(root: FileSystemDirectoryHandle, temp: string, body: Uint8Array | StoreBody, doing: Doing) {
    const handle: Handle = await tell(doing, () => root.getFileHandle(temp, { create: true }));
    const sink = await tell(doing, () => open(handle));
    try {
      for await (const chunk of chunksOf(doing.path, body, doing.signal)) await tell(doing, () => sink.write(chunk));
      await tell(doing, () => sink.close());
    } catch (e) {
      await sink.abort().catch(() => {}); // what went wrong first is what is told
      throw e;
    }
    return handle;
  }

  /** One at a time: a file that were moved onto a directory would replace it, in Firefox with all that is in it. */
  const publish = (root: FileSystemDirectoryHandle, temp: Handle, key: string, doing: Doing, ifAbsent = false) =>
    tell(doing, () =>
      alone('publish', doing.signal, async () => {
        let at = root;
        const [path, leaf] = split(key);
        for (const segment of path.split('/').slice(0, -1)) at = await at.getDirectoryHandle(segment, { create: true });
        const there = await at.getFileHandle(leaf).catch(notThere);
        if (there && ifAbsent) return 'exists';
        await temp.move?.(at, leaf);
        return 'written';
      }),
    );

  return {
    name: where,
    persisted,

    async caps() {
      await tell({ verb: 'open', path: where }, top);
      return {
        ifAbsent: true,
        lateKey: true,
        range: true,
        list: true,
        durable: false,
        maxObject: Number.MAX_SAFE_INTEGER,
      };
    },

    async head(key, io = {}) {
      io.signal?.throwIfAborted();
      const found = await tell({ verb: 'read', path: place(key) }, () => fileAt(key));
      return found ? { size: found.size } : null;
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      const doing = { verb: 'read', path, signal: io.signal };
      for (let attempt = 1; ; attempt++) {
        const file = await tell(doing, () => fileAt(key));
        if (!file) throw notFound(path);
        const { offset, length } = checkRange(path, file.size, io);
        try {
          return await read(file, offset, length, io.signal);
        } catch (e) {
          if (attempt === ATTEMPTS || !(e instanceof DOMException) || io.signal?.aborted) {
            throw await browserError(e, doing);
          }
        }
      }
    },

    async put(key, body, io = {}) {
      io.signal?.throwIfAborted();
      ask();
      const first = typeof key === 'string' ? place(key) : where;
      const doing = { verb: 'write', path: first, size: sizeOf(body), signal: io.signal };
      const root = await tell(doing, async () => (await top()).getDirectoryHandle(directory, { create: true }));
      await sweep(root).catch(() => {}); // housekeeping: a fault that matters comes again below
      const temp = TEMP + nonce();
      return alone(temp, io.signal, async () => {
        try {
          const handle = await write(root, temp, body, doing);
          const at = typeof key === 'string' ? key : key();
          io.signal?.throwIfAborted();
          return await publish(root, handle, at, { ...doing, path: place(at) }, io.ifAbsent);
        } finally {
          await root.removeEntry(temp).catch(() => {}); // after a move it is gone; else a later writer removes it
        }
      });
    },

    async delete(key, io = {}) {
      io.signal?.throwIfAborted();
      const doing = { verb: 'delete', path: place(key), signal: io.signal };
      const [path, leaf] = split(key);
      await tell(doing, async () => {
        const at = await find(path);
        if (await at?.getFileHandle(leaf).catch(absent)) await at?.removeEntry(leaf).catch(absent);
      });
    },

    async *list(prefix, io = {}) {
      const doing = { verb: 'list', path: where, signal: io.signal };
      const keys = walk((path) => tell(doing, () => entries(path)), prefix, io.after);
      for await (const key of keys) {
        io.signal?.throwIfAborted();
        const found = await tell(doing, () => fileAt(key));
        if (found) yield { key, size: found.size, modified: found.lastModified };
      }
      io.signal?.throwIfAborted();
    },

    async close() {},
  };
}

/** The directories of a key, '' or text that ends in '/', and its last segment. */
function split(key: string): [path: string, leaf: string] {
  const end = key.lastIndexOf('/') + 1;
  return [key.slice(0, end), key.slice(end)];
}

async function open(handle: Handle): Promise<Sink> {
  if (!handle.createSyncAccessHandle) {
    const stream = await handle.createWritable();
    return {
      // a stream takes no memory that threads share
      write: (chunk) => stream.write(unshared(chunk)),
      close: () => stream.close(),
      abort: () => stream.abort(),
    };
  }
  const access = await handle.createSyncAccessHandle();
  let at = 0;
  return {
    async write(chunk) {
      for (let done = 0; done < chunk.length; ) {
        const written = access.write(chunk.subarray(done), { at: at + done });
        if (written === 0) throw new DOMException('a write took no bytes', 'QuotaExceededError');
        done += written;
      }
      at += chunk.length;
    },
    async close() {
      access.flush();
      access.close();
    },
    async abort() {
      access.close();
    },
  };
}

async function read(file: File, offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    signal?.throwIfAborted();
    const from = offset + done;
    const part = new Uint8Array(await file.slice(from, from + Math.min(PIECE, length - done)).arrayBuffer());
    if (part.length === 0) throw new DOMException('the file is shorter than it was', 'NotReadableError');
    out.set(part, done);
    done += part.length;
  }
  return out;
}

/** For `catch`: what is not there is undefined; every other fault goes on. */
function notThere(e: unknown): undefined {
  if (!(e instanceof DOMException && e.name === 'NotFoundError')) throw e;
}

/** As `notThere`; a file is no directory, and a directory no file. */
function absent(e: unknown): undefined {
  if (!(e instanceof DOMException && e.name === 'TypeMismatchError')) notThere(e);
}
