/**
 * The end of a log whose store cannot list its keys. A log has no holes behind the number in `LATEST`, and none at all where
 * there is no `LATEST`: it is written before any record is removed. So the end is found by asking for single records, and a
 * hint that is old or missing costs only requests.
 */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import { utf8 } from './bytes.ts';

/** Digits and a line feed; anything longer is no hint. */
const LONGEST = 17;

/** No run is so long: a store that has such a record has everything, as a server does that answers a page to any address. */
const MOST = 2 ** 40;

/** The number in `LATEST`: undefined where it is not there, 0 where it says nothing. */
export async function readHint(store: Store, key: string, o: IO): Promise<number | undefined> {
  const found = await store.head(key, o);
  if (!found) return undefined;
  if (found.size > LONGEST) return 0;
  const text = new TextDecoder().decode(await store.get(key, o));
  const seq = /^\d+\n$/.test(text) ? Number(text) : 0;
  return seq <= MOST ? seq : 0;
}

/** The only object that is overwritten. */
export async function writeHint(store: Store, key: string, seq: number): Promise<void> {
  await store.put(key, utf8(`${seq}\n`));
}

/** The last number that exists, if those above `from` are without a hole: steps that double, then halves. */
export async function lastFrom(from: number, exists: (seq: number) => Promise<boolean>): Promise<number> {
  let last = from;
  let step = 1;
  for (; await exists(last + step); step *= 2) {
    last += step;
    if (last > MOST) {
      throw new CheckpointError('E_UNSUPPORTED', `the store says that it has commit ${last}`, {
        hint: 'use a store that tells what is not there (a server: status 404)',
      });
    }
  }
  for (let absent = last + step; absent - last > 1; ) {
    const middle = Math.floor((last + absent) / 2);
    if (await exists(middle)) last = middle;
    else absent = middle;
  }
  return last;
}
