import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeCheckpoint, encodeCheckpoint, openCheckpoint } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { inspect } from './inspect.ts';

const dir = mkdtempSync(join(tmpdir(), 'inspect-'));
after(() => rmSync(dir, { recursive: true }));

const tensors = new Map<string, HostArray>([
  ['model/fc1.weight', { data: Float32Array.of(0, 1, 3, 4), shape: [2, 2], dtype: 'f32' }],
  ['model/b', { data: Float32Array.of(5), shape: [1], dtype: 'f32' }],
  ['optim/m/b', { data: Float32Array.of(6), shape: [1], dtype: 'f32' }],
]);
const state = { step: 7, data: { id: 'ab', list: [1, 2, 3, 4, 5, 6, 7, 8, 9], maps: [{ a: null }] } };
const encoded = await encodeCheckpoint({ kind: 'train', schema: { model: 1 }, state, tensors });
const bytes = await encoded.bytes();

async function show(path: string, json = false): Promise<string> {
  let out = '';
  await inspect(path, { json }, { out: (s: string) => (out += s), err: assert.fail } as never);
  return out;
}

test('everything in the file, as text or as JSON; also by way of a link', async () => {
  const path = join(dir, 'good.cbor');
  writeFileSync(path, bytes);
  const text = `${path}: every byte verified\n${await describeCheckpoint(await openCheckpoint(bytes))}\n`;
  assert.equal(await show(path), text);
  for (const word of [encoded.root, encoded.fingerprint, 'fc1.weight', 'step: 7']) assert.ok(text.includes(word), word);
  symlinkSync(path, join(dir, 'link'));
  assert.equal(await show(join(dir, 'link')), text.replace(path, join(dir, 'link')));
  const json = JSON.parse(await show(path, true));
  assert.deepEqual([json.kind, json.state, json.root], ['train', state, encoded.root]);
  const { name, dtype, shape, min, max, mean, zeros, nonfinite } = json.tensors[1];
  assert.deepEqual([name, dtype, shape], ['model/fc1.weight', 'f32', [2, 2]]);
  assert.deepEqual({ min, max, mean, zeros, nonfinite }, { min: 0, max: 4, mean: 2, zeros: 1, nonfinite: 0 });
  assert.equal(json.tensors.length, 3);
});

test('a damaged, truncated or foreign file, a directory, a missing file: a typed error that names it', async () => {
  const cases: [string, Uint8Array | null, RegExp][] = [
    ['changed.cbor', bytes.with(bytes.length - 40, bytes[bytes.length - 40] ^ 1), /^E_/],
    ['short.cbor', bytes.slice(0, -1), /^E_TRUNCATED$/],
    ['other.txt', new TextEncoder().encode('not a checkpoint at all'), /^E_/],
    ['model.safetensors', writeSafetensors({ tensors, metadata: {} }), /^E_MAGIC$/],
    ['missing.cbor', null, /^E_NOT_FOUND$/],
    ['.', null, /^E_NOT_FOUND$/],
  ];
  for (const [name, content, code] of cases) {
    const path = join(dir, name);
    if (content) writeFileSync(path, content);
    await assert.rejects(show(path), (e: unknown) => {
      if (name === 'model.safetensors')
        assert.match((e as CheckpointError).hint, /\.safetensors file .*isobit convert/);
      assert.ok(e instanceof CheckpointError, String(e));
      assert.match(e.code, code, name);
      assert.ok(e.message.includes(path), e.message);
      assert.notEqual(e.hint, '');
      return true;
    });
  }
});
