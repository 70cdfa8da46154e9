import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import { lastFrom } from './hint.ts';
import { repairRun } from './repair.ts';
import { RunStore, type RunStoreOptions } from './run.ts';
import { tensor } from './sample.ts';

/** A store that cannot list, over one that can, and how often it was asked. */
function blind(inner: Store): { store: Store; asked: string[] } {
  const asked: string[] = [];
  const counted =
    <A extends unknown[], R>(what: string, f: (...a: A) => R) =>
    (...a: A): R => {
      asked.push(`${what} ${a[0]}`);
      return f(...a);
    };
  const store: Store = {
    ...inner,
    caps: async () => ({ ...(await inner.caps()), list: false }),
    head: counted('head', inner.head),
    get: counted('get', inner.get),
    list: () => {
      throw new CheckpointError('E_UNSUPPORTED', 'cannot list', { hint: 'do not' });
    },
  };
  return { store, asked };
}

const content = (step: number) => ({
  kind: 'train',
  schema: { model: 1 },
  state: { step },
  tensors: new Map([['model/w', tensor('f32', [2], [step, 1])]]),
});
const save = (r: RunStore, step: number) => r.save(content(step), { step, epoch: 0 });
const run = (store: Store, o: RunStoreOptions = {}) => new RunStore(store, { clock: () => 1000, writer: 'test', ...o });
const commitKey = (seq: number) => `commits/${String(seq).padStart(20, '0')}.cbor`;
const text = (s: string) => new TextEncoder().encode(s);
const code = (want: string) => (e: unknown) => {
  assert.equal((e as CheckpointError).code, want, String(e));
  return true;
};

async function keys(store: Store, prefix: string): Promise<string[]> {
  const out: string[] = [];
  for await (const e of store.list(prefix)) out.push(e.key);
  return out;
}

test('the end of a log is found from any number in it, with few requests', async () => {
  for (let n = 0; n <= 70; n++) {
    for (let from = 0; from <= n; from++) {
      let requests = 0;
      const exists = async (seq: number) => {
        requests++;
        assert.ok(seq > from);
        return seq <= n;
      };
      assert.equal(await lastFrom(from, exists), n);
      assert.ok(requests <= 2 * Math.log2(n - from + 1) + 1, `${requests} requests for ${n - from}`);
    }
  }
  assert.equal(await lastFrom(0, async (seq) => seq <= 1_234_567), 1_234_567);
  await assert.rejects(
    lastFrom(0, async () => true),
    code('E_UNSUPPORTED'),
  );
});

test('a run in a store that cannot list: saved, resumed, found by reference, continued', async () => {
  const inner = memoryStore();
  const { store } = blind(inner);
  const r = run(store);
  assert.equal(await r.resume(), null);
  for (let step = 1; step <= 9; step++) await save(r, step);
  assert.equal(new TextDecoder().decode(await inner.get('LATEST')), '9\n');
  const next = run(store);
  assert.equal((await next.resume())?.file.state.step, 9);
  assert.equal((await next.open('step:3'))?.commit.seq, 3);
  assert.equal((await next.commits()).length, 9);
  await next.rollback('step:4');
  const { commit } = await save(next, 5);
  assert.deepEqual([commit.seq, commit.parent], [11, 10]);
});

test('a store that lists has no hint while nothing was removed', async () => {
  const store = memoryStore();
  await save(run(store), 1);
  assert.equal(await store.head('LATEST'), null);
});

test('a hint that is missing, old or garbled changes nothing but the number of requests; one beyond the end is told', async () => {
  const inner = memoryStore();
  const { store, asked } = blind(inner);
  const r = run(store);
  for (let step = 1; step <= 40; step++) await save(r, step);
  for (const hint of [
    null,
    '1\n',
    '17\n',
    '40\n',
    '41\n',
    '900719925474099\n',
    '0\n',
    '-3\n',
    '7',
    '',
    'x'.repeat(999),
  ]) {
    if (hint === null) await inner.delete('LATEST');
    else await inner.put('LATEST', text(hint));
    asked.length = 0;
    const opened = await run(store).open();
    assert.equal(opened?.commit.step, 40, String(hint));
    assert.deepEqual(
      opened.skipped.map((e) => e.code),
      hint === '41\n' ? ['E_NOT_FOUND'] : [],
    );
    const probes = asked.filter((a) => a.startsWith('head commits')).length;
    assert.ok(probes <= 16, `${hint}: ${probes} probes`);
  }
  await inner.put('LATEST', text('3\n'));
  const late = run(store);
  await late.resume();
  assert.equal((await save(late, 41)).commit.seq, 41);
});

test('a hint that cannot be written loses no commit', async () => {
  const inner = memoryStore();
  const broken: Store = {
    ...blind(inner).store,
    put: async (key, body, o) => {
      if (key === 'LATEST') throw new CheckpointError('E_IO', 'injected', { hint: 'x' });
      return inner.put(key, body, o);
    },
  };
  const r = run(broken);
  for (let step = 1; step <= 3; step++) await save(r, step);
  assert.equal((await run(broken).resume())?.commit.step, 3);
  assert.equal(await inner.head('LATEST'), null);
});

test('retention removes objects and leaves records, so that the log has no holes', async () => {
  const inner = memoryStore();
  const { store, asked } = blind(inner);
  const r = run(store, { keepLast: 2 });
  for (let step = 1; step <= 30; step++) await save(r, step);
  assert.equal((await keys(inner, 'objects/')).length, 2);
  assert.equal((await keys(inner, 'commits/')).length, 30);
  await inner.delete('LATEST');
  asked.length = 0;
  const next = run(store, { keepLast: 2 });
  assert.equal((await next.resume())?.commit.step, 30);
  assert.deepEqual(
    (await next.commits()).map((c) => c.step),
    [29, 30],
  );
  const { undeleted } = await save(next, 31);
  assert.deepEqual(undeleted, []);
  assert.equal((await keys(inner, 'objects/')).length, 2);
  assert.ok(asked.filter((a) => a.startsWith('get commits')).length < 12, 'the walk ends at the floor');
});

test('what retention removed in a store that cannot list is no damage; a state that is missing above it is', async () => {
  const inner = memoryStore();
  const { store } = blind(inner);
  const r = run(store, { keepLast: 2, keepBest: { metric: 'acc', mode: 'max' } });
  for (let step = 1; step <= 12; step++) {
    await r.save(content(step), { step, epoch: 0, metrics: { acc: step === 2 ? 1 : 0 } });
  }
  await r.rollback('step:2');
  const { checked, damaged, newest, needed } = await repairRun(store);
  assert.deepEqual([checked, damaged, newest?.seq, needed], [3, [], 13, false]);
  await inner.delete((await r.commits()).at(-1)!.object);
  const lost = await repairRun(store);
  assert.deepEqual(
    lost.damaged.map((d) => d.seq),
    [13],
  );
  assert.equal(lost.newest?.step, 12);
});

test('two writers without a list: the loser is told, also one that slept while old states were removed', async () => {
  const { store } = blind(memoryStore());
  const [a, b] = [run(store, { writer: 'a', keepLast: 1 }), run(store, { writer: 'b', keepLast: 1 })];
  await save(a, 1);
  await b.resume();
  for (let step = 2; step <= 6; step++) await save(a, step);
  await assert.rejects(save(b, 20), code('E_CONFLICT'));
  await assert.rejects(save(run(store), 1), code('E_CONFLICT'), 'a run that was not resumed');
  assert.equal((await run(store).resume())?.commit.writer, 'a');
});

test('many writers without a list: each number goes to one', async () => {
  const { store } = blind(memoryStore());
  await save(run(store), 0);
  const won: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (w) => {
      for (let i = 0; i < 6; i++) {
        const r = run(store, { writer: `${w}` });
        const step = w * 100 + i;
        try {
          await r.resume();
          await save(r, step);
          won.push(step);
        } catch (e) {
          assert.equal((e as CheckpointError).code, 'E_CONFLICT', String(e));
        }
      }
    }),
  );
  const steps = (await run(store).commits()).map((c) => c.step);
  assert.ok(won.length > 0);
  for (const step of won) assert.ok(steps.includes(step), `${step}`);
});

test('a run that was thinned out in a store that lists is found without a list; without its records a hint is damage', async () => {
  const inner = memoryStore();
  const there = run(inner, { keepLast: 2, keepEvery: 10 });
  for (let step = 1; step <= 25; step++) await save(there, step);
  assert.deepEqual(
    (await keys(inner, 'commits/')).map((k) => Number(k.slice(8, 28))),
    [10, 20, 24, 25],
  );
  const { store } = blind(inner);
  const r = run(store);
  const opened = await r.resume();
  assert.equal(opened?.commit.step, 25);
  assert.deepEqual(opened.skipped, []);
  assert.deepEqual(
    (await r.commits()).map((c) => c.step),
    [10, 20, 24, 25],
  );
  assert.equal((await save(r, 26)).commit.seq, 26);

  for (const k of await keys(inner, 'commits/')) await inner.delete(k);
  await assert.rejects(run(store).resume(), code('E_NO_VALID_CHECKPOINT'));
  await assert.rejects(save(run(store), 1), code('E_CONFLICT'));
  await inner.put('LATEST', text('no number'));
  await assert.rejects(run(store).resume(), code('E_NO_VALID_CHECKPOINT'), 'a garbled hint is a hint');
  await inner.delete('LATEST');
  assert.equal(await run(store).resume(), null);
});

test('a writer that ends at any call leaves a run that is found without a list', async () => {
  const rule = { keepLast: 1, keepEvery: 5 };
  let calls = 0;
  let ended = true;
  for (let left = 0; ended; left++) {
    const inner = memoryStore();
    calls = 0;
    ended = false;
    const call = <A extends unknown[], R>(f: (...a: A) => Promise<R>) => {
      return async (...a: A): Promise<R> => {
        if (calls === left) throw new Error('ended');
        calls++;
        return f(...a);
      };
    };
    const dying: Store = { ...inner, put: call(inner.put), delete: call(inner.delete) };
    let promised = 0;
    try {
      const r = run(dying, rule);
      for (let step = 1; step <= 12; step++) {
        await save(r, step);
        promised = step;
      }
    } catch (e) {
      assert.equal((e as Error).message, 'ended');
      ended = true;
    }
    const opened = await run(blind(inner).store).resume();
    const step = opened?.commit.step ?? 0;
    assert.ok(step === promised || step === promised + 1, `${left} calls: ${promised} saved, ${step} found`);
    assert.deepEqual(opened?.skipped ?? [], []);
  }
  assert.ok(calls > 40, `${calls}`);
});

test('no record is removed while the hint cannot be written', async () => {
  const inner = memoryStore();
  let broken = true;
  const store: Store = {
    ...inner,
    put: async (key, body, o) => {
      if (key === 'LATEST' && broken) throw new CheckpointError('E_IO', 'injected', { hint: 'x' });
      return inner.put(key, body, o);
    },
  };
  const r = run(store, { keepLast: 1 });
  for (let step = 1; step <= 3; step++) {
    const { undeleted } = await save(r, step);
    assert.deepEqual(
      undeleted.map((e) => e.message),
      step === 1 ? [] : ['injected'],
    );
  }
  assert.equal((await keys(inner, 'commits/')).length, 3);
  assert.equal((await run(blind(inner).store).open())?.commit.step, 3);
  broken = false;
  assert.deepEqual((await save(r, 4)).undeleted, []);
  assert.equal((await keys(inner, 'commits/')).length, 1);
});

test('a writer without a list that slept while others removed records does not fork the run', async () => {
  const inner = memoryStore();
  const sleeper = run(blind(inner).store, { writer: 'sleeper' });
  await save(sleeper, 1);
  const other = run(inner, { writer: 'other', keepLast: 1 });
  await other.resume();
  for (let step = 2; step <= 9; step++) await save(other, step);
  await assert.rejects(save(sleeper, 20), code('E_FENCED'));
  for (const store of [inner, blind(inner).store]) {
    assert.equal((await run(store).resume())?.commit.writer, 'other');
  }
});

test('a hint that was written late points to a record that is gone: found above it, else told', async () => {
  const inner = memoryStore();
  const r = run(inner, { keepLast: 1 });
  for (let step = 1; step <= 9; step++) await save(r, step);
  const { store } = blind(inner);
  await inner.put('LATEST', text('8\n'));
  assert.equal((await run(store).resume())?.commit.step, 9);
  await inner.put('LATEST', text('5\n'));
  await assert.rejects(run(store).resume(), code('E_NO_VALID_CHECKPOINT'));
});

test('a damaged newest record without a list: the one before', async () => {
  const inner = memoryStore();
  const { store } = blind(inner);
  const r = run(store);
  for (let step = 1; step <= 3; step++) await save(r, step);
  await inner.put(commitKey(3), (await inner.get(commitKey(3))).slice(0, 40));
  const opened = await run(store).resume();
  assert.equal(opened?.commit.step, 2);
  assert.equal(opened.skipped.length, 1);
});
