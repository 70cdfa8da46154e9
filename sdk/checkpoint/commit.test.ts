import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decode as cbor2Decode, encode } from 'cbor2';
import { CheckpointError } from '../core/errors.ts';
import { hex } from '../core/sha256.ts';
import { type CommitRecord, decodeCommit, encodeCommit } from './commit.ts';
import { LIMITS } from './limits.ts';

const record: CommitRecord = {
  v: 1,
  seq: 12,
  parent: 11,
  step: 340,
  epoch: 3,
  object: `objects/${'ab'.repeat(32)}.cbor`,
  size: 4772,
  root: 'ab'.repeat(32),
  fingerprint: 'cd'.repeat(32),
  metrics: { loss: 0.125, 'val/accuracy': null, huge: 1e300, whole: 3 },
  tags: ['best-so-far', 'ключ'],
  createdAt: 1700000000123,
  writer: 'test',
  op: 'save',
  floor: 10,
};

const refuses = (want: string) => (e: unknown) => {
  assert.ok(e instanceof CheckpointError, String(e));
  assert.equal(e.code, want, e.message);
  assert.ok(e.message.includes('key'), e.message);
  return true;
};

test('a record comes back as it was, and its bytes never change', async () => {
  const bytes = await encodeCommit(record, LIMITS);
  assert.deepEqual(await decodeCommit(bytes, 'key', LIMITS), record);
  assert.equal(
    createHash('sha256').update(bytes).digest('hex'),
    'ba9628232bc483a286e1bcd17600306d5b46a6699845d25f9136d40527e17f2b',
  );
});

test('cbor2 reads it, and the seal is the SHA-256 of all that comes before', async () => {
  const bytes = await encodeCommit(record, LIMITS);
  const [magic, body, seal] = cbor2Decode<[string, CommitRecord, Uint8Array]>(bytes);
  assert.equal(magic, 'isobit/commit/1');
  assert.deepEqual(body, record);
  assert.equal(hex(seal), createHash('sha256').update(bytes.subarray(0, -34)).digest('hex'));
});

test('every change of a byte and every truncation is refused', async () => {
  const good = await encodeCommit(record, LIMITS);
  const accepted: string[] = [];
  const refused = async (bytes: Uint8Array, what: () => string) => {
    try {
      await decodeCommit(bytes, 'key', LIMITS);
      accepted.push(what());
    } catch (e) {
      if (!(e instanceof CheckpointError) || e.hint === '') assert.fail(`${what()}: ${String(e)}`);
    }
  };
  // So many errors that their stacks would take most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const bytes = good.slice();
    for (let i = 0; i < bytes.length; i++) {
      for (let flip = 1; flip < 256; flip++) {
        bytes[i] = good[i] ^ flip;
        await refused(bytes, () => `byte ${i} ^ ${flip}`);
      }
      bytes[i] = good[i];
    }
    for (let n = 0; n < good.length; n++) await refused(good.subarray(0, n), () => `${n} bytes`);
    await refused(Uint8Array.from([...good, 0]), () => '1 more');
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  assert.deepEqual(accepted, []);
});

test('records over 64 KiB are neither written nor read', async () => {
  const large = { ...record, tags: [...Array(3000).keys()].map((i) => `tag-number-${i}-with-a-long-name`) };
  await assert.rejects(encodeCommit(large, LIMITS), (e) => (e as CheckpointError).code === 'E_LIMIT');
  const bytes = await encodeCommit(large, { ...LIMITS, commit: 2 ** 20 });
  await assert.rejects(decodeCommit(bytes, 'key', LIMITS), refuses('E_LIMIT'));
});

test('sealed records that say what cannot be', async () => {
  const seal = (v: unknown): Uint8Array => {
    const magic = Buffer.concat([Uint8Array.of(0xd9, 0xd9, 0xf7, 0x83), encode('isobit/commit/1')]);
    const body = Buffer.concat([magic, encode(v, { cde: true })]);
    return Uint8Array.from([...body, 0x58, 32, ...createHash('sha256').update(body).digest()]);
  };
  const ints = { ...record, metrics: {} };
  assert.deepEqual(await decodeCommit(seal(ints), 'key', LIMITS), ints);
  const oldest = { ...ints, createdAt: -8.64e15 };
  assert.deepEqual(await decodeCommit(seal(oldest), 'key', LIMITS), oldest);
  const bad: [string, unknown][] = [
    ['v', 2],
    ['seq', 0],
    ['seq', -1],
    ['parent', 'x'],
    ['step', -1],
    ['epoch', null],
    ['object', '../../etc/passwd'],
    ['object', 'objects/../x'],
    ['object', 'commits/x'],
    ['object', 'objects/..'],
    ['object', 'objects/.tmp-0'],
    ['object', 'objects/a\u0012b.cbor'],
    ['object', `objects/${'a'.repeat(300)}`],
    ['size', -1],
    ['root', 'abc'],
    ['root', 'AB'.repeat(32)],
    ['fingerprint', null],
    ['metrics', []],
    ['metrics', { a: 'x' }],
    ['tags', 'x'],
    ['tags', [1]],
    ['createdAt', 'now'],
    ['createdAt', 1e300],
    ['createdAt', -8_640_000_000_000_001],
    ['writer', 1],
    ['op', 'erase'],
    ['floor', -1],
    ['more', 1],
  ];
  for (const [k, v] of bad)
    await assert.rejects(decodeCommit(seal({ ...ints, [k]: v }), 'key', LIMITS), refuses('E_SCHEMA'), k);
  for (const k of Object.keys(ints)) {
    const { [k as 'seq']: _, ...less } = ints;
    await assert.rejects(decodeCommit(seal(less), 'key', LIMITS), refuses('E_SCHEMA'), k);
  }
  await assert.rejects(decodeCommit(seal([]), 'key', LIMITS), refuses('E_SCHEMA'));
});
