import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import type { GetOptions, Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { openCheckpoint } from './reader.ts';
import { randomContent, sampleContent, tensor } from './sample.ts';
import { type CheckpointContent, encodeCheckpoint, fingerprintOf } from './writer.ts';

const sha = (b: Uint8Array | string) => createHash('sha256').update(b).digest('hex');
const bytesOf = async (c: CheckpointContent) => (await encodeCheckpoint(c)).bytes();

const code =
  (want: string, more: Record<string, unknown> = {}) =>
  (e: unknown) => {
    assert.ok(e instanceof CheckpointError, String(e));
    assert.equal(e.code, want, e.message);
    assert.notEqual(e.hint, '', `${want} says what to do`);
    for (const [k, v] of Object.entries(more))
      assert.deepEqual((e as unknown as Record<string, unknown>)[k], v, e.message);
    return true;
  };

/** Raw bytes, so that -0 and NaN payloads count. */
function raw(t: HostArray): Uint8Array {
  return new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);
}

async function assertHolds(bytes: Uint8Array, c: CheckpointContent): Promise<void> {
  const file = await openCheckpoint(bytes);
  assert.equal(file.kind, c.kind);
  assert.deepEqual(file.schema, c.schema ?? {});
  assert.deepEqual(file.state, c.state);
  assert.equal(file.tensors.length, c.tensors.size);
  const all = await file.readAll();
  for (const [name, want] of c.tensors as Map<string, HostArray>) {
    const got = await file.read(name);
    assert.equal(got.dtype, want.dtype);
    assert.deepEqual(got.shape, want.shape);
    assert.equal(got.data.constructor, want.data.constructor);
    assert.deepEqual(raw(got), raw(want), name);
    assert.deepEqual(all.get(name), got);
  }
}

const GOLDEN = new URL('./fixtures/golden-1.cbor', import.meta.url);

test('the golden file of format 1: the bytes of the sample never change', async () => {
  const made = await encodeCheckpoint(sampleContent());
  const bytes = await made.bytes();
  if (process.env.WRITE_GOLDEN === '1') await writeFile(GOLDEN, bytes);
  const golden = new Uint8Array(await readFile(GOLDEN));
  assert.equal(sha(golden), 'fc836d2330531b6b4adf42d69d9bad3f1923a3058e9ba49905ce155c8603ce33');
  assert.equal(sha(bytes), sha(golden));
  assert.equal(made.root, '1b89807aa278b18cfcea5bbfd2159807bb747b965acbadbab779e759000224b3');
  assert.equal(made.fingerprint, 'ff77f83f9819a42b9163dc145c63a8f6c4df14760771cdd76240777568243e9c');
  assert.equal(made.size, golden.length);
  await assertHolds(golden, sampleContent());
});

test("Node's Buffers, whose slices are no copies, somewhere in a larger one: from the caller and from a store", async () => {
  const golden = await readFile(GOLDEN);
  const around = Buffer.concat([Buffer.alloc(13, 7), golden, Buffer.alloc(5)]);
  const buffer = around.subarray(13, 13 + golden.length);
  const store = memoryStore();
  await store.put('a.cbor', golden);
  const lent = {
    ...store,
    get: async (_: string, { offset = 0, length = golden.length }: GetOptions = {}) =>
      buffer.subarray(offset, offset + length),
  };
  for (const from of [buffer, { store: lent, key: 'a.cbor' }]) {
    for (const verify of ['full', 'lazy'] as const) {
      const file = await openCheckpoint(from, { verify });
      assert.equal(file.root, (await openCheckpoint(golden)).root);
      const name = file.tensors[0].name;
      assert.deepEqual(await file.read(name), await (await openCheckpoint(golden)).read(name));
    }
  }
  await assert.rejects(openCheckpoint(Buffer.from('isobit')), { code: 'E_MAGIC' });
  assert.deepEqual(around, Buffer.concat([Buffer.alloc(13, 7), golden, Buffer.alloc(5)]));
});

test('the bytes are laid out as docs/checkpoint.md draws them', async () => {
  const data = Float32Array.of(1, 2, 3);
  const made = await encodeCheckpoint({
    kind: 'weights',
    state: {},
    tensors: new Map([['w', { data, shape: [3], dtype: 'f32' as const }]]),
  });
  const b = await made.bytes();
  const text = (s: string) => [...new TextEncoder().encode(s)];
  assert.deepEqual([...b.subarray(0, 15)], [0xd9, 0xd9, 0xf7, 0x85, 0x68, ...text('isobit/1'), 0x58, 112]);
  const v = new DataView(b.buffer);
  assert.equal(v.getUint16(15, true), 1);
  assert.equal(v.getUint16(17, true), 0);
  assert.equal(v.getUint32(19, true), 0);
  const field = (i: number) => Number(v.getBigUint64(23 + 8 * i, true));
  const [indexOff, indexLen, tensorCount, leafCount, align, leaf, sealOff, fileLen] = [0, 1, 2, 3, 4, 5, 6, 7].map(
    field,
  );
  assert.deepEqual([indexOff, tensorCount, leafCount, align, leaf, fileLen], [127, 1, 1, 256, 1048576, b.length]);
  const index = b.subarray(127, 127 + indexLen);
  assert.equal(Buffer.from(b.subarray(87, 119)).toString('hex'), sha(index));
  assert.deepEqual([...b.subarray(119, 127)], [0, 0, 0, 0, 0, 0, 0, 0]);
  // {kind, state, schema, tensors, requires}: shorter keys first
  const entry = [0x83, 0x61, ...text('w'), 0x63, ...text('f32'), 0x81, 3];
  const want = [0xa5, 0x64, ...text('kind'), 0x67, ...text('weights'), 0x65, ...text('state'), 0xa0];
  want.push(0x66, ...text('schema'), 0xa0, 0x67, ...text('tensors'), 0x81, ...entry, 0x68, ...text('requires'), 0x80);
  assert.deepEqual([...index], want);
  let at = 127 + indexLen;
  assert.equal(b[at++], 0x82);
  // 256 - 3 for the array's head and the typed array's, and 2 for a pad of 24 and more
  const pad = 256 - at - 2 - 3;
  assert.deepEqual([...b.subarray(at, at + 2)], [0x58, pad]);
  assert.ok(b.subarray(at + 2, at + 2 + pad).every((x) => x === 0));
  assert.deepEqual([...b.subarray(253, 256)], [0xd8, 85, 0x4c]);
  assert.deepEqual(b.subarray(256, 268), new Uint8Array(data.buffer));
  assert.equal(sealOff, 268);
  assert.deepEqual([...b.subarray(268, 270)], [0x58, 64]);
  const leafDigest = createHash('sha256').update(new Uint8Array(data.buffer)).digest();
  assert.deepEqual([...b.subarray(270, 302)], [...leafDigest]);
  const root = createHash('sha256')
    .update('isobit/1 root\0')
    .update(b.subarray(15, 127))
    .update(leafDigest)
    .digest('hex');
  assert.equal(Buffer.from(b.subarray(302)).toString('hex'), root);
  assert.equal(made.root, root);
  assert.equal(b.length, 334);
  // [kind, schema, state, [[name, dtype, shape, [leaf]]]]
  const print = [
    0x84,
    0x67,
    ...text('weights'),
    0xa0,
    0xa0,
    0x81,
    0x84,
    0x61,
    ...text('w'),
    0x63,
    ...text('f32'),
    0x81,
    3,
  ];
  print.push(0x81, 0x58, 32, ...leafDigest);
  assert.equal(made.fingerprint, sha(Uint8Array.from(print)));
});

test('what is neither bytes nor a store is refused with what to give', async () => {
  const encoded = await encodeCheckpoint(sampleContent());
  for (const wrong of [encoded, (await encoded.bytes()).buffer, undefined] as unknown as Uint8Array[])
    await assert.rejects(openCheckpoint(wrong), { code: 'E_OPTION', hint: /bytes\(\)/ });
});

test('300 random states and tensors come back as they were, aligned, whatever order they were given in', async () => {
  for (let seed = 0; seed < 300; seed++) {
    const c = randomContent(seed);
    const bytes = await bytesOf(c);
    await assertHolds(bytes, c);
    const file = await openCheckpoint(bytes);
    for (const t of file.tensors) assert.equal(t.offset % 256, 0);
    const names = file.tensors.map((t) => Buffer.from(t.name));
    assert.deepEqual(names, [...names].sort(Buffer.compare));
    const reversed = { ...c, tensors: new Map([...c.tensors].reverse()) };
    assert.deepEqual(await bytesOf(reversed), bytes);
    assert.equal(await fingerprintOf(reversed), file.fingerprint);
  }
});

test('pads of every length: all alignments that a frame can begin at', async () => {
  const pads = new Set<number>();
  for (let n = 0; n < 260; n++) {
    const c = {
      kind: 'weights',
      state: {},
      tensors: new Map<string, HostArray>([
        ['a', tensor('u8', [n], new Array(n).fill(7))],
        ['b', tensor('f32', [1], [n])],
      ]),
    };
    const bytes = await bytesOf(c);
    await assertHolds(bytes, c);
    const [first, second] = (await openCheckpoint(bytes)).tensors;
    pads.add(second.offset - first.offset - n);
  }
  // of the 256 residues one cannot be met by a short pad, since a pad of 24 has a longer head: 278 bytes and its heads
  assert.equal(pads.size, 256);
  assert.equal(Math.max(...pads), 284);
  assert.equal(Math.min(...pads), 4);
});

test('every change of a single byte, and every truncation, is refused with a typed error', async () => {
  const tensors = new Map<string, HostArray>([['m/z', tensor('bool', [3], [1, 0, 1])]]);
  const good = await bytesOf({ kind: 'train', schema: { m: 1 }, state: { step: 3, lr: 0.5 }, tensors });
  await openCheckpoint(good);
  const seen = new Set<string>();
  const accepted: string[] = [];
  const refused = async (bytes: Uint8Array, what: () => string) => {
    try {
      await openCheckpoint(bytes);
      accepted.push(what());
    } catch (e) {
      if (!(e instanceof CheckpointError) || e.hint === '') assert.fail(`${what()}: ${String(e)}`);
      seen.add(e.code);
    }
  };
  // Ninety thousand errors: their stacks would take most of the time.
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
    for (const more of [1, 256])
      await refused(Uint8Array.from([...good, ...new Uint8Array(more)]), () => `${more} more`);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  assert.deepEqual(accepted, []);
  for (const want of ['E_MAGIC', 'E_VERSION', 'E_TRUNCATED', 'E_TRAILING', 'E_LAYOUT', 'E_INTEGRITY', 'E_LIMIT']) {
    assert.ok(seen.has(want), `${want} among ${[...seen]}`);
  }
});

test('changes all over the golden file are refused', async () => {
  const bytes = new Uint8Array(await readFile(GOLDEN));
  for (let i = 0; i < bytes.length; i += 5) {
    bytes[i] ^= 1 << (i % 8);
    await assert.rejects(openCheckpoint(bytes), (e) => e instanceof CheckpointError, `byte ${i}`);
    bytes[i] ^= 1 << (i % 8);
  }
  await openCheckpoint(bytes);
});

/** A store that counts what is asked of it. */
function counting(inner: Store): Store & { gets: { offset: number; length: number }[] } {
  const gets: { offset: number; length: number }[] = [];
  return {
    ...inner,
    gets,
    get: (key, o = {}) => {
      gets.push({ offset: o.offset ?? 0, length: o.length ?? -1 });
      return inner.get(key, o);
    },
  };
}

const MIB = 1 << 20;

/** Three leaves and a bit, one leaf exactly, and a small one. */
function bigContent(): CheckpointContent {
  const big = Float32Array.from({ length: (3 * MIB) / 4 + 5 }, (_, i) => i);
  const exact = new Uint8Array(MIB).fill(3);
  return {
    kind: 'weights',
    state: {},
    tensors: new Map<string, HostArray>([
      ['a/big', { data: big, shape: [big.length], dtype: 'f32' }],
      ['b/exact', { data: exact, shape: [MIB], dtype: 'u8' }],
      ['c/small', tensor('f32', [2], [1, 2])],
    ]),
  };
}

test('leaves of 1 MiB: tensors of several leaves, and a root that Node recomputes', async () => {
  const c = bigContent();
  const made = await encodeCheckpoint(c);
  const bytes = await made.bytes();
  await assertHolds(bytes, c);
  const leaves: Buffer[] = [];
  for (const t of c.tensors.values()) {
    const r = raw(t as HostArray);
    for (let at = 0; at < r.length; at += MIB)
      leaves.push(
        createHash('sha256')
          .update(r.subarray(at, at + MIB))
          .digest(),
      );
  }
  assert.equal(leaves.length, 6);
  const root = createHash('sha256').update('isobit/1 root\0').update(bytes.subarray(15, 127));
  for (const l of leaves) root.update(l);
  assert.equal(made.root, root.digest('hex'));
});

test('a part of a file: one fetch for the start, one for the seal, then only what is asked for, each leaf verified', async () => {
  const inner = memoryStore();
  const made = await encodeCheckpoint(bigContent());
  await inner.put('f', made.body);
  const store = counting(inner);
  const file = await openCheckpoint({ store, key: 'f' }, { verify: 'lazy' });
  assert.equal(file.root, made.root);
  assert.equal(file.fingerprint, made.fingerprint);
  assert.equal(store.gets.length, 2);
  assert.ok(store.gets.every((g) => g.length <= 65536));
  assert.deepEqual((await file.read('c/small')).data, Float32Array.of(1, 2));
  assert.deepEqual(
    store.gets.slice(2).map((g) => g.length),
    [8],
  );
  const got = await file.readAll({ only: (t) => t.name !== 'c/small' });
  assert.deepEqual([...got.keys()], ['a/big', 'b/exact']);
  assert.equal(store.gets.length, 4, 'neighbours are fetched together');
  assert.ok(store.gets[3].length < 4 * MIB + 65536 && store.gets[3].length >= 4 * MIB);

  // damage in one leaf of one tensor is seen by those who read it, and by nobody else
  const bytes = await made.bytes();
  const t = file.tensors[0];
  bytes[t.offset + 2 * MIB + 7] ^= 1;
  const other = memoryStore();
  await other.put('f', bytes);
  const part = await openCheckpoint({ store: other, key: 'f' }, { verify: 'lazy' });
  await part.read('b/exact');
  await assert.rejects(part.read('a/big'), code('E_INTEGRITY', { tensor: 'a/big', offset: t.offset + 2 * MIB }));
  await assert.rejects(part.verify(), code('E_INTEGRITY', { tensor: 'a/big' }));
  await assert.rejects(openCheckpoint({ store: other, key: 'f' }), code('E_INTEGRITY', { tensor: 'a/big' }));
});

test('fetches under way at once: many of a disk, fewer small ones of others, two that take room', async () => {
  const inner = memoryStore();
  const tensors = new Map<string, HostArray>();
  for (let i = 10; i < 58; i++) {
    for (const [name, n] of [
      ['large', MIB],
      ['small', 9],
    ] as const) {
      tensors.set(`${i}/${name}`, { dtype: 'u8', shape: [n], data: new Uint8Array(n).fill(i) });
    }
  }
  await inner.put('f', (await encodeCheckpoint({ kind: 'weights', state: {}, tensors })).body);
  const mostOf = async (fills: boolean, only: (name: string) => boolean) => {
    let [now, most] = [0, 0];
    const store: Store = {
      ...inner,
      async get(key, o) {
        most = Math.max(most, ++now);
        await new Promise((then) => setTimeout(then, 5));
        now--;
        const got = await inner.get(key, o);
        if (!fills || !o?.into) return got;
        o.into.set(got);
        return o.into.subarray(0, got.length);
      },
    };
    const file = await openCheckpoint({ store, key: 'f' }, { verify: 'lazy' });
    for (const [name, t] of await file.readAll({ only: (t) => only(t.name) })) {
      assert.deepEqual(raw(t), raw(tensors.get(name)!), name);
    }
    return most;
  };
  const small = (name: string) => name.endsWith('small');
  assert.equal(await mostOf(true, () => true), 41);
  assert.equal(await mostOf(false, small), 11);
  assert.equal(await mostOf(false, () => true), 2, 'ranges of several tensors');
});

test('a file whose index is larger than the first fetch', async () => {
  const tensors = new Map(
    Array.from({ length: 3000 }, (_, i) => [`model/layer${i}.weight`, tensor('f32', [1], [i])] as const),
  );
  const made = await encodeCheckpoint({ kind: 'weights', state: {}, tensors });
  const store = memoryStore();
  await store.put('f', made.body);
  const file = await openCheckpoint({ store, key: 'f' }, { verify: 'lazy' });
  assert.deepEqual((await file.read('model/layer2999.weight')).data, Float32Array.of(2999));
  await assertHolds(await made.bytes(), { kind: 'weights', state: {}, tensors });
});

test('from a store: a missing key, a store that gives other lengths, an object that changed', async () => {
  const store = memoryStore();
  const made = await encodeCheckpoint(sampleContent());
  await assert.rejects(openCheckpoint({ store, key: 'f' }), code('E_NOT_FOUND'));
  await store.put('f', made.body);
  const short: Store = { ...store, get: async (key, o) => (await store.get(key, o)).subarray(1) };
  await assert.rejects(openCheckpoint({ store: short, key: 'f' }), code('E_RANGE'));
  const file = await openCheckpoint({ store, key: 'f' }, { verify: 'lazy' });
  const bytes = await made.bytes();
  bytes.fill(0, 512);
  await store.put('f', bytes);
  await assert.rejects(file.read('metrics/steps'), code('E_INTEGRITY', { tensor: 'metrics/steps' }));
});

test('what is read is the reader’s own, and what is missing is named', async () => {
  const bytes = await bytesOf(sampleContent());
  const file = await openCheckpoint(bytes);
  const a = await file.read('model/fc1.weight');
  a.data[0] = 99;
  assert.equal((await file.read('model/fc1.weight')).data[0], 0);
  assert.equal(file.has('model/fc1.weight'), true);
  assert.equal(file.has('toString'), false);
  await assert.rejects(file.read('model/fc2.weight'), code('E_MISSING', { tensor: 'model/fc2.weight' }));
});

test('data that changes between two passes is E_INTEGRITY, and the stream never ends well', async () => {
  const data = new Float32Array(10);
  const made = await encodeCheckpoint({
    kind: 'weights',
    state: {},
    tensors: new Map([['w', { data, shape: [10], dtype: 'f32' as const }]]),
  });
  await made.bytes();
  data[3] = 1;
  await assert.rejects(made.bytes(), code('E_INTEGRITY', { tensor: 'w' }));
  await assert.rejects(memoryStore().put('x', made.body), code('E_INTEGRITY', { tensor: 'w' }));
});

test('content that cannot be stored is refused before anything is written', async () => {
  const w = tensor('f32', [2], [1, 2]);
  const enc = (c: Partial<CheckpointContent>) =>
    encodeCheckpoint({ kind: 'train', state: {}, tensors: new Map(), ...c });
  const named = (name: string) => enc({ tensors: new Map([[name, w]]) });
  await assert.rejects(enc({ state: { optim: { lr: Number.NaN } } }), code('E_ENCODE', { path: 'state.optim.lr' }));
  await assert.rejects(enc({ state: { a: -0 } }), code('E_ENCODE', { path: 'state.a' }));
  await assert.rejects(enc({ kind: '' }), code('E_ENCODE'));
  await assert.rejects(enc({ kind: 'Two words' }), code('E_ENCODE'));
  await assert.rejects(enc({ schema: { model: 1.5 } }), code('E_ENCODE'));
  await assert.rejects(enc({ schema: { model: -1 } }), code('E_ENCODE'));
  for (const bad of ['', '/a', 'a/', 'a//b', 'a/../b', '..', './a', 'a\nb', '\ud800', '\ufeffa', 'x'.repeat(1025)]) {
    await assert.rejects(named(bad), code('E_ENCODE'), JSON.stringify(bad));
  }
  await named('x'.repeat(1024));
  await named('a/..b/c..');
  const t = (v: Partial<HostArray>) => enc({ tensors: new Map([['w', { ...w, ...v } as HostArray]]) });
  await assert.rejects(t({ shape: [3] }), code('E_SHAPE', { tensor: 'w' }));
  await assert.rejects(t({ dtype: 'i32' }), code('E_DTYPE', { tensor: 'w' }));
  await assert.rejects(t({ dtype: 'f64' as 'f32' }), code('E_DTYPE', { tensor: 'w' }));
  await assert.rejects(t({ shape: [-2, -1] }), code('E_ENCODE'));
  await assert.rejects(t({ shape: [0.5, 4] }), code('E_ENCODE'));
  await assert.rejects(t({ shape: new Array(17).fill(1) }), code('E_LIMIT'));
  await assert.rejects(t({ dtype: 'bool', shape: [2], data: Uint8Array.of(1, 2) }), code('E_ENCODE', { tensor: 'w' }));
  const huge = { dtype: 'f32' as const, shape: [2 ** 20, 2 ** 20], read: async () => new Float32Array(0) };
  await assert.rejects(enc({ tensors: new Map([['w', huge]]) }), code('E_LIMIT', { tensor: 'w' }));
  const overflow = { ...huge, shape: [2 ** 52, 2 ** 52, 2 ** 52, 0.5 * 4] };
  await assert.rejects(enc({ tensors: new Map([['w', overflow]]) }), code('E_LIMIT'));
  await assert.rejects(
    encodeCheckpoint({ kind: 'a', state: { t: 'x'.repeat(500) }, tensors: new Map() }, { limits: { index: 400 } }),
    code('E_LIMIT'),
  );
  await assert.rejects(
    encodeCheckpoint(
      {
        kind: 'a',
        state: {},
        tensors: new Map([
          ['a', w],
          ['b', w],
        ]),
      },
      { limits: { tensors: 1 } },
    ),
    code('E_LIMIT'),
  );
  await assert.rejects(
    encodeCheckpoint({ kind: 'a', state: {}, tensors: new Map([['a', w]]) }, { limits: { file: 300 } }),
    code('E_LIMIT'),
  );
});

test('limits of the reader: lowered, they refuse what is larger', async () => {
  const made = await encodeCheckpoint(sampleContent());
  const bytes = await made.bytes();
  for (const limits of [
    { index: 100 },
    { tensors: 3 },
    { rank: 3 },
    { tensor: 8 },
    { file: 1000 },
    { depth: 5 },
    { items: 50 },
    { text: 60 },
  ]) {
    await assert.rejects(openCheckpoint(bytes, { limits }), code('E_LIMIT'), JSON.stringify(limits));
  }
  await assert.rejects(openCheckpoint(bytes, { limits: { name: 5 } }), code('E_SCHEMA'));
  await assert.rejects(
    openCheckpoint(bytes, { limits: { nonsense: 5 } as object }),
    (e) => (e as { code: string }).code === 'E_OPTION',
  );
});

test('what identifies a state: any change of it changes the fingerprint, the layout does not enter', async () => {
  const base = sampleContent();
  const prints = new Set([await fingerprintOf(base)]);
  const w = tensor('f32', [2, 3], [0, 1, -1, 0.5, 2, 3]);
  const changes: Partial<CheckpointContent>[] = [
    { kind: 'weights' },
    { schema: { ...base.schema, model: 2 } },
    { state: { ...base.state, step: 1235 } },
    { state: { ...base.state, more: null } },
    { tensors: new Map([...base.tensors, ['model/fc1.weight', w]]) },
    { tensors: new Map([...base.tensors, ['model/fc1.weight', { ...w, shape: [3, 2] }]]) },
    { tensors: new Map([...base.tensors, ['model/scalar', tensor('f32', [], [0])]]) },
    { tensors: new Map([...base.tensors, ['model/empty', tensor('i32', [0], [])]]) },
    { tensors: new Map([...base.tensors].slice(1)) },
  ];
  for (const c of changes) prints.add(await fingerprintOf({ ...base, ...c }));
  assert.equal(prints.size, changes.length + 1);
});

test('an abort throws its reason while hashing and while reading', async () => {
  const reason = new Error('enough');
  const is = (e: unknown) => e === reason;
  const signal = AbortSignal.abort(reason);
  await assert.rejects(encodeCheckpoint(sampleContent(), { signal }), is);
  const file = await openCheckpoint(await bytesOf(sampleContent()));
  await assert.rejects(file.read('model/fc1.weight', { signal }), is);
  await assert.rejects(file.verify({ signal }), is);
});
