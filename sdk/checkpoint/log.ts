/** The commit log of a run in a store: listing, reading, appending. Appending is the only way a run changes. */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError, isIsobitError, OptionError } from '../core/errors.ts';
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
  #unsure: { record: CommitRecord; bytes: Uint8Array } | undefined;

  /** @throws OptionError for a prefix that does not end in '/'. */
  constructor(store: Store, prefix: string, limits: Limits) {
    if (prefix !== '' && !prefix.endsWith('/')) {
      throw new OptionError(`prefix '${prefix}': does not end in '/'`, { hint: `use '${prefix}/'` });
    }
    this.#store = store;
    this.#prefix = prefix;
    this.#limits = limits;
  }

  /** E_ENCODE or E_LIMIT for what a record cannot say. */
  encode(record: CommitRecord): Promise<Uint8Array> {
    return encodeCommit(record, this.#limits);
  }

  key(seq: number): string {
    return `${this.#prefix}${COMMITS}${String(seq).padStart(20, '0')}.cbor`;
  }

  /** Sequence numbers in the log, ascending. Where the store cannot list, those that are missing too. */
  async seqs(o: IO): Promise<number[]> {
    return (await this.lists()) ? this.#listed(o) : this.#unlisted(o);
  }

  /** Else records are never removed. */
  async lists(): Promise<boolean> {
    return (await this.#store.caps()).list;
  }

  async #listed(o: IO, after = 0): Promise<number[]> {
    const out: number[] = [];
    const range = { signal: o.signal, ...(after > 0 ? { after: this.key(after) } : {}) };
    for await (const { key } of this.#store.list(this.#prefix + COMMITS, range)) {
      const m = /^(\d{20})\.cbor$/.exec(key.slice(this.#prefix.length + COMMITS.length));
      const seq = m ? Number(m[1]) : 0;
      if (Number.isSafeInteger(seq) && seq > 0) out.push(seq);
    }
    return out;
  }

  /** A hint says that there was a run: that nothing of it is found is damage, never a fresh start. */
  async #unlisted(o: IO): Promise<number[]> {
    const exists = async (seq: number) => (await this.#store.head(this.key(seq), { signal: o.signal })) !== null;
    const hint = await this.#hint(o);
    const from = hint ?? 0;
    const last = await lastFrom(from, exists);
    if (last > from || (from > 0 && (await exists(from)))) return upTo(last);
    const whole = from > 0 ? await lastFrom(0, exists) : last;
    return whole >= from && (whole > 0 || hint === undefined) ? upTo(whole) : [...upTo(whole), Math.max(from, 1)];
  }

  #hint(o: IO): Promise<number | undefined> {
    return readHint(this.#store, this.#prefix + LATEST, { signal: o.signal });
  }

  /** The highest number above one that is in the log, else 0. */
  async above(seq: number): Promise<number> {
    if (await this.lists()) return (await this.#listed({}, seq)).at(-1) ?? 0;
    const exists = async (n: number) => (await this.#store.head(this.key(n))) !== null;
    // Whoever has removed the records in between has said in the hint how far the log goes.
    const last = await lastFrom(Math.max(seq, (await this.#hint({})) ?? 0), exists);
    return last > seq ? last : 0;
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
        hint: 'an earlier commit is used instead',
      });
    } catch (e) {
      if (isDamage(e)) return { seq, error: e };
      throw e;
    }
  }

  async record(seq: number, o: IO): Promise<CommitRecord | undefined> {
    const entry = await this.read(seq, o);
    return 'record' in entry ? entry.record : undefined;
  }

  /**
   * Commits newest first, read one at a time. The newest readable record's floor ends the walk, unless all are asked for:
   * below it may lie what a killed writer had no time to remove. Where the store cannot list, numbers may be missing,
   * because the run comes from a store that can, and nothing below the floor is ever removed.
   */
  async *newestFirst(o: IO & { all?: boolean }, seqs?: readonly number[]): AsyncGenerator<LogEntry> {
    const order = [...(seqs ?? (await this.seqs(o)))].reverse();
    const lists = await this.lists();
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
   * free again, because old records are removed, also between those that stay; so it also looks for commits above its own, which
   * is E_FENCED. Its record then stays where it is, below theirs: one who has found it may have built on it.
   */
  async append(record: CommitRecord, o: IO): Promise<void> {
    const { seq } = record;
    const bytes = await this.encode(record);
    this.#unsure = { record, bytes };
    const answer = await this.#store.put(this.key(seq), bytes, { ifAbsent: true, signal: o.signal });
    if (answer === 'exists' && !(await this.#holds(seq, bytes, o))) {
      this.#unsure = undefined;
      throw await this.#conflict(record, seq, o);
    }
    // from here on the commit is durable: an abort comes too late
    const above = await this.above(seq);
    // Nothing was ever removed before there was a hint: then those above have found this one, and gone on from it.
    const fenced = above > 0 && (await this.#hint({})) !== undefined;
    this.#unsure = undefined;
    if (fenced) throw await this.#conflict(record, above, o, 'E_FENCED');
    // A store that fails here has still kept the commit, and a log without holes needs no hint.
    if (!(await this.lists())) await this.point(seq).catch(ifOurs);
  }

  /** Brings in a record of another log as it is. E_CONFLICT where another one has its number. */
  async place(record: CommitRecord): Promise<void> {
    const { seq } = record;
    const bytes = await this.encode(record);
    const answer = await this.#store.put(this.key(seq), bytes, { ifAbsent: true });
    if (answer === 'exists' && !(await this.#holds(seq, bytes, {}))) throw await this.#conflict(record, seq, {});
  }

  /** This very record is there. */
  async has(record: CommitRecord, o: IO): Promise<boolean> {
    const { seq } = record;
    return this.#holds(seq, await this.encode(record), o);
  }

  /** Leaves the hint, which a reader that cannot list needs as soon as records were removed. */
  point(seq: number): Promise<void> {
    return writeHint(this.#store, this.#prefix + LATEST, seq);
  }

  /** The record of an append that failed and yet was written, once. */
  async settle(o: IO): Promise<CommitRecord | undefined> {
    if (!this.#unsure) return undefined;
    const { record, bytes } = this.#unsure;
    const written = await this.#holds(record.seq, bytes, o);
    this.#unsure = undefined;
    return written ? record : undefined;
  }

  /** False also where it is gone by now: whoever has committed beyond it may remove it at any moment. */
  async #holds(seq: number, bytes: Uint8Array, o: IO): Promise<boolean> {
    try {
      return sameBytes(await this.#store.get(this.key(seq), { signal: o.signal }), bytes);
    } catch (e) {
      if (isDamage(e) && e.code === 'E_NOT_FOUND') return false;
      throw e;
    }
  }

  /** Only after `point`. Where the store cannot list, records stay: a log without holes is how its end is found. */
  async remove(seq: number, o: IO): Promise<void> {
    if (!(await this.lists())) return;
    await this.#store.delete(this.key(seq), { signal: o.signal });
  }

  async #conflict(
    mine: CommitRecord,
    seq: number,
    o: IO,
    code: 'E_CONFLICT' | 'E_FENCED' = 'E_CONFLICT',
  ): Promise<CheckpointError> {
    let entry = await this.read(seq, o);
    // The winner has gone on since, and its record was removed: its newest says who it was.
    if (!('record' in entry)) entry = await this.read((await this.above(seq)) || seq, o);
    const winner = 'record' in entry ? entry.record : null;
    const who = winner ? `writer '${winner.writer}' at step ${winner.step}` : 'another writer';
    return new CheckpointError(code, `${this.key(seq)}: ${who} has committed to this run`, {
      path: this.key(seq),
      expected: mine.writer,
      actual: winner?.writer,
      details: { seq, winner },
      hint: 'two writers share this run: stop one, or resume() to take it over',
    });
  }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

/** For `catch`: faults of the store pass, those of the program do not. */
function ifOurs(e: unknown): void {
  if (!isIsobitError(e)) throw e;
}
