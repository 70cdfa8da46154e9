import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import type { Rng } from '../core/rng.ts';
import { permutation, sourceOf } from '../core/scalar/philox.ts';
import { batches } from './batches.ts';
import { split, take } from './rows.ts';
import type { BatchSource } from './source.ts';

/** The host half of a runtime's generator. */
function rng(seed: number, step = 0): Rng {
  return {
    seed: BigInt(seed),
    at: (s: number) => rng(seed, s),
    permutation: (name: string, n: number) => permutation(sourceOf(seed, name, step), n),
  } as unknown as Rng;
}

/** n rows [i, -i] with label i. */
function rows(n: number): [HostArray<'f32'>, HostArray<'i32'>] {
  const x = Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 ? -(i >> 1) : i >> 1));
  return [
    { data: x, shape: [n, 2], dtype: 'f32' },
    { data: Int32Array.from({ length: n }, (_, i) => i), shape: [n], dtype: 'i32' },
  ];
}

async function labels(source: BatchSource, epoch: number, seed = 7, from = 0): Promise<number[][]> {
  const out: number[][] = [];
  for await (const { x, y } of source.epoch(epoch, rng(seed), from)) {
    assert.deepEqual(x.shape, [y.data.length, 2]);
    const pairs = Array.from(y.data, (v) => [v, -v]).flat();
    assert.deepEqual(
      Array.from(x.data, (v) => v + 0),
      pairs.map((v) => v + 0),
      'x and y stay together',
    );
    out.push([...y.data]);
  }
  return out;
}

test('in file order: every row once, the last batch short', async () => {
  const source = batches(...rows(7), { size: 3 });
  assert.equal(source.batches, 3);
  assert.deepEqual(await labels(source, 0), [[0, 1, 2], [3, 4, 5], [6]]);
  const whole = batches(...rows(7), { size: 3, dropLast: true });
  assert.equal(whole.batches, 2);
  assert.deepEqual(await labels(whole, 0), [
    [0, 1, 2],
    [3, 4, 5],
  ]);
});

test('shuffled: the permutation of stream "shuffle" at step = epoch', async () => {
  const source = batches(...rows(50), { size: 16, shuffle: true });
  const seen = new Set<string>();
  for (const epoch of [0, 1, 2]) {
    const got = await labels(source, epoch);
    assert.deepEqual(
      got.map((b) => b.length),
      [16, 16, 16, 2],
    );
    assert.deepEqual(got.flat(), [...permutation(sourceOf(7, 'shuffle', epoch), 50)]);
    assert.deepEqual(await labels(source, epoch), got, 'the same again');
    seen.add(String(got));
  }
  seen.add(String(await labels(source, 0, 8)));
  assert.equal(seen.size, 4, 'epochs and seeds differ');
});

test('going on from any batch gives what an unbroken epoch gives', async () => {
  for (const shuffle of [false, true]) {
    const source = batches(...rows(23), { size: 4, shuffle });
    const all = await labels(source, 3);
    for (let from = 0; from <= all.length; from++) {
      assert.deepEqual(await labels(source, 3, 7, from), all.slice(from));
    }
    await assert.rejects(labels(source, 3, 7, all.length + 1), OptionError);
  }
});

test('inputs alone, any rank, batches are copies', async () => {
  const x: HostArray = { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [3, 2, 2], dtype: 'f32' };
  for await (const b of batches(x, { size: 2 }).epoch(0, rng(0), 1)) {
    assert.deepEqual(b, { x: { data: Float32Array.of(8, 9, 10, 11), shape: [1, 2, 2], dtype: 'f32' } });
    b.x.data.fill(0);
  }
  assert.equal(x.data[8], 8);
});

test('the id changes with every byte, shape, dtype and option that changes the sequence, and with nothing else', async () => {
  const make = (change: (x: HostArray<'f32'>, y: HostArray<'i32'>) => BatchSource) => change(...rows(6)).id();
  const ids = await Promise.all([
    make((x, y) => batches(x, y, { size: 2 })),
    make((x, y) => batches(x, y, { size: 3 })),
    make((x, y) => batches(x, y, { size: 2, shuffle: true })),
    make((x, y) => batches(x, y, { size: 2, dropLast: true })),
    make((x) => batches(x, { size: 2 })),
    make((x, y) => batches({ ...x, shape: [6, 2, 1] }, y, { size: 2 })),
    make((x, y) => batches(x, { data: Uint32Array.from(y.data), shape: y.shape, dtype: 'u32' }, { size: 2 })),
    make((x, y) => {
      x.data[11] = 1;
      return batches(x, y, { size: 2 });
    }),
    make((x, y) => {
      y.data[0] = 9;
      return batches(x, y, { size: 2 });
    }),
  ]);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
  const again = make((x, y) => batches(x, y, { size: 2, shuffle: false, dropLast: false, nonfinite: 'keep' }));
  assert.equal(await again, ids[0]);
});

test('bad data and options are refused when the batches are made', () => {
  const [x, y] = rows(4);
  const throws = (type: typeof DataError | typeof OptionError, message: RegExp, f: () => unknown) =>
    assert.throws(f, (e: Error) => e instanceof type && message.test(e.message));
  throws(DataError, /no rows/, () => batches({ ...x, data: new Float32Array(0), shape: [0, 2] }, { size: 1 }));
  throws(DataError, /no rows/, () => batches({ ...x, data: new Float32Array(1), shape: [] }, { size: 1 }));
  throws(DataError, /does not hold 8/, () => batches({ ...x, shape: [4, 3] }, { size: 1 }));
  throws(DataError, /x has 4, y has 5/, () => batches(x, rows(5)[1], { size: 1 }));
  throws(DataError, /no full batch/, () => batches(x, y, { size: 5, dropLast: true }));
  for (const size of [0, -1, 1.5, Number.NaN]) throws(OptionError, /size/, () => batches(x, y, { size }));
  throws(OptionError, /unknown option sise/, () => batches(x, y, { size: 1, sise: 2 } as { size: number }));
  for (const v of [Number.NaN, Infinity, -Infinity]) {
    const broken = { ...x, data: Float32Array.from(x.data, (e, i) => (i === 5 ? v : e)) };
    throws(DataError, /row 2, element 1/, () => batches(broken, y, { size: 1 }));
    assert.ok(batches(broken, y, { size: 1, nonfinite: 'keep' }));
  }
  const half: HostArray = { data: Uint16Array.of(0x3c00, 0x7e00), shape: [2], dtype: 'f16' };
  throws(DataError, /row 1/, () => batches(half, { size: 1 }));
  assert.ok(batches({ ...half, dtype: 'bf16' }, { size: 1 }), 'the same bits are a finite bf16');
});

test('an abort stops between batches with the reason it gave', async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  const reason = new Error('enough');
  await assert.rejects(async () => {
    for await (const { y } of batches(...rows(6), { size: 2 }).epoch(0, rng(0), 0, { signal: stop.signal })) {
      seen.push(...y.data);
      stop.abort(reason);
    }
  }, reason);
  assert.deepEqual(seen, [0, 1]);
});

test('split parts all rows by the seed; take copies the rows named', () => {
  const { train, test: held } = split(150, rng(1), 0.2);
  assert.equal(held.length, 30);
  assert.deepEqual(
    [...train, ...held].sort((a, b) => a - b),
    Array.from({ length: 150 }, (_, i) => i),
  );
  assert.notDeepEqual(split(150, rng(2), 0.2).test, held);
  for (const fraction of [0, 1, 0.001, Number.NaN]) assert.throws(() => split(10, rng(0), fraction), OptionError);
  const [x] = rows(5);
  assert.deepEqual(take(x, [4, 0, 4]), { data: Float32Array.of(4, -4, 0, -0, 4, -4), shape: [3, 2], dtype: 'f32' });
  assert.throws(() => take(x, [5]), DataError);
});
