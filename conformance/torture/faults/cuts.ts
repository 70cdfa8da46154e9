/** Power cuts: a run on the modelled disk, and every state that one may leave behind. */

import { createHash } from 'node:crypto';
import { mock } from 'node:test';
import { random } from '../../../sdk/checkpoint/sample.ts';
import { Disk } from './disk.ts';
import type { Promised, Scenario } from './runs.ts';

class Death extends Error {}

export interface Cuts {
  /** Moments of a cut, and states of the disk that were tried. */
  readonly moments: number;
  readonly tried: number;
  readonly faults: readonly string[];
}

/** Choices of loose operations: none, all, each alone, all but each, and some at random. */
function* choices(loose: readonly number[], more: number, next: () => number): Iterable<ReadonlySet<number>> {
  yield new Set();
  yield new Set(loose);
  if (loose.length < 2) return;
  for (const i of loose) yield new Set([i]);
  for (const i of loose) yield new Set(loose.filter((k) => k !== i));
  for (let k = 0; k < more; k++) yield new Set(loose.filter(() => next() % 2 === 0));
}

/** Random names are the writer's own and the same each time, so that disks that are alike are known. */
async function named(writer: string, work: () => Promise<void>): Promise<void> {
  const next = random(writer.length);
  const names = mock.method(crypto, 'getRandomValues', <T extends ArrayBufferView>(into: T) => {
    new Uint8Array(into.buffer).forEach((_, i, all) => {
      all[i] = next();
    });
    return into;
  });
  await work().finally(() => names.mock.restore());
}

/**
 * A writer does its work; where `death` is given it dies at that call, without a power cut, and another one comes. Then the power
 * is cut behind every operation of the last writer (or every so manyth), and every choice of what was not flushed is looked at,
 * unless `seen` has that state of the disk with that promise: what is found in it hangs on nothing else.
 */
export async function powerCuts(
  s: Scenario,
  o: { seed: number; death?: number; every?: number },
  seen: Set<string>,
): Promise<Cuts & { calls: number }> {
  const disk = new Disk();
  const next = random(o.seed);
  const promises: { at: number; p: Promised }[] = [];
  const keep = (p: Promised) => promises.push({ at: disk.length, p });
  let calls = 0;
  const fatal = () => {
    if (calls++ >= (o.death ?? Number.POSITIVE_INFINITY)) throw new Death();
  };
  const first = named('first', () => s.writer(disk.fs(fatal), 'first').work(keep));
  await first.catch((e) => {
    if (calls <= (o.death ?? Number.POSITIVE_INFINITY)) throw e;
  });
  let from = 0;
  if (o.death !== undefined) {
    from = disk.length;
    await named('second', () => s.writer(disk.fs(), 'second').work(keep));
  }
  const faults: string[] = [];
  let [moments, tried] = [0, 0];
  for (let end = from; end <= disk.length; end += o.every ?? 1) {
    moments++;
    const promised = promises.filter(({ at }) => at <= end).at(-1)?.p;
    for (const kept of choices(disk.loose(end), 3, next)) {
      for (const torn of disk.torn(end)) {
        const after = disk.cut(end, kept, torn);
        tried++;
        const state = `${promised?.seq} ${promised?.step} ${after.describe((b) => createHash('sha1').update(b).digest('base64'))}`;
        if (seen.has(state)) continue;
        seen.add(state);
        const why = await s.wrong(after.fs(), promised);
        if (why) faults.push(`cut behind operation ${end}, death ${o.death}, kept ${[...kept]}, torn ${torn}: ${why}`);
      }
    }
  }
  return { moments, tried, faults, calls };
}
