/** What is wrong with a run, and what would mend it. It reports; only when it is asked to does it write, and then one commit. */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import type { CommitRecord } from './commit.ts';
import { isDamage, isRetired } from './damage.ts';
import { RunStore, type RunStoreOptions } from './run.ts';

/** `clock` and `writer` are for the commit that it appends. */
export interface RepairOptions extends IO, Pick<RunStoreOptions, 'prefix' | 'clock' | 'writer' | 'limits'> {
  /** Does what is needed. Default false: it is only told. */
  apply?: boolean;
}

/** A commit that cannot be opened. */
export interface Damaged {
  readonly seq: number;
  /** Its own record, or the state that it names. */
  readonly what: 'record' | 'state';
  /** Unknown where the record cannot be read. */
  readonly commit?: CommitRecord;
  readonly error: CheckpointError;
}

export interface Repair {
  /** Live commits, all of which were opened and verified; without those whose state retention has removed. */
  readonly checked: number;
  /** Newest first. */
  readonly damaged: readonly Damaged[];
  /** The newest commit whose every byte is right; null where there is none. */
  readonly newest: CommitRecord | null;
  /** True where damaged commits lie above it, so that the latest state is lost: a rollback to it is what mends the run. */
  readonly needed: boolean;
  /** The rollback, where it was asked for and needed. */
  readonly done: CommitRecord | null;
}

/**
 * Verifies every live commit of a run and says which are damaged, and which is the newest that is whole. With `apply`, and only
 * where newer commits are damaged, a rollback to it is appended. Nothing is removed or rewritten: damaged files stay where they
 * are, to be restored from a copy. A store that keeps copies, as `cacheStore`, is asked for what lies behind them.
 *
 * @example
 *   const { damaged, newest, needed } = await repairRun(fsStore('runs/iris'));
 * @throws CheckpointError E_NOT_FOUND where there is no run; what the store throws; with `apply` also what a commit throws
 */
export async function repairRun(store: Store, o: RepairOptions = {}): Promise<Repair> {
  const { prefix, apply = false, clock, writer, limits, signal } = o;
  const run = new RunStore(store, { prefix, clock, writer, limits });
  for (let missing = new Set<number>(); ; ) {
    const { top, ...found } = await audit(run, store, signal);
    if (found.checked === 0) {
      throw new CheckpointError('E_NOT_FOUND', `${store.name}: holds no run`, {
        path: store.name,
        hint: 'check the place and the prefix of the run',
      });
    }
    // What is not there may have been removed meanwhile by who goes on with the run: then the next look does not list it.
    const gone = found.damaged.filter((d) => d.error.code === 'E_NOT_FOUND').map((d) => d.seq);
    const sure = gone.every((seq) => missing.has(seq));
    missing = new Set(gone);
    if (!sure) continue;
    const above = found.newest?.seq ?? 0;
    const needed = found.newest !== null && found.damaged.some((d) => d.seq > above && d.commit?.op !== 'pin');
    if (!found.newest || !needed || !apply) return { ...found, needed, done: null };
    // Takes the run over as it was looked at: who commits from here on makes the rollback fail.
    await run.resume(found.newest.root, { signal });
    const newest = await run.audit({ signal }).next();
    if (newest.value?.seq !== top) continue;
    return { ...found, needed, done: (await run.rollback(found.newest.root, { signal })).commit };
  }
}

async function audit(run: RunStore, store: Store, signal: AbortSignal | undefined) {
  const damaged: Damaged[] = [];
  let [checked, top] = [0, 0];
  let newest: CommitRecord | null = null;
  for await (const { seq, commit, open } of run.audit({ signal })) {
    top = Math.max(top, seq);
    try {
      await open();
      // A tag is no state of its own: `latest` passes it over too.
      if (commit && commit.op !== 'pin') newest ??= commit;
    } catch (e) {
      if (!isDamage(e)) throw e;
      if (await isRetired(e, store, checked > damaged.length)) continue;
      damaged.push({ seq, what: commit ? 'state' : 'record', commit, error: e });
    }
    checked++;
  }
  return { checked, damaged, newest, top };
}
