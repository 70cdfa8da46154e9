import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Buffer } from './buffer.ts';
import { Heap } from './heap.ts';

test('a buffer goes back with its last holder, once', () => {
  const heap = new Heap({ bytes: 1 << 20, grow: () => false }, 0, 1 << 20);
  const a = new Buffer(heap, 64);
  a.retain().release();
  assert.equal(heap.live, 64, 'one holder is left');
  a.release();
  a.release();
  assert.equal(heap.live, 0);
  const places = [new Buffer(heap, 64).at, new Buffer(heap, 64).at];
  assert.equal(places[0], a.at, 'its place is taken again');
  assert.notEqual(places[0], places[1], 'and only once');
});
