/** `isobit verify`: every byte of a file, or of every commit of a run; what is wrong, and where. */

import { isRetired } from '../checkpoint/damage.ts';
import { RunStore } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';
import { CheckpointError, type IsobitError, isIsobitError } from '../core/errors.ts';
import type { JsonOption } from './options.ts';
import { noCommits, openAt, wholeAt } from './place.ts';
import type { Terminal } from './program.ts';

interface Checked {
  readonly name: string;
  readonly bytes: number;
  readonly error?: IsobitError;
}

/** @throws CheckpointError E_INTEGRITY once all is told, where anything is wrong; E_NOT_FOUND where there is nothing */
export async function verify(path: string, o: JsonOption, t: Terminal): Promise<void> {
  const place = await wholeAt(path, 'verify');
  const checked: Checked[] = [];
  const tell = (c: Checked): void => {
    checked.push(c);
    if (!o.json)
      t.out(
        `${c.error ? 'BAD ' : 'good'}  ${c.name}${c.error ? `\n      ${safe(c.error.message)} (${c.error.code})` : ''}\n`,
      );
  };
  if (place.kind === 'file') {
    const only = await check(path, async () => (await openAt(place)).file);
    if (only.error?.code === 'E_NOT_FOUND') throw only.error;
    tell(only);
  } else {
    const run = new RunStore(place.store);
    for await (const found of run.audit()) {
      const name = `commit ${found.seq}${found.commit ? `, step ${found.commit.step}, ${found.commit.object}` : ''}`;
      const c = await check(name, found.open);
      const newer = checked.some((n) => !n.error);
      if (!c.error || !(await isRetired(c.error, place.store, newer))) tell(c);
    }
  }
  if (checked.length === 0) throw noCommits(place.name);
  const bad = checked.filter((c) => c.error);
  const bytes = checked.reduce((n, c) => n + c.bytes, 0);
  if (o.json) t.out(`${JSON.stringify({ path, checked: checked.map(plain), bad: bad.length, bytes })}\n`);
  else t.out(`${path}: ${checked.length - bad.length} of ${checked.length} good, ${bytes} bytes verified\n`);
  if (bad.length === 0) return;
  throw new CheckpointError('E_INTEGRITY', `${path}: ${bad.length} of ${checked.length} damaged`, {
    path,
    hint:
      place.kind === 'run'
        ? `${bad.length < checked.length ? 'the others can be opened by `#step:N`; ' : ''}restore these from a copy`
        : bad[0].error?.hint,
  });
}

const plain = ({ error, ...c }: Checked) => ({
  ...c,
  ...(error && { error: { code: error.code, message: error.message } }),
});

async function check(name: string, open: () => Promise<{ size: number }>): Promise<Checked> {
  try {
    return { name, bytes: (await open()).size };
  } catch (e) {
    if (!isIsobitError(e)) throw e;
    return { name, bytes: 0, error: e };
  }
}
