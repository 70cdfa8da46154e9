/** Calls that fail: every call of a run once, in every way; the disk itself stays good. */

import { createHash } from 'node:crypto';
import { isIsobitError } from '../../../sdk/core/errors.ts';
import { Disk, systemError } from './disk.ts';
import type { Promised, Scenario } from './runs.ts';

/** What a call may fail with, and the code that it becomes. */
export const CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'E_QUOTA',
  EDQUOT: 'E_QUOTA',
  EIO: 'E_IO',
  EINTR: 'E_IO',
  EMFILE: 'E_IO',
  EROFS: 'E_PERMISSION',
  EACCES: 'E_PERMISSION',
};

export interface Failures {
  readonly calls: number;
  readonly failed: number;
  /** Of those, how many the writer did not have to tell. */
  readonly borne: number;
  readonly faults: readonly string[];
}

/** Each call of the writer's work fails once with each code (or every so manyth pair of them); what was promised is there, and the writer can go on. */
export async function failures(s: Scenario, stride = 1): Promise<Failures> {
  const faults: string[] = [];
  let calls = 0;
  const count = () => {
    calls++;
  };
  await s.writer(new Disk().fs(count), 'first').work(() => {});
  let failed = 0;
  let borne = 0;
  const digest = (b: Uint8Array) => createHash('sha1').update(b).digest('base64');
  const codes = Object.entries(CODES);
  for (let k = 0; k < codes.length * calls; k += stride) {
    const [code, typed] = codes[Math.floor(k / calls)];
    const at = k % calls;
    const disk = new Disk();
    let promised: Promised | undefined;
    let syscall = '';
    let n = 0;
    const before = (name: string) => {
      if (n++ !== at) return;
      syscall = name;
      throw systemError(code, name);
    };
    const fault = (why: string) => faults.push(`${code} in call ${at} (${syscall}): ${why}`);
    const keep = (p: Promised) => {
      promised = p;
    };
    const writer = s.writer(disk.fs(before), 'first');
    try {
      await writer.work(keep);
      if (syscall !== '') borne++;
    } catch (e) {
      // a directory that could not be flushed behind a name is told in words of its own
      const ok = isIsobitError(e) && [typed, 'E_DURABILITY'].includes(e.code);
      if (!ok || !e.hint) fault(`became ${isIsobitError(e) ? e.code : String(e)}`);
    }
    failed++;
    if (syscall !== 'unlink' && disk.describe(digest).includes('.tmp-')) fault('left a temporary');
    await writer.again().catch((e) => {
      // who could not even look may not write
      if (!(isIsobitError(e) && e.code === 'E_CONFLICT' && e.message.includes('not resumed'))) fault(`again: ${e}`);
    });
    const why =
      (await s.wrong(disk.cut(disk.length, new Set(), 'none').fs(), promised)) ?? (await s.wrong(disk.fs(), promised));
    if (why) fault(why);
  }
  return { calls, failed, borne, faults };
}
