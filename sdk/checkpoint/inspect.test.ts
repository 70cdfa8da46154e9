import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBf16, fromF16 } from '../core/half.ts';
import type { HostArray } from '../core/host.ts';
import { describeCheckpoint } from './inspect.ts';
import { openCheckpoint } from './reader.ts';
import { sampleContent, tensor } from './sample.ts';
import { statsOf } from './stats.ts';
import { type CheckpointContent, encodeCheckpoint } from './writer.ts';

const open = async (c: CheckpointContent) => openCheckpoint(await (await encodeCheckpoint(c)).bytes());

test('the tree of a small checkpoint, to the letter', async () => {
  const file = await open({
    kind: 'train',
    schema: { model: 1, optim: 2 },
    state: {
      step: 30,
      optim: { name: 'adam', betas: [0.9, 0.999], groups: [{ lr: 0.01 }, { lr: 0.1, tags: [] }] },
      best: null,
      note: 'x'.repeat(200),
      empty: {},
    },
    tensors: new Map<string, HostArray>([
      ['model/fc1.weight', tensor('f32', [2, 3], [0, 1, -2, 0, 0.5, 4])],
      ['model/fc1.bias', tensor('f32', [3], [0.1, 0.2, 0.3])],
      ['optim/m/fc1.bias', tensor('f32', [3], [0, 0, 0])],
      ['optim/m/fc1.weight', tensor('bf16', [2], [0x3f80, 0xc000])],
      ['data/mask', tensor('bool', [3], [1, 0, 1])],
      ['data/odd', { dtype: 'f32', shape: [2], data: Float32Array.of(Number.NaN, 1) }],
      ['data/none', tensor('i32', [0, 4], [])],
      ['top', tensor('u8', [1], [255])],
    ]),
  });
  assert.equal(
    await describeCheckpoint(file),
    `isobit/1  train  2.8 KiB
root         ${file.root}
fingerprint  ${file.fingerprint}
schema       model 1, optim 2

state
  best: null
  empty: {}
  note: "${'x'.repeat(98)}…
  optim
    betas: [0.9,0.999]
    groups
      [0]
        lr: 0.01
      [1]
        lr: 0.1
        tags: []
    name: "adam"
  step: 30

tensors  8, 64 B
  data/
    mask        bool  [3]      3 B  true 2  false 1
    none        i32   [0, 4]   0 B  empty
    odd         f32   [2]      8 B  min 1  max 1  mean 1  zeros 0  nonfinite 1
  model/
    fc1.bias    f32   [3]     12 B  min 0.1  max 0.3  mean 0.2  zeros 0
    fc1.weight  f32   [2, 3]  24 B  min -2  max 4  mean 0.583333  zeros 2
  optim/
    m/
      fc1.bias    f32   [3]     12 B  min 0  max 0  mean 0  zeros 3
      fc1.weight  bf16  [2]      4 B  min -2  max 1  mean -0.5  zeros 0
  top         u8    [1]      1 B  min 255  max 255  mean 255  zeros 0`,
  );
  const bare = await describeCheckpoint(file, { stats: false, width: 20 });
  assert.ok(!bare.includes('min') && bare.includes('fc1.weight  bf16  [2]'));
  assert.ok(bare.includes(`note: "${'x'.repeat(18)}…`));
});

test('integers are shown to the last digit', async () => {
  const ends = new Map<string, HostArray>([
    ['u', tensor('u32', [2], [4294967295, 1])],
    ['i', tensor('i32', [2], [-2147483648, 2147483647])],
  ]);
  const text = await describeCheckpoint(await open({ kind: 'weights', state: {}, tensors: ends }));
  assert.match(text, /u .* min 1 {2}max 4294967295 {2}/);
  assert.match(text, /i .* min -2147483648 {2}max 2147483647 {2}/);
});

test('nothing in a file drives the terminal it is shown on', async () => {
  const file = await open({
    kind: 'weights',
    schema: { 'a\u001b[31m': 1 },
    state: { '\u001b]0;title\u0007': '\u001b[2J\u009b31m\u202e', lines: 'a\nb' },
    tensors: new Map(),
  });
  const text = await describeCheckpoint(file);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(text));
  assert.ok(text.includes('\\u001b[2J'));
  assert.ok(text.includes('"a\\nb"'));
});

test('the sample, and a file without anything', async () => {
  const text = await describeCheckpoint(await open(sampleContent()));
  for (const t of sampleContent().tensors.keys()) assert.ok(text.includes(t.slice(t.lastIndexOf('/') + 1)), t);
  const none = await describeCheckpoint(await open({ kind: 'weights', state: {}, tensors: new Map() }));
  assert.ok(none.endsWith('tensors  0, 0 B'));
});

test('half floats by their definition', () => {
  const table: [number, number][] = [
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, (1023 / 1024) * 2 ** -14],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ];
  for (const [bits, v] of table) assert.equal(fromF16(bits), v);
  assert.equal(fromBf16(0x3f80), 1);
  assert.equal(fromBf16(0xc020), -2.5);
  assert.equal(fromBf16(0x7f80), Number.POSITIVE_INFINITY);
  assert.deepEqual(statsOf(tensor('i8', [4], [-3, 0, 0, 1])), {
    count: 4,
    zeros: 2,
    nonfinite: 0,
    min: -3,
    max: 1,
    mean: -0.5,
  });
  assert.ok(Number.isNaN(statsOf(tensor('f16', [1], [0x7e00])).mean));
});
