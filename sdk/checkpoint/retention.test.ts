import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitRecord } from './commit.ts';
import type { Retention } from './plan.ts';
import { bestStates, kept } from './retention.ts';

/** Commit n, at step 10 n, of a state of its own. */
function record(seq: number, more: Partial<CommitRecord> = {}): CommitRecord {
  const root = seq.toString(16).padStart(64, '0');
  return {
    v: 1,
    seq,
    parent: seq > 1 ? seq - 1 : null,
    step: seq * 10,
    epoch: 0,
    object: `objects/${root}.cbor`,
    size: 1,
    root,
    fingerprint: root,
    metrics: {},
    tags: [],
    createdAt: 0,
    writer: 'w',
    op: 'save',
    floor: 1,
    ...more,
  };
}

const metric = (v: number | null) => ({ metrics: { acc: v } });
const stays = (records: CommitRecord[], rule: Retention) => [...kept(records, rule)].sort((a, b) => a - b);
const ten = Array.from({ length: 10 }, (_, i) => record(i + 1));

test('without a rule everything stays', () => {
  assert.deepEqual(stays(ten, {}), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('keepLast keeps the newest states, each counted once', () => {
  assert.deepEqual(stays(ten, { keepLast: 3 }), [8, 9, 10]);
  assert.deepEqual(stays(ten, { keepLast: 99 }).length, 10);
  assert.deepEqual(stays([...ten].reverse(), { keepLast: 1 }), [10]);
  const again = [...ten, record(11, { root: ten[9].root }), record(12, { root: ten[9].root })];
  assert.deepEqual(stays(again, { keepLast: 2 }), [9, 12]);
});

test('keepEvery keeps multiples, and the latest always stays', () => {
  assert.deepEqual(stays(ten, { keepEvery: 40 }), [4, 8, 10]);
});

test('keepBest: either mode, k of them, the earlier of a tie, NaN and missing never', () => {
  const r = [3, 9, 9, null, 5, 1].map((v, i) => record(i + 1, metric(v)));
  const rule = (mode: 'min' | 'max', k?: number): Retention => ({ keepBest: { metric: 'acc', mode, k } });
  assert.deepEqual(stays(r, rule('max')), [2, 6]);
  assert.deepEqual(stays(r, rule('max', 2)), [2, 3, 6]);
  assert.deepEqual(stays(r, rule('max', 3)), [2, 3, 5, 6]);
  assert.deepEqual(stays(r, rule('min')), [6]);
  assert.deepEqual(stays(r, rule('min', 2)), [1, 6]);
  assert.deepEqual(stays(r, { keepBest: { metric: 'other', mode: 'max' } }), [6]);
  assert.deepEqual(
    bestStates(r, { metric: 'acc', mode: 'max' }).map((e) => e.seq),
    [2, 3, 5, 1, 6],
  );
  const odd = [record(1, metric(Number.NaN)), record(2, metric(-5)), record(3, metric(Number.NaN))];
  assert.deepEqual(stays(odd, rule('max')), [2, 3]);
});

test('tags keep their newest holder, a pin too', () => {
  const r = [
    record(1, { tags: ['release'] }),
    record(2, { tags: ['moved'] }),
    record(3, { tags: ['moved'] }),
    ...ten.slice(3),
  ];
  assert.deepEqual(stays(r, { keepLast: 1 }), [1, 3, 10]);
  const pin = record(11, { op: 'pin', root: ten[4].root, object: ten[4].object, tags: ['good'] });
  assert.deepEqual(stays([...ten, pin], { keepLast: 2 }), [9, 10, 11]);
});

test('rules are a union', () => {
  const r = ten.map((e) => record(e.seq, metric(e.seq === 3 ? 100 : e.seq)));
  assert.deepEqual(stays(r, { keepLast: 2, keepEvery: 50, keepBest: { metric: 'acc', mode: 'max' } }), [3, 5, 9, 10]);
});

test('keepInterval keeps the first state of every interval, whatever was removed before and however the clock runs', () => {
  const at = (seconds: readonly number[]) => seconds.map((t, i) => record(i + 1, { createdAt: 1000 * t }));
  const rule = { keepInterval: 10 };
  assert.deepEqual(stays(at([1, 5, 9.999, 10, 15, 21, 29, 30, 31]), rule), [1, 4, 6, 8, 9]);
  assert.deepEqual(stays(at([1, 5, 9.999, 10, 15, 21]), { keepInterval: 20 }), [1, 6]);
  // removed one by one, as saves come: the same
  let left: CommitRecord[] = [];
  for (const r of at([1, 5, 9.999, 10, 15, 21, 29, 30, 31])) {
    const all = [...left, r];
    const now = kept(all, rule);
    left = all.filter((e) => now.has(e.seq));
  }
  assert.deepEqual(
    left.map((r) => r.seq),
    [1, 4, 6, 8, 9],
  );
  // set back: nothing that stayed goes, and later intervals get theirs
  assert.deepEqual(stays(at([100, 105, 20, 25, 110, 115]), rule), [1, 3, 5, 6]);
  const pin = record(3, { op: 'pin', createdAt: 30_000 });
  assert.deepEqual(stays([...at([1, 11]), pin], { keepInterval: 10 }), [1, 2], 'a pin is no state');
});
