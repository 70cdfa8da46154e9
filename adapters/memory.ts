/** A store in memory: for tests, for short runs, and the plainest reading of the interface. */

import { checkKey, checkRange, compareKeys, notFound } from './key.ts';
import { collect } from './pieces.ts';
import type { Store } from './store.ts';

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
