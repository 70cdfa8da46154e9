import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Archive } from './archive.ts';
import { readNpz, writeNpz } from './npz.ts';
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
  assert.throws(() => readNpz(wide), { code: 'E_NPY' });
  const { tensors, narrowed } = readNpz(wide, { cast: true });
  assert.deepEqual(tensors.get('x'), array('f32', [1], [Math.fround(0.1)]));
  assert.deepEqual(
    narrowed.map((n) => `${n.name} ${n.from} ${n.to}`),
    ['x <f8 f32', 'n <i8 i32'],
  );
});

test('bf16 has no NumPy type; what is no archive of arrays is refused', () => {
  assert.throws(() => writeNpz(CORNERS), { code: 'E_NPY', message: /bf16/ });
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
