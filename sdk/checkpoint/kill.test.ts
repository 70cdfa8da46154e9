/**
 * Whenever a writer dies, the run is as after its last promised save, or as after the one it was making. Processes are killed by
 * conformance/torture/kill.ts.
 */

import assert from 'node:assert/strict';
import * as nodeFs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type FsModule, fsStore } from '../../adapters/fs.ts';
import { RunStore } from './run.ts';
import { tensor } from './sample.ts';

const dirs: string[] = [];
async function dir(): Promise<string> {
  const d = await nodeFs.mkdtemp(join(tmpdir(), 'isobit-kill-'));
  dirs.push(d);
  return d;
}
after(() => Promise.all(dirs.map((d) => nodeFs.rm(d, { recursive: true, force: true }))));

class Death extends Error {}

/** node:fs/promises that, once armed, works for so many calls and never again: what a killed process leaves. */
function mortal(): { fs: FsModule; arm(calls: number): void; dead(): boolean } {
  let left = Number.POSITIVE_INFINITY;
  const live =
    <A extends unknown[], R>(call: (...a: A) => Promise<R>) =>
    async (...a: A): Promise<R> => {
      if (left-- <= 0) throw new Death();
      return call(...a);
    };
  const open = live(async (path: string, flags: string | number) => {
    const h = await nodeFs.open(path, flags);
    const { write, sync, read } = h as unknown as Record<string, (...a: unknown[]) => Promise<unknown>>;
    return Object.assign(h, { write: live(write.bind(h)), sync: live(sync.bind(h)), read: live(read.bind(h)) });
  });
  const { link, rename, unlink, lstat, mkdir, readdir, constants } = nodeFs;
  const fs = { open, link: live(link), rename: live(rename), unlink: live(unlink), lstat: live(lstat), constants };
  return {
    fs: { ...fs, mkdir: live(mkdir), readdir: live(readdir as never) } as unknown as FsModule,
    arm: (calls) => {
      left = calls;
    },
    dead: () => left < 0,
  };
}

const content = (step: number) => ({
  kind: 'train',
  state: { step },
  tensors: new Map([['w', tensor('f32', [3], [step, 2, 3])]]),
});

test('death at every file-system call of a save: the run opens at the step before or the step itself', async () => {
  let before = 0;
  let itself = 0;
  for (let left = 0; ; left++) {
    const d = await dir();
    const alive = new RunStore(fsStore(d), { keepLast: 1 });
    await alive.save(content(3), { step: 3, epoch: 0 });
    const body = mortal();
    const doomed = new RunStore(fsStore(d, { fs: body.fs }), { keepLast: 1 });
    await doomed.resume();
    body.arm(left);
    let promised = false;
    try {
      promised = (await doomed.save(content(4), { step: 4, epoch: 0 })).undeleted.length === 0;
    } catch (e) {
      assert.ok(e instanceof Death || (e as Error).cause instanceof Death, String(e));
    }
    const next = new RunStore(fsStore(d), { keepLast: 1 });
    const found = await next.resume();
    assert.deepEqual(found?.skipped, [], `after ${left} calls`);
    const step = found?.file.state.step;
    assert.ok(step === 4 || (step === 3 && !promised), `step ${step} after ${left} calls`);
    if (step === 4) itself++;
    else before++;
    // and whoever comes next goes on, and leaves no more than the rule says
    await next.save(content(5), { step: 5, epoch: 0 });
    const again = await new RunStore(fsStore(d)).resume();
    assert.deepEqual([again?.file.state.step, again?.skipped], [5, []]);
    assert.equal((await nodeFs.readdir(join(d, 'commits'))).filter((f) => !f.startsWith('.tmp-')).length, 1);
    if (promised && !body.dead()) break;
  }
  assert.ok(before > 20 && itself > 3, `${before} before, ${itself} after the commit`);
});
