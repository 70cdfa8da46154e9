/** A Buffer of Node's is a Uint8Array whose slice() copies nothing, and which lies in a pool beside others: what readFile gives. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readNpy, writeNpy } from '../data/npy.ts';
import { type Archive, isRecord } from './archive.ts';
import { readBurnpack, writeBurnpack } from './burnpack.ts';
import { readJson, writeJson } from './json.ts';
import { readMpk } from './mpk.ts';
import { readNpz, writeNpz } from './npz.ts';
import { readPyTorch } from './pytorch.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { array } from './testing.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures', name)));
const four = array('f32', [4], [1, 2, 3, 4]);
const small: Archive = { tensors: new Map([['w', four]]), metadata: {} };

const READERS: Readonly<Record<string, readonly [(b: Uint8Array) => unknown, Uint8Array]>> = {
  safetensors: [readSafetensors, writeSafetensors(small)],
  npz: [readNpz, writeNpz(small)],
  npy: [readNpy, writeNpy(four)],
  burnpack: [readBurnpack, writeBurnpack(small)],
  json: [readJson, writeJson(small)],
  mpk: [readMpk, fixture('burn-0.21/full.mpk')],
  pytorch: [(b) => readPyTorch(b, { cast: true }), fixture('checkpoint.pt')],
};

for (const [name, [read, bytes]] of Object.entries(READERS)) {
  test(`${name}: a Buffer, of a pool and at an odd offset, is read as the same bytes in an array of their own`, () => {
    const want = read(bytes);
    assert.ok(isRecord(want));
    const large = Buffer.concat([Buffer.of(7), bytes, Buffer.of(7)]);
    for (const b of [Buffer.from(bytes), large.subarray(1, 1 + bytes.length)]) assert.deepEqual(read(b), want);
  });
}
