import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostArray } from '../core/host.ts';
import { readJson, writeJson } from './json.ts';
import { array, CORNERS, python, sameTensors } from './testing.ts';

const archive = {
  ...CORNERS,
  architecture: { type: 'sequential', layers: [] },
  metadata: { name: 'corners', tags: ['a'] },
};
const text = (v: unknown) => new TextEncoder().encode(JSON.stringify(v));

test('what is written is read back to the bit, with architecture and metadata', () => {
  const back = readJson(writeJson(archive));
  sameTensors(back.tensors, archive.tensors);
  assert.deepEqual(back.architecture, archive.architecture);
  assert.deepEqual(back.metadata, archive.metadata);
});

test('bits survive the decimals: all exponents of f32, all of f16 and bf16, Inf and NaN', () => {
  const floats = Float32Array.from(
    { length: 4096 },
    (_, i) => (i % 2 ? -1 : 1) * (1 + ((i * 0.618) % 1)) * 2 ** ((i % 250) - 124),
  );
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const finite = halves.filter((u) => (u & 0x7c00) !== 0x7c00);
  const tensors = new Map<string, HostArray>([
    ['f32', { data: floats, shape: [4096], dtype: 'f32' as const }],
    ['odd', array('f32', [3], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])],
    ['f16', { data: finite, shape: [63488], dtype: 'f16' as const }],
    [
      'bf16',
      { data: Uint16Array.of(0x3f80, 0x0080, 0x8000, 0x0001, 0xff7f, 0x4049), shape: [6], dtype: 'bf16' as const },
    ],
  ]);
  const back = readJson(writeJson({ tensors, metadata: {} })).tensors;
  sameTensors(back, tensors);
});

test('another program reads it: the members that the format promises, numbers as numbers', () => {
  const out = python(
    `import sys, json
m = json.loads(sys.argv[1])
print(sorted(m), m['model_info']['parameters'], m['parameters']['fc1.weight']['data'], m['metadata'])`,
    new TextDecoder().decode(writeJson(archive)),
  );
  assert.match(out, /'architecture', 'format_version', 'metadata', 'model_info', 'parameters'/);
  assert.match(out, /\[1, -2\.5, 3\.25e-20, 1e\+?30, 0, -7\]/);
});

test('a list of parameters is taken too; what does not fit is refused', () => {
  const list = { format_version: '1.0', parameters: [{ name: 'w', shape: [2], data: [1, 2] }] };
  assert.deepEqual(readJson(text(list)).tensors.get('w'), array('f32', [2], [1, 2]));
  const refused = (v: unknown, message: RegExp) =>
    assert.throws(() => readJson(text(v)), { code: 'E_FORMAT', message });
  const one = (p: object) => ({ format_version: '1.0', parameters: { w: { shape: [1], data: [1], ...p } } });
  refused({}, /no format_version/);
  refused({ ...list, format_version: '2.0' }, /2\.0 is not supported/);
  refused({ format_version: '1.0', parameters: 3 }, /neither an object nor a list/);
  refused({ ...list, parameters: [...list.parameters, ...list.parameters] }, /occurs twice/);
  refused(one({ shape: [2] }), /needs 2 elements, got 1/);
  refused(one({ dtype: 'f64' }), /dtype "f64"/);
  refused(one({ data: ['x'] }), /element 0 is "x"/);
  refused(one({ dtype: 'i8', data: [200] }), /element 0 is 200, no i8/);
  refused(one({ dtype: 'i8', data: ['NaN'] }), /element 0 is "NaN"/);
  refused(one({ dtype: 'bool', data: [2] }), /element 0 is 2, no bool/);
  refused(one({ dtype: 'bool', data: [-1] }), /element 0 is -1, no bool/);
  for (const [dtype, most, more] of [
    ['f32', 3.4028234e38, 1e39],
    ['f16', 65504, 70000],
    ['bf16', 3.38e38, 3.4e38],
  ] as const) {
    for (const sign of [1, -1]) {
      refused(one({ dtype, data: [sign * more] }), new RegExp(`no ${dtype}`));
      assert.equal(readJson(text(one({ dtype, data: [sign * most] }))).tensors.size, 1);
    }
    assert.equal(readJson(text(one({ dtype, data: ['-Infinity'] }))).tensors.size, 1);
  }
  assert.throws(() => readJson(new TextEncoder().encode('{')), { code: 'E_FORMAT', message: /not JSON/ });
});

test('a number beyond any float is refused too', () => {
  const huge = '{"format_version":"1.0","parameters":{"w":{"shape":[1],"data":[1e400]}}}';
  assert.throws(() => readJson(new TextEncoder().encode(huge)), { code: 'E_FORMAT', message: /no f32/ });
});

test('what nests without end is refused, wherever it stands', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  const of = (rest: string) => new TextEncoder().encode(`{"format_version":"1.0",${rest}}`);
  for (const rest of [
    `"parameters":{},"architecture":${deep}`,
    `"parameters":{},"metadata":{"a":${deep}}`,
    `"parameters":[{"name":${deep}}]`,
    `"parameters":{"w":{"dtype":${deep}}}`,
    `"parameters":{"w":{"shape":[1],"data":[${deep}]}}`,
  ])
    assert.throws(() => readJson(of(rest)), { code: 'E_FORMAT' }, rest.slice(0, 40));
});

test('a name that is no text stays with the metadata', () => {
  for (const name of [null, { first: 'a' }, 5, 'a']) {
    const bytes = writeJson({ ...archive, metadata: { name, b: 1 } });
    assert.deepEqual(readJson(bytes).metadata, { name, b: 1 });
    const info = JSON.parse(new TextDecoder().decode(bytes)).model_info;
    assert.equal(info.name, typeof name === 'string' ? name : null);
  }
});

test('tensors of any length are written, a piece at a time', () => {
  const data = Uint32Array.from({ length: 150_000 }, (_, i) => i);
  const a = { tensors: new Map<string, HostArray>([['n', { data, shape: [150_000], dtype: 'u32' }]]), metadata: {} };
  sameTensors(readJson(writeJson(a)).tensors, a.tensors);
});
