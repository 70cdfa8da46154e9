import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Archive } from './archive.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { array, CORNERS, holds, python, sameTensors } from './testing.ts';

const dir = mkdtempSync(join(tmpdir(), 'isobit-safetensors-'));
const file = (name: string) => join(dir, name);
const without = (a: Archive, ...names: string[]): Archive => ({
  ...a,
  tensors: new Map([...a.tensors].filter(([n]) => !names.includes(n))),
});

test('what is written is read back, metadata too', () => {
  const back = readSafetensors(writeSafetensors(CORNERS));
  sameTensors(back.tensors, CORNERS.tensors);
  assert.deepEqual(back.metadata, CORNERS.metadata);
  assert.deepEqual(back.narrowed, []);
});

test('the reference implementation writes the same bytes, and reads ours', () => {
  // NumPy has no bf16.
  const a = without({ ...CORNERS, metadata: {} }, 'brain');
  const ours = writeSafetensors(a);
  writeFileSync(file('ours'), ours);
  python(
    'import sys; from safetensors.numpy import load_file, save_file\nsave_file(load_file(sys.argv[1]), sys.argv[2])',
    file('ours'),
    file('theirs'),
  );
  assert.deepEqual(new Uint8Array(readFileSync(file('theirs'))), ours);
});

test('files of the reference implementation, with metadata, f64 and i64', () => {
  python(
    `import sys, numpy as np
from safetensors.numpy import save_file
save_file({'a': np.array([[1.5, 1e-3]], np.float64), 'b': np.array([-3, 2**31-1], np.int64), 'c': np.array([-5], np.int16)},
  sys.argv[1], metadata={'who': 'numpy'})`,
    file('wide'),
  );
  const bytes = new Uint8Array(readFileSync(file('wide')));
  assert.throws(() => readSafetensors(bytes), { code: 'E_FORMAT', message: /float64/ });
  const { tensors, metadata, narrowed } = readSafetensors(bytes, { cast: true });
  assert.deepEqual(tensors.get('a'), array('f32', [1, 2], [1.5, Math.fround(1e-3)]));
  assert.deepEqual(tensors.get('b'), array('i32', [2], [-3, 2 ** 31 - 1]));
  assert.deepEqual(tensors.get('c'), array('i32', [1], [-5]));
  assert.deepEqual(metadata, { who: 'numpy' });
  assert.deepEqual(narrowed.map((n) => `${n.name} ${n.from} ${n.to}`).sort(), ['a f64 f32', 'b i64 i32', 'c i16 i32']);
  assert.deepEqual([...readSafetensors(bytes, { only: (n) => n === 'b' }).tensors.keys()], ['b']);
});

test('the order of tensors and of metadata does not show', () => {
  const turned: Archive = {
    tensors: new Map([...CORNERS.tensors].reverse()),
    metadata: Object.fromEntries(Object.entries(CORNERS.metadata).reverse()),
  };
  assert.deepEqual(writeSafetensors(turned), writeSafetensors(CORNERS));
});

test('holes, overlaps, trailing bytes and wrong sizes are refused', () => {
  const make = (header: object, data: number): Uint8Array => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const out = new Uint8Array(8 + text.length + data);
    new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
    out.set(text, 8);
    return out;
  };
  const entry = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
  const refused = (header: object, data: number, message: RegExp) =>
    assert.throws(() => readSafetensors(make(header, data)), { code: 'E_FORMAT', message });
  assert.equal(readSafetensors(make({ a: entry([1], 0, 4) }, 4)).tensors.size, 1);
  refused({ a: entry([1], 0, 4) }, 5, /5 bytes of data, expected 4/);
  refused({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12, /"b": begins at byte 8 of the data, expected 4/);
  refused({ a: entry([2], 0, 8), b: entry([1], 4, 8) }, 8, /"b": begins at byte 4 of the data, expected 8/);
  refused({ a: entry([2], 0, 4) }, 4, /4 bytes for F32 \[2\], expected 8/);
  refused({ a: entry([2 ** 40, 2 ** 40], 0, 4) }, 4, /not possible/);
  refused({ a: { ...entry([1], 0, 4), dtype: 'F8_E4M3' } }, 4, /F8_E4M3/);
  refused({ a: entry([1], 0, 4), __metadata__: { n: 3 } }, 4, /map of texts/);
  const deep = new TextEncoder().encode(
    `{"a":{"dtype":${'['.repeat(50_000)}${']'.repeat(50_000)},"shape":[],"data_offsets":[0,0]}}`,
  );
  const nested = Buffer.concat([new Uint8Array(new BigUint64Array([BigInt(deep.length)]).buffer), deep]);
  assert.throws(() => readSafetensors(nested), { code: 'E_FORMAT', message: /dtype a list/ });
});

test('damage is refused with a typed error or shows as other values; nothing else happens', () => {
  const bytes = writeSafetensors(without(CORNERS, 'größe.\u{1F600}'));
  const { refused, tried } = holds(bytes, (b) => readSafetensors(b));
  // Changes of data and of names cannot be seen: the format has no digest.
  assert.ok(refused > bytes.length && refused < tried, `${refused} of ${tried}`);
});
