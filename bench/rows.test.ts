/** The arithmetic of rows: the best peer, the ratio, what is over its target, and who falls over. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fallen, raceRow, rowOf } from './rows.ts';

const o = { part: 'p', name: 'n', ours: 'isobit', target: 0.5 };

test('the ratio is to the fastest peer', () => {
  const row = rowOf(o, { isobit: 4, a: 20, b: 10 });
  assert.deepEqual([row.ours, row.peer, row.peerName, row.ratio, row.over], [4, 10, 'b', 0.4, false]);
  assert.equal(rowOf(o, { isobit: 6, a: 20, b: 10 }).over, true);
  assert.equal(rowOf({ ...o, target: null }, { isobit: 6, a: 2 }).over, false);
});

test('what stands aside is no peer', () => {
  const row = rowOf({ ...o, aside: ['Trainer'] }, { isobit: 4, Trainer: 5, a: 20 });
  assert.equal(row.peerName, 'a');
  assert.equal(row.all.Trainer, 5);
});

test('who has no figure stands there with the reason, and without ours a target is missed', () => {
  const figures = { cpu: 3, wall: 7, warmUp: 1, memory: 1, pipelines: 0 };
  const row = raceRow(o, ['isobit', 'a', 'b'], [figures, { error: 'no kernel' }, { ...figures, cpu: 12 }]);
  assert.deepEqual([row.ratio, row.peerName, row.absent], [0.25, 'b', { a: 'no kernel' }]);
  assert.equal(raceRow(o, ['isobit', 'a'], [figures, { ...figures, wall: 14 }], 'wall').ratio, 0.5);
  const none = raceRow(o, ['isobit', 'a'], [{ error: 'no layers' }, figures]);
  assert.deepEqual([none.ours, none.ratio, none.over], [null, null, true]);
  assert.equal(raceRow(o, ['isobit', 'a'], [figures, { error: 'it cannot' }]).over, false);
});

test('a peer falls over that takes more than three times as long', () => {
  const plain = rowOf(o, { isobit: 1, a: 2, b: 2 });
  assert.deepEqual(fallen(plain, rowOf(o, { isobit: 1, a: 7, b: 5 })), ['a']);
});
