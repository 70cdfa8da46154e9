import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DataError } from '../core/errors.ts';
import { fromF16 } from '../core/half.ts';
import type { HostArray } from '../core/host.ts';
import { readNpy, writeNpy } from './npy.ts';

const PYTHON = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));

/** Runs a numpy program in a scratch folder. */
function numpy(program: string, use: (dir: string) => void, files: Record<string, Uint8Array> = {}): void {
  const dir = mkdtempSync(join(tmpdir(), 'npy-'));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes);
    execFileSync(PYTHON, ['-c', `import numpy as np\n${program}`], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    use(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const ARRAYS: Record<string, HostArray> = {
  f32: { data: Float32Array.of(0.1, -0, 3e38, 1e-45, Number.NaN, -Infinity), shape: [2, 3], dtype: 'f32' },
  f16: { data: Uint16Array.of(0x3c00, 0xc000), shape: [2], dtype: 'f16' },
  i32: { data: Int32Array.of(-2147483648, 7, 2147483647), shape: [3, 1], dtype: 'i32' },
  u32: { data: Uint32Array.of(4294967295), shape: [], dtype: 'u32' },
  i8: { data: Int8Array.of(-128, 127), shape: [1, 2], dtype: 'i8' },
  u8: { data: Uint8Array.of(1, 2, 255), shape: [3], dtype: 'u8' },
  bool: { data: Uint8Array.of(0, 1, 1, 0), shape: [2, 2], dtype: 'bool' },
  none: { data: new Float32Array(0), shape: [0, 4], dtype: 'f32' },
};

test('what is written is read back, and is to the byte what numpy.save writes', () => {
  const files = Object.fromEntries(Object.entries(ARRAYS).map(([name, a]) => [`${name}.npy`, writeNpy(a)]));
  const names = Object.keys(ARRAYS);
  const program = `for n in ${JSON.stringify(names)}: np.save(n + '-theirs.npy', np.load(n + '.npy', allow_pickle=False))`;
  numpy(
    program,
    (dir) => {
      for (const name of names) {
        const theirs = new Uint8Array(readFileSync(join(dir, `${name}-theirs.npy`)));
        assert.deepEqual(theirs, files[`${name}.npy`], name);
        assert.deepEqual(readNpy(theirs), ARRAYS[name], name);
      }
    },
    files,
  );
});

test('files of numpy: float64 by choice, integers where they fit, version 2.0, other orders', () => {
  const program = `
np.save('f8.npy', np.array([[0.1, 1e300], [1/3, -2.5]]))
np.save('i8.npy', np.array([-2**31, 2**31 - 1], dtype='<i8'))
np.save('wide.npy', np.array([0, 2**31], dtype='<i8'))
np.save('wider.npy', np.array([0, 2**64 - 1], dtype='<u8'))
np.save('u8.npy', np.array([0, 2**31 - 1], dtype='<u8'))
np.save('i2.npy', np.array([-2**15, 2**15 - 1], dtype='<i2'))
np.save('u2.npy', np.array([0, 2**16 - 1], dtype='<u2'))
np.save('bool.npy', np.array([[True, True, False], [False, True, False]]).T)
cube = np.arange(24).reshape(2, 3, 4) - 7
for kind in 'f4', 'f2', 'i4', 'i8', 'i2', 'f8':
    for name, x in ('c', cube), ('f', np.asfortranarray(cube)), ('row', cube[:, :1, :].T):
        np.save(f'{kind}-{name}-little.npy', x.astype('<' + kind))
        np.save(f'{kind}-{name}-big.npy', x.astype('>' + kind))
np.save('text.npy', np.array(['a']))
np.save('complex.npy', np.zeros(2, dtype='<c8'))
with open('v2.npy', 'wb') as f: np.lib.format.write_array(f, np.arange(3, dtype='<i4'), version=(2, 0))
`;
  numpy(program, (dir) => {
    const read = (name: string, o?: { cast?: boolean }) => readNpy(new Uint8Array(readFileSync(join(dir, name))), o);
    assert.throws(() => read('f8.npy'), /float64/);
    const f8 = { data: Float32Array.of(0.1, Infinity, 1 / 3, -2.5), shape: [2, 2], dtype: 'f32' };
    assert.deepEqual(read('f8.npy', { cast: true }), f8);
    assert.deepEqual(read('i8.npy'), { data: Int32Array.of(-2147483648, 2147483647), shape: [2], dtype: 'i32' });
    assert.deepEqual(read('v2.npy'), { data: Int32Array.of(0, 1, 2), shape: [3], dtype: 'i32' });
    assert.throws(() => read('wide.npy'), /element 1 is 2147483648/);
    assert.throws(() => read('wider.npy'), /element 1 is 18446744073709551615/);
    assert.deepEqual(read('u8.npy'), { data: Int32Array.of(0, 2147483647), shape: [2], dtype: 'i32' });
    assert.deepEqual(read('i2.npy'), { data: Int32Array.of(-32768, 32767), shape: [2], dtype: 'i32' });
    assert.deepEqual(read('u2.npy'), { data: Int32Array.of(0, 65535), shape: [2], dtype: 'i32' });
    assert.deepEqual(read('bool.npy'), { data: Uint8Array.of(1, 0, 1, 1, 0, 0), shape: [3, 2], dtype: 'bool' });
    const cube = Array.from({ length: 24 }, (_, i) => i - 7);
    // cube[:, :1, :].T: [4, 1, 2], from the first and the fourth row of four.
    const row = Array.from({ length: 8 }, (_, i) => cube[(i >> 1) + 12 * (i % 2)]);
    for (const kind of ['f4', 'f2', 'i4', 'i8', 'i2', 'f8']) {
      for (const [name, shape, values] of [
        ['c', [2, 3, 4], cube],
        ['f', [2, 3, 4], cube],
        ['row', [4, 1, 2], row],
      ] as const) {
        for (const order of ['little', 'big']) {
          const got = read(`${kind}-${name}-${order}.npy`, { cast: true });
          assert.deepEqual(got.shape, shape);
          assert.deepEqual(Array.from(got.data as ArrayLike<number>, got.dtype === 'f16' ? fromF16 : Number), values);
        }
      }
    }
    assert.throws(() => read('text.npy'), /U1/);
    assert.throws(() => read('complex.npy'), /<c8/);
  });
});

/** A version 1.0 file with this header text. */
function withHeader(header: string, body = 8): Uint8Array {
  const bytes = [0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8];
  return Uint8Array.from([...bytes, ...Buffer.from(header), ...new Uint8Array(body)]);
}

test('headers: keys in any order and spacing; anything else is refused', () => {
  const good = "{ 'shape':(2,) ,'fortran_order' : False, 'descr': '<f4'}\n";
  assert.deepEqual(readNpy(withHeader(good)).shape, [2]);
  const malformed = [
    '',
    '{}',
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (,2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 2}",
    "{'descr': '<f4' 'fortran_order': False 'shape': (2,)}",
    "{'descr': False, 'fortran_order': '<f4', 'shape': (2,)}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} import os",
  ];
  for (const header of malformed) assert.throws(() => readNpy(withHeader(header)), DataError, header);
  const huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 9)}";
  assert.throws(() => readNpy(withHeader(huge)), /too large|expected/);
  for (const descr of ['<b4', '|f4', '=f4', 'f4', '<x4', '<f16'])
    assert.throws(() => readNpy(withHeader(good.replace('<f4', descr))), /is not supported/, descr);
  assert.throws(() => readNpy(withHeader(good.replace('<f4', '|b1'), 2).fill(2, -1)), /neither 0 nor 1/);
});

test('every truncation, one byte too many, another magic or version: a DataError', () => {
  const file = writeNpy(ARRAYS.f32);
  for (let n = 0; n < file.length; n++) assert.throws(() => readNpy(file.slice(0, n)), DataError, `${n} bytes`);
  assert.throws(() => readNpy(Uint8Array.from([...file, 0])), DataError);
  assert.throws(() => readNpy(file.with(0, 0x92)), /magic/);
  assert.throws(() => readNpy(file.with(6, 3)), /version 3.0/);
  assert.throws(() => readNpy(file.with(9, 0xff)), DataError);
  assert.deepEqual(readNpy(new Uint8Array([7, ...file]).subarray(1)), ARRAYS.f32, 'at an odd offset');
});

test('bf16 and shapes that do not fit are not written', () => {
  assert.throws(() => writeNpy({ data: Uint16Array.of(1), shape: [1], dtype: 'bf16' }), DataError);
  assert.throws(() => writeNpy({ data: Uint8Array.of(1), shape: [2], dtype: 'u8' }), DataError);
});
