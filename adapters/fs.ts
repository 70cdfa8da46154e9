/**
 * A store in a directory, for Node, Deno and Bun. Writes go to a temporary beside their place, are flushed, and are then
 * published by one atomic call: link(2) where nothing may be there yet, rename(2) where it may. Both the file and the
 * directory are flushed, so what `put` resolved survives a power cut as far as the disk keeps its word.
 */

import * as nodeFs from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CheckpointError } from '../sdk/core/errors.ts';
import { checkOptions, object } from '../sdk/core/options.ts';
import { fsError } from './fs-error.ts';
import { checkKey, checkRange, nonce, notFound, TEMP, wrongSize } from './key.ts';
import type { Store, StoreBody } from './store.ts';
import { type TreeEntry, walk } from './walk.ts';

/** The part of node:fs/promises that is used; a test hands in one that fails. */
export type FsModule = Pick<
  typeof nodeFs,
  'open' | 'link' | 'rename' | 'unlink' | 'lstat' | 'mkdir' | 'readdir' | 'constants'
>;

export interface FsStoreOptions {
  /** Replaces node:fs/promises. */
  fs?: FsModule;
}

/** Bytes after which the disk is set to work while more is made; what is left is flushed at the end. */
const FLUSH = 32 * 2 ** 20;

/** Bytes a call: Linux 6.18 takes four times as long for what is written to ext4 by 3 MiB. */
const SLICE = 2 ** 20;

/** Calls that go on at once: who trains meanwhile then need not come back to the platform for each. */
const TOGETHER = 8;

/** Temporaries of a writer that was killed are removed by the next one after this long. */
const STALE_MS = 60 * 60 * 1000;

/**
 * A store in a directory, which is made at the first write. Keys are paths below it; links are not followed.
 *
 * @example
 *   const trainer = new Trainer({ model, loss, optimizer, store: fsStore('runs/iris') });
 * @throws CheckpointError E_PERMISSION, E_QUOTA (disk full), E_UNSUPPORTED (no hard links), E_IO; each names the path.
 */
export function fsStore(dir: string, o: FsStoreOptions = {}): Store {
  checkOptions('fsStore', { fs: object('a module as node:fs/promises') }, o);
  const fs = o.fs ?? nodeFs;
  const root = resolve(dir);
  const name = `fs:${dir}`;
  const place = (key: string) => join(root, ...checkKey(name, key).split('/'));
  const swept = new Set<string>();
  /** Directories that were flushed into their parents, so that a power cut leaves them. */
  const firm = new Set<string>();

  /** Refuses links between the root and the object: a link could lead a write out of the store. */
  async function noLinks(path: string): Promise<void> {
    for (let at = path; at !== root && at.startsWith(root + sep); at = dirname(at)) {
      const found = await fs.lstat(at).catch(absent);
      if (found?.isSymbolicLink()) {
        throw new CheckpointError('E_PERMISSION', `${at}: is a symbolic link`, {
          path: at,
          hint: 'stores do not follow links: replace it by a directory or file',
        });
      }
    }
  }

  async function syncDir(path: string): Promise<void> {
    if (globalThis.process?.platform === 'win32') return; // a directory cannot be opened there
    const handle = await fs.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /**
   * Flushes what is there into what is above it, once: who made it may have been killed before they could. Above the root there
   * may be directories that are not ours to open.
   */
  async function makeFirm(path: string): Promise<void> {
    for (let at = path; !firm.has(at) && dirname(at) !== at; at = dirname(at)) {
      const flushed = syncDir(dirname(at));
      await (at.startsWith(root + sep) ? flushed : flushed.catch(() => {}));
      firm.add(at);
    }
  }

  /** Makes a directory and every one above it, each flushed into its parent. */
  async function makeDir(path: string, parentIsThere = false): Promise<void> {
    try {
      await fs.mkdir(path);
    } catch (e) {
      const code = (e as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' && dirname(path) !== path && !parentIsThere) {
        await makeDir(dirname(path));
        return makeDir(path, true); // some file systems answer ENOENT for what may not be made, such as /proc
      }
      if (code !== 'EEXIST') throw e;
      if (!(await fs.lstat(path)).isDirectory() && path !== root) throw e;
      return makeFirm(path);
    }
    await syncDir(dirname(path));
    firm.add(path);
    await makeFirm(dirname(path));
  }

  /** Removes temporaries that nobody has written to for STALE_MS. Once a directory, and where it fails nothing is lost. */
  async function sweep(path: string): Promise<void> {
    if (swept.has(path)) return;
    swept.add(path);
    for (const entry of await fs.readdir(path)) {
      if (!entry.startsWith(TEMP)) continue;
      const temp = join(path, entry);
      const found = await fs.lstat(temp).catch(absent);
      if (found && Date.now() - found.mtimeMs > STALE_MS) await fs.unlink(temp).catch(absent);
    }
  }

  /** Writes a body to a new temporary in `path`, flushed. Nothing is left behind where it fails. */
  async function writeTemp(path: string, what: string, body: Uint8Array | StoreBody, signal?: AbortSignal) {
    const temp = join(path, TEMP + nonce());
    const handle = await fs.open(temp, 'wx');
    let flushing: Promise<void> = Promise.resolve();
    let flushed = true;
    let dirty = 0;
    /** A fault is told once by the system, so it is kept until the end asks. */
    const flush = () => {
      [flushed, dirty] = [false, 0];
      flushing = handle.sync().finally(() => {
        flushed = true;
      });
      flushing.catch(() => {});
    };
    try {
      try {
        const size = body instanceof Uint8Array ? body.length : body.size;
        let at = 0;
        for await (const chunk of body instanceof Uint8Array ? [body] : body.chunks()) {
          signal?.throwIfAborted();
          if (at + chunk.length > size) throw wrongSize(what, size, at + chunk.length);
          const from = at;
          const slice = async (done: number) => {
            for (const end = Math.min(done + SLICE, chunk.length); done < end; ) {
              const { bytesWritten } = await handle.write(chunk, done, end - done, from + done);
              if (bytesWritten === 0)
                throw new CheckpointError('E_IO', `cannot write ${what}: the disk takes nothing`, { path: what });
              done += bytesWritten;
            }
          };
          for (let done = 0; done < chunk.length; ) {
            const slices: Promise<void>[] = [];
            for (; done < chunk.length && slices.length < TOGETHER; done += SLICE) slices.push(slice(done));
            const failed = (await Promise.allSettled(slices)).find((s) => s.status === 'rejected');
            if (failed) throw failed.reason;
          }
          at += chunk.length;
          dirty += chunk.length;
          if (dirty < FLUSH || !flushed) continue;
          await flushing;
          flush();
        }
        if (at !== size) throw wrongSize(what, size, at);
        signal?.throwIfAborted();
        await flushing;
        await handle.sync();
      } finally {
        await flushing.catch(() => {});
        await handle.close();
      }
    } catch (e) {
      await fs.unlink(temp).catch(() => {}); // what stays is swept
      throw e;
    }
    return temp;
  }

  async function publish(temp: string, path: string, ifAbsent: boolean): Promise<'written' | 'exists'> {
    let answer: 'written' | 'exists' = 'written';
    try {
      if (ifAbsent) await fs.link(temp, path);
      else await fs.rename(temp, path);
    } catch (e) {
      if (!ifAbsent || (e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
      answer = 'exists';
    }
    try {
      await syncDir(dirname(path)); // also what exists: who wrote it may have been killed before they could
    } catch (cause) {
      throw new CheckpointError('E_DURABILITY', `${path}: written, but its directory could not be flushed`, {
        path,
        cause,
        hint: 'the disk may be failing: write to another one',
      });
    }
    return answer;
  }

  /** Files and directories; links are neither. */
  async function entries(directory: string): Promise<TreeEntry[] | undefined> {
    const found = await fs.readdir(join(root, ...directory.split('/')), { withFileTypes: true }).catch(absent);
    return found
      ?.filter((e) => e.isDirectory() || e.isFile())
      .map((e) => ({ name: e.name, directory: e.isDirectory() }));
  }

  return {
    name,

    async caps() {
      return {
        ifAbsent: true,
        lateKey: true,
        range: true,
        list: true,
        durable: true,
        maxObject: Number.MAX_SAFE_INTEGER,
      };
    },

    async head(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      try {
        await noLinks(path);
        const found = await fs.lstat(path).catch(absent);
        return found?.isFile() ? { size: found.size } : null;
      } catch (e) {
        throw fsError(e, path, 'read');
      }
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      try {
        await noLinks(path);
        const handle = await fs.open(path, fs.constants.O_RDONLY).catch(absent);
        if (!handle) throw notFound(path);
        try {
          const { offset, length } = checkRange(path, (await handle.stat()).size, io);
          const out = io.into && io.into.length >= length ? io.into.subarray(0, length) : new Uint8Array(length);
          for (let at = 0; at < length; ) {
            io.signal?.throwIfAborted();
            const { bytesRead } = await handle.read(out, at, Math.min(length - at, 16 * 2 ** 20), offset + at);
            if (bytesRead === 0) checkRange(path, offset + at, { offset, length }); // cut short since: E_RANGE
            at += bytesRead;
          }
          return out;
        } finally {
          await handle.close();
        }
      } catch (e) {
        throw fsError(e, path, 'read');
      }
    },

    async put(key, body, io = {}) {
      io.signal?.throwIfAborted();
      let path = typeof key === 'string' ? place(key) : join(root, 'object');
      try {
        await noLinks(path);
        await makeDir(dirname(path));
        await sweep(dirname(path)).catch(() => {});
        const temp = await writeTemp(dirname(path), path, body, io.signal);
        try {
          if (typeof key === 'function') {
            path = place(key());
            await noLinks(path);
            await makeDir(dirname(path));
          }
          io.signal?.throwIfAborted();
          return await publish(temp, path, io.ifAbsent === true);
        } finally {
          await fs.unlink(temp).catch(() => {}); // after a rename it is gone; what stays is swept
        }
      } catch (e) {
        throw fsError(e, path, 'write', io.signal);
      }
    },

    async delete(key, io = {}) {
      io.signal?.throwIfAborted();
      const path = place(key);
      try {
        await noLinks(path);
        const gone = await fs.unlink(path).then(() => true, absent);
        if (gone) await syncDir(dirname(path));
      } catch (e) {
        throw fsError(e, path, 'delete');
      }
    },

    async *list(prefix, io = {}) {
      try {
        for await (const key of walk(entries, prefix, io.after)) {
          io.signal?.throwIfAborted();
          const found = await fs.lstat(join(root, ...key.split('/'))).catch(absent);
          if (found?.isFile()) yield { key, size: found.size, modified: found.mtimeMs };
        }
      } catch (e) {
        throw fsError(e, root, 'list', io.signal);
      }
    },

    async close() {},
  };
}

/** For `catch`: what is not there is undefined; every other fault goes on. */
function absent(e: unknown): undefined {
  const code = (e as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw e;
}
