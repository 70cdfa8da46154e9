import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fsStore } from '../../adapters/fs.ts';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import { repairRun } from './repair.ts';
import { type CommitInfo, RunStore, type RunStoreOptions } from './run.ts';
import { tensor } from './sample.ts';
import type { CheckpointContent } from './writer.ts';

const dirs: string[] = [];
after(() => Promise.all(dirs.map((d) => rm(d, { recursive: true, force: true }))));

async function onDisk(): Promise<Store> {
  const d = await mkdtemp(join(tmpdir(), 'isobit-run-'));
  dirs.push(d);
  return fsStore(d);
}

/** Everything that follows holds for every store that can list. */
const STORES: [string, () => Promise<Store>][] = [
  ['memory', async () => memoryStore()],
  ['fs', onDisk],
];

const content = (step: number): CheckpointContent => ({
  kind: 'train',
  schema: { model: 1 },
  state: { step },
  tensors: new Map([['model/w', tensor('f32', [4], [step, 1, 2, 3])]]),
});

/** What was written by now is old. */
const LATER = { graceMs: -60_000 };

let ticks = 0;
const run = (store: Store, o: RunStoreOptions = {}) =>
  new RunStore(store, { clock: () => 1000 + ticks++, writer: 'test', ...o });
const at = (step: number, more: object = {}) => ({ step, epoch: 0, ...more });

async function keys(store: Store, prefix = ''): Promise<string[]> {
  const out: string[] = [];
  for await (const e of store.list(prefix)) out.push(e.key);
  return out;
}

const commitKey = (seq: number) => `commits/${String(seq).padStart(20, '0')}.cbor`;

const code =
  (want: string, more: (e: CheckpointError) => boolean = () => true) =>
  (e: unknown) => {
    assert.ok(e instanceof CheckpointError, String(e));
    assert.equal(e.code, want, e.message);
    assert.notEqual(e.hint, '');
    assert.ok(more(e), e.message);
    return true;
  };

/** Saves steps 1 to n and gives back the commits. */
async function fill(r: RunStore, n: number, info: (i: number) => object = () => ({})) {
  const out = [];
  for (let i = 1; i <= n; i++) out.push((await r.save(content(i), at(i, info(i)))).commit);
  return out;
}

async function damage(store: Store, key: string, how: (b: Uint8Array) => Uint8Array): Promise<void> {
  await store.put(key, how(await store.get(key)));
}

const cut = (b: Uint8Array) => b.slice(0, b.length - 7);
const flip = (b: Uint8Array) => {
  const out = b.slice();
  out[260] ^= 1;
  return out;
};

for (const [name, make] of STORES) {
  const it = (what: string, body: (store: Store) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      await body(await make());
    });

  it('a run begins empty; what is saved is the latest, with its commit', async (store) => {
    const r = run(store);
    assert.equal(await r.resume(), null);
    assert.equal(await r.open(), null);
    const { commit, undeleted } = await r.save(
      content(5),
      at(5, { metrics: { loss: 0.5, acc: Number.NaN, inf: 1 / 0, z: -0 }, tags: ['first'] }),
    );
    assert.deepEqual(undeleted, []);
    const opened = await run(store).open();
    assert.ok(opened);
    assert.deepEqual(opened.commit, commit);
    assert.deepEqual(opened.skipped, []);
    assert.deepEqual(opened.file.state, { step: 5 });
    assert.equal(opened.file.root, commit.root);
    assert.equal(opened.file.fingerprint, commit.fingerprint);
    assert.equal(opened.file.size, commit.size);
    assert.deepEqual(commit.metrics, { loss: 0.5, acc: null, inf: null, z: 0 });
    assert.deepEqual([commit.seq, commit.parent, commit.step, commit.floor, commit.op], [1, null, 5, 0, 'save']);
    assert.deepEqual(await keys(store), [commitKey(1), commit.object]);
    assert.match(commit.object, new RegExp(`^objects/${commit.root}-[0-9a-f]{32}.cbor$`));
  });

  it('commits follow each other; the latest state saved again is one object', async (store) => {
    const r = run(store);
    const commits = await fill(r, 3);
    await r.save(content(3), at(3));
    assert.deepEqual(
      commits.map((c) => [c.seq, c.parent]),
      [
        [1, null],
        [2, 1],
        [3, 2],
      ],
    );
    assert.equal((await keys(store, 'commits/')).length, 4);
    assert.equal((await keys(store, 'objects/')).length, 3);
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [1, 2, 3, 3],
    );
  });

  it('overlapping saves go one after the other', async (store) => {
    const r = run(store);
    await Promise.all([1, 2, 3, 4, 5].map((i) => r.save(content(i), at(i))));
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [1, 2, 3, 4, 5],
    );
  });

  it('references: latest, best, tag, step, root', async (store) => {
    const r = run(store, { keepBest: { metric: 'acc', mode: 'max', k: 9 }, keepLast: 9 });
    const commits = await fill(r, 4, (i) => ({
      metrics: { acc: [1, 9, 9, 2][i - 1] },
      tags: i < 3 ? ['release'] : [],
    }));
    const step = async (ref?: string) => (await r.open(ref))?.commit.step;
    assert.equal(await step(), 4);
    assert.equal(await step('latest'), 4);
    assert.equal(await step('best'), 2, 'a tie keeps the earlier');
    assert.equal(await step('release'), 2, 'a tag given again moves');
    assert.equal(await step('step:3'), 3);
    assert.equal(await step(commits[0].root), 1);
    assert.equal(await step(commits[0].root.slice(0, 12)), 1);
    for (const ref of ['step:7', 'nothing', 'ffffffffffff', 'step:x', ''])
      await assert.rejects(r.open(ref), code('E_NOT_FOUND'));
    await assert.rejects(run(store).open('best'), (e) => (e as { code: string }).code === 'E_OPTION');
    await assert.rejects(run(memoryStore()).open('release'), code('E_NOT_FOUND'));
    for (const tag of ['latest', 'best', '', 'a b', 'step:3', '../x', '-x', 'x'.repeat(101)]) {
      await assert.rejects(
        r.save(content(9), at(9, { tags: [tag] })),
        (e) => (e as { code: string }).code === 'E_OPTION',
      );
    }
    assert.equal((await r.commits()).length, 4, 'a refused tag saves nothing');
  });

  it('a truncated newest object: the one before, and the damage reported', async (store) => {
    for (const [how, want] of [
      [cut, 'E_TRUNCATED'],
      [flip, 'E_INTEGRITY'],
      [() => new Uint8Array(0), 'E_TRUNCATED'],
    ] as const) {
      const s = await make();
      const commits = await fill(run(s), 3);
      await damage(s, commits[2].object, how);
      const opened = await run(s).resume();
      assert.equal(opened?.commit.step, 2);
      assert.deepEqual(opened.file.state, { step: 2 });
      assert.deepEqual(
        opened.skipped.map((e) => e.code),
        [want],
      );
      assert.ok(opened.skipped[0].message.includes(commits[2].root));
    }
    const commits = await fill(run(store), 3);
    await store.delete(commits[2].object);
    const opened = await run(store).resume();
    assert.deepEqual(
      opened?.skipped.map((e) => e.code),
      ['E_NOT_FOUND'],
    );
  });

  it('a damaged newest record: the one before; the next save comes behind it', async (store) => {
    await fill(run(store), 3);
    await damage(store, commitKey(3), cut);
    const r = run(store);
    const opened = await r.resume();
    assert.equal(opened?.commit.step, 2);
    assert.equal(opened.skipped.length, 1);
    const { commit } = await r.save(content(30), at(30));
    assert.deepEqual([commit.seq, commit.parent], [4, 2]);
    assert.equal((await run(store).resume())?.commit.step, 30);
  });

  it('an object that is another state’s is not taken for the one that was asked for', async (store) => {
    const commits = await fill(run(store), 2);
    await store.put(commits[1].object, await store.get(commits[0].object));
    const opened = await run(store).resume();
    assert.equal(opened?.commit.step, 1);
    assert.equal(opened.skipped[0].code, 'E_INTEGRITY');
  });

  it('all objects damaged, or all records: E_NO_VALID_CHECKPOINT, never a fresh start', async (store) => {
    const commits = await fill(run(store, { keepBest: { metric: 'acc', mode: 'max' }, keepLast: 9 }), 3, () => ({
      tags: ['t'],
    }));
    for (const c of commits) await damage(store, c.object, cut);
    const bad = code(
      'E_NO_VALID_CHECKPOINT',
      (e) => e.cause instanceof CheckpointError && e.message.includes('E_') === false,
    );
    for (const ref of ['latest', 't', 'step:2', commits[0].root])
      await assert.rejects(run(store).resume(ref), bad, ref);
    const r = run(store);
    await assert.rejects(
      r.resume(),
      code('E_NO_VALID_CHECKPOINT', (e) => (e.details.skipped as string[]).length === 3),
    );
    await assert.rejects(
      r.save(content(1), at(1)),
      code('E_CONFLICT'),
      'a run that cannot be read is not written over',
    );
    for (const c of commits) await damage(store, commitKey(c.seq), cut);
    for (const ref of ['latest', 't', 'step:2']) await assert.rejects(run(store).resume(ref), bad, ref);
  });

  it('a store that fails is an error, not damage', async (store) => {
    await fill(run(store), 2);
    const fault = new CheckpointError('E_IO', 'injected', { hint: 'x' });
    const broken: Store = {
      ...store,
      head: async (key, o) => {
        if (key.startsWith('objects/')) throw fault;
        return store.head(key, o);
      },
    };
    await assert.rejects(run(broken).resume(), (e) => e === fault);
  });

  it('an object without a commit changes nothing: a kill between the two leaves the previous latest', async (store) => {
    const r = run(store);
    await fill(r, 2);
    const before = await keys(store, 'commits/');
    const killed: Store = {
      ...store,
      put: async (key, body, o) => {
        if (typeof key === 'string' && key.startsWith('commits/')) throw new Error('killed');
        return store.put(key, body, o);
      },
    };
    const other = run(killed);
    await other.resume();
    await assert.rejects(other.save(content(3), at(3)), /killed/);
    assert.deepEqual(await keys(store, 'commits/'), before);
    assert.equal((await keys(store, 'objects/')).length, 3);
    const opened = await run(store).resume();
    assert.equal(opened?.commit.step, 2);
    assert.deepEqual(opened.skipped, []);
    // and the same state saved again leaves the object that is there to be collected
    await r.save(content(3), at(3));
    assert.equal((await keys(store, 'objects/')).length, 4);
    assert.equal((await run(store).gc(LATER)).removed.length, 1);
    assert.equal((await run(store).resume())?.commit.step, 3);
  });

  it('an existing object that is damaged is repaired before a commit stands on it', async (store) => {
    const r = run(store);
    const [first] = await fill(r, 1);
    await damage(store, first.object, flip);
    await r.save(content(1), at(1));
    const opened = await run(store).resume();
    assert.equal(opened?.commit.seq, 2);
    assert.deepEqual(opened.skipped, []);
  });

  it('two writers: the loser gets E_CONFLICT with the winner’s commit, and nothing is lost', async (store) => {
    const a = run(store, { writer: 'a' });
    const b = run(store, { writer: 'b' });
    await fill(a, 1);
    await b.resume();
    await a.save(content(2), at(2));
    const conflict = code('E_CONFLICT', (e) => {
      const { winner, seq } = e.details as { winner: { writer: string; step: number }; seq: number };
      return winner.writer === 'a' && winner.step === 2 && seq === 2 && e.message.includes("'a'");
    });
    await assert.rejects(b.save(content(20), at(20)), conflict);
    await assert.rejects(b.save(content(21), at(21)), conflict, 'and again, until it resumes');
    await a.save(content(3), at(3));
    assert.deepEqual(
      (await a.commits()).map((c) => [c.writer, c.step]),
      [
        ['a', 1],
        ['a', 2],
        ['a', 3],
      ],
    );
    for (const c of await a.commits()) assert.equal((await a.open(c.root))?.file.state.step, c.step);
    await b.resume();
    await b.save(content(4), at(4));
    await assert.rejects(a.save(content(5), at(5)), code('E_CONFLICT'));
    assert.equal((await run(store).resume())?.commit.step, 4);
  });

  it('many writers at once: each number goes to one, and every commit that was promised is there', async (store) => {
    await run(store).save(content(0), at(0));
    const won: number[] = [];
    await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (writer, w) => {
        for (let i = 1; i <= 6; i++) {
          const r = run(store, { writer });
          const step = w * 100 + i;
          try {
            await r.resume();
            await r.save(content(step), at(step));
            won.push(step);
          } catch (e) {
            assert.equal((e as CheckpointError).code, 'E_CONFLICT', String(e));
          }
        }
      }),
    );
    assert.ok(won.length > 0);
    const commits = await run(store).commits();
    assert.deepEqual(
      commits.map((c) => c.seq),
      commits.map((_, i) => i + 1),
      'no gaps',
    );
    for (const step of won)
      assert.ok(
        commits.some((c) => c.step === step),
        `step ${step}`,
      );
    for (const c of commits) assert.equal((await run(store).open(c.root))?.file.state.step, c.step);
  });

  it('a commit that another writer goes on from, before its own has looked behind it, is promised', async (store) => {
    const b = run(store, { writer: 'b' });
    const overtaken: Store = {
      ...store,
      async put(key, body, o) {
        const answer = await store.put(key, body, o);
        if (key === commitKey(2)) {
          await b.resume();
          await b.save(content(3), at(3));
        }
        return answer;
      },
    };
    const a = run(overtaken, { writer: 'a' });
    await fill(a, 1);
    assert.equal((await a.save(content(2), at(2))).commit.seq, 2);
    assert.deepEqual(
      (await b.commits()).map((c) => `${c.step} ${c.writer}`),
      ['1 a', '2 a', '3 b'],
    );
    await assert.rejects(a.save(content(4), at(4)), code('E_CONFLICT'));
  });

  it('a writer that slept while its number was used and removed still loses', async (store) => {
    const rule = { keepLast: 1 };
    const a = run(store, { ...rule, writer: 'a' });
    const b = run(store, { ...rule, writer: 'b' });
    await fill(a, 1);
    await b.resume();
    for (let i = 2; i <= 5; i++) await a.save(content(i), at(i));
    assert.deepEqual(await keys(store, 'commits/'), [commitKey(5)]);
    await assert.rejects(
      b.save(content(20), at(20)),
      code('E_FENCED', (e) => (e.details.winner as { step: number }).step === 5),
    );
    assert.equal((await run(store).resume())?.commit.step, 5);
    assert.deepEqual(
      (await run(store).commits()).map((c) => c.step),
      [5],
    );
    await a.save(content(6), at(6));
    assert.equal((await run(store).resume())?.commit.step, 6);
  });

  it('so too where an older commit stays, so that its number was free above the oldest', async (store) => {
    const rule = { keepLast: 1, keepEvery: 10 };
    const a = run(store, { ...rule, writer: 'a' });
    const b = run(store, { ...rule, writer: 'b' });
    await a.save(content(10), at(10));
    await b.resume();
    for (let i = 11; i <= 14; i++) await a.save(content(i), at(i));
    assert.deepEqual(await keys(store, 'commits/'), [commitKey(1), commitKey(5)]);
    await assert.rejects(
      b.save(content(20), at(20)),
      code('E_FENCED', (e) => (e.details.winner as { step: number }).step === 14),
    );
    assert.equal((await run(store).resume())?.commit.step, 14);
  });

  it('a writer whose number was taken and removed again while it asked still loses, and hears who won', async (store) => {
    const a = run(store, { keepLast: 1, writer: 'a' });
    await fill(a, 1);
    const slow: Store = {
      ...store,
      async put(key, body, o) {
        const answer = await store.put(key, body, o);
        if (key === commitKey(2) && answer === 'exists') for (let i = 3; i <= 5; i++) await a.save(content(i), at(i));
        return answer;
      },
    };
    const b = run(slow, { keepLast: 1, writer: 'b' });
    await b.resume();
    await a.save(content(2), at(2));
    await assert.rejects(
      b.save(content(20), at(20)),
      code('E_CONFLICT', (e) => (e.details.winner as { writer: string }).writer === 'a'),
    );
    assert.deepEqual(await keys(store, 'commits/'), [commitKey(5)]);
    assert.equal((await run(store).resume())?.commit.step, 5);
  });

  it('a run that is there and was not resumed is not written over', async (store) => {
    await fill(run(store), 2);
    await assert.rejects(
      run(store).save(content(1), at(1)),
      code('E_CONFLICT', (e) => e.hint.includes('resume')),
    );
    assert.equal((await keys(store, 'objects/')).length, 2);
    const r = run(store);
    await r.open('latest');
    await assert.rejects(r.save(content(1), at(1)), code('E_CONFLICT'), 'opening to read takes nothing over');
    // beside it, under another prefix
    const other = run(store, { prefix: 'second/run/' });
    assert.equal(await other.resume(), null);
    await other.save(content(7), at(7));
    assert.equal((await other.open())?.commit.step, 7);
    assert.equal((await r.open())?.commit.step, 2);
    assert.throws(
      () => run(store, { prefix: 'x' }),
      (e) => (e as { code: string }).code === 'E_OPTION',
    );
  });

  it('claim() refuses what save() would refuse, before there is anything to save', async (store) => {
    const r = run(store);
    await r.claim();
    await fill(r, 2);
    await r.claim();
    await assert.rejects(run(store).claim(), code('E_CONFLICT'));
    for (const seq of [1, 2]) await damage(store, commitKey(seq), cut);
    await assert.rejects(run(store).claim(), code('E_CONFLICT'), 'nor what cannot be read');
    assert.equal((await keys(store, 'commits/')).length, 2);
  });

  it('a commit whose answer was lost is found again, not taken for another writer’s', async (store) => {
    let lose = 0;
    const flaky: Store = {
      ...store,
      put: async (key, body, o) => {
        const answer = await store.put(key, body, o);
        if (typeof key === 'string' && key.startsWith('commits/') && lose-- > 0) {
          throw new CheckpointError('E_IO', 'the answer was lost', { retryable: true });
        }
        return answer;
      },
    };
    const r = run(flaky);
    await fill(r, 1);
    lose = 1;
    await assert.rejects(r.save(content(2), at(2)), code0('E_IO'));
    await r.save(content(3), at(3));
    assert.deepEqual(
      (await r.commits()).map((c) => [c.seq, c.parent, c.step]),
      [
        [1, null, 1],
        [2, 1, 2],
        [3, 2, 3],
      ],
    );
  });

  it('a run that is resumed after a commit of unknown outcome goes on from what was opened', async (store) => {
    let deaf = false;
    const flaky: Store = {
      ...store,
      put: async (key, body, o) => {
        const answer = await store.put(key, body, o);
        if (typeof key === 'string' && key.startsWith('commits/') && deaf) {
          throw new CheckpointError('E_IO', 'the answer was lost', { retryable: true });
        }
        return answer;
      },
    };
    const [a, b] = [run(flaky, { writer: 'a' }), run(store, { writer: 'b' })];
    await fill(a, 1);
    const loses = async (step: number) => {
      deaf = true;
      await assert.rejects(a.save(content(step), at(step)), code0('E_IO'));
      deaf = false;
    };
    await loses(2);
    await b.resume();
    await b.save(content(3), at(3));
    assert.equal((await a.resume())?.commit.writer, 'b');
    assert.deepEqual((await a.save(content(4), at(4))).commit.parent, 3);
    await loses(5);
    await a.resume('step:1');
    assert.deepEqual((await a.save(content(6), at(6))).commit.parent, 1);
    // one that is not resumed goes on as if the answer had come; a tag is no state to come from
    deaf = true;
    await assert.rejects(a.pin('step:1', ['t']), code0('E_IO'));
    deaf = false;
    const { seq, parent } = (await a.save(content(7), at(7))).commit;
    assert.deepEqual([seq, parent], [8, 6]);
  });

  it('a commit’s parent is the commit that its state came from', async (store) => {
    const r = run(store);
    await fill(r, 4);
    assert.equal((await r.rollback('step:2')).commit.parent, 2);
    assert.equal((await r.pin('step:3', ['good'])).commit.parent, 3);
    assert.equal((await r.save(content(5), at(5))).commit.parent, 5, 'the rollback');
    assert.equal((await run(store).rollback('step:3')).commit.parent, 3, 'also by one who did not resume');
  });

  it('retention removes records and objects, and writes the floor', async (store) => {
    const r = run(store, { keepLast: 2 });
    const commits = await fill(r, 6);
    const objects = [commits[4].object, commits[5].object].sort();
    assert.deepEqual(await keys(store), ['LATEST', commitKey(5), commitKey(6), ...objects]);
    assert.deepEqual(
      commits.map((c) => c.floor),
      [1, 1, 2, 3, 4, 5],
    );
    // taken up by another, with another rule
    const more = run(store, { keepLast: 1 });
    await more.resume();
    await more.save(content(7), at(7));
    assert.deepEqual(await keys(store, 'commits/'), [commitKey(7)]);
    assert.equal((await keys(store, 'objects/')).length, 1);
  });

  it('retention never removes best, tagged or latest; an object stays while one commit names it', async (store) => {
    const r = run(store, { keepLast: 1, keepEvery: 4, keepBest: { metric: 'acc', mode: 'max' } });
    await fill(r, 9, (i) => ({ metrics: { acc: i === 2 ? 1 : 0 }, tags: i === 3 ? ['pinned'] : [] }));
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [2, 3, 4, 8, 9],
    );
    await r.rollback('step:2');
    assert.equal((await r.open())?.commit.step, 2);
    await r.save(content(10), at(10));
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [2, 3, 4, 8, 10],
    );
    assert.equal((await r.open('best'))?.file.state.step, 2);
    assert.equal((await keys(store, 'objects/')).length, 5);
  });

  it('rollback and pin append; pinned states stay, and a pin is not the latest', async (store) => {
    const r = run(store, { keepLast: 2 });
    await fill(r, 3);
    const { commit } = await r.pin('step:2', ['good']);
    assert.deepEqual([commit.op, commit.step, commit.tags], ['pin', 2, ['good']]);
    assert.equal((await r.open())?.commit.step, 3);
    for (let i = 4; i <= 6; i++) await r.save(content(i), at(i));
    assert.equal((await r.open('good'))?.file.state.step, 2);
    assert.equal((await r.open())?.commit.step, 6);
    const back = await r.rollback('good');
    assert.equal(back.commit.op, 'rollback');
    assert.equal((await run(store).resume())?.file.state.step, 2);
    await assert.rejects(r.rollback('step:99'), code('E_NOT_FOUND'));
    await assert.rejects(r.pin('step:6', ['latest']), (e) => (e as { code: string }).code === 'E_OPTION');
  });

  it('damaged commits do not count for keepLast: the good one stays', async (store) => {
    const commits = await fill(run(store), 3);
    await damage(store, commits[2].object, cut);
    const r = run(store, { keepLast: 2 });
    assert.equal((await r.resume())?.commit.step, 2);
    await r.save(content(4), at(4));
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [2, 3, 4],
    );
    await damage(store, (await r.commits())[2].object, cut);
    assert.equal((await run(store).resume())?.commit.step, 2);
  });

  it('a commit that was damaged counts again once it opens in full, or the run is resumed', async () => {
    const rule: RunStoreOptions = { keepLast: 1, keepBest: { metric: 'acc', mode: 'max' } };
    for (const [how, look] of [
      [cut, (r: RunStore) => r.open('best')],
      [cut, (r: RunStore) => r.resume()],
      [flip, (r: RunStore) => r.open('best')],
    ] as const) {
      const s = await make();
      const r = run(s, rule);
      const [first] = await fill(r, 2, (i) => ({ metrics: { acc: i === 1 ? 0.9 : 0.5 } }));
      const whole = await s.get(first.object);
      await damage(s, first.object, how);
      assert.equal((await r.open('best'))?.commit.seq, 2);
      await r.open('best', { verify: 'lazy' });
      await s.put(first.object, whole);
      await look(r);
      for (const i of [3, 4]) await r.save(content(i), at(i, { metrics: { acc: 0.1 } }));
      assert.deepEqual(
        (await r.commits()).map((c) => c.step),
        [1, 4],
      );
      assert.equal((await r.open('best'))?.file.state.step, 1);
    }
    const s = await make();
    const r = run(s, rule);
    await fill(r, 3, (i) => ({ metrics: { acc: [0.5, 0.9, 0.7][i - 1] }, tags: i === 1 ? ['first'] : [] }));
    const record = await s.get(commitKey(2));
    await damage(s, commitKey(2), cut);
    await r.resume();
    await r.save(content(4), at(4)); // has read all records but that one
    await s.put(commitKey(2), record);
    assert.equal((await r.open('best'))?.commit.seq, 2);
    await r.save(content(5), at(5));
    assert.deepEqual(
      (await r.commits()).map((c) => c.step),
      [1, 2, 5],
    );
  });

  it('what retention cannot remove is reported, tried again, and does not fail the save', async (store) => {
    let stuck = true;
    const sticky: Store = {
      ...store,
      delete: async (key, o) => {
        if (stuck) throw new CheckpointError('E_PERMISSION', 'injected', { hint: 'x' });
        return store.delete(key, o);
      },
    };
    const r = run(sticky, { keepLast: 1 });
    await r.save(content(1), at(1));
    assert.deepEqual(
      (await r.save(content(2), at(2))).undeleted.map((e) => e.code),
      ['E_PERMISSION'],
    );
    assert.equal((await keys(store, 'commits/')).length, 2);
    stuck = false;
    assert.deepEqual((await r.save(content(3), at(3))).undeleted, []);
    assert.equal((await keys(store)).length, 3, 'record, object, hint');
  });

  it('a record that cannot be read is removed once it is below the floor', async (store) => {
    const r = run(store, { keepLast: 2 });
    await fill(r, 3);
    await damage(store, commitKey(3), cut);
    await r.resume();
    for (let i = 4; i <= 6; i++) {
      await r.save(content(i), at(i));
      const seqs = [];
      for await (const e of r.audit()) seqs.push(e.seq);
      assert.deepEqual(
        seqs,
        [
          [4, 3, 2],
          [5, 4],
          [6, 5],
        ][i - 4],
      );
      if (i === 4) assert.ok(await store.head(commitKey(3)), 'it is live');
    }
    assert.deepEqual(await keys(store, 'commits/'), [commitKey(5), commitKey(6)]);
    assert.equal((await r.gc(LATER)).removed.length, 1);
    assert.equal((await keys(store, 'objects/')).length, 2);
  });

  it('what repair appends has the clock and the writer that it was given', async (store) => {
    const commits = await fill(run(store), 2);
    await damage(store, commits[1].object, cut);
    const { done } = await repairRun(store, { apply: true, clock: () => 77, writer: 'who mends' });
    assert.deepEqual([done?.createdAt, done?.writer, done?.step], [77, 'who mends', 1]);
  });

  it('what a killed writer left below the floor is no live commit', async (store) => {
    await fill(run(store), 4);
    const deaf: Store = { ...store, delete: async () => Promise.reject(new Error('killed')) };
    const killed = run(deaf, { keepLast: 2 });
    await killed.resume();
    await assert.rejects(killed.save(content(5), at(5)), /killed/);
    await damage(store, commitKey(2), cut);
    const { checked, damaged } = await repairRun(store);
    assert.deepEqual([checked, damaged], [2, []]);
  });

  it('what a kill left below the floor is removed by the next save', async (store) => {
    await fill(run(store), 4);
    const deaf: Store = { ...store, delete: async () => Promise.reject(new Error('killed')) };
    const killed = run(deaf, { keepLast: 1 });
    await killed.resume();
    await assert.rejects(killed.save(content(5), at(5)), /killed/);
    assert.equal((await run(store).resume())?.commit.step, 5, 'the commit was durable before anything was removed');
    assert.deepEqual(
      (await run(store).commits()).map((c) => c.step),
      [5],
    );
    assert.equal((await keys(store)).length, 11);
    const r = run(store, { keepLast: 1 });
    await r.resume();
    await r.save(content(6), at(6));
    assert.equal((await keys(store)).length, 3);
  });

  it('gc removes objects that no commit names, once they are old, and nothing while a record is unreadable', async (store) => {
    const r = run(store);
    const commits = await fill(r, 2);
    await store.put('objects/orphan.cbor', Uint8Array.of(1));
    assert.deepEqual(await r.gc(), { removed: [], young: ['objects/orphan.cbor'] });
    assert.deepEqual(await r.gc(LATER), { removed: ['objects/orphan.cbor'], young: [] });
    for (const c of commits) assert.ok(await store.head(c.object));
    await store.put('objects/orphan.cbor', Uint8Array.of(1));
    await damage(store, commitKey(1), cut);
    await assert.rejects(r.gc({ graceMs: 0 }), (e) => e instanceof CheckpointError);
    assert.ok(await store.head('objects/orphan.cbor'));
  });

  it('gc tells age by the clock that stores go by, whatever that of commits says', async (store) => {
    await store.put('objects/orphan.cbor', Uint8Array.of(1));
    const r = run(store, { clock: () => Date.now() + 1e9 });
    assert.deepEqual(await r.gc(), { removed: [], young: ['objects/orphan.cbor'] });
  });

  it('files that are no commits are not looked at', async (store) => {
    await fill(run(store), 1);
    for (const k of ['commits/readme.txt', 'commits/1.cbor', `commits/${'9'.repeat(20)}.cbor`, 'commits/x/y'])
      await store.put(k, Uint8Array.of(1));
    const r = run(store);
    const opened = await r.resume();
    assert.equal(opened?.commit.step, 1);
    assert.deepEqual(opened.skipped, []);
    assert.equal((await r.save(content(2), at(2))).commit.seq, 2);
  });

  it('a record under another number is damage', async (store) => {
    await fill(run(store), 2);
    await store.put(commitKey(9), await store.get(commitKey(1)));
    const opened = await run(store).resume();
    assert.equal(opened?.commit.step, 2);
    assert.deepEqual(
      opened.skipped.map((e) => e.code),
      ['E_SCHEMA'],
    );
  });

  it('an abort saves nothing', async (store) => {
    const r = run(store);
    await fill(r, 1);
    const reason = new Error('enough');
    await assert.rejects(r.save(content(2), at(2), { signal: AbortSignal.abort(reason) }), (e) => e === reason);
    assert.equal((await keys(store)).length, 2);
    await r.save(content(3), at(3));
    assert.equal((await run(store).resume())?.commit.step, 3);
  });

  it('a state that cannot be stored saves nothing', async (store) => {
    const r = run(store);
    await fill(r, 1);
    await assert.rejects(r.save({ ...content(2), state: { lr: Number.NaN } }, at(2)), code('E_ENCODE'));
    for (const bad of [-1, 1.5, Number.NaN]) await assert.rejects(r.save(content(2), at(bad)), code('E_ENCODE'));
    const tags = Array.from({ length: 2000 }, (_, i) => `${'x'.repeat(40)}${i}`);
    const infos: [Partial<CommitInfo>, string][] = [
      [{ epoch: 0.5 }, 'E_ENCODE'],
      [{ metrics: { '\ud800': 1 } }, 'E_ENCODE'],
      [{ tags }, 'E_LIMIT'],
    ];
    for (const [info, want] of infos) await assert.rejects(r.save(content(2), at(2, info)), code(want));
    await assert.rejects(r.pin('step:1', tags), code('E_LIMIT'));
    assert.equal((await keys(store)).length, 2, 'no object either');
    assert.equal((await run(store).resume())?.commit.step, 1);
  });
}

const code0 = (want: string) => (e: unknown) => (e as CheckpointError).code === want;

test('stores that cannot name late get the state hashed first; objects too large for a store are refused', async () => {
  const inner = memoryStore();
  const early: Store = {
    ...inner,
    caps: async () => ({ ...(await inner.caps()), lateKey: false }),
    put: (key, body, o) => {
      assert.equal(typeof key, 'string');
      return inner.put(key, body, o);
    },
  };
  await fill(run(early), 2);
  assert.equal((await run(early).resume())?.commit.step, 2);
  const small: Store = { ...inner, caps: async () => ({ ...(await inner.caps()), maxObject: 100 }) };
  const r = run(small);
  await r.resume();
  await assert.rejects(r.save(content(9), at(9)), code('E_LIMIT'));
});

test('fs: a full disk while saving is E_QUOTA; the last checkpoint stays and the next save works', async () => {
  const store = await onDisk();
  const r = run(store);
  await fill(r, 1);
  const full: Store = {
    ...store,
    put: (key, body, o) => {
      const { size, chunks } = body as { size: number; chunks(): AsyncIterable<Uint8Array> };
      const broken = async function* () {
        for await (const c of chunks()) {
          yield c.subarray(0, 10);
          throw new CheckpointError('E_QUOTA', 'the disk is full', { hint: 'free some space' });
        }
      };
      return store.put(key, { size, chunks: broken }, o);
    },
  };
  const other = run(full);
  await other.resume();
  await assert.rejects(other.save(content(2), at(2)), code('E_QUOTA'));
  assert.equal((await run(store).resume())?.commit.step, 1);
  await r.save(content(2), at(2));
  assert.equal((await run(store).resume())?.commit.step, 2);
  const left = await readdir(dirs.at(-1) as string, { recursive: true });
  assert.deepEqual(
    left.filter((f) => f.includes('.tmp-')),
    [],
  );
});

test('a page that is not served securely has no crypto.randomUUID: writers have names of their own all the same', async (t) => {
  t.mock.getter(globalThis, 'crypto', () => ({ getRandomValues: (a: Uint8Array) => webcrypto.getRandomValues(a) }));
  const writers = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const { commit } = await new RunStore(memoryStore()).save(content(1), at(1));
    writers.add(commit.writer);
  }
  assert.equal(writers.size, 3);
});
