import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { ARRAY, type DType } from '../core/dtype.ts';
import type { HostArray } from '../core/host.ts';
import { draftCheckpoint, encodeCheckpoint, openCheckpoint, type TensorSource } from './index.ts';
import { ROOM } from './writer.ts';

const MIB = 2 ** 20;
const sha = (b: Uint8Array) => createHash('sha256').update(b).digest('hex');
const contentOf = (tensors: ReadonlyMap<string, TensorSource>) => ({ kind: 'weights', state: {}, tensors });
const code = (c: string, tensor: string) => (e: { code?: string; tensor?: string }) =>
  e.code === c && e.tensor === tensor;

/** Tensors of so many elements each, every one different. */
function arrays(dtype: DType, ...lengths: readonly number[]): Map<string, HostArray> {
  return new Map(
    lengths.map((n, i) => {
      const data = new (ARRAY[dtype] as Float32ArrayConstructor)(n).map((_, k) => (k % 97) + i);
      return [`t/${String(i).padStart(2, '0')}`, { dtype, shape: [n], data }];
    }),
  );
}

/** What a device does: fills what it is handed. What others do: answer with an array of their own. */
const filling = ({ data, ...t }: HostArray): TensorSource => ({
  ...t,
  read: async ({ into } = {}) => {
    if (!into) return data.slice();
    into.set(data as never);
    return into;
  },
});
const owning = ({ data, ...t }: HostArray): TensorSource => ({ ...t, read: async () => data.slice() });
const shared = ({ data, ...t }: HostArray): HostArray => {
  const there = new Uint8Array(new SharedArrayBuffer(data.byteLength));
  there.set(new Uint8Array(data.buffer));
  return { ...t, data: new (ARRAY[t.dtype] as Float32ArrayConstructor)(there.buffer as never) };
};

const of = (all: ReadonlyMap<string, HostArray>, how: (t: HostArray, i: number) => TensorSource) =>
  new Map([...all].map(([name, t], i): [string, TensorSource] => [name, how(t, i)]));

/** All tensors in one image, as a save in the background does: another way to the same bytes. */
async function imaged(tensors: ReadonlyMap<string, TensorSource>): Promise<string> {
  const draft = await draftCheckpoint(contentOf(tensors), { image: (n) => new Uint8Array(n) });
  const all = createHash('sha256');
  for await (const chunk of draft.body.chunks()) all.update(chunk);
  return all.digest('hex');
}

test('the same file from arrays, shared memory and sources of every kind, whatever the sizes', async () => {
  const quarter = ROOM / 4;
  for (const [what, all] of [
    ['a room and a little, one in a room, empty ones', arrays('f32', 5, quarter - 1, 0, quarter, quarter + 1, 0, 7)],
    ['large ones side by side', arrays('f32', quarter + 3, quarter + 900, quarter + 1, MIB)],
    ['many small ones', arrays('f32', ...new Array(40).fill(MIB / 16 + 1), 3 * MIB)],
    ['one byte', arrays('u8', ROOM + 1, ROOM - 300, ROOM - 1, 1, 2)],
    ['small enough for one piece', arrays('i32', 9, 0, MIB)],
    ['nothing', new Map<string, HostArray>()],
  ] as const) {
    const want = await imaged(all);
    const kinds = [(t: HostArray) => t, filling, owning, shared];
    const ways: [string, ReadonlyMap<string, TensorSource>][] = kinds.map((k, i) => [String(i), of(all, k)]);
    for (const by of [1, 2, 3]) ways.push([`in turns of ${by}`, of(all, (t, i) => kinds[(i * by + 1) % 4](t))]);
    for (const [how, tensors] of ways) {
      const store = memoryStore();
      const draft = await draftCheckpoint(contentOf(tensors));
      await store.put('x', draft.body);
      const bytes = await store.get('x');
      assert.equal(sha(bytes), want, `${what}, ${how}`);
      assert.equal((await openCheckpoint(bytes)).root, draft.sealed().root);
    }
    assert.equal(sha(await (await encodeCheckpoint(contentOf(of(all, filling)))).bytes()), want, `${what}, joined`);
  }
});

test('few large pieces, in memory that is used again', async () => {
  const small = new Array(24).fill(MIB / 4 + 5); // a MiB and a little: a leaf, and a short one
  const all = arrays('f32', ...small, 2.5 * MIB, 3 * MIB, ...small);
  for (const kind of [(t: HostArray) => t, filling, owning, shared]) {
    const memory = new Set<ArrayBufferLike>();
    const sizes: number[] = [];
    const draft = await draftCheckpoint(contentOf(of(all, kind)));
    for await (const { buffer, length } of draft.body.chunks()) {
      if (buffer.byteLength >= ROOM) memory.add(buffer);
      assert.ok(buffer instanceof ArrayBuffer);
      sizes.push(length);
    }
    assert.ok(memory.size >= 3, 'each goes to the thread that hashes, and is another object here after');
    assert.ok(Math.max(...sizes) <= ROOM);
    assert.ok([...memory].every((b) => b.byteLength <= 1 || b.byteLength === ROOM));
    // Of the pieces but top, the last and the seal, none is a leaf shorter than it might be.
    assert.ok(
      sizes.slice(1, -2).every((n) => n > ROOM - MIB - 300),
      sizes.join(' '),
    );
  }
});

test('sources that fill memory are asked for a room’s worth at once, others one at a time, and for nothing before', async () => {
  const all = arrays('f32', ...new Array(20).fill(MIB / 4), 2 * MIB, 2 * MIB);
  for (const [kind, most, given] of [
    [filling, 4, 2],
    [owning, 1, 0],
  ] as const) {
    let [open, highest, offered] = [0, 0, 0];
    const counting = (t: HostArray): TensorSource => {
      const source = kind(t) as Exclude<TensorSource, HostArray>;
      return {
        ...source,
        read: async (o) => {
          highest = Math.max(highest, ++open);
          if (o?.into && t.data.byteLength > ROOM) offered++;
          else if (o?.into) assert.equal(o.into.buffer.byteLength, ROOM, 'a small one goes where it is hashed');
          await new Promise((done) => setImmediate(done));
          open--;
          return source.read(o as never);
        },
      };
    };
    const draft = await draftCheckpoint(contentOf(of(all, counting)));
    assert.equal(highest, 0, 'nothing is read before its turn');
    assert.throws(() => draft.sealed(), { code: 'E_BUSY' });
    await draft.seal();
    assert.equal(highest, most);
    assert.equal(offered, given, 'memory for a large tensor is made only for sources that fill it');
  }
});

test('a source that fails, or gives what it should not, ends the stream with an error', async () => {
  const all = arrays('f32', MIB, MIB, MIB, 3 * MIB, MIB);
  const gone = new Error('the device is gone');
  for (const bad of [...all.keys()]) {
    const broken = (read: () => Promise<never>) =>
      new Map(
        [...of(all, filling)].map(([k, t]): [string, TensorSource] => [k, k === bad ? ({ ...t, read } as never) : t]),
      );
    const put = async (read: () => Promise<never>) => {
      const draft = await draftCheckpoint(contentOf(broken(read)));
      const store = memoryStore();
      await assert.rejects(store.put('x', draft.body), (e) => {
        throw e;
      });
      assert.equal(await store.head('x'), null);
    };
    const fail = (e: unknown) => async () => {
      throw e;
    };
    await assert.rejects(put(fail(gone) as never), gone);
    await assert.rejects(put((async () => new Float32Array(3)) as never), code('E_SHAPE', bad));
    await assert.rejects(put((async () => new Int32Array(MIB)) as never), code('E_DTYPE', bad));
  }
});

test('a file of more than 2 GiB is streamed whole', async () => {
  const shape = [256 * MIB];
  const zeros: TensorSource = { dtype: 'u8', shape, read: async ({ into } = {}) => into ?? new Uint8Array(shape[0]) };
  const tensors = new Map(Array.from({ length: 9 }, (_, i) => [`t/${i}`, zeros]));
  const draft = await draftCheckpoint(contentOf(tensors));
  let total = 0;
  for await (const { length } of draft.body.chunks()) {
    assert.ok(length <= ROOM);
    total += length;
  }
  assert.equal(total, draft.size);
  assert.match(draft.sealed().root, /^[0-9a-f]{64}$/);
});
