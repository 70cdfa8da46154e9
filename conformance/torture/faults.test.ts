/** The short form of `npm run torture -- faults`, and the modelled disk beside a real one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fsStore } from '../../adapters/fs.ts';
import { storeSuite } from '../../adapters/suite.ts';
import { Disk } from './faults/disk.ts';
import { DIR } from './faults/runs.ts';
import { disasters } from './faults.ts';

storeSuite('fs on the modelled disk', async () => fsStore(DIR, { fs: new Disk().fs() }));

test('power cuts and failing calls: what was promised opens, nothing is half applied, and the run goes on', async () => {
  assert.deepEqual(await disasters({ seed: 1, stride: 101, every: 13 }), []);
});

test('the disk loses what was not flushed, and the torture sees it', async () => {
  const disk = new Disk();
  const fs = disk.fs();
  const h = await fs.open('/x', 'wx');
  await h.write(Uint8Array.of(1, 2, 3, 4), 0, 4, 0);
  const names = disk.loose(disk.length);
  assert.equal(names.length, 1);
  const size = async (d: Disk) => (await d.fs().lstat('/x')).size;
  assert.equal(await size(disk.cut(disk.length, new Set(names), 'half')), 2);
  await assert.rejects(size(disk.cut(disk.length, new Set(), 'all')), { code: 'ENOENT' });
  await h.sync();
  assert.equal(await size(disk.cut(disk.length, new Set(names), 'none')), 4);
  const root = await fs.open('/', 'r');
  await root.sync();
  assert.deepEqual(disk.loose(disk.length), []);
  assert.equal(await size(disk.cut(disk.length, new Set(), 'none')), 4);
});
