/** read.py, the module that users copy: a dict of NumPy arrays with the values, dtypes and shapes of the file; damage is refused. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleContent } from '../../sdk/checkpoint/sample.ts';
import { encodeCheckpoint } from '../../sdk/checkpoint/writer.ts';
import type { HostArray } from '../../sdk/core/host.ts';

const PYTHON = join(import.meta.dirname, '../../.venv/bin/python');

/** NumPy's names of our dtypes; without ml_dtypes bf16 comes as its bits. */
const NUMPY = { f32: 'float32', i32: 'int32', u32: 'uint32', f16: 'float16', bf16: 'uint16', i8: 'int8', u8: 'uint8' };

const python = (program: string, ...args: string[]): string =>
  execFileSync(PYTHON, ['-B', '-c', program, ...args], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });

test('load gives every tensor as a NumPy array, state the rest', async (t) => {
  if (!existsSync(PYTHON)) {
    if (process.env.CI) assert.fail(`${PYTHON} is missing: run npm test, which makes it`);
    return t.skip('no .venv: npm test makes it');
  }
  const dir = await mkdtemp(join(tmpdir(), 'isobit-numpy-'));
  try {
    const content = sampleContent();
    // More than one leaf, so that their order counts.
    const large = new Float32Array((1 << 18) + 3).map((_, i) => i);
    const all = new Map([
      ...(content.tensors as Map<string, HostArray>),
      ['model/large', { data: large, shape: [large.length], dtype: 'f32' }] as [string, HostArray],
    ]);
    const bytes = await (await encodeCheckpoint({ ...content, tensors: all })).bytes();
    const path = join(dir, 'all.cbor');
    await writeFile(path, bytes);
    const dump = `
import json, sys
from read import load, state
a = load(sys.argv[1])
print(json.dumps([{k: [v.dtype.name, list(v.shape), v.tobytes().hex(), bool(v.flags.writeable)] for k, v in a.items()},
  state(sys.argv[1])["integers"], list(load(sys.argv[1], lambda n: n.startswith("optim/")))]))`;
    const [got, integers, part] = JSON.parse(python(dump, path));
    const want = Object.fromEntries(
      [...all].map(([name, { data, shape, dtype }]) => {
        const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
        return [name, [dtype === 'bool' ? 'bool' : NUMPY[dtype], shape, raw, true]];
      }),
    );
    assert.deepEqual(got, want);
    assert.deepEqual(integers, content.state.integers);
    assert.deepEqual(part, ['optim/i']);
    const weights = python(
      'import sys; from read import load; print(load(sys.argv[1])["model/fc1.weight"][0, 2], load(sys.argv[1])["model/half"][0])',
      path,
    );
    assert.equal(weights.trim(), '-1.0 1.0');

    const bad = bytes.slice();
    bad[bytes.length - 33 - 32 * 10] ^= 1; // a leaf
    await writeFile(path, bad);
    assert.throws(
      () => python('import sys; from read import load; load(sys.argv[1])', path),
      /the root does not match/,
    );
    const at = Buffer.from(bytes).indexOf(Buffer.from(new Float32Array(large.subarray(1000, 1004)).buffer));
    const changed = bytes.with(at, bytes[at] ^ 1);
    await writeFile(path, changed);
    assert.throws(
      () => python('import sys; from read import load; load(sys.argv[1])', path),
      /damaged, tensor 'model\/large' near byte 0/,
    );
    await writeFile(path, Buffer.concat([bytes, Buffer.of(0)]));
    assert.throws(() => python('import sys; from read import load; load(sys.argv[1])', path), /bytes behind its end/);
    await writeFile(path, '{"json": true}');
    assert.throws(() => python('import sys; from read import load; load(sys.argv[1])', path));
  } finally {
    await rm(dir, { recursive: true });
  }
});

/** Each byte of a file changed in turn, and each shorter file: ValueError, or what the whole file says. */
const DAMAGE = `
import os, sys
import cbor2
from read import load, state
path, whole = sys.argv[1], open(sys.argv[1], "rb").read()
def seen():
    return {k: (v.dtype.name, v.shape, v.tobytes()) for k, v in load(path).items()}, cbor2.dumps(state(path))
def after(blob):
    with open(path, "wb") as f:
        f.write(blob)
    try:
        return seen()
    except ValueError:
        return None
want, kept = seen(), []
for at in range(len(whole)):
    for x in (1, 0x20, 0x80, 0xff):
        got = after(whole[:at] + bytes([whole[at] ^ x]) + whole[at + 1:])
        assert got in (None, want), at
        if got: kept.append(at)
assert all(after(whole[:n]) is None for n in range(len(whole)))
length = int.from_bytes(whole[31:39], "little")
print(length, [at for at in kept if 15 <= at < 127 + length])
`;

test('a byte of the index, of a length or of anything that counts: ValueError, and so for every file cut off', async (t) => {
  if (!existsSync(PYTHON)) return t.skip('no .venv: npm test makes it');
  const dir = await mkdtemp(join(tmpdir(), 'isobit-numpy-'));
  try {
    const path = join(dir, 'small.cbor');
    const tensors = new Map<string, HostArray>([
      ['model/w', { data: Float32Array.of(1, 2), shape: [2], dtype: 'f32' }],
      ['model/n', { data: Uint8Array.of(3), shape: [1], dtype: 'u8' }],
    ]);
    const encoded = await encodeCheckpoint({ kind: 'weights', schema: { model: 1 }, state: { model: null }, tensors });
    await writeFile(path, await encoded.bytes());
    assert.match(python(DAMAGE, path), /^\d+ \[\]\n$/);
  } finally {
    await rm(dir, { recursive: true });
  }
});
