/** `isobit repair`: what is damaged in a run, and what mends it; done only when it is asked for. */

import { repairRun } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';
import { CheckpointError } from '../core/errors.ts';
import type { RepairOptions } from './options.ts';
import { runAt } from './place.ts';
import type { Terminal } from './program.ts';

/** @throws CheckpointError E_INTEGRITY once all is told, where the latest state is damaged and was not mended */
export async function repair(path: string, o: RepairOptions, t: Terminal): Promise<void> {
  const { place } = await runAt(path, 'repair', o.apply);
  const { checked, damaged, newest, needed, done } = await repairRun(place.store, { apply: o.apply });
  if (o.json) {
    const bad = damaged.map(({ error: { code, message }, ...d }) => ({ ...d, code, message }));
    t.out(`${JSON.stringify({ path, checked, damaged: bad, newest, needed, done })}\n`);
  } else {
    for (const d of damaged) {
      t.out(`BAD   commit ${d.seq}, its ${d.what}${d.commit ? `, step ${d.commit.step}` : ''}\n`);
      t.out(`      ${safe(d.error.message)} (${d.error.code})\n`);
    }
    t.out(`${path}: ${checked - damaged.length} of ${checked} commits good\n`);
    if (newest)
      t.out(`the newest good one is commit ${newest.seq}, step ${newest.step}, ${newest.root.slice(0, 12)}\n`);
    if (done) t.out(`commit ${done.seq} makes it the latest; nothing was removed\n`);
    else if (needed) t.out(`--apply would append a commit that makes it the latest, and remove nothing\n`);
    else if (newest)
      t.out(damaged.length > 0 ? 'it is the latest: nothing needs to be done\n' : 'nothing is damaged\n');
  }
  if (done || (!needed && newest)) return;
  throw new CheckpointError('E_INTEGRITY', `${path}: ${newest ? 'the latest state is damaged' : 'no commit is good'}`, {
    path,
    hint: newest
      ? 'Run it again with --apply, or restore the files above from a copy.'
      : 'Restore the files from a copy.',
  });
}
