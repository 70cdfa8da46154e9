/** N8: the published known answers, and what is made of the words. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as s from './index.ts';

const hex = (v: number) => s.bitsOf(v).toString(16).padStart(8, '0');
const ALL = 0xffffffff;

function block(c: number[], k: number[]): string {
  const out = new Uint32Array(4);
  s.philox(c[0], c[1], c[2], c[3], k[0], k[1], out);
  return [...out].map((w) => w.toString(16).padStart(8, '0')).join(' ');
}

test('Philox4x32-10 known answers (Random123 kat_vectors)', () => {
  assert.equal(block([0, 0, 0, 0], [0, 0]), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  assert.equal(block([ALL, ALL, ALL, ALL], [ALL, ALL]), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

const zero: s.Source = { seedLo: 0, seedHi: 0, stream: 0, step: 0 };

test('uniform and normal of the first known answer', () => {
  const w = s.words(zero, 4);
  assert.equal([...w].map((x) => hex(s.uniformOf(x))).join(' '), '3ecc4fd0 3f6169c5 3f3c57ac 3f1b00db');
  assert.equal([...s.normals(zero, 4)].map(hex).join(' '), '3d408846 bfad6600 bf471019 3dc4489b');
});

test('stream is FNV-1a-32 of the UTF-8 name', () => {
  // Published vectors of the FNV authors.
  assert.equal(s.streamOf(''), 0x811c9dc5);
  assert.equal(s.streamOf('a'), 0xe40c292c);
  assert.equal(s.streamOf('foobar'), 0xbf9cf968);
  let h = 0x811c9dc5;
  for (const b of Buffer.from('é/层', 'utf8')) h = Math.imul(h ^ b, 0x01000193) >>> 0;
  assert.equal(s.streamOf('é/层'), h);
});

test('a source splits the seed and wraps the step', () => {
  const a = s.sourceOf(0x123456789abcdef0n, 'x', 2 ** 32 + 7);
  assert.equal(a.seedLo, 0x9abcdef0);
  assert.equal(a.seedHi, 0x12345678);
  assert.equal(a.step, 7);
  assert.deepEqual(s.sourceOf(-1n, 'x', 0), { ...s.sourceOf(2n ** 64n - 1n, 'x', 0) });
});

test('element i is word i & 3 of block i >> 2, whatever the length', () => {
  const source = s.sourceOf(42n, 'weights', 3);
  const all = s.words(source, 103);
  assert.equal(all.length, 103);
  for (const n of [0, 1, 3, 4, 5, 100]) assert.deepEqual(s.words(source, n), all.slice(0, n));
  const out = new Uint32Array(4);
  s.philox(25, 0, source.stream, source.step, source.seedLo, source.seedHi, out);
  assert.deepEqual(all.slice(100), out.slice(0, 3));
  assert.deepEqual(s.normals(source, 7), s.normals(source, 8).slice(0, 7));
});

test('normal stays finite at the ends of the words', () => {
  for (const w0 of [0, 0x1ff, 0x200, ALL]) {
    for (const w1 of [0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xc0000000, ALL]) {
      for (const v of s.normalPair(w0, w1)) assert.ok(Number.isFinite(v) && Math.abs(v) < 6);
    }
  }
});

test('normal numbers have the moments and tails of a normal law', () => {
  const n = 200000;
  const x = s.normals(s.sourceOf(7n, 'moments', 0), n);
  const moment = (k: number) => x.reduce((a, v) => a + v ** k, 0) / n;
  // Five standard errors each.
  assert.ok(Math.abs(moment(1)) < 5 / Math.sqrt(n));
  assert.ok(Math.abs(moment(2) - 1) < 5 * Math.sqrt(2 / n));
  assert.ok(Math.abs(moment(3)) < 5 * Math.sqrt(15 / n));
  assert.ok(Math.abs(moment(4) - 3) < 5 * Math.sqrt(96 / n));
  const beyond2 = x.reduce((a, v) => a + (Math.abs(v) > 2 ? 1 : 0), 0) / n;
  assert.ok(Math.abs(beyond2 - 0.0455) < 5 * Math.sqrt(0.0455 / n));
  // The two of a pair are independent.
  let pair = 0;
  for (let i = 0; i < n; i += 2) pair += x[i] * x[i + 1];
  assert.ok(Math.abs(pair / (n / 2)) < 5 / Math.sqrt(n / 2));
});

test('uniformBetween adds u * (b - a) to a', () => {
  assert.equal(s.uniformBetween(0, -2, 3), -2);
  assert.equal(s.uniformBetween(0.5, -2, 3), 0.5);
});

test('randint and dropout', () => {
  assert.equal(s.randint(ALL, 10), 9);
  assert.equal(s.randint(0, 10), 0);
  assert.equal(s.randint(0x80000000, 10), 5);
  assert.equal(s.dropoutThreshold(0), 0);
  assert.equal(s.dropoutThreshold(0.5), 0x80000000);
  assert.equal(s.dropoutThreshold(0.1), 429496729);
});

test('permutation swaps from the end, the k-th swap with word k', () => {
  const source = s.sourceOf(1n, 'shuffle', 4);
  const n = 1000;
  const p = s.permutation(source, n);
  assert.deepEqual(
    [...p].sort((a, b) => a - b),
    Array.from({ length: n }, (_, i) => i),
  );
  const w = s.words(source, n - 1);
  const expected = Array.from({ length: n }, (_, i) => i);
  for (let k = 0; k < n - 1; k++) {
    const i = n - 1 - k;
    const j = Number((BigInt(w[k]) * BigInt(i + 1)) >> 32n);
    [expected[i], expected[j]] = [expected[j], expected[i]];
  }
  assert.deepEqual([...p], expected);
  assert.deepEqual([...s.permutation(source, 0)], []);
  assert.deepEqual([...s.permutation(source, 1)], [0]);
});
