/** Files that are sealed correctly and yet lie: whoever can compute a SHA-256 can make them. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { encode } from 'cbor2';
import { CheckpointError } from '../core/errors.ts';
import { concatBytes } from './bytes.ts';
import { openCheckpoint } from './reader.ts';
import { tensor } from './sample.ts';
import { encodeCheckpoint } from './writer.ts';

const sha = (...parts: Uint8Array[]) => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p);
  return new Uint8Array(h.digest());
};

const ROOT = new TextEncoder().encode('isobit/1 root\0');

interface Forgery {
  index?: Uint8Array;
  /** Changes to the prologue: [offset in it, value as u64]. */
  fields?: [number, bigint][];
  minor?: number;
  /** Changes to the finished file, outside of what is digested. */
  poke?: [number, number][];
  data?: (b: Uint8Array) => void;
}

/** A file of one f32 tensor 'w' of two elements whose parts are replaced, with all digests made good. */
async function forge(f: Forgery): Promise<Uint8Array> {
  const made = await encodeCheckpoint({
    kind: 'weights',
    state: {},
    tensors: new Map([['w', tensor('f32', [2], [1, 2])]]),
  });
  const good = await made.bytes();
  const v = new DataView(good.buffer);
  const indexLen = Number(v.getBigUint64(31, true));
  const sealOff = Number(v.getBigUint64(71, true));
  const index = f.index ?? good.subarray(127, 127 + indexLen);
  // keep the layout as the new index implies: one array head, then the frame up to 256, then 8 bytes
  const at = 127 + index.length + 1;
  const end = 256 * Math.ceil((at + 4) / 256);
  const room = end - at - 3;
  const pad = room - 1 < 24 ? room - 1 : room - 2;
  const frame = [...(room - 1 < 24 ? [0x40 | pad] : [0x58, pad]), ...new Uint8Array(pad), 0xd8, 85, 0x48];
  const body = good.slice(256, 264);
  f.data?.(body);
  const prologue = good.slice(15, 127);
  const p = new DataView(prologue.buffer);
  p.setBigUint64(16, BigInt(index.length), true);
  p.setBigUint64(8 + 6 * 8, BigInt(end + 8), true);
  p.setBigUint64(8 + 7 * 8, BigInt(end + 8 + 2 + 64), true);
  prologue.set(sha(index), 72);
  if (f.minor !== undefined) p.setUint16(2, f.minor, true);
  for (const [off, value] of f.fields ?? []) p.setBigUint64(off, value, true);
  const leaf = sha(body);
  const parts = [good.subarray(0, 15), prologue, index, Uint8Array.of(0x82), Uint8Array.from(frame), body];
  const file = concatBytes([...parts, good.subarray(sealOff, sealOff + 2), leaf, sha(ROOT, prologue, leaf)]);
  for (const [off, value] of f.poke ?? []) file[off < 0 ? file.length + off : off] = value;
  return file;
}

const good = { kind: 'weights', requires: [], schema: {}, state: {}, tensors: [['w', 'f32', [2]]] };
const index = (v: unknown) => encode(v, { cde: true });
const change = (v: object) => index({ ...good, ...v });

async function refused(f: Forgery, want: string): Promise<void> {
  await assert.rejects(
    async () => openCheckpoint(await forge(f)),
    (e) => {
      assert.ok(e instanceof CheckpointError, String(e));
      assert.equal(e.code, want, e.message);
      return true;
    },
    JSON.stringify(f, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
  );
}

test('the forger can make a good file', async () => {
  const file = await openCheckpoint(await forge({ index: index(good) }));
  assert.deepEqual((await file.read('w')).data, Float32Array.of(1, 2));
});

test('an index that says what cannot be', async () => {
  const table: [unknown, string][] = [
    [[], 'E_SCHEMA'],
    [{}, 'E_SCHEMA'],
    [{ ...good, kind: 1 }, 'E_SCHEMA'],
    [{ ...good, kind: 'Two words' }, 'E_SCHEMA'],
    [{ ...good, state: [] }, 'E_SCHEMA'],
    [{ ...good, state: null }, 'E_SCHEMA'],
    [{ ...good, schema: { a: -1 } }, 'E_SCHEMA'],
    [{ ...good, schema: { a: 'x' } }, 'E_SCHEMA'],
    [{ ...good, schema: [] }, 'E_SCHEMA'],
    [{ ...good, requires: ['teleport'] }, 'E_REQUIRES'],
    [{ ...good, requires: [1] }, 'E_SCHEMA'],
    [{ ...good, requires: {} }, 'E_SCHEMA'],
    [{ ...good, extra: 1 }, 'E_SCHEMA'],
    [{ ...good, tensors: {} }, 'E_SCHEMA'],
    [{ ...good, tensors: [[]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f32']] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f32', [2], 1]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [[1, 'f32', [2]]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f32', 2]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f32', [-2]]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f32', ['2']]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f32', [1.1]]] }, 'E_SCHEMA'],
    [{ ...good, tensors: [['w', 'f64', [1]]] }, 'E_DTYPE'],
    [{ ...good, tensors: [['w', 'toString', [1]]] }, 'E_DTYPE'],
    [{ ...good, tensors: [['w', 5, [1]]] }, 'E_DTYPE'],
    [{ ...good, tensors: [['w', 'f32', new Array(17).fill(1)]] }, 'E_LIMIT'],
    [{ ...good, tensors: [['w', 'f32', [2 ** 39]]] }, 'E_LIMIT'],
    [{ ...good, tensors: [['w', 'f32', [2 ** 31, 2 ** 31]]] }, 'E_LIMIT'],
    [{ ...good, tensors: [['w', 'f32', [3]]] }, 'E_LAYOUT'],
    [{ ...good, tensors: [['w', 'f32', [2 ** 37]]] }, 'E_LAYOUT'],
    [{ ...good, tensors: [] }, 'E_LAYOUT'],
    [
      {
        ...good,
        tensors: [
          ['a', 'f32', [0]],
          ['w', 'f32', [2]],
        ],
      },
      'E_LAYOUT',
    ],
    [
      {
        ...good,
        tensors: [
          ['w', 'f32', [2]],
          ['w', 'f32', [2]],
        ],
      },
      'E_SCHEMA',
    ],
    [
      {
        ...good,
        tensors: [
          ['w', 'f32', [2]],
          ['a', 'f32', [2]],
        ],
      },
      'E_SCHEMA',
    ],
    [
      {
        ...good,
        tensors: [
          ['\u{1f600}', 'f32', [2]],
          ['\uffee', 'f32', [2]],
        ],
      },
      'E_SCHEMA',
    ],
    ...['', '/w', 'w/', 'a//b', '..', 'a/../w', 'a\nb', 'w\u0085', 'x'.repeat(1025)].map((name): [unknown, string] => [
      { ...good, tensors: [[name, 'f32', [2]]] },
      'E_SCHEMA',
    ]),
  ];
  for (const [v, want] of table) await refused({ index: index(v) }, want);
});

test('an index that is spelled in another way', async () => {
  const bytes = index(good);
  await refused({ index: concatBytes([bytes, Uint8Array.of(0)]) }, 'E_TRAILING');
  await refused({ index: bytes.subarray(0, -1) }, 'E_TRUNCATED');
  await refused({ index: new Uint8Array(0) }, 'E_TRUNCATED');
  await refused({ index: concatBytes([Uint8Array.of(0xd9, 0xd9, 0xf7), bytes]) }, 'E_NONCANONICAL');
  await refused({ index: encode(good) }, 'E_NONCANONICAL'); // in the order of insertion
  await refused({ index: change({ state: { a: 1.5 } }) }, 'E_NONCANONICAL'); // as a float16
  await refused({ index: change({ state: { a: Number.NaN } }) }, 'E_NONCANONICAL');
  await refused({ index: change({ state: { a: 2n ** 70n } }) }, 'E_NONCANONICAL');
  await refused({ index: change({ state: { a: undefined } }) }, 'E_NONCANONICAL');
  await refused({ index: change({ state: { a: Uint8Array.of(1) } }) }, 'E_NONCANONICAL');
  await refused({ index: change({ state: { a: new Date(0) } }) }, 'E_NONCANONICAL');
  let deep: unknown = 1;
  for (let i = 0; i < 31; i++) deep = [deep];
  await refused({ index: change({ state: { deep } }) }, 'E_LIMIT');
});

test('a prologue that lies', async () => {
  const field = (i: number, v: bigint): Forgery => ({ fields: [[8 + 8 * i, v]] });
  const big = 2n ** 64n - 1n;
  for (const i of [0, 1, 2, 3, 4, 5, 6, 7]) await refused(field(i, big), 'E_LIMIT');
  await refused(field(0, 128n), 'E_LAYOUT');
  await refused(field(1, 0n), 'E_INTEGRITY');
  await refused(field(1, 300n), 'E_LAYOUT');
  await refused(field(1, 2n ** 24n + 1n), 'E_LIMIT');
  await refused(field(2, 0n), 'E_LAYOUT');
  await refused(field(2, 100_001n), 'E_LIMIT');
  await refused(field(3, 0n), 'E_LAYOUT');
  await refused(field(3, 2n ** 38n), 'E_LAYOUT');
  await refused(field(4, 1n), 'E_LAYOUT');
  await refused(field(5, 1n), 'E_LAYOUT');
  await refused(field(6, 256n), 'E_LAYOUT');
  await refused(field(7, 10n), 'E_TRAILING');
  await refused(field(7, 10000n), 'E_TRUNCATED');
  await refused({ fields: [[104, 1n]] }, 'E_LAYOUT');
});

test('bytes between tensors, which no digest covers, must be what the layout says', async () => {
  const clean = await forge({});
  const sealOff = clean.length - 66;
  const from = 127 + index(good).length;
  for (const at of [from, from + 1, from + 5, 252, 253, 254, 255, sealOff, sealOff + 1]) {
    await refused({ poke: [[at, clean[at] ^ 1]] }, 'E_LAYOUT');
  }
});

test('a later minor version may add keys, and only that', async () => {
  const file = await openCheckpoint(await forge({ minor: 1, index: change({ comment: 'from the future' }) }));
  assert.deepEqual((await file.read('w')).data, Float32Array.of(1, 2));
  await refused({ minor: 1, index: change({ requires: ['x'] }) }, 'E_REQUIRES');
  await refused({ minor: 1, index: index({ ...good, kind: undefined }) }, 'E_NONCANONICAL');
});

test('a bool that is neither 0 nor 1', async () => {
  const boolean = { tensors: [['w', 'bool', [8]]] };
  await refused({ index: change(boolean), data: (b) => b.fill(2) }, 'E_LAYOUT'); // the typed array's tag is f32's
  const c = { kind: 'weights', state: {}, tensors: new Map([['w', tensor('bool', [2], [1, 0])]]) };
  const bytes = await (await encodeCheckpoint(c)).bytes();
  const at = (await openCheckpoint(bytes)).tensors[0].offset;
  bytes[at] = 2;
  const leaf = sha(bytes.subarray(at, at + 2));
  bytes.set(leaf, bytes.length - 64);
  bytes.set(sha(ROOT, bytes.subarray(15, 127), leaf), bytes.length - 32);
  await assert.rejects(openCheckpoint(bytes), (e) => (e as CheckpointError).code === 'E_NONCANONICAL');
});

test('random bytes behind the magic', async () => {
  const start = (await forge({})).subarray(0, 15);
  let a = 1;
  for (let i = 0; i < 500; i++) {
    const noise = Uint8Array.from({ length: i * 3 }, () => {
      a = (Math.imul(a, 1664525) + 1013904223) >>> 0;
      return a >>> 24;
    });
    for (const bytes of [noise, concatBytes([start, noise])]) {
      await assert.rejects(openCheckpoint(bytes), (e) => e instanceof CheckpointError);
    }
  }
});
