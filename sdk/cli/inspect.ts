/** `isobit inspect`: what a checkpoint holds, once every byte of it has been verified. */

import { type CheckpointFile, describeCheckpoint } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';
import { statsOf } from '../checkpoint/stats.ts';
import type { JsonOption } from './options.ts';
import { openAt, placeOf } from './place.ts';
import type { Terminal } from './program.ts';
import { charts } from './sparkline.ts';

export async function inspect(path: string, o: JsonOption, t: Terminal): Promise<void> {
  const { file, commit, skipped } = await openAt(await placeOf(path));
  for (const e of skipped) t.err(`isobit: passed over: ${safe(e.message)} (${e.code})\n`);
  if (o.json) {
    t.out(`${JSON.stringify({ ...(await summary(file)), ...(commit && { commit }) })}\n`);
    return;
  }
  const lines = [`${path}: every byte verified`];
  if (commit)
    lines.push(`commit       ${commit.seq}, step ${commit.step}, ${new Date(commit.createdAt).toISOString()}`);
  lines.push(await describeCheckpoint(file), ...(await charts(file)));
  t.out(`${lines.join('\n')}\n`);
}

/** NaN, of a tensor with nothing to measure, is null in JSON. Tensors are read one at a time. */
async function summary(file: CheckpointFile): Promise<object> {
  const { size, kind, root, fingerprint, schema, state } = file;
  const tensors: object[] = [];
  for (const t of file.tensors) {
    const { count: _, ...stats } = statsOf(await file.read(t.name));
    tensors.push({ ...t, ...stats });
  }
  return { size, kind, root, fingerprint, schema, state, tensors };
}
