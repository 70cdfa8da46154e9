/**
 * What one save or load holds, in a process of its own: `memory.ts <save|device|aside|load> <directory> <tensors> <length>` prints
 * the most that arrays, and the process, held beyond what there was before.
 */

import { fsStore } from '../../../adapters/fs.ts';
import { BackgroundSaver, openCheckpoint, RunStore } from '../../../sdk/checkpoint/index.ts';
import type { HostArray } from '../../../sdk/core/host.ts';
import { held } from './held.ts';

/** In bytes. */
export interface Held {
  readonly arrays: number;
  readonly rss: number;
}

const [what, dir, tensors, length] = process.argv.slice(2);
const store = fsStore(dir);
const info = { step: 0, epoch: 0 };

function model(): Map<string, HostArray> {
  const named = (i: number): [string, HostArray] => [
    `t/${i}`,
    { dtype: 'f32', shape: [+length], data: new Float32Array(+length).map((_, k) => k + i) },
  ];
  return new Map(Array.from({ length: +tensors }, (_, i) => named(i)));
}

async function peak(work: () => Promise<unknown>): Promise<Held> {
  globalThis.gc?.();
  const before = process.memoryUsage();
  let [arrays, rss] = [0, 0];
  const look = () => {
    const now = process.memoryUsage();
    arrays = Math.max(arrays, now.arrayBuffers - before.arrayBuffers);
    rss = Math.max(rss, now.rss - before.rss);
  };
  const timer = setInterval(look, 2);
  const made = await work();
  look();
  clearInterval(timer);
  if (!made) throw new Error('nothing was made');
  return { arrays, rss };
}

async function work(): Promise<() => Promise<unknown>> {
  if (what === 'load') {
    const object = (await new RunStore(store).commits())[0].object;
    return async () => (await openCheckpoint({ store, key: object }, { verify: 'lazy' })).readAll();
  }
  const content = { kind: 'weights', state: {}, tensors: what === 'device' ? held(model()) : model() };
  const run = new RunStore(store, { prefix: what === 'save' ? '' : `${what}/` });
  if (what !== 'aside') return () => run.save(content, info);
  const saver = new BackgroundSaver(run, 'block');
  return async () => (await saver.save(() => ({ content, ...info }))) && saver.close();
}

console.log(JSON.stringify(await peak(await work())));
