/** What must hold for every store: one suite, run over each adapter. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store, StoreBody } from './store.ts';

const bytes = (...v: number[]) => Uint8Array.from(v);

/** A body in chunks, which counts how often it was started. */
function body(chunks: readonly Uint8Array[], size = chunks.reduce((n, c) => n + c.length, 0)) {
  const made = {
    size,
    passes: 0,
    async *chunks() {
      made.passes++;
      yield* chunks;
    },
  };
  return made satisfies StoreBody;
}

async function keys(store: Store, prefix: string, after?: string): Promise<string[]> {
  const out: string[] = [];
  for await (const { key } of store.list(prefix, after === undefined ? {} : { after })) out.push(key);
  return out;
}

/** The store holds these and nothing else, as far as it can tell. */
async function holds(store: Store, want: readonly string[], prefix = ''): Promise<void> {
  if ((await store.caps()).list) assert.deepEqual(await keys(store, prefix), want);
  for (const k of want) assert.notEqual(await store.head(k), null, k);
}

const code = (want: string) => (e: unknown) => {
  assert.equal((e as { code?: string }).code, want, String(e));
  assert.notEqual((e as { hint?: string }).hint, '', 'the error says what to do');
  return true;
};

/** Registers the tests. `make` gives a fresh, empty store each time. */
export function storeSuite(name: string, make: () => Promise<Store>): void {
  const it = (what: string, run: (store: Store) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const store = await make();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });

  it('an empty store is empty', async (s) => {
    assert.equal(await s.head('a/b'), null);
    await holds(s, []);
    await assert.rejects(s.get('a/b'), code('E_NOT_FOUND'));
    await s.delete('a/b');
  });

  it('what was put is read back, whole and in ranges', async (s) => {
    const data = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    assert.equal(await s.put('a/b/c.bin', data), 'written');
    assert.deepEqual(await s.head('a/b/c.bin'), { size: 1000 });
    assert.deepEqual(await s.get('a/b/c.bin'), data);
    assert.deepEqual(await s.get('a/b/c.bin', { offset: 10, length: 20 }), data.slice(10, 30));
    assert.deepEqual(await s.get('a/b/c.bin', { offset: 990 }), data.slice(990));
    assert.deepEqual(await s.get('a/b/c.bin', { length: 0 }), bytes());
    assert.deepEqual(await s.get('a/b/c.bin', { offset: 1000, length: 0 }), bytes());
    assert.deepEqual(await s.get('a/b/c.bin', { length: 1 }), data.slice(0, 1));
    for (const range of [
      { offset: 0, length: 1001 },
      { offset: 1001 },
      { offset: 999, length: 2 },
      { offset: -1, length: 1 },
      { offset: 0, length: -1 },
      { offset: 0.5, length: 1 },
    ]) {
      await assert.rejects(s.get('a/b/c.bin', range), code('E_RANGE'));
    }
  });

  it('bodies of many chunks, empty ones among them', async (s) => {
    const b = body([bytes(1), bytes(), bytes(2, 3), bytes()]);
    assert.equal(await s.put('x', b), 'written');
    assert.deepEqual(await s.get('x'), bytes(1, 2, 3));
    assert.equal(b.passes, 1);
    assert.equal(await s.put('empty', body([])), 'written');
    assert.deepEqual(await s.get('empty'), bytes());
    assert.deepEqual(await s.head('empty'), { size: 0 });
  });

  it('holds no view of what it was given or gives', async (s) => {
    const data = bytes(1, 2, 3);
    await s.put('x', data);
    await s.put('y', body([data]));
    data[0] = 9;
    const got = await s.get('x');
    assert.deepEqual(got, bytes(1, 2, 3));
    got[1] = 9;
    assert.deepEqual(await s.get('x'), bytes(1, 2, 3));
    assert.deepEqual(await s.get('y'), bytes(1, 2, 3));
  });

  it('put overwrites, unless told not to', async (s) => {
    const caps = await s.caps();
    await s.put('x', bytes(1));
    assert.equal(await s.put('x', bytes(2, 2)), 'written');
    assert.deepEqual(await s.get('x'), bytes(2, 2));
    if (!caps.ifAbsent) {
      await assert.rejects(s.put('x', bytes(3), { ifAbsent: true }), code('E_UNSUPPORTED'));
      return;
    }
    assert.equal(await s.put('x', bytes(3), { ifAbsent: true }), 'exists');
    assert.deepEqual(await s.get('x'), bytes(2, 2));
    assert.equal(await s.put('y', bytes(3), { ifAbsent: true }), 'written');
    await s.delete('y');
    assert.equal(await s.put('y', bytes(4), { ifAbsent: true }), 'written');
    assert.deepEqual(await s.get('y'), bytes(4));
  });

  it('of many writers with ifAbsent, one wins', async (s) => {
    if (!(await s.caps()).ifAbsent) return;
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => s.put('race/x', Uint8Array.of(i, i, i), { ifAbsent: true })),
    );
    assert.equal(answers.filter((a) => a === 'written').length, 1);
    const winner = answers.indexOf('written');
    assert.deepEqual(await s.get('race/x'), bytes(winner, winner, winner));
    await holds(s, ['race/x']);
  });

  it('a late key is asked for once, after the last chunk', async (s) => {
    if (!(await s.caps()).lateKey) {
      await assert.rejects(
        s.put(() => 'x', bytes(1)),
        code('E_UNSUPPORTED'),
      );
      return;
    }
    let total = 0;
    let asked = 0;
    const b: StoreBody = {
      size: 4,
      async *chunks() {
        for (const c of [bytes(1, 2), bytes(3, 4)]) {
          yield c;
          total += c.length;
        }
      },
    };
    const key = () => {
      asked++;
      return `late/${total}`;
    };
    assert.equal(await s.put(key, b, { ifAbsent: true }), 'written');
    assert.equal(asked, 1);
    assert.deepEqual(await s.get('late/4'), bytes(1, 2, 3, 4));
    total = 0;
    assert.equal(await s.put(key, b, { ifAbsent: true }), 'exists');
    await holds(s, ['late/4']);
  });

  it('lists in the order of UTF-8 bytes, by prefix and from behind a key', async (s) => {
    if (!(await s.caps()).list) {
      await assert.rejects(keys(s, ''), code('E_UNSUPPORTED'));
      return;
    }
    // '-' < '.' < '/' < '0': a directory must not come before its neighbours by its bare name
    const all = ['a', 'a-b', 'a.b', 'a/b', 'a/b-c', 'a/b/c', 'a0', 'b', 'é', '\uffee', '\u{1f600}'];
    const files = ['a-b', 'a.b', 'a/b-c', 'a/b/c', 'a0', 'b', 'é', '\uffee', '\u{1f600}'];
    for (const k of [...files].reverse()) await s.put(k, bytes(1, 2));
    const want = all.filter((k) => files.includes(k));
    assert.deepEqual(await keys(s, ''), want);
    assert.deepEqual(await keys(s, 'a/'), ['a/b-c', 'a/b/c']);
    assert.deepEqual(await keys(s, 'a/b/'), ['a/b/c']);
    assert.deepEqual(await keys(s, 'a/b'), ['a/b-c', 'a/b/c']);
    assert.deepEqual(await keys(s, 'a'), ['a-b', 'a.b', 'a/b-c', 'a/b/c', 'a0']);
    assert.deepEqual(await keys(s, 'none'), []);
    for (let i = 0; i < want.length; i++) assert.deepEqual(await keys(s, '', want[i]), want.slice(i + 1));
    assert.deepEqual(await keys(s, 'a/', 'a/b-c'), ['a/b/c']);
    assert.deepEqual(await keys(s, '', 'a/'), want.slice(2));
    for await (const e of s.list('')) assert.equal(e.size, 2);
  });

  it('delete removes, twice is fine', async (s) => {
    await s.put('a/x', bytes(1));
    await s.put('a/y', bytes(1));
    await s.delete('a/x');
    await s.delete('a/x');
    assert.equal(await s.head('a/x'), null);
    await holds(s, ['a/y'], 'a/');
  });

  it('bad keys are refused, and nothing is written', async (s) => {
    const bad = [
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      '../a',
      'a/../b',
      '.',
      'a/./b',
      'a\0b',
      'a\nb',
      'a\\b',
      '\ud800',
      '.tmp-1',
    ];
    for (const k of [...bad, 'x/.tmp-1', 'k'.repeat(300), `${'kk/'.repeat(400)}k`]) {
      await assert.rejects(s.put(k, bytes(1)), code('E_OPTION'), JSON.stringify(k));
      await assert.rejects(s.get(k), code('E_OPTION'));
      await assert.rejects(s.head(k), code('E_OPTION'));
      await assert.rejects(s.delete(k), code('E_OPTION'));
      if ((await s.caps()).lateKey) {
        await assert.rejects(
          s.put(() => k, bytes(1)),
          code('E_OPTION'),
        );
      }
    }
    await holds(s, []);
  });

  it('a body of another size than it says is not published', async (s) => {
    await s.put('x', bytes(7));
    for (const b of [body([bytes(1, 2)], 3), body([bytes(1, 2), bytes(3, 4)], 3)]) {
      await assert.rejects(s.put('x', b), code('E_INTEGRITY'));
      await assert.rejects(s.put('y', b, { ifAbsent: (await s.caps()).ifAbsent }), code('E_INTEGRITY'));
    }
    assert.deepEqual(await s.get('x'), bytes(7));
    await holds(s, ['x']);
  });

  it('a body that fails leaves nothing behind, and its error comes through', async (s) => {
    const fault = new Error('the source broke');
    const b: StoreBody = {
      size: 4,
      async *chunks() {
        yield bytes(1, 2);
        throw fault;
      },
    };
    await s.put('x', bytes(7));
    await assert.rejects(s.put('x', b), (e) => e === fault);
    await assert.rejects(s.put('y', b), (e) => e === fault);
    assert.deepEqual(await s.get('x'), bytes(7));
    await holds(s, ['x']);
  });

  it('an abort throws its reason, and nothing is visible', async (s) => {
    const reason = new Error('enough');
    const done = AbortSignal.abort(reason);
    const is = (e: unknown) => e === reason;
    await s.put('x', bytes(7));
    await assert.rejects(s.put('y', bytes(1), { signal: done }), is);
    await assert.rejects(s.get('x', { signal: done }), is);
    await assert.rejects(s.head('x', { signal: done }), is);
    await assert.rejects(s.delete('x', { signal: done }), is);
    await assert.rejects(async () => {
      for await (const _ of s.list('', { signal: done })) assert.fail('listed after an abort');
    }, is);
    const abort = new AbortController();
    const b: StoreBody = {
      size: 2,
      async *chunks() {
        yield bytes(1);
        abort.abort(reason);
        yield bytes(2);
      },
    };
    await assert.rejects(s.put('y', b, { signal: abort.signal }), is);
    assert.deepEqual(await s.get('x'), bytes(7));
    await holds(s, ['x']);
  });

  it('a large object, streamed and read in pieces', async (s) => {
    const chunk = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) & 255);
    const n = 6;
    await s.put('big', {
      size: n * chunk.length,
      async *chunks() {
        for (let i = 0; i < n; i++) {
          chunk[0] = i;
          yield chunk;
        }
      },
    });
    assert.deepEqual(await s.head('big'), { size: n * chunk.length });
    for (let i = 0; i < n; i++) {
      chunk[0] = i;
      assert.deepEqual(await s.get('big', { offset: i * chunk.length, length: chunk.length }), chunk);
    }
  });
}
