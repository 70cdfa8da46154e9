/**
 * Carrying a run from one store to another, between directories, browsers and servers. The log goes over as it is, with the
 * numbers, times and writers of its records, so that the run goes on in the new place as if it had always been there.
 */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import type { CommitRecord } from './commit.ts';
import { isDamage, isRetired } from './damage.ts';
import { type Limits, limitsOf } from './limits.ts';
import { CommitLog } from './log.ts';
import { contentOf, ObjectStore } from './objects.ts';
import { WHOLE } from './source.ts';

export interface CopyOptions extends IO {
  /** Where the run lies in `from`: '' or text that ends in '/'. */
  prefix?: string;
  /** Where it goes in `to`; the same unless given. */
  toPrefix?: string;
  limits?: Partial<Limits>;
}

export interface Copied {
  /** The newest commit, which is what `to` now opens. */
  readonly latest: CommitRecord;
  /** Live commits that `to` now holds, and how many of them it did not hold before. */
  readonly commits: number;
  readonly written: number;
  /** Commits of `from` that could not be read, and so were left behind. */
  readonly skipped: readonly CheckpointError[];
}

/** A run in a store. */
interface Place {
  readonly name: string;
  readonly log: CommitLog;
  readonly objects: ObjectStore;
}

/**
 * Copies the live commits of a run, and their states, to a store that is empty or holds an earlier time of the same run.
 * Every byte is verified on its way. States go first, the newest commit and the `LATEST` hint next, older commits last: an
 * abort or a kill leaves `to` with the run it had before or with the newest state, and the same call again does the rest. What an
 * abort has left is used again, so nobody may collect garbage in `to` meanwhile.
 *
 * @example
 *   const { latest } = await copyRun(indexeddbStore('iris'), fetchStore('https://example.org/runs/iris/'));
 * @throws CheckpointError E_NOT_FOUND where `from` holds no run, E_NO_VALID_CHECKPOINT where none of it can be read,
 *   E_CONFLICT where `to` holds another run or a later time of this one, and what the stores throw.
 */
export async function copyRun(from: Store, to: Store, o: CopyOptions = {}): Promise<Copied> {
  const { prefix = '', toPrefix = prefix, signal } = o;
  const limits = limitsOf(o.limits);
  const source = placeOf(from, prefix, limits);
  const target = placeOf(to, toPrefix, limits);
  const skipped: CheckpointError[] = [];
  const records = await liveOf(source, skipped, { signal });
  const held = await heldBy(target, source, records, { signal });
  const good: CommitRecord[] = [];
  for (const r of records) {
    const why = held.has(r.seq) ? null : await carry(source, target, r, { signal });
    if (why === null) good.push(r);
    else if (!(await isRetired(why, from, good.length > 0))) skipped.push(why);
  }
  const newest = good.findIndex((r) => r.op !== 'pin');
  if (newest < 0) throw noneValid(source, skipped);
  signal?.throwIfAborted();
  // From here on an abort comes too late: the records are few bytes.
  const missing = good.filter((r) => !held.has(r.seq));
  const old = missing.filter((r) => r.seq < good[newest].seq);
  for (const r of missing.filter((m) => !old.includes(m)).reverse()) await target.log.place(r);
  await target.log.point(good[0].seq);
  for (const r of old) await target.log.place(r);
  return { latest: good[newest], commits: good.length, written: missing.length, skipped };
}

function placeOf(store: Store, prefix: string, limits: Limits): Place {
  const name = prefix === '' ? store.name : `${store.name}/${prefix}`;
  return { name, log: new CommitLog(store, prefix, limits), objects: new ObjectStore(store, prefix, limits) };
}

/** Live records, newest first. */
async function liveOf(source: Place, skipped: CheckpointError[], o: IO): Promise<CommitRecord[]> {
  const records: CommitRecord[] = [];
  for await (const e of source.log.newestFirst(o)) {
    if ('record' in e) records.push(e.record);
    else skipped.push(e.error);
  }
  if (records.length > 0) return records;
  if (skipped.length > 0) throw noneValid(source, skipped);
  throw new CheckpointError('E_NOT_FOUND', `${source.name}: holds no run`, {
    path: source.name,
    hint: 'check the place and the prefix of the run',
  });
}

/** Which of the records `target` has. Its newest commit must be one of them: else what it holds is not this run's past. */
async function heldBy(target: Place, source: Place, records: readonly CommitRecord[], o: IO): Promise<Set<number>> {
  const seqs = await target.log.seqs(o);
  const held = new Set<number>();
  for (const r of records) {
    if (seqs.includes(r.seq) && (await target.log.has(r, o))) held.add(r.seq);
  }
  const top = seqs.at(-1);
  if (top === undefined || held.has(top)) return held;
  throw new CheckpointError('E_CONFLICT', `${target.name}: its commit ${top} is not one of the run in ${source.name}`, {
    path: target.name,
    details: { seq: top, latest: records[0].seq },
    hint: 'copy to an empty place, or to one that holds an earlier time of the same run',
  });
}

/** Brings over the state of a commit. Returns what is wrong with it in `source`; faults of `target` are thrown. */
async function carry(source: Place, target: Place, r: CommitRecord, o: IO): Promise<CheckpointError | null> {
  let fault: unknown;
  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (e) {
      fault = e;
      throw e;
    }
  };
  try {
    // What is fetched whole is verified once; a large state is verified tensor by tensor while it is written.
    const verify = r.size <= WHOLE ? 'full' : 'lazy';
    const file = await reading(() => source.objects.open(r.object, r.root, { ...o, verify }));
    const content = contentOf(file, (name, io) => reading(() => file.read(name, io)));
    await target.objects.put(content, o, r);
    return null;
  } catch (e) {
    if (e === fault && isDamage(e)) return e;
    throw e;
  }
}

function noneValid(source: Place, skipped: readonly CheckpointError[]): CheckpointError {
  return new CheckpointError('E_NO_VALID_CHECKPOINT', `${source.name}: no commit of it can be read, none was copied`, {
    path: source.name,
    cause: skipped[0],
    details: { skipped: skipped.map((e) => `${e.code}: ${e.message}`) },
    hint: 'restore the files from a copy',
  });
}
