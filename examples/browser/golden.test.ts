/** What the page compares with, made again; and the page's data beside those of the packages. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readNpy } from '../../sdk/data/index.ts';
import { createRuntime } from '../../sdk/index.ts';
import { irisRecipe } from '../iris.ts';
import { loadMnist, mnistRecipe } from '../mnist.ts';
import golden from './fixtures/golden.json' with { type: 'json' };
import { fingerprints, SEED } from './golden.ts';
import { DIGITS, digitsFrom } from './recipes.ts';
import { makeSite } from './site.ts';

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

test('the site: the digits of the package in every bit, and nothing from elsewhere', async () => {
  const site = await makeSite();
  const file = (name: string) => readNpy(site.get(name) as Uint8Array);
  const [ours, theirs] = [digitsFrom(file(DIGITS.pixels), file(DIGITS.labels)), await loadMnist()];
  assert.deepEqual(ours.x.shape, theirs.x.shape);
  assert.equal(Buffer.compare(Buffer.from(ours.x.data.buffer), Buffer.from(theirs.x.data.buffer)), 0);
  assert.deepEqual(ours.y, theirs.y);
  const page = Buffer.from(site.get('index.html') as Uint8Array).toString();
  for (const [, address] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.ok(address.startsWith('data:') || site.has(address.replace('./', '')), address);
  }
});
