/** The commit log of a run in a store: listing, reading, appending. Appending is the only way a run changes. */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import { sameBytes } from './bytes.ts';
import { type CommitRecord, decodeCommit, encodeCommit } from './commit.ts';
import { isDamage } from './damage.ts';
import { lastFrom, readHint, writeHint } from './hint.ts';
import type { Limits } from './limits.ts';

/** A commit as it lies in the log: a record, or why it cannot be read. */
export type LogEntry =
  | { readonly seq: number; readonly record: CommitRecord }
  | { readonly seq: number; readonly error: CheckpointError };

const COMMITS = 'commits/';
const LATEST = 'LATEST';

export class CommitLog {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #limits: Limits;
  /** The last append, while its outcome is not known: a store may fail after it has written. */
  #unsure: { seq: number; bytes: Uint8Array } | undefined;

  constructor(store: Store, prefix: string, limits: Limits) {
    this.#store = store;
    this.#prefix = prefix;
    this.#limits = limits;
  }

  key(seq: number): string {
    return `${this.#prefix}${COMMITS}${String(seq).padStart(20, '0')}.cbor`;
  }

  /** Sequence numbers in the log, ascending, from behind `after`. */
  async seqs(o: IO, after = 0): Promise<number[]> {
    if (!(await this.#lists())) return this.#unlisted(o, after);
    const out: number[] = [];
    const range = { signal: o.signal, ...(after > 0 ? { after: this.key(after) } : {}) };
    for await (const { key } of this.#store.list(this.#prefix + COMMITS, range)) {
      const m = /^(\d{20})\.cbor$/.exec(key.slice(this.#prefix.length + COMMITS.length));
      const seq = m ? Number(m[1]) : 0;
      if (Number.isSafeInteger(seq) && seq > 0) out.push(seq);
    }
    return out;
  }

  async #lists(): Promise<boolean> {
    return (await this.#store.caps()).list;
  }

  /** `seqs` of a store that cannot list: every number up to the last, those that are missing too. */
  async #unlisted(o: IO, after: number): Promise<number[]> {
    const io = { signal: o.signal };
    const exists = async (seq: number) => (await this.#store.head(this.key(seq), io)) !== null;
    const hint = after > 0 ? after : await readHint(this.#store, this.#prefix + LATEST, io);
    const from = after > 0 || (hint > 0 && (await exists(hint))) ? hint : 0;
    const last = await lastFrom(from, exists);
    // A hint says that there was a run: that none of it is found is damage, never a fresh start.
    if (last === 0 && hint > 0) return [hint];
    return Array.from({ length: last - after }, (_, i) => after + i + 1);
  }

  async read(seq: number, o: IO): Promise<LogEntry> {
    const key = this.key(seq);
    try {
      const found = await this.#store.head(key, { signal: o.signal });
      if (found && found.size > this.#limits.commit) {
        throw new CheckpointError('E_LIMIT', `${key}: ${found.size} bytes, over ${this.#limits.commit}`, { path: key });
      }
      const record = await decodeCommit(await this.#store.get(key, { signal: o.signal }), key, this.#limits);
      if (record.seq === seq) return { seq, record };
      throw new CheckpointError('E_SCHEMA', `${key}: holds the record of commit ${record.seq}`, {
        path: key,
        expected: seq,
        actual: record.seq,
        hint: 'the record was moved or copied; an earlier commit is used instead',
      });
    } catch (e) {
      if (isDamage(e)) return { seq, error: e };
      throw e;
    }
  }

  /**
   * Commits newest first, read one at a time. The newest readable record's floor ends the walk, unless all are asked for:
   * below it may lie what a killed writer had no time to remove. Where the store cannot list, numbers may be missing,
   * because the run comes from a store that can, and nothing below the floor is ever removed.
   */
  async *newestFirst(o: IO & { all?: boolean }, seqs?: readonly number[]): AsyncGenerator<LogEntry> {
    const order = [...(seqs ?? (await this.seqs(o)))].reverse();
    const lists = await this.#lists();
    let floor = 0;
    for (const seq of order) {
      if (seq < floor) return;
      const entry = await this.read(seq, o);
      if ('record' in entry && !(o.all && lists)) floor = Math.max(floor, entry.record.floor);
      if (!lists && seq !== order[0] && 'error' in entry && entry.error.code === 'E_NOT_FOUND') continue;
      yield entry;
    }
  }

  /**
   * Appends one record, or throws E_CONFLICT with the winner's. A writer that slept while others wrote may find its number
   * free again, because old records are removed; so it also looks for commits above its own. Its record then stays where
   * it is, below theirs: removing it could take a commit from under one who has built on it.
   */
  async append(record: CommitRecord, o: IO): Promise<void> {
    const { seq } = record;
    const bytes = await encodeCommit(record, this.#limits);
    this.#unsure = { seq, bytes };
    const answer = await this.#store.put(this.key(seq), bytes, { ifAbsent: true, signal: o.signal });
    if (answer === 'exists' && !(await this.#holds(seq, bytes, o))) {
      this.#unsure = undefined;
      throw await this.#conflict(record, seq, o);
    }
    // from here on the commit is durable: an abort comes too late
    const above = await this.seqs({}, seq);
    this.#unsure = undefined;
    if (above.length > 0) throw await this.#conflict(record, above[above.length - 1], o);
    if (!(await this.#lists())) await writeHint(this.#store, this.#prefix + LATEST, seq);
  }

  /** The number of an append that failed and yet was written, once. */
  async settle(o: IO): Promise<number | undefined> {
    if (!this.#unsure) return undefined;
    const { seq, bytes } = this.#unsure;
    const written = (await this.#store.head(this.key(seq), o)) !== null && (await this.#holds(seq, bytes, o));
    this.#unsure = undefined;
    return written ? seq : undefined;
  }

  async #holds(seq: number, bytes: Uint8Array, o: IO): Promise<boolean> {
    return sameBytes(await this.#store.get(this.key(seq), { signal: o.signal }), bytes);
  }

  /** Where the store cannot list, records stay: a log without holes is how its end is found. */
  async remove(seq: number, o: IO): Promise<void> {
    if (!(await this.#lists())) return;
    await this.#store.delete(this.key(seq), { signal: o.signal });
  }

  async #conflict(mine: CommitRecord, seq: number, o: IO): Promise<CheckpointError> {
    const entry = await this.read(seq, o);
    const winner = 'record' in entry ? entry.record : null;
    const who = winner ? `writer '${winner.writer}' at step ${winner.step}` : 'another writer';
    return new CheckpointError('E_CONFLICT', `${this.key(seq)}: ${who} has committed to this run`, {
      path: this.key(seq),
      expected: mine.writer,
      actual: winner?.writer,
      details: { seq, winner },
      hint: 'two writers share this run: stop one of them, or give it a directory of its own; resume() takes the run over',
    });
  }
}
