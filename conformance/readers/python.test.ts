/** Python's cbor2 opens our files, and Python's hashlib agrees on every digest. `npm test` makes the `.venv` it runs in. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../../sdk/checkpoint/reader.ts';
import { randomContent, sampleContent } from '../../sdk/checkpoint/sample.ts';
import { type CheckpointContent, encodeCheckpoint } from '../../sdk/checkpoint/writer.ts';
import type { HostArray, Json } from '../../sdk/core/host.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PYTHON = at(process.platform === 'win32' ? '../../.venv/Scripts/python.exe' : '../../.venv/bin/python');

interface Found {
  root: string;
  fingerprint: string;
  index: unknown;
  tensors: [string, string, number[], number[]][];
}

/** The form in which check.py prints values: floats as their bytes, maps as lists of entries. */
function exact(v: Json): unknown {
  if (typeof v === 'number' && !Number.isSafeInteger(v)) {
    const b = Buffer.alloc(8);
    b.writeDoubleBE(v);
    return { f64: b.toString('hex') };
  }
  if (Array.isArray(v)) return v.map(exact);
  if (typeof v !== 'object' || v === null) return v;
  const length = (k: string) => Buffer.byteLength(k);
  const keys = Object.keys(v).sort((a, b) => length(a) - length(b) || Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { map: keys.map((k) => [k, exact((v as Record<string, Json>)[k])]) };
}

function bits(t: HostArray): number[] {
  const { data } = t;
  return Array.from(t.dtype === 'f32' ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data);
}

test("Python's cbor2 reads every value and recomputes root and fingerprint", async (t) => {
  if (!existsSync(PYTHON)) {
    if (process.env.CI) assert.fail(`${PYTHON} is missing: run npm test, which makes it`);
    return t.skip('no .venv: npm test makes it');
  }
  const dir = await mkdtemp(join(tmpdir(), 'isobit-python-'));
  try {
    const large = new Float32Array((1 << 18) + 3).map((_, i) => i);
    const contents: CheckpointContent[] = [
      sampleContent(),
      { kind: 'weights', state: {}, tensors: new Map() },
      {
        kind: 'weights',
        state: {},
        tensors: new Map([['w', { data: large, shape: [large.length], dtype: 'f32' as const }]]),
      },
      ...Array.from({ length: 8 }, (_, i) => randomContent(1000 + i)),
    ];
    for (const c of contents) {
      const made = await encodeCheckpoint(c);
      const bytes = await made.bytes();
      const path = join(dir, `${made.root}.cbor`);
      await writeFile(path, bytes);
      const found = JSON.parse(
        execFileSync(PYTHON, [at('check.py'), path], { maxBuffer: 2 ** 26 }).toString(),
      ) as Found;
      assert.equal(found.root, made.root);
      assert.equal(found.fingerprint, made.fingerprint);
      assert.deepEqual(found.index, exact({ kind: c.kind, schema: c.schema ?? {}, state: c.state }));
      const file = await openCheckpoint(bytes);
      const want = file.tensors.map(({ name, dtype, shape }) => [
        name,
        dtype,
        shape,
        bits(c.tensors.get(name) as HostArray),
      ]);
      assert.deepEqual(found.tensors, want);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
