/**
 * A local store in front of a remote one. What never changes under its key (a run's objects, which are named by their content)
 * is read from the remote store once, in blocks, and then from here; everything else, the log above all, is always asked of the
 * remote store, so that no commit is ever served stale.
 *
 * Every block lies here with a digest of what it is and where it belongs. One that does not verify is dropped and read again.
 * A reader that finds by an object's own digests that the bytes were wrong from the start asks for them `fresh`.
 *
 * Offline, what is here is still read: objects by their keys. Runs are not opened, for their log lies elsewhere, and nothing is
 * written: both end as the remote store says.
 */

import { CheckpointError } from '../sdk/core/errors.ts';
import { callable, checkOptions, nonNegative, type OptionTable } from '../sdk/core/options.ts';
import { hex, sha256 } from '../sdk/core/sha256.ts';
import { BLOCK, Blocks } from './cache-blocks.ts';
import { checkKey, checkRange, notFound } from './key.ts';
import { sizeOf as bytesIn, piecesOf } from './pieces.ts';
import type { GetOptions, Store, StoreBody, StoreIO } from './store.ts';

export interface CacheOptions {
  /** Bytes that are kept here; beyond them what was read longest ago goes first. 4 GiB unless given. */
  maxBytes?: number;
  /** Keys whose bytes never change. Those of a run's objects unless given: `objects/<root>-<random>.cbor`, under any prefix. */
  immutable?: (key: string) => boolean;
}

const OPTIONS: OptionTable<CacheOptions> = {
  maxBytes: nonNegative,
  immutable: callable('a function of a key that returns true or false'),
};

/** The longest single read of the remote store, in blocks. */
const RUN = 16;

/** Bodies up to this are held while they are written. */
const COPIED = 16 * BLOCK;

const isObject = (key: string): boolean => /(^|\/)objects\/[0-9a-f]{64}(-[0-9a-f]+)?\.cbor$/.test(key);

/**
 * A store that reads through `local`.
 *
 * @param local holds blocks under names of its own: give it a directory or a database that is used for nothing else. It must list.
 * @example
 *   const store = cacheStore(s3Store({ bucket: 'models', credentials }), fsStore('.cache/models'), { maxBytes: 2 ** 30 });
 */
export function cacheStore(remote: Store, local: Store, o: CacheOptions = {}): Store {
  checkOptions('cacheStore', OPTIONS, o);
  const { maxBytes = 4 * 2 ** 30, immutable = isObject } = o;
  const blocks = new Blocks(local, maxBytes);
  const name = `${remote.name} (cached in ${local.name})`;
  const folder = async (key: string) => hex(await sha256(new TextEncoder().encode(`${remote.name}\n${key}`)));
  /** Counts what has been done to a key, so that a read that began before keeps nothing. */
  const changes = new Map<string, number>();

  async function drop(key: string): Promise<void> {
    changes.set(key, (changes.get(key) ?? 0) + 1);
    await blocks.drop(await folder(key));
  }

  /** Null where there is no such object. */
  async function sizeOf(key: string, io: StoreIO): Promise<number | null> {
    return (await blocks.sizeOf(await folder(key))) ?? (await remote.head(key, io))?.size ?? null;
  }

  async function get(key: string, io: GetOptions): Promise<Uint8Array> {
    const path = `${name}/${key}`;
    const size = io.fresh ? ((await remote.head(key, io))?.size ?? null) : await sizeOf(key, io);
    if (size === null) throw notFound(path);
    const { offset, length } = checkRange(path, size, io);
    const out = new Uint8Array(length);
    const at = await folder(key);
    const change = changes.get(key);
    const end = Math.ceil((offset + length) / BLOCK);
    const take = (n: number, bytes: Uint8Array) => {
      const from = n * BLOCK - offset;
      out.set(bytes.subarray(Math.max(0, -from), length - from), Math.max(0, from));
    };
    for (let n = Math.floor(offset / BLOCK); n < end && length > 0; ) {
      io.signal?.throwIfAborted();
      const held = io.fresh ? null : await blocks.read(at, n, size);
      if (held) {
        take(n++, held);
        continue;
      }
      const first = n;
      do n++;
      while (n < end && n - first < RUN && (io.fresh || !blocks.has(at, n)));
      const bytes = await remote.get(key, {
        ...io,
        offset: first * BLOCK,
        length: Math.min(size, n * BLOCK) - first * BLOCK,
      });
      for (let i = first; i < n; i++) {
        const block = bytes.subarray((i - first) * BLOCK, (i - first + 1) * BLOCK);
        take(i, block);
        if (changes.get(key) === change) await blocks.write(at, i, size, block);
      }
    }
    return out;
  }

  /** What was written stays here too. Whatever goes wrong with that, it is written. */
  async function keep(key: string, body: Uint8Array | StoreBody): Promise<void> {
    const size = bytesIn(body);
    if (size > maxBytes) return;
    const at = await folder(key);
    const change = changes.get(key);
    let n = 0;
    try {
      for await (const block of piecesOf(key, body, BLOCK, undefined)) {
        if (changes.get(key) === change) await blocks.write(at, n++, size, block);
      }
    } catch {
      await blocks.drop(at);
    }
  }

  return {
    name,

    caps: () => remote.caps(),

    async head(key, io = {}) {
      if (!immutable(checkKey(name, key))) return remote.head(key, io);
      try {
        const found = await remote.head(key, io);
        if (found?.size !== (await blocks.sizeOf(await folder(key)))) await drop(key);
        return found;
      } catch (e) {
        if (!isUnreachable(e)) throw e;
        const size = await blocks.sizeOf(await folder(key));
        if (size === undefined) throw e;
        return { size };
      }
    },

    async get(key, io = {}) {
      io.signal?.throwIfAborted();
      return immutable(checkKey(name, key)) ? get(key, io) : remote.get(key, io);
    },

    async put(key, body, io = {}) {
      let place = typeof key === 'string' ? key : undefined;
      if (place !== undefined && immutable(checkKey(name, place))) await drop(place);
      const named = typeof key === 'string' ? key : () => (place = key());
      const { through, copy } = copied(body);
      const answer = await remote.put(named, through, io);
      if (place === undefined || !immutable(place)) return answer;
      await drop(place);
      if (answer === 'written') await keep(place, copy());
      return answer;
    },

    async delete(key, io = {}) {
      if (!immutable(checkKey(name, key))) return remote.delete(key, io);
      await drop(key);
      await remote.delete(key, io);
      await drop(key);
    },

    list: (prefix, io) => remote.list(prefix, io),

    async close() {
      await remote.close();
      await local.close();
    },
  };
}

/** A small body is copied as it goes by; a large one is read once more. */
function copied(body: Uint8Array | StoreBody): {
  through: Uint8Array | StoreBody;
  copy: () => Uint8Array | StoreBody;
} {
  if (body instanceof Uint8Array || body.size > COPIED) return { through: body, copy: () => body };
  const whole = new Uint8Array(body.size);
  async function* chunks() {
    let at = 0;
    for await (const chunk of (body as StoreBody).chunks()) {
      if (at + chunk.length <= whole.length) whole.set(chunk, at);
      at += chunk.length;
      yield chunk;
    }
  }
  return { through: { size: body.size, chunks }, copy: () => whole };
}

function isUnreachable(e: unknown): boolean {
  return e instanceof CheckpointError && e.code === 'E_IO' && e.retryable;
}
