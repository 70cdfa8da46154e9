/** Where batches come from. */

import type { HostArray, IO } from '../core/host.ts';
import type { Rng } from '../core/rng.ts';

/** Named arrays with the same number of rows (their first axis). */
export type Batch = Readonly<Record<string, HostArray>>;

/**
 * A data set, cut into batches. The same (n, rng) gives the same sequence, so that a cursor of two numbers, the epoch and
 * the batches consumed in it, says where a run stands.
 */
export interface BatchSource {
  /** Digest of the data and of every option that changes the sequence: 64 hex digits. */
  id(): Promise<string>;
  /** Batches an epoch, where it is known. */
  readonly batches?: number;
  /** The batches of epoch `n` from number `from` on; those before it are skipped without being read. */
  epoch(n: number, rng: Rng, from: number, o?: IO): AsyncIterable<Batch>;
}
