/**
 * A run's history in a store: immutable objects, and a log of commits. A state is saved once its commit record is there; a kill at
 * any byte before that leaves the previous commit as it was.
 *
 * A commit names an object that was written for it, under a name that nothing had before, or the one that the commit right before
 * it names. So what no live commit names is never named again, and who has begun to remove it may take any time over that.
 */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import type { CommitRecord } from './commit.ts';
import { isDamage } from './damage.ts';
import { type Limits, limitsOf } from './limits.ts';
import { CommitLog } from './log.ts';
import { contentOf, nonce, ObjectStore } from './objects.ts';
import { checkPlan, type KeepBest, type Retention } from './plan.ts';
import { prune } from './prune.ts';
import type { CheckpointFile, OpenOptions } from './reader.ts';
import { checkTag, pickRef } from './ref.ts';
import { kept } from './retention.ts';
import type { CheckpointContent, CheckpointDraft } from './writer.ts';

export interface RunStoreOptions extends Retention {
  /** Where the run lies in the store: '' or text that ends in '/'. */
  prefix?: string;
  /** Milliseconds since 1970, for commit records alone. */
  clock?: () => number;
  /** Names this writer in commit records; random unless given. */
  writer?: string;
  limits?: Partial<Limits>;
}

/** What a commit says beside the state. */
export interface CommitInfo {
  /** Completed steps and epochs. */
  step: number;
  epoch: number;
  /** NaN and infinities are kept as null. */
  metrics?: Readonly<Record<string, number | null>>;
  tags?: readonly string[];
}

export interface Saved {
  readonly commit: CommitRecord;
  /** Superseded commits that could not be removed; the next save tries again. */
  readonly undeleted: readonly CheckpointError[];
}

export interface Opened {
  readonly file: CheckpointFile;
  readonly commit: CommitRecord;
  /** Newer commits that could not be used, and why. */
  readonly skipped: readonly CheckpointError[];
}

export interface Collected {
  /** Keys of objects that no commit names, removed. */
  readonly removed: readonly string[];
  /** Those that are younger than the grace period or of unknown age. */
  readonly young: readonly string[];
}

export interface Audited {
  readonly seq: number;
  /** Undefined where the record itself is damaged. */
  readonly commit?: CommitRecord;
  /** Throws what is wrong with the record or the state. */
  open(): Promise<CheckpointFile>;
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * The checkpoints of one run.
 *
 * @example
 *   const run = new RunStore(fsStore('runs/iris'), { keepLast: 3 });
 *   const found = await run.resume();                      // null where nothing was saved yet
 *   await run.save(content, { step: 100, epoch: 2 });
 */
export class RunStore {
  readonly #rule: Retention;
  readonly #best: KeepBest | undefined;
  readonly #clock: () => number;
  readonly #writer: string;
  readonly #log: CommitLog;
  readonly #objects: ObjectStore;
  /** For messages. */
  readonly #where: string;
  /** The highest sequence number that this writer follows; undefined until it has looked. */
  #top: number | undefined;
  /** The commit that the next state comes from. */
  #parent: number | null = null;
  #floor = 0;
  /** The commit `#top` itself, where it is known. */
  #last: CommitRecord | undefined;
  /** All records, where retention needs them. */
  #records: readonly CommitRecord[] | undefined;
  /** Commits found damaged, until they open: they count for nothing, and are removed only when they fall below the floor. */
  readonly #bad = new Set<number>();
  /** Calls that write run one after the other. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(store: Store, o: RunStoreOptions = {}) {
    const { prefix = '', clock = Date.now, writer = nonce(), keepLast, keepEvery, keepBest, keepInterval } = o;
    const limits = limitsOf(o.limits);
    this.#rule = checkPlan({ keepLast, keepEvery, keepBest, keepInterval });
    this.#best = keepBest;
    this.#clock = clock;
    this.#writer = writer;
    this.#log = new CommitLog(store, prefix, limits);
    this.#objects = new ObjectStore(store, prefix, limits);
    this.#where = prefix === '' ? store.name : `${store.name}/${prefix}`;
  }

  /**
   * Opens a commit to read it: 'latest' (the default), 'best', a tag, 'step:N', or the first digits of a root. Where several
   * would do, damaged ones are passed over and reported; with `verify: 'lazy'` only by what opening sees. Null for 'latest' of a
   * run that has no commits.
   * @throws CheckpointError E_NO_VALID_CHECKPOINT where commits exist but none that fits can be read; E_NOT_FOUND where
   *   none fits; OptionError for a reference that fits several.
   */
  async open(ref = 'latest', o: Pick<OpenOptions, 'signal' | 'verify'> = {}): Promise<Opened | null> {
    return (await this.#open(ref, o)).opened;
  }

  /** `open`, and takes the run over: what is saved next follows what is there now, and comes from what was opened. */
  resume(ref = 'latest', o: IO = {}): Promise<Opened | null> {
    return this.#inTurn(async () => {
      this.#bad.clear();
      const { opened, top } = await this.#open(ref, { signal: o.signal, verify: 'keep' });
      await this.#log.settle(o); // an append of before is among what was found, or in vain
      this.#top = top;
      this.#parent = opened?.commit.seq ?? null;
      this.#floor = opened?.commit.floor ?? 0;
      this.#last = opened?.commit.seq === top ? opened.commit : undefined;
      this.#records = undefined;
      return opened;
    });
  }

  /**
   * Refuses what `save` would refuse before anything is written: for who wants to know before there is a state to save.
   * @throws CheckpointError E_CONFLICT where the run already has commits, readable or not, and was never opened.
   */
  async claim(o: IO = {}): Promise<void> {
    await this.#inTurn(() => this.#look(o));
  }

  /** Readable live commits, oldest first. */
  async commits(o: IO = {}): Promise<CommitRecord[]> {
    const out: CommitRecord[] = [];
    for await (const e of this.#log.newestFirst(o)) if ('record' in e) out.unshift(e.record);
    return out;
  }

  /** Every live commit, newest first, also those that cannot be read: to be opened, each verified in full where it was put, one by one. */
  async *audit(o: IO = {}): AsyncGenerator<Audited> {
    for await (const e of this.#log.newestFirst(o)) {
      if ('error' in e) yield { seq: e.seq, open: () => Promise.reject(e.error) };
      else {
        const { seq, object, root } = e.record;
        yield { seq, commit: e.record, open: () => this.#objects.open(object, root, { ...o, verify: 'fresh' }) };
      }
    }
  }

  /**
   * Writes the state, or a draft of it, and commits it, then removes what the retention rule no longer keeps.
   * @throws CheckpointError E_CONFLICT where another writer has committed since this one looked, or where the run already
   *   has commits and was never opened; E_FENCED where others have gone on beyond this writer's commit; E_QUOTA, E_PERMISSION, E_IO from the store. The run is then as it was.
   */
  save(content: CheckpointContent | CheckpointDraft, info: CommitInfo, o: IO = {}): Promise<Saved> {
    return this.#inTurn(async () => {
      const tags = (info.tags ?? []).map(checkTag);
      const top = await this.#look(o);
      const { step, epoch } = info;
      const metrics = finite(info.metrics ?? {});
      const said = { parent: this.#parent, step, epoch, metrics, tags, op: 'save' } as const;
      return this.#commit(top, said, () => this.#objects.put(content, o, this.#last), o);
    });
  }

  /**
   * Makes an older commit the latest by appending a new one with its state. Nothing is rewritten: a state that is not the
   * latest's is copied, since another writer may be about to remove the older one.
   */
  rollback(ref: string, o: IO = {}): Promise<Saved> {
    return this.#again(ref, { op: 'rollback', tags: [] }, o);
  }

  /** Gives a commit tags, which also keep its state from being removed: an older one's is copied, as by `rollback`. A tag that was given before moves here. */
  pin(ref: string, tags: readonly string[], o: IO = {}): Promise<Saved> {
    return this.#again(ref, { op: 'pin', tags }, o);
  }

  /**
   * Removes objects that no commit names and that are older than `graceMs` (a day), by the time of day: what a kill between object
   * and commit leaves behind. While a commit record cannot be read nothing is removed, because its object cannot be known.
   */
  gc(o: IO & { graceMs?: number } = {}): Promise<Collected> {
    return this.#inTurn(async () => {
      const named = await this.#named(o);
      const removed: string[] = [];
      const young: string[] = [];
      const before = Date.now() - (o.graceMs ?? DAY); // stores have no other clock
      for await (const { object, modified } of this.#objects.list(o)) {
        if (named.has(object)) continue;
        const old = modified !== undefined && modified <= before;
        if (old) await this.#objects.remove(object, o);
        (old ? removed : young).push(object);
      }
      return { removed, young };
    });
  }

  /** Objects that live commits name, read until nothing has changed meanwhile: a commit that is missed may be the one that counts. */
  async #named(o: IO): Promise<Set<string>> {
    const records: CommitRecord[] = [];
    const read = new Set<number>();
    let floor = 0;
    for (;;) {
      const more = (await this.#log.seqs(o)).filter((seq) => seq >= floor && !read.has(seq));
      if (more.length === 0 && (await this.#log.above(Math.max(0, ...read))) === 0) break;
      for (const seq of more) read.add(seq);
      for await (const e of this.#log.newestFirst(o, more)) {
        if ('record' in e) {
          records.push(e.record);
          floor = Math.max(floor, e.record.floor);
        } else if (e.error.code !== 'E_NOT_FOUND') throw e.error; // else a writer has removed it meanwhile
      }
    }
    return new Set(records.filter((r) => r.seq >= floor).map((r) => r.object));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(work, work);
    this.#tail = mine.catch(() => {});
    return mine;
  }

  /**
   * What a reference means now, and the end of the log. Anew where another writer commits meanwhile, and once more where a commit
   * is missing that was listed: where it was just removed, the second list does not have it.
   */
  async #open(ref: string, o: Pick<OpenOptions, 'signal' | 'verify'>): Promise<{ opened: Opened | null; top: number }> {
    for (let missing = ''; ; ) {
      const seqs = await this.#log.seqs(o);
      const top = seqs.at(-1) ?? 0;
      if (top === 0 && ref === 'latest') return { opened: null, top };
      const skipped: CheckpointError[] = [];
      const opened = await this.#walk(ref, seqs, skipped, o);
      const moved = (!opened || skipped.length > 0) && (await this.#log.above(top)) > 0;
      const gone = skipped
        .filter((e) => e.code === 'E_NOT_FOUND')
        .map((e) => e.path)
        .join();
      if (!moved && (gone === missing || !(await this.#log.lists())))
        return { opened: opened ?? this.#none(ref, skipped), top };
      missing = gone;
    }
  }

  /** The first that can be read of those that fit; why the others could not goes to `skipped`. */
  async #walk(
    ref: string,
    seqs: readonly number[],
    skipped: CheckpointError[],
    o: Pick<OpenOptions, 'signal' | 'verify'>,
  ): Promise<Opened | undefined> {
    for await (const entry of pickRef(ref, this.#log.newestFirst(o, seqs), this.#best, this.#where)) {
      try {
        if ('error' in entry) throw entry.error;
        const commit = entry.record;
        const file = await this.#objects.open(commit.object, commit.root, o);
        if (o.verify !== 'lazy' && this.#bad.delete(entry.seq)) this.#records = undefined;
        return { file, commit, skipped };
      } catch (e) {
        if (!isDamage(e)) throw e;
        this.#bad.add(entry.seq);
        skipped.push(e);
      }
    }
    return undefined;
  }

  #none(ref: string, skipped: readonly CheckpointError[]): never {
    if (skipped.length === 0) {
      throw new CheckpointError('E_NOT_FOUND', `${this.#where}: no commit for '${ref}'`, {
        path: this.#where,
        hint: "use 'latest', 'best', a tag, 'step:N' or a root's first digits",
      });
    }
    const count = `${skipped.length} commit${skipped.length === 1 ? '' : 's'}`;
    const why = `${this.#where}: ${count} for '${ref}', none can be read: ${skipped[0].message}`;
    throw new CheckpointError('E_NO_VALID_CHECKPOINT', why, {
      path: this.#where,
      cause: skipped[0],
      details: { ref, skipped: skipped.map((e) => `${e.code}: ${e.message}`) },
      hint: 'restore a copy, or use another store',
    });
  }

  /** The end of the log that this writer follows. */
  async #look(o: IO): Promise<number> {
    const mine = await this.#log.settle(o);
    if (mine) {
      this.#follow(mine);
      this.#records = undefined;
    }
    if (this.#top !== undefined) return this.#top;
    const top = (await this.#log.seqs(o)).at(-1) ?? 0;
    if (top > 0) {
      throw new CheckpointError('E_CONFLICT', `${this.#where}: already holds a run, and it was not resumed`, {
        path: this.#where,
        details: { seq: top },
        hint: 'resume() it first, or use another store',
      });
    }
    this.#top = 0;
    return 0;
  }

  /** What this writer has committed is what it goes on from. */
  #follow(commit: CommitRecord): void {
    this.#top = commit.seq;
    this.#last = commit;
    this.#floor = commit.floor;
    if (commit.op !== 'pin') this.#parent = commit.seq;
  }

  #again(ref: string, as: { op: 'rollback' | 'pin'; tags: readonly string[] }, o: IO): Promise<Saved> {
    return this.#inTurn(async () => {
      as.tags.forEach(checkTag);
      const found = await this.#open(ref, { ...o, verify: 'fresh' });
      this.#top ??= found.top;
      const top = await this.#look(o);
      if (!found.opened) return this.#none(ref, []);
      const { commit, file } = found.opened;
      const { step, epoch, metrics } = commit;
      const last = this.#last ?? (await this.#log.record(top, o));
      const state = async () => (last?.object === commit.object ? commit : this.#objects.put(contentOf(file), o));
      return this.#commit(top, { parent: commit.seq, step, epoch, metrics, ...as }, state, o);
    });
  }

  /** A state is large: what a record cannot say is told before it is written. */
  async #commit(
    top: number,
    said: Pick<CommitRecord, 'parent' | 'step' | 'epoch' | 'metrics' | 'tags' | 'op'>,
    state: () => Promise<Pick<CommitRecord, 'object' | 'size' | 'root' | 'fingerprint'>>,
    o: IO,
  ): Promise<Saved> {
    const none = '0'.repeat(64);
    const base = { v: 1, seq: top + 1, createdAt: 0, writer: this.#writer, floor: this.#floor, ...said } as const;
    await this.#log.encode({ ...base, object: `objects/${none}`, size: 0, root: none, fingerprint: none });
    const { object, size, root, fingerprint } = await state();
    const draft: CommitRecord = { ...base, object, size, root, fingerprint, createdAt: this.#clock() };
    const before = await this.#live(o);
    const stays = before ? kept([...before.filter((r) => !this.#bad.has(r.seq)), draft], this.#rule) : undefined;
    const commit = stays ? { ...draft, floor: [...stays].reduce((a, b) => Math.min(a, b)) } : draft;
    await this.#log.append(commit, o);
    this.#follow(commit);
    if (!before || !stays) return { commit, undeleted: [] };
    const all = [...before, commit];
    const { remaining, undeleted } = await prune(this.#log, this.#objects, all, stays, this.#bad, commit);
    this.#records = remaining;
    return { commit, undeleted };
  }

  /** Records that retention weighs; undefined where everything is kept. */
  async #live(o: IO): Promise<readonly CommitRecord[] | undefined> {
    if (Object.values(this.#rule).every((v) => v === undefined)) return undefined;
    if (!this.#records) {
      const found: CommitRecord[] = [];
      for await (const e of this.#log.newestFirst({ ...o, all: true })) {
        if ('record' in e) found.push(e.record);
        else this.#bad.add(e.seq);
      }
      this.#records = found;
    }
    return this.#records;
  }
}

function finite(metrics: Readonly<Record<string, number | null>>): Record<string, number | null> {
  // + 0 turns -0 into 0
  return Object.fromEntries(
    Object.entries(metrics).map(([k, v]) => [k, v !== null && Number.isFinite(v) ? v + 0 : null]),
  );
}
