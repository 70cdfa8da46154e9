import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DataError } from '../sdk/core/errors.ts';
import { loadIris } from './iris.ts';
import { loadMnist } from './mnist.ts';
import { filesOf, fromFiles, makeSynthetic, SYNTHETIC } from './synthetic.ts';

const PYTHON = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));

test('iris: 50 rows a species, and the published means and deviations of the columns', async () => {
  const { x, y } = await loadIris();
  assert.deepEqual(x.shape, [150, 4]);
  assert.deepEqual([...x.data.subarray(0, 4)], [5.1, 3.5, 1.4, 0.2].map(Math.fround));
  for (const c of [0, 1, 2]) assert.ok(y.data.subarray(50 * c, 50 * c + 50).every((v) => v === c));
  // The means of R's data set `iris`.
  const means = [0, 1, 2, 3].map((c) => x.data.filter((_, i) => i % 4 === c).reduce((a, b) => a + b, 0) / 150);
  [5.843333, 3.057333, 3.758, 1.199333].forEach((m, c) => assert.ok(Math.abs(means[c] - m) < 1e-5, `column ${c}`));
});

test('mnist: 10,000 digits in order, grey values in thousandths from 0 to 1, every image inked', async () => {
  const { x, y } = await loadMnist();
  assert.deepEqual(x.shape, [10000, 784]);
  const counts = Array.from({ length: 10 }, (_, d) => y.data.filter((v) => v === d).length);
  assert.deepEqual(counts, [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  assert.ok(y.data.every((v, i) => i === 0 || v >= y.data[i - 1]));
  assert.ok(x.data.every((v) => v >= 0 && v <= 1 && Math.fround(Math.round(v * 1000) / 1000) === v));
  for (let r = 0; r < 10000; r++)
    assert.ok(
      x.data.subarray(r * 784, r * 784 + 784).some((v) => v > 0.5),
      `row ${r}`,
    );
});

test('synthetic: numpy computes the same numbers in double precision, and reads the same from the files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'synthetic-'));
  try {
    for (const set of SYNTHETIC) {
      for (const [name, bytes] of filesOf(set.name, makeSynthetic(set))) writeFileSync(join(dir, name), bytes);
    }
    const program = `
import json, sys
import numpy as np
for s in json.loads(sys.argv[1]):
    i, j = np.meshgrid(np.arange(s['rows']), np.arange(s['features']), indexing='ij')
    c = i % s['classes']
    q = ((i * 1000 + j * 100 + c * 10).astype(np.uint64) * np.uint64(1103515245) + np.uint64(12345)) % np.uint64(10000)
    noise = (q / 10000 - 0.5) * s['noise']
    x = c * s['separation'] + j * 0.3 + noise + (np.sin(i * 0.1 + j * 0.05) + np.cos(i * 0.07 + c)) * 0.2
    ours = np.load(s['name'] + '_features.npy')
    assert ours.dtype == np.float32 and np.abs(ours - x).max() < 2e-6, np.abs(ours - x).max()
    labels = np.load(s['name'] + '_labels.npy')
    assert labels.dtype == np.uint8 and (labels == c[:, 0]).all()
    table = np.loadtxt(s['name'] + '.csv', delimiter=',', skiprows=1, dtype=np.float32)
    assert (table[:, :-1].view(np.uint32) == ours.view(np.uint32)).all() and (table[:, -1] == labels).all()
`;
    execFileSync(PYTHON, ['-c', program, JSON.stringify(SYNTHETIC)], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('synthetic: the bytes of all twelve files', () => {
  const hash = createHash('sha256');
  for (const set of SYNTHETIC) for (const bytes of filesOf(set.name, makeSynthetic(set)).values()) hash.update(bytes);
  assert.equal(hash.digest('hex'), GOLDEN);
});

/** Of the contract's version 1, checked against numpy above. */
const GOLDEN = '3628b4acc2d05f39741c740a930a9b3b8d718a848ff65f06322d5453852b28b7';

test('synthetic: read back from .npy and .csv to the bit; files that disagree or are missing are refused', () => {
  for (const set of SYNTHETIC) {
    const made = makeSynthetic(set);
    const files = filesOf(set.name, made);
    assert.deepEqual(fromFiles(set.name, files), made);
    const csv = Buffer.from(files.get(`${set.name}.csv`) as Uint8Array).toString();
    const changed = new Map(files).set(`${set.name}.csv`, Buffer.from(csv.replace(/\d\r\n$/, '9\r\n')));
    assert.throws(() => fromFiles(set.name, changed), /disagree/);
    for (const name of files.keys()) {
      const fewer = new Map(files);
      fewer.delete(name);
      assert.throws(() => fromFiles(set.name, fewer), DataError);
    }
  }
});
