/** Which commits stay: pure rules over records. */

import type { CommitRecord } from './commit.ts';
import { isBetter, type KeepBest, type Retention } from './plan.ts';

/** Commits that carry a state of their own, newest first: a pin only names one. */
export function newestStates(records: readonly CommitRecord[]): CommitRecord[] {
  return records.filter((r) => r.op !== 'pin').sort((a, b) => b.seq - a.seq);
}

/** Best first. Missing and NaN metrics are left out; a tie keeps the earlier commit; each state counts once. */
export function bestStates(records: readonly CommitRecord[], by: KeepBest): CommitRecord[] {
  const value = (r: CommitRecord) => r.metrics[by.metric];
  const ranked = records
    .filter((r) => r.op !== 'pin' && isBetter(value(r), null, by.mode))
    .sort((a, b) =>
      isBetter(value(a), value(b), by.mode) ? -1 : isBetter(value(b), value(a), by.mode) ? 1 : a.seq - b.seq,
    );
  const seen = new Set<string>();
  return ranked.filter((r) => !seen.has(r.root) && seen.add(r.root));
}

/** The newest commit that carries each tag: a tag given again moves. */
export function tagHolders(records: readonly CommitRecord[]): Map<string, CommitRecord> {
  const out = new Map<string, CommitRecord>();
  for (const r of [...records].sort((a, b) => a.seq - b.seq)) for (const tag of r.tags) out.set(tag, r);
  return out;
}

/** The sequence numbers that stay, out of `records`. */
export function kept(records: readonly CommitRecord[], rule: Retention): Set<number> {
  const { keepLast, keepEvery, keepBest, keepInterval } = rule;
  if (Object.values(rule).every((v) => v === undefined)) return new Set(records.map((r) => r.seq));
  const out = new Set<number>();
  const states = newestStates(records);
  const last = new Set<string>();
  for (const r of states) {
    if (last.has(r.root)) continue; // the same state committed again is one state
    if (last.size >= (keepLast ?? 1)) break;
    last.add(r.root);
    out.add(r.seq);
  }
  for (const r of tagHolders(records).values()) out.add(r.seq);
  if (keepBest) for (const r of bestStates(records, keepBest).slice(0, keepBest.k ?? 1)) out.add(r.seq);
  if (keepEvery !== undefined) for (const r of states) if (r.step % keepEvery === 0) out.add(r.seq);
  if (keepInterval !== undefined) {
    // Intervals that stand still: what stays hangs neither on what was removed nor on a clock that is set back.
    const first = new Map(states.map((r) => [Math.floor(r.createdAt / (1000 * keepInterval)), r.seq]));
    for (const seq of first.values()) out.add(seq);
  }
  return out;
}
