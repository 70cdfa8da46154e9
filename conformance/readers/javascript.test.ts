/** Two other CBOR libraries open our files: the state equal, the tensors typed arrays equal. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode as cbor2Decode, Tag } from 'cbor2';
import { decode as cborgDecode, type TagDecodeControl } from 'cborg';
import { randomContent, sampleContent } from '../../sdk/checkpoint/sample.ts';
import { encodeCheckpoint } from '../../sdk/checkpoint/writer.ts';
import type { HostArray } from '../../sdk/core/host.ts';

type Opened = [
  string,
  Uint8Array,
  { kind: string; schema: unknown; state: unknown; tensors: [string, string, number[]][] },
  unknown[],
  Uint8Array,
];

/** RFC 8746, as a user of cborg would register it: the bytes copied, because a view must be aligned. */
const typed = (make: new (b: ArrayBuffer) => ArrayLike<number>) => (control: TagDecodeControl) =>
  new make(Uint8Array.from(control() as Uint8Array).buffer);
const CBORG_TAGS = {
  55799: (control: TagDecodeControl) => control(),
  64: typed(Uint8Array),
  69: typed(Uint16Array),
  70: typed(Uint32Array),
  72: typed(Int8Array),
  78: typed(Int32Array),
  84: typed(Uint16Array),
  85: typed(Float32Array),
};

const READERS: { name: string; open: (b: Uint8Array) => Opened }[] = [
  { name: 'cbor2', open: (b) => cbor2Decode<Opened>(b) },
  { name: 'cborg', open: (b) => cborgDecode(b, { tags: CBORG_TAGS, allowBigInt: true, strict: true }) as Opened },
];

const bytes = (v: unknown): Uint8Array => {
  const view = v as Uint8Array;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
};

for (const { name, open } of READERS) {
  test(`${name} opens a checkpoint and sees the state and named typed arrays`, async () => {
    const safe = Array.from({ length: 40 }, (_, i) => randomContent(2000 + i)).filter(
      (c) => !JSON.stringify(c.state).includes('__proto__'), // what others make of this key is theirs
    );
    assert.ok(safe.length >= 10);
    for (const c of [sampleContent(), ...safe]) {
      const made = await encodeCheckpoint(c);
      const [magic, prologue, index, frames, seal] = open(await made.bytes());
      assert.equal(magic, 'isobit/1');
      assert.equal(prologue.length, 112);
      assert.equal(index.kind, c.kind);
      assert.deepEqual(index.schema, c.schema);
      assert.deepEqual(index.state, c.state);
      assert.equal(Buffer.from(seal.subarray(-32)).toString('hex'), made.root);
      assert.equal(index.tensors.length, c.tensors.size);
      index.tensors.forEach(([tensor, dtype, shape], i) => {
        const want = c.tensors.get(tensor) as HostArray;
        assert.equal(dtype, want.dtype);
        assert.deepEqual(shape, want.shape);
        const item = frames[2 * i + 1];
        // cbor2 has no array of half floats and leaves their tag as it is
        if (item instanceof Tag) assert.equal(item.tag, 84);
        const got = item instanceof Tag ? item.contents : item;
        assert.deepEqual(bytes(got), bytes(want.data), tensor);
        if (dtype === 'f32') assert.ok(got instanceof Float32Array);
        if (dtype === 'i32') assert.ok(got instanceof Int32Array);
      });
    }
  });
}
