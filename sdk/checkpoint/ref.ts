/** References to commits: 'latest', 'best', a tag, 'step:N', the first digits of a root. */

import { OptionError } from '../core/errors.ts';
import type { CommitRecord } from './commit.ts';
import type { LogEntry } from './log.ts';
import type { KeepBest } from './plan.ts';
import { bestStates, tagHolders } from './retention.ts';

const TAG = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u;

/** A tag is a word that no other kind of reference can be mistaken for. */
export function checkTag(tag: string): string {
  if (!TAG.test(tag) || tag === 'latest' || tag === 'best') {
    throw new OptionError(`tag ${JSON.stringify(tag)}: not a tag`, {
      hint: "use letters, digits, '.', '_' and '-', at most 100; not 'latest' or 'best'",
    });
  }
  return tag;
}

/** The commits that a reference may mean, in the order to try them. Reads no more of the log than it needs. */
export async function* pickRef(
  ref: string,
  newestFirst: AsyncIterable<LogEntry>,
  best: KeepBest | undefined,
  where: string,
): AsyncGenerator<LogEntry> {
  if (ref === 'latest') {
    for await (const e of newestFirst) if (!('record' in e) || e.record.op !== 'pin') yield e;
    return;
  }
  if (ref === 'best' && !best) {
    throw new OptionError(`${where}: 'best' by which metric?`, { hint: 'give keepBest: { metric, mode }' });
  }
  const records: CommitRecord[] = [];
  const broken: LogEntry[] = [];
  for await (const e of newestFirst) {
    if ('record' in e) records.push(e.record);
    else broken.push(e);
  }
  if (records.length === 0) yield* broken;
  for (const record of matching(ref, records, best, where)) yield { seq: record.seq, record };
}

/** `records` are newest first. */
function matching(ref: string, records: CommitRecord[], best: KeepBest | undefined, where: string): CommitRecord[] {
  if (ref === 'best' && best) return bestStates(records, best);
  const step = /^step:(\d+)$/.exec(ref);
  if (step) return records.filter((r) => r.step === Number(step[1]) && r.op !== 'pin');
  const tagged = tagHolders(records).get(ref);
  if (tagged) return [tagged];
  if (!/^[0-9a-f]{4,64}$/.test(ref)) return [];
  const found = records.filter((r) => r.root.startsWith(ref));
  const roots = new Set(found.map((r) => r.root));
  if (roots.size > 1) {
    throw new OptionError(`${where}: '${ref}' begins ${roots.size} roots`, {
      hint: `give more digits: ${[...roots].map((r) => r.slice(0, ref.length + 8)).join(', ')}`,
    });
  }
  return found;
}
