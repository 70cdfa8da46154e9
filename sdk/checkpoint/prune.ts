/** Removing commits that retention has given up. */

import { CheckpointError } from '../core/errors.ts';
import type { CommitRecord } from './commit.ts';
import type { CommitLog } from './log.ts';
import type { ObjectStore } from './objects.ts';

/**
 * Removes what does not stay; of what is damaged only what lies below the floor of the new commit, the last argument. Leaves the
 * hint at that commit, so that the log's end is found also by those who cannot list; then removes records first
 * and objects second: a kill between leaves an unnamed object, never a record without one. However long that takes, nobody names
 * such an object again (see RunStore). What cannot be removed stays among `remaining`, because the new commit is safe either way.
 * `bad` are the numbers of damaged commits. Records that nobody could read leave it as they go, and their objects to `gc`.
 */
export async function prune(
  log: CommitLog,
  objects: ObjectStore,
  records: readonly CommitRecord[],
  stays: ReadonlySet<number>,
  bad: Set<number>,
  { seq: latest, floor }: CommitRecord,
): Promise<{ remaining: readonly CommitRecord[]; undeleted: readonly CheckpointError[] }> {
  const undeleted: CheckpointError[] = [];
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (e) {
      if (!(e instanceof CheckpointError)) throw e;
      undeleted.push(e);
      return false;
    }
  };
  const dead = ({ seq }: CommitRecord) => !stays.has(seq) && (!bad.has(seq) || seq < floor);
  const lost = [...bad].filter((seq) => seq < floor && records.every((r) => r.seq !== seq));
  if ((lost.length === 0 && !records.some(dead)) || !(await attempt(() => log.point(latest))))
    return { remaining: records, undeleted };
  const remaining: CommitRecord[] = [];
  const gone: CommitRecord[] = [];
  for (const r of records) (dead(r) && (await attempt(() => log.remove(r.seq, {}))) ? gone : remaining).push(r);
  for (const seq of lost) if (await attempt(() => log.remove(seq, {}))) bad.delete(seq);
  const named = new Set(records.filter((r) => !dead(r)).map((r) => r.object));
  for (const r of gone) {
    if (named.has(r.object)) continue;
    if (!(await attempt(() => objects.remove(r.object, {})))) remaining.push(r);
  }
  return { remaining, undeleted };
}
