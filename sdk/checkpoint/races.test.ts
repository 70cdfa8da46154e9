/** Two who share a run, in every order in which their calls may reach the store. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../adapters/store.ts';
import type { CheckpointContent } from './index.ts';
import { everyOrder, type Outcome, type Program, type Race, YOUNG } from './interleave.ts';
import { type Repair, repairRun } from './repair.ts';
import { RunStore, type RunStoreOptions, type Saved } from './run.ts';

const content = (step: number): CheckpointContent => ({ kind: 'train', state: { step }, tensors: new Map() });
const at = (step: number, acc = 0) => ({ step, epoch: 0, metrics: { acc } });

const run = (store: Store, writer: string, o: RunStoreOptions = {}) =>
  new RunStore(store, { writer, clock: () => YOUNG, ...o });

/** `steps` saved by one who keeps everything. */
const saved =
  (...steps: readonly number[]) =>
  async (store: Store) => {
    const r = run(store, 'before');
    for (const s of steps) await r.save(content(s), at(s, s === 1 ? 1 : 0));
  };

/** A writer that has taken the run over. */
const writer =
  (name: string, work: (r: RunStore) => Promise<unknown>, o: RunStoreOptions = {}): Program =>
  async (store) => {
    const r = run(store, name, o);
    await r.resume();
    return () => work(r);
  };

/** One who comes by. */
const visitor =
  (name: string, work: (r: RunStore) => Promise<unknown>): Program =>
  async (store) =>
  () =>
    work(run(store, name));

const save =
  (...steps: readonly number[]) =>
  async (r: RunStore) => {
    let last: Saved | undefined;
    for (const s of steps) last = await r.save(content(s), at(s));
    return last;
  };
/** Takes the run over only when its turn comes. */
const takeOver = (work: (r: RunStore) => Promise<unknown>) => async (r: RunStore) => {
  await r.resume();
  return work(r);
};

/** Of the runs here it keeps 1, and removes what lies between it and the latest. */
const BEST: RunStoreOptions = { keepLast: 1, keepBest: { metric: 'acc', mode: 'max' } };

const collect = (r: RunStore) => r.gc({ graceMs: Date.now() - YOUNG / 2 });

/** Whenever all are killed, every live commit opens, what was promised is there or a newer one, and nothing is missed that is whole. */
const whole = (store: Store, outcomes: readonly Outcome[]) => wholeBut(0, store, outcomes);

/** So too where the record of one commit cannot be read. */
async function wholeBut(lost: number, store: Store, outcomes: readonly Outcome[]): Promise<void> {
  const r = run(store, 'after');
  const opened = await r.resume();
  assert.deepEqual(
    opened?.skipped.map((e) => e.message),
    [],
  );
  const live = (await r.commits()).map((c) => c.seq);
  for await (const e of r.audit()) if (e.seq !== lost) await e.open();
  for (const o of outcomes) {
    const { commit, damaged } = (o && 'value' in o ? o.value : {}) as Partial<Saved & Repair>;
    if (commit) assert.ok(commit.seq <= (live.at(-1) ?? 0), `commit ${commit.seq} was promised, the newest is ${live}`);
    assert.deepEqual(damaged?.map((d) => d.error.message) ?? [], []);
  }
}

/** Of a run whose latest state is gone: the one before it opens, or a newer one, and what was promised is there. */
async function hurt(store: Store, outcomes: readonly Outcome[]): Promise<void> {
  const opened = await run(store, 'after').resume();
  assert.ok(opened && opened.file.state.step !== 2);
  for (const o of outcomes) {
    const { commit, done } = (o && 'value' in o ? o.value : {}) as Partial<Saved & Repair>;
    const promised = commit ?? done;
    if (promised) assert.deepEqual([opened.commit.seq, opened.file.state.step], [promised.seq, promised.step]);
  }
}

interface Case {
  readonly before: (s: Store) => Promise<void>;
  readonly programs: readonly Program[];
  readonly always?: Race['always'];
  /** How it ends, in some order or other. */
  readonly ends: readonly string[];
}

const RACES: Readonly<Record<string, Case>> = {
  'two save': {
    before: saved(1),
    programs: [writer('a', save(2)), writer('b', save(3))],
    ends: ['E_CONFLICT, ok', 'ok, E_CONFLICT'],
  },
  'two save, one of them twice, and keep one': {
    before: saved(1),
    programs: [writer('a', save(2, 3), { keepLast: 1 }), writer('b', save(4))],
    ends: ['E_CONFLICT, ok', 'ok, E_CONFLICT', 'ok, E_FENCED'],
  },
  'one saves what another is removing': {
    before: saved(1, 2),
    programs: [writer('a', save(3), { keepLast: 1 }), visitor('b', takeOver(save(1)))],
    ends: ['E_CONFLICT, ok', 'ok, E_CONFLICT', 'ok, ok'],
  },
  'one saves what a killed one has left, another collects it': {
    before: async (store) => {
      await saved(1)(store);
      const dies: Store = {
        ...store,
        put: (key, body, o) =>
          typeof key === 'string' ? Promise.reject(new Error('killed')) : store.put(key, body, o),
      };
      const killed = run(dies, 'killed');
      await killed.resume();
      await assert.rejects(killed.save(content(2), at(2)), /killed/);
    },
    programs: [writer('a', save(2)), visitor('b', collect)],
    ends: ['ok, ok'],
  },
  'one saves the latest again and keeps one, another collects': {
    before: saved(1),
    programs: [writer('a', save(1), { keepLast: 1 }), visitor('b', collect)],
    ends: ['ok, ok'],
  },
  'one goes back to what another is removing': {
    before: saved(1, 2),
    programs: [visitor('a', (r) => r.rollback('step:2')), writer('b', save(3), BEST)],
    ends: ['E_CONFLICT, ok', 'E_NOT_FOUND, ok', 'ok, E_CONFLICT', 'ok, ok'],
  },
  'one removes a record that cannot be read, another takes over': {
    before: async (store) => {
      await saved(1, 2)(store);
      const key = `commits/${'1'.padStart(20, '0')}.cbor`;
      await store.put(key, (await store.get(key)).subarray(0, 40));
    },
    programs: [writer('a', save(3), { keepLast: 1 }), visitor('b', takeOver(save(4)))],
    always: (store, outcomes) => wholeBut(1, store, outcomes),
    ends: ['E_CONFLICT, ok', 'ok, E_CONFLICT', 'ok, ok'],
  },
  'one repairs a run that another goes on with': {
    before: saved(1, 2),
    programs: [async (store) => () => repairRun(store, { apply: true }), writer('b', save(3), BEST)],
    ends: ['ok, ok'],
  },
  'one repairs a run that needs it, and another goes on with it': {
    before: async (store) => {
      await saved(1, 2)(store);
      const damaged = (await run(store, 'before').commits())[1].object;
      await store.delete(damaged);
    },
    programs: [async (store) => () => repairRun(store, { apply: true }), writer('b', save(3))],
    always: hurt,
    ends: ['E_CONFLICT, ok', 'ok, E_CONFLICT', 'ok, ok'],
  },
};

for (const [name, { before, programs, always = whole, ends }] of Object.entries(RACES)) {
  test(`every order: ${name}`, async () => {
    const found = await everyOrder({ before, programs, always });
    assert.deepEqual([...found.ends].sort(), ends);
  });
}
