import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { zipSync } from 'fflate';
import { writeNpy } from '../data/npy.ts';
import type { Archive } from './archive.ts';
import { readNpyArchive, readNpz, writeNpyArchive, writeNpz } from './npz.ts';
import { readPyTorch } from './pytorch.ts';
import { array, CORNERS, holds, python, sameTensors } from './testing.ts';

const dir = mkdtempSync(join(tmpdir(), 'isobit-npz-'));
const file = (name: string) => join(dir, name);
const numpy: Archive = { tensors: new Map([...CORNERS.tensors].filter(([, t]) => t.dtype !== 'bf16')), metadata: {} };

test('numpy reads ours, and what it writes again, stored or compressed, we read', () => {
  writeFileSync(file('ours.npz'), writeNpz(numpy));
  python(
    `import sys, numpy as np
a = dict(np.load(sys.argv[1]))
np.savez(sys.argv[2], **a); np.savez_compressed(sys.argv[3], **a)`,
    file('ours.npz'),
    file('stored.npz'),
    file('packed.npz'),
  );
  for (const name of ['stored.npz', 'packed.npz']) {
    sameTensors(readNpz(new Uint8Array(readFileSync(file(name)))).tensors, numpy.tensors);
  }
});

test('the same archive gives the same bytes; a part can be read; what narrows is told', () => {
  assert.deepEqual(writeNpz(numpy), writeNpz(numpy));
  assert.deepEqual([...readNpz(writeNpz(numpy), { only: (n) => n === 'mask' }).tensors.keys()], ['mask']);
  python('import sys, numpy as np; np.savez(sys.argv[1], x=np.array([0.1]), n=np.array([7]))', file('wide.npz'));
  const wide = new Uint8Array(readFileSync(file('wide.npz')));
  assert.throws(() => readNpz(wide), { code: 'E_FORMAT', message: /^npz: tensor "x": the elements are float64/ });
  const { tensors, narrowed } = readNpz(wide, { cast: true });
  assert.deepEqual(tensors.get('x'), array('f32', [1], [Math.fround(0.1)]));
  assert.deepEqual(
    narrowed.map((n) => `${n.name} ${n.from} ${n.to}`),
    ['x <f8 f32', 'n <i8 i32'],
  );
});

test('bf16 has no NumPy type; what is no archive of arrays is refused', () => {
  assert.throws(() => writeNpz(CORNERS), { code: 'E_FORMAT', message: /"brain": dtype bf16/ });
  const small: Archive = { tensors: new Map([['a', array('f32', [2], [1, 2])]]), metadata: {} };
  const { refused, tried } = holds(writeNpz(small), (b) => readNpz(b));
  assert.ok(refused > 100 && refused < tried, `${refused} of ${tried}`);
});

test('an archive that claims more members than it has room for is refused at once', () => {
  // Its directory begins behind its end, where all is taken for zeros: members without a name.
  const claimed = new Uint8Array(4096);
  const view = new DataView(claimed.buffer);
  view.setUint32(0, 0x04034b50, true);
  view.setUint32(claimed.length - 22, 0x06054b50, true);
  view.setUint16(claimed.length - 22 + 8, 0xffff, true);
  view.setUint32(claimed.length - 22 + 16, claimed.length, true);
  for (const read of [readNpz, readPyTorch])
    assert.throws(() => read(claimed), { code: 'E_FORMAT', message: /more members than it has room for/ });
});

test('a transposed array of numpy, big-endian ones and 16-bit integers are read; what is wrong names its member', () => {
  python(
    `import sys, numpy as np
np.savez(sys.argv[1], w=np.array([[1, 2, 3], [4, 5, 6]], '>f4').T, n=np.array([7], '<u2'))
np.savez(sys.argv[2], a=np.zeros(1, '<f4'), text=np.array(['a']))`,
    file('turned.npz'),
    file('text.npz'),
  );
  const { tensors, narrowed } = readNpz(readFileSync(file('turned.npz')));
  assert.deepEqual(tensors.get('w'), array('f32', [3, 2], [1, 4, 2, 5, 3, 6]));
  assert.deepEqual(tensors.get('n'), array('i32', [1], [7]));
  assert.deepEqual(narrowed, [{ name: 'n', from: '<u2', to: 'i32' }]);
  assert.throws(() => readNpz(readFileSync(file('text.npz'))), {
    code: 'E_FORMAT',
    message: /tensor "text": dtype <U1 is not supported/,
  });
});

test('a single .npy is an archive of one tensor, both ways; of more or none there is no .npy', () => {
  const w = array('f32', [2, 2], [1, 2, 3, 4]);
  const bytes = writeNpyArchive({ tensors: new Map([['w', w]]), metadata: {} });
  writeFileSync(file('w.npy'), bytes);
  assert.equal(
    python('import sys, numpy as np; print(np.load(sys.argv[1]).tolist())', file('w.npy')),
    '[[1.0, 2.0], [3.0, 4.0]]\n',
  );
  assert.deepEqual(readNpyArchive(bytes).tensors, new Map([['array', w]]));
  assert.deepEqual(readNpyArchive(bytes, { name: 'w' }).tensors, new Map([['w', w]]));
  assert.equal(readNpyArchive(bytes, { only: () => false }).tensors.size, 0);
  for (const a of [numpy, { tensors: new Map(), metadata: {} }])
    assert.throws(() => writeNpyArchive(a), { code: 'E_OPTION', message: /a \.npy holds one/ });
  assert.throws(() => readNpyArchive(bytes.subarray(0, -1), { name: 'w' }), { code: 'E_FORMAT', message: /"w": 15 b/ });
});

test('metadata are a member of bytes, which numpy gives too; without metadata there is none', () => {
  const metadata = { b: 'two', a: [1, { c: null }] };
  const bytes = writeNpz({ ...numpy, metadata });
  assert.deepEqual(readNpz(bytes, { only: () => false }).metadata, metadata);
  sameTensors(readNpz(bytes).tensors, numpy.tensors);
  writeFileSync(file('said.npz'), bytes);
  assert.equal(
    python("import sys, numpy as np; print(bytes(np.load(sys.argv[1])['__metadata__']).decode())", file('said.npz')),
    '{"a":[1,{"c":null}],"b":"two"}\n',
  );
  const own: Archive = { tensors: new Map([['__metadata__', array('u8', [1], [1])]]), metadata: {} };
  assert.throws(() => writeNpz(own), { code: 'E_FORMAT' });
  python('import sys, numpy as np; np.savez(sys.argv[1], __metadata__=np.zeros(3))', file('other.npz'));
  assert.throws(() => readNpz(readFileSync(file('other.npz')), { cast: true }), { message: /"__metadata__"/ });
});

test('a changed byte of a member is seen by its CRC-32, which the error tells', () => {
  const bytes = writeNpz({ tensors: new Map([['w', array('f32', [2], [1, 2])]]), metadata: {} });
  const at = Buffer.from(bytes).indexOf(Buffer.from(Float32Array.of(1, 2).buffer));
  for (const i of [at, at + 7])
    assert.throws(() => readNpz(bytes.with(i, bytes[i] ^ 1)), {
      code: 'E_FORMAT',
      message: /"w\.npy" has not the CRC/,
    });
});

test('members that lie over each other are refused: a directory that names one eighty times', () => {
  const repeated = (zip: Uint8Array): Uint8Array => {
    const end = zip.length - 22;
    const entry = zip.subarray(new DataView(zip.buffer).getUint32(end + 16, true), end);
    const tail = zip.slice(end);
    for (const to of [8, 10]) new DataView(tail.buffer).setUint16(to, 80, true);
    return Buffer.concat([zip.subarray(0, end), ...Array(79).fill(entry), tail]);
  };
  const zeros = writeNpy(array('f32', [100_000], Array(100_000).fill(0)));
  const refused = { code: 'E_FORMAT', message: /member "a.*" overlaps another/ };
  assert.equal(readNpz(zipSync({ 'a.npy': zeros }, { level: 9 })).tensors.size, 1);
  assert.throws(() => readNpz(repeated(zipSync({ 'a.npy': zeros }, { level: 9 }))), refused);
  assert.throws(() => readPyTorch(repeated(zipSync({ 'a/data/0': zeros }, { level: 0 }))), refused);
});
