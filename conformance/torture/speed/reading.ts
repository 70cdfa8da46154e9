/**
 * How long reading takes, in a process of its own: `reading.ts <read|verified load|resume> <directory> <object> <tensors> <length>`
 * prints seconds. A process that has freed as much before may be given that memory again, and is four times as fast by such luck.
 */

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fsStore } from '../../../adapters/fs.ts';
import { openCheckpoint, RunStore } from '../../../sdk/checkpoint/index.ts';

const [what, dir, object, tensors, length] = process.argv.slice(2);
const SLICE = 2 ** 20;

const WORKS: Record<string, () => Promise<{ size: number } | undefined>> = {
  /** The same bytes into as many arrays, and nothing else. */
  read: async () => {
    const h = await open(join(dir, object), 'r');
    const all = new Set<Uint8Array>();
    while (all.size < +tensors) {
      const bytes = new Uint8Array(+length * 4);
      for (let at = 0; at < bytes.length; ) {
        at += (await h.read(bytes, at, Math.min(SLICE, bytes.length - at))).bytesRead;
      }
      all.add(bytes);
    }
    await h.close();
    return all;
  },
  'verified load': async () =>
    (await openCheckpoint({ store: fsStore(dir), key: object }, { verify: 'lazy' })).readAll(),
  resume: async () => (await new RunStore(fsStore(dir)).resume())?.file.readAll(),
};

const start = performance.now();
const got = await WORKS[what]();
const seconds = (performance.now() - start) / 1000;
if (got?.size !== +tensors) throw new Error(`${tensors} tensors were asked for, ${got?.size} are there`);
console.log(seconds);
