/** What the page compares with, made again. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRuntime } from '../../sdk/index.ts';
import { irisRecipe } from '../iris.ts';
import { mnistRecipe } from '../mnist.ts';
import golden from './fixtures/golden.json' with { type: 'json' };
import { fingerprints, SEED } from './golden.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the golden fingerprints are those of node-wasm, of the README and of the conformance rows', async () => {
  assert.equal(BigInt(golden.seed), SEED);
  await using rt = await createRuntime({ backend: 'wasm', seed: SEED });
  assert.deepEqual(await fingerprints(rt, irisRecipe), golden.iris);
  assert.deepEqual(await fingerprints(rt, mnistRecipe, 1), golden.digits.slice(0, 2));
  assert.equal(golden.digits.length, mnistRecipe.epochs + 1);
  assert.match(read('../../README.md'), new RegExp(`^${golden.iris[20]}$`, 'm'));
  const rows = JSON.parse(read('../../conformance/fixtures/iris.json')) as { fingerprint: string };
  assert.equal(rows.fingerprint, golden.iris[5]);
});
