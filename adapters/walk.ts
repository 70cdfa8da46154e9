/** Keys that lie as files in a tree of directories. */

import { compareKeys, TEMP } from './key.ts';

export interface TreeEntry {
  name: string;
  directory: boolean;
}

/**
 * Keys under a prefix from behind `after`, ascending by their UTF-8 bytes, without half-written ones. `entries` reads the
 * directory of a key's beginning, '' or text that ends in '/'; undefined where it is not there.
 */
export async function* walk(
  entries: (directory: string) => Promise<readonly TreeEntry[] | undefined>,
  prefix: string,
  after: string | undefined,
  under = '',
): AsyncGenerator<string> {
  // a directory sorts as its name and '/', so that keys come out in the order of their bytes
  const keys = ((await entries(under)) ?? [])
    .filter((e) => !e.name.startsWith(TEMP))
    .map((e) => under + e.name + (e.directory ? '/' : ''))
    .sort(compareKeys);
  for (const key of keys) {
    if (key.endsWith('/')) {
      const below = key.startsWith(prefix) || prefix.startsWith(key);
      const behind = after === undefined || compareKeys(key, after) > 0 || after.startsWith(key);
      if (below && behind) yield* walk(entries, prefix, after, key);
    } else if (key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0)) yield key;
  }
}
