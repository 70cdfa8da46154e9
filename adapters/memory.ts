/** A store in memory: for tests, for short runs, and the plainest reading of the interface. */

import { checkKey, checkRange, compareKeys, notFound, wrongSize } from './key.ts';
import type { Store, StoreBody } from './store.ts';

/** Joins a body, holding no view of the caller's memory. */
async function collect(name: string, body: Uint8Array | StoreBody, signal?: AbortSignal): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice();
  const out = new Uint8Array(body.size);
  let at = 0;
  for await (const chunk of body.chunks()) {
    signal?.throwIfAborted();
    if (at + chunk.length > body.size) throw wrongSize(name, body.size, at + chunk.length);
    out.set(chunk, at);
    at += chunk.length;
  }
  if (at !== body.size) throw wrongSize(name, body.size, at);
  return out;
}

/**
 * A store that lives as long as the object does.
 *
 * @example
 *   const trainer = new Trainer({ model, loss, optimizer, store: memoryStore() });
 */
export function memoryStore(): Store {
  const objects = new Map<string, { bytes: Uint8Array; modified: number }>();
  const name = 'memory:';
  const find = (key: string) => objects.get(checkKey(name, key));
  return {
    name,
    async caps() {
      return {
        ifAbsent: true,
        lateKey: true,
        range: true,
        list: true,
        durable: false,
        maxObject: Number.MAX_SAFE_INTEGER,
      };
    },
    async head(key, o = {}) {
      o.signal?.throwIfAborted();
      const found = find(key);
      return found ? { size: found.bytes.length } : null;
    },
    async get(key, o = {}) {
      o.signal?.throwIfAborted();
      const found = find(key);
      if (!found) throw notFound(`${name}${key}`);
      const { offset, length } = checkRange(`${name}${key}`, found.bytes.length, o);
      return found.bytes.slice(offset, offset + length);
    },
    async put(key, body, o = {}) {
      o.signal?.throwIfAborted();
      if (typeof key === 'string') checkKey(name, key);
      const bytes = await collect(typeof key === 'string' ? name + key : name, body, o.signal);
      o.signal?.throwIfAborted();
      const at = checkKey(name, typeof key === 'string' ? key : key());
      if (o.ifAbsent && objects.has(at)) return 'exists';
      objects.set(at, { bytes, modified: Date.now() });
      return 'written';
    },
    async delete(key, o = {}) {
      o.signal?.throwIfAborted();
      objects.delete(checkKey(name, key));
    },
    async *list(prefix, o = {}) {
      const keys = [...objects.keys()].filter((k) => k.startsWith(prefix)).sort(compareKeys);
      for (const key of keys) {
        o.signal?.throwIfAborted();
        const found = objects.get(key);
        if (found && (o.after === undefined || compareKeys(key, o.after) > 0)) {
          yield { key, size: found.bytes.length, modified: found.modified };
        }
      }
    },
    async close() {},
  };
}
