/** For tests of the commands: a run, what a command prints, a directory by HTTP. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { listen } from '../../adapters/testing/browsers.ts';
import { RunStore } from '../checkpoint/index.ts';
import type { HostArray } from '../core/host.ts';
import { array } from '../formats/testing.ts';
import type { Terminal } from './program.ts';

/** What a command prints. */
export async function said(work: (t: Terminal) => Promise<void>): Promise<string> {
  const out: string[] = [];
  await work({ out: (text) => void out.push(text), err: (text) => assert.fail(text) });
  return out.join('');
}

export const weights = (shift: number): Map<string, HostArray> =>
  new Map<string, HostArray>([
    ['model/fc1.weight', array('f32', [2, 3], [1, 2, 3, 4, 5, 6 + shift])],
    ['model/fc1.bias', array('f32', [2], [0.1, -0.25].map(Math.fround))],
    ['optim/m/fc1.bias', array('f32', [2], [1e-3, 2].map(Math.fround))],
    ['metrics/step', array('u32', [4], [1, 2, 3, 4])],
    ['metrics/loss', array('f32', [4], [8, 4, 2, 1])],
  ]);
export const content = (step: number) => ({
  kind: 'train',
  schema: { model: 1, optim: 1 },
  state: { model: { type: 'linear', in: 3, out: 2 }, train: { step } },
  tensors: weights(step / 1024),
});

/** A run of three commits. */
export async function runIn(dir: string): Promise<RunStore> {
  const run = new RunStore(fsStore(dir));
  for (const step of [10, 20, 30])
    await run.save(content(step), { step, epoch: step / 10, metrics: { loss: 1 / step } });
  return run;
}

/** A directory by HTTP. */
export async function serving(dir: string, work: (address: string) => Promise<void>): Promise<void> {
  await using server = await listen((q, r) => {
    try {
      r.end(readFileSync(join(dir, decodeURIComponent(new URL(q.url as string, 'http://x').pathname))));
    } catch {
      r.statusCode = 404;
      r.end();
    }
  });
  await work(server.url.slice(0, -1));
}
