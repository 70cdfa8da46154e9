/** Tests of a store of browsers, in a page or a worker: those that all of them share, and where those of one kind are registered. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunStore } from '../../sdk/checkpoint/index.ts';
import type { Store, StoreBody } from '../store.ts';
import { storeSuite } from '../suite.ts';
import { bytes, code, fresh, noise } from './page-calls.ts';

/** A test with a store of its own, closed afterwards. */
export type It = (what: string, run: (store: Store, name: string) => Promise<void>) => void;

/** Registers the shared suite and what follows here, and gives what registers more. */
export function pageStoreTests(kind: string, open: (name: string) => Store): It {
  storeSuite(kind, async () => open(fresh()));
  const it: It = (what, run) =>
    test(`${kind}: ${what}`, async () => {
      const name = fresh();
      const store = open(name);
      await run(store, name).finally(() => store.close());
    });

  it('holds runs: saved, resumed, thinned out, and the second writer is told', async (s, name) => {
    const content = (step: number) => ({
      kind: 'train',
      state: { step },
      tensors: new Map([['model/w', { data: Float32Array.of(step), shape: [1], dtype: 'f32' as const }]]),
    });
    const a = new RunStore(s, { keepLast: 2 });
    for (let step = 1; step <= 5; step++) await a.save(content(step), { step, epoch: 0 });
    const b = new RunStore(open(name));
    assert.equal((await b.resume())?.file.state.step, 5);
    await a.save(content(6), { step: 6, epoch: 0 });
    await assert.rejects(b.save(content(7), { step: 7, epoch: 0 }), code('E_CONFLICT'));
    assert.equal((await a.commits()).length, 2);
  });

  // `SharedArrayBuffer` is hidden from pages that are not isolated; this is the same thing
  it('memory that threads share is written, and parts of it', async (s) => {
    const shared = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
    shared[1] = 9;
    await s.put('x', shared.subarray(1, 3));
    assert.deepEqual(await s.get('x'), bytes(9, 0));
  });
  return it;
}

/** Puts to 'x', which is there, and 'y', which fail in their middle, are refused, or have no good key; each of some MiB. */
export async function failedPuts(s: Store, size: number, error: Error): Promise<void> {
  const broken: StoreBody = {
    size: 2 * size,
    async *chunks() {
      yield noise(size);
      throw error;
    },
  };
  await assert.rejects(s.put('y', broken), /the source broke/);
  assert.equal(await s.put('x', noise(size), { ifAbsent: true }), 'exists');
  await assert.rejects(
    s.put(() => 'a//b', noise(size)),
    code('E_OPTION'),
  );
}
