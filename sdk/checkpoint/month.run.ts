/**
 * A month of saves in one run, `npm run month [-- --commits 10000]`: what stays, and what opening reads. First keepLast 3 alone, then
 * a tenth more with one state a day beside them.
 */

import { parseArgs } from 'node:util';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { RunStore } from './run.ts';
import { tensor } from './sample.ts';

const MONTH = 30 * 86_400_000;

const { values } = parseArgs({ options: { commits: { type: 'string', default: '10000' } } });
const commits = Number(values.commits);
const store = memoryStore();
let time = 0;
let step = 0;

async function save(run: RunStore, n: number): Promise<void> {
  for (let i = 0; i < n; i++) {
    time += MONTH / commits;
    step++;
    const w = tensor('f32', [1], [step]);
    await run.save({ kind: 'train', state: { step }, tensors: new Map([['w', w]]) }, { step, epoch: 0 });
  }
}

async function keys(): Promise<number> {
  let n = 0;
  for await (const _ of store.list('')) n++;
  return n;
}

const o = { keepLast: 3, clock: () => time };
await save(new RunStore(store, o), commits);
let read = 0;
const counted: Store = {
  ...store,
  get(key, io) {
    if (key.startsWith('commits/')) read++;
    return store.get(key, io);
  },
};
const opened = await new RunStore(counted).open();
const few = { keys: await keys(), step: opened?.commit.step, floor: opened?.commit.floor, read };
const daily = new RunStore(store, { ...o, keepInterval: 86_400 });
await daily.resume();
await save(daily, commits / 10);
const steps = (await daily.commits()).map((c) => c.step);
console.log(JSON.stringify({ commits, ...few, daily: { keys: await keys(), steps } }));
