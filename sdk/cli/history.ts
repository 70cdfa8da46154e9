/** `isobit log`, `tag`, `rollback` and `gc`: a run's commits. */

import type { CommitRecord, RunStore } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';
import { tagHolders } from '../checkpoint/retention.ts';
import { type IsobitError, isIsobitError } from '../core/errors.ts';
import type { GcOptions, JsonOption } from './options.ts';
import { noCommits, runAt } from './place.ts';
import type { Terminal } from './program.ts';

export async function log(path: string, o: JsonOption, t: Terminal): Promise<void> {
  const { run, place } = await runAt(path, 'log');
  const { commits, damaged } = await history(run);
  if (commits.length + damaged.length === 0) throw noCommits(place.name);
  for (const e of damaged) t.err(`isobit: passed over: ${safe(e.message)} (${e.code})\n`);
  if (o.json) {
    t.out(`${JSON.stringify(commits)}\n`);
    return;
  }
  const short = (v: number | null) => (v === null ? '-' : String(Number(v.toPrecision(5))));
  const holders = tagHolders(commits);
  for (const c of [...commits].reverse()) {
    const metrics = Object.entries(c.metrics).map(([k, v]) => `${k} ${short(v)}`);
    const marks = [
      ...(c.op === 'save' ? [] : [c.op]),
      ...c.tags.filter((tag) => holders.get(tag) === c).map((tag) => `#${tag}`),
    ];
    const cells = [
      String(c.seq).padStart(6),
      new Date(c.createdAt).toISOString(),
      `step ${c.step}`,
      `epoch ${c.epoch}`,
      c.root.slice(0, 12),
      ...metrics,
      ...marks,
    ];
    t.out(`${safe(cells.join('  '))}\n`);
  }
}

/** `RunStore.commits`, and what of the log cannot be read. */
async function history(run: RunStore): Promise<{ commits: CommitRecord[]; damaged: IsobitError[] }> {
  const commits: CommitRecord[] = [];
  const damaged: IsobitError[] = [];
  let floor = 0;
  for await (const { seq, commit, open } of run.audit()) {
    if (seq < floor) break;
    if (commit) {
      commits.unshift(commit);
      floor = Math.max(floor, commit.floor);
    } else {
      await open().catch((e) => {
        if (!isIsobitError(e)) throw e;
        damaged.push(e);
      });
    }
  }
  return { commits, damaged };
}

export async function tag(path: string, ref: string, name: string, o: JsonOption, t: Terminal): Promise<void> {
  const { run } = await runAt(path, 'tag', true);
  const { commit } = await run.pin(ref, [name]);
  t.out(
    o.json ? `${JSON.stringify(commit)}\n` : `${path}: '${name}' is step ${commit.step}, ${commit.root.slice(0, 12)}\n`,
  );
}

export async function rollback(path: string, ref: string, o: JsonOption, t: Terminal): Promise<void> {
  const { run } = await runAt(path, 'rollback', true);
  const { commit } = await run.rollback(ref);
  const done = `${path}: the latest is now step ${commit.step}, ${commit.root.slice(0, 12)} (commit ${commit.seq})\n`;
  t.out(o.json ? `${JSON.stringify(commit)}\n` : done);
}

export async function gc(path: string, o: GcOptions, t: Terminal): Promise<void> {
  const { run, place } = await runAt(path, 'gc', true);
  const { removed, young } = await run.gc({ graceMs: o.graceHours * 3_600_000 });
  // What a killed first save has left is no run yet, and yet something to remove.
  if (removed.length + young.length === 0 && (await run.audit().next()).done) throw noCommits(place.name);
  if (o.json) t.out(`${JSON.stringify({ removed, young })}\n`);
  else
    t.out(`${path}: removed ${removed.length} objects that no commit names; ${young.length} are too young to tell\n`);
}
