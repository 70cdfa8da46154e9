import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Archive } from './archive.ts';
import { remap } from './remap.ts';
import { array } from './testing.ts';

const a: Archive = {
  tensors: new Map([
    ['module.fc.weight', array('f32', [2, 3], [1, 2, 3, 4, 5, 6])],
    ['module.fc.bias', array('f32', [2], [7, 8])],
  ]),
  metadata: { n: 1 },
};

test('rules apply in order, each to what the ones before have made', () => {
  const { archive, renamed, transposed } = remap(a, [
    { match: /^module\./, rename: '' },
    { match: /^(\w+)\.weight$/, rename: 'layers.$1.w', transpose: true },
    { match: 'fc.bias', rename: 'b' },
    { match: 'module.fc.bias', rename: 'never' },
  ]);
  assert.deepEqual(archive.tensors.get('layers.fc.w'), array('f32', [3, 2], [1, 4, 2, 5, 3, 6]));
  assert.deepEqual(archive.tensors.get('b'), array('f32', [2], [7, 8]));
  assert.deepEqual(renamed, [
    ['module.fc.weight', 'layers.fc.w'],
    ['module.fc.bias', 'b'],
  ]);
  assert.deepEqual(transposed, ['fc.weight']);
  assert.deepEqual(archive.metadata, a.metadata);
});

test('two tensors of one name, and a transpose of what is no matrix, are refused; the archive is as it was', () => {
  assert.throws(() => remap(a, [{ match: /.*/, rename: 'x' }]), { code: 'E_OPTION', message: /second "x"/ });
  assert.throws(() => remap(a, [{ match: /bias/, transpose: true }]), { code: 'E_FORMAT', message: /no matrix/ });
  assert.deepEqual([...a.tensors.keys()], ['module.fc.weight', 'module.fc.bias']);
});

test('a RegExp with a state of its own matches each name from its start', () => {
  assert.equal(remap(a, [{ match: /fc/g, rename: 'x' }]).renamed.length, 2);
  const sticky = /module\./y;
  for (const _ of [1, 2]) {
    const { archive } = remap(a, [{ match: sticky, rename: '' }]);
    assert.deepEqual([...archive.tensors.keys()], ['fc.weight', 'fc.bias']);
  }
  assert.deepEqual(remap(a, [{ match: /fc/y, rename: 'x', transpose: true }]).transposed, [], 'at the start alone');
});
