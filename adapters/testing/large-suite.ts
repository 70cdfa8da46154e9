/** What must hold for bodies that are large enough to be streamed, where the platform can. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store, StoreBody } from '../store.ts';

const MIB = 2 ** 20;

/** Chunks of 2.5 MiB in one array that is used again, as a writer may. `end` may throw, or give more. */
function large(chunks: number, o: { size?: number; seed?: number; end?: () => Uint8Array } = {}): StoreBody {
  const length = 2.5 * MIB;
  return {
    size: o.size ?? chunks * length,
    async *chunks() {
      const chunk = new Uint8Array(length);
      for (let i = 0; i < chunks; i++) {
        chunk.fill((o.seed ?? 1) + i);
        yield chunk;
      }
      if (o.end) yield o.end();
    },
  };
}

async function holds(store: Store, key: string, body: StoreBody): Promise<void> {
  let at = 0;
  for await (const chunk of body.chunks()) {
    const got = await store.get(key, { offset: at, length: chunk.length });
    assert.ok(
      got.every((v, i) => v === chunk[i]),
      `${key} at ${at}`,
    );
    at += chunk.length;
  }
  assert.deepEqual(await store.head(key), { size: at });
}

export function largeSuite(name: string, make: () => Promise<Store>): void {
  const it = (what: string, run: (store: Store) => Promise<void>) =>
    test(`${name}: ${what}`, async () => run(await make()));

  it('a large body arrives as it is, from chunks and from one array', async (s) => {
    const body = large(4);
    assert.equal(await s.put('x', body), 'written');
    await holds(s, 'x', body);
    const whole = new Uint8Array(8 * MIB + 5);
    for (let i = 0; i < whole.length; i += 4093) whole[i] = i;
    assert.equal(await s.put('x', whole), 'written');
    assert.deepEqual(await s.head('x'), { size: whole.length });
    const end = await s.get('x', { offset: 7 * MIB });
    assert.ok(end.every((v, i) => v === whole[7 * MIB + i]));
  });

  it('a large body with ifAbsent: the bytes decide', async (s) => {
    const body = large(4);
    assert.equal(await s.put('x', body, { ifAbsent: true }), 'written');
    assert.equal(await s.put('x', body, { ifAbsent: true }), 'written');
    assert.equal(await s.put('x', large(4, { seed: 2 }), { ifAbsent: true }), 'exists');
    await holds(s, 'x', body);
  });

  it('a large body that fails, or has another size than it says, leaves what was there', async (s) => {
    const small = Uint8Array.of(7);
    await s.put('x', small);
    const fault = new Error('the source broke');
    const broken = large(4, {
      size: 10 * MIB + 1,
      end: () => {
        throw fault;
      },
    });
    const late = large(4, {
      end: () => {
        throw fault;
      },
    });
    const cases: [StoreBody, (e: unknown) => boolean][] = [
      [broken, (e) => e === fault],
      [late, (e) => e === fault],
      [large(4, { end: () => small }), (e) => (e as { code: string }).code === 'E_INTEGRITY'],
      [large(4, { size: 10 * MIB + 1 }), (e) => (e as { code: string }).code === 'E_INTEGRITY'],
    ];
    for (const [body, is] of cases) {
      for (const key of ['x', 'y']) await assert.rejects(s.put(key, body), is);
    }
    assert.deepEqual(await s.get('x'), small);
    assert.equal(await s.head('y'), null);
  });

  it('an abort in the middle of a large body throws its reason, and nothing is visible', async (s) => {
    const reason = new Error('enough');
    for (const end of ['chunk', 'end'] as const) {
      const control = new AbortController();
      const body = large(4, {
        size: 10 * MIB + (end === 'chunk' ? 1 : 0),
        end: () => {
          control.abort(reason);
          return new Uint8Array(end === 'chunk' ? 1 : 0);
        },
      });
      await assert.rejects(s.put('x', body, { signal: control.signal }), (e) => e === reason);
      assert.equal(await s.head('x'), null);
    }
  });
}
