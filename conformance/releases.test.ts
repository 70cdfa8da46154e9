/** What every released version has written can be opened, and its run goes on to the state that it would have reached there. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { memoryStore } from '../adapters/memory.ts';
import { openCheckpoint } from '../sdk/checkpoint/index.ts';
import { createRuntime } from '../sdk/index.ts';
import { build } from '../sdk/nn/build.ts';
import { loadWeights } from '../sdk/train/index.ts';
import { drain, tinyBatches } from '../sdk/train/tiny.ts';
import { END, type Fingerprints, MIDDLE, releaseFiles, releaseTrainer } from './releases.ts';

const ROOT = join(import.meta.dirname, 'releases');
const rt = await createRuntime({ backend: 'wasm', seed: 42n });
const other = await createRuntime({ backend: 'wasm', seed: 7n });
after(() => Promise.all([rt.dispose(), other.dispose()]));

const read = (...path: string[]) => new Uint8Array(readFileSync(join(ROOT, ...path)));
const versions = readdirSync(ROOT);

test('there is a release', () => assert.ok(versions.includes('0.1.0')));

for (const version of versions) {
  const sums = new Map(
    readFileSync(join(ROOT, version, 'SHA256SUMS'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
  const prints = JSON.parse(readFileSync(join(ROOT, version, 'fingerprints.json'), 'utf8')) as Fingerprints;

  test(`${version}: its files are what they were`, () => {
    assert.ok(sums.size >= 6);
    for (const [path, sum] of sums) {
      assert.equal(createHash('sha256').update(read(version, path)).digest('hex'), sum, path);
    }
  });

  test(`${version}: its run is resumed, and ends in the known state`, async () => {
    const store = memoryStore();
    for (const path of sums.keys()) {
      if (path.startsWith('run/')) await store.put(path.slice('run/'.length), read(version, path));
    }
    const { trainer } = releaseTrainer(other, store);
    const { step, skipped } = await trainer.resume('release');
    assert.deepEqual([step, skipped], [MIDDLE, []]);
    assert.equal(await trainer.fingerprint(), prints.middle);
    await drain(trainer.run(tinyBatches(), { steps: END }));
    assert.equal(await trainer.fingerprint(), prints.end);
  });

  test(`${version}: its weights are loaded, as floats and from fewer bits`, async () => {
    const whole: number[] = [];
    for (const [dtype, within] of [
      ['f32', 0],
      ['bf16', 2 ** -8],
      ['i8', 1 / 127],
    ] as const) {
      const file = await openCheckpoint(read(version, `weights-${dtype}.cbor`));
      const model = build(file.state.model).init(other);
      const { loaded } = await loadWeights(model, file, { cast: true });
      assert.equal(loaded.length, 6);
      const got = Array.from(await model.parameters().get('0.weight')!.value().data());
      if (dtype === 'f32') whole.push(...got);
      const most = Math.max(...whole.map(Math.abs));
      got.forEach((v, i) => assert.ok(Math.abs(v - whole[i]) <= within * most, `${dtype}: ${v} for ${whole[i]}`));
    }
  });
}

test('this version still writes what the newest release wrote', async () => {
  const newest = versions.at(-1) as string;
  const [stored] = readdirSync(join(ROOT, newest, 'run/objects'));
  for (const [path, bytes] of await releaseFiles(rt)) {
    // A record says when and by whom it was written, and an object has a name of its own.
    if (path.includes('commits/')) continue;
    const was = path.startsWith('run/objects/') ? `run/objects/${stored}` : path;
    assert.deepEqual(bytes, read(newest, was), path);
  }
});
