/** `isobit convert`: what of a file is read, where the other one goes, and what it asks for. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fsStore } from '../../adapters/fs.ts';
import { listen } from '../../adapters/testing/browsers.ts';
import { storeHandler } from '../../adapters/testing/store-server.ts';
import { encodeCheckpoint, openCheckpoint } from '../checkpoint/index.ts';
import type { HostArray } from '../core/host.ts';
import { readBurnpack, writeBurnpack } from '../formats/burnpack.ts';
import { readJson } from '../formats/json.ts';
import { array, python } from '../formats/testing.ts';
import { convert } from './convert.ts';
import { content, said, weights } from './testing.ts';

const root = mkdtempSync(join(tmpdir(), 'isobit-convert-'));
after(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);
const go = (from: string, to: string, o: object = {}) => said((t) => convert(from, to, o, t));

test('to an address, where something is there only by force', async () => {
  const bytes = await (await encodeCheckpoint(content(1))).bytes();
  writeFileSync(at('a.cbor'), bytes);
  await using server = await listen(storeHandler(fsStore(at('served'))));
  const to = `${server.url}models/a%20b.json`;
  await go(at('a.cbor'), to);
  const file = at('served/models/a b.json');
  assert.deepEqual(readJson(readFileSync(file)).tensors.size, 5);
  await assert.rejects(go(at('a.cbor'), to, { forInference: true }), { code: 'E_OPTION', message: /there already/ });
  assert.deepEqual(readJson(readFileSync(file)).tensors.size, 5);
  await go(at('a.cbor'), to, { forInference: true, force: true });
  assert.deepEqual(readJson(readFileSync(file)).tensors.size, 2);
  await assert.rejects(go(at('a.cbor'), `${to}#x`, { force: true }), { code: 'E_OPTION', message: /'#x'/ });
  await assert.rejects(go(`${to}#x`, at('x.cbor')), { code: 'E_OPTION', message: /'#x'/ });
  await go(to, `${server.url}again.cbor?token=x`);
  assert.ok((await openCheckpoint(new Uint8Array(readFileSync(at('served/again.cbor'))))).has('model/fc1.bias'));
  assert.ok(!readdirSync('.').includes('http:'), 'no directory of that name');
});

test('what --include leaves out is not looked at; the names are those that the tensors get', async () => {
  for (const [end, save] of [
    ['npz', 'np.savez(sys.argv[1], **t)'],
    ['safetensors', 'from safetensors.numpy import save_file; save_file(t, sys.argv[1])'],
  ]) {
    const file = at(`wide.${end}`);
    python(`import sys, numpy as np; t = {"a": np.ones(2), "b": np.ones(2, np.float32)}; ${save}`, file);
    for (const name of ['b', 'model/b']) {
      await go(file, at('narrow.json'), { include: [name], forInference: true, force: true });
      assert.deepEqual([...readJson(readFileSync(at('narrow.json'))).tensors.keys()], ['b']);
    }
    await assert.rejects(go(file, at('no.json'), { include: ['c'] }), { code: 'E_OPTION', hint: 'There are 2: a, b' });
    await assert.rejects(go(file, at('no.json'), {}), (e: Error & { hint: string }) => {
      assert.match(e.message, /float64|<f8/);
      assert.match(e.hint, /--round/);
      assert.doesNotMatch(e.hint, /cast/);
      return true;
    });
    assert.match(await go(file, at('no.json'), { round: true }), /f64 to f32|<f8 to f32/);
    rmSync(at('no.json'));
  }
  const norm = new Map<string, HostArray>([
    ['norm.gamma', array('f32', [2], [1, 2])],
    ['norm.beta', array('f32', [2], [3, 4])],
  ]);
  writeFileSync(at('norm.bpk'), writeBurnpack({ tensors: norm, metadata: {} }));
  assert.deepEqual([...readBurnpack(readFileSync(at('norm.bpk'))).tensors.keys()].sort(), ['norm.beta', 'norm.gamma']);
  await go(at('norm.bpk'), at('norm.json'), { include: ['norm.weight'], forInference: true });
  assert.deepEqual([...readJson(readFileSync(at('norm.json'))).tensors.keys()], ['norm.weight']);
  // A checkpoint's own names stay, and are what it is asked for by.
  const whole = { ...content(1), tensors: new Map([['model/norm.gamma', array('f32', [2], [1, 2])]]) };
  writeFileSync(at('own.cbor'), await (await encodeCheckpoint(whole)).bytes());
  await go(at('own.cbor'), at('own.bpk'));
  await go(at('own.bpk'), at('own.json'), { include: ['norm.gamma'], forInference: true });
  assert.deepEqual([...readJson(readFileSync(at('own.json'))).tensors.keys()], ['norm.gamma']);
});

test('nothing left to write is an error, and nothing is written', async () => {
  writeFileSync(at('b.cbor'), await (await encodeCheckpoint(content(1))).bytes());
  const o = { include: ['optim/*'], forInference: true };
  await assert.rejects(go(at('b.cbor'), at('none.cbor'), o), { code: 'E_OPTION', message: /model.*--include optim/ });
  assert.ok(!existsSync(at('none.cbor')));
});

test('files over 2 GiB, and weights that no scale fits, are named', async () => {
  writeFileSync(at('large.safetensors'), '');
  truncateSync(at('large.safetensors'), 3 * 2 ** 30);
  await assert.rejects(go(at('large.safetensors'), at('no.cbor')), {
    code: 'E_LIMIT',
    message: /large\.safetensors: .*2 GiB/,
  });
  const odd = new Map([...weights(0), ['model/odd', array('f32', [1, 2], [1, Number.NaN])] as const]);
  writeFileSync(at('odd.cbor'), await (await encodeCheckpoint({ ...content(1), tensors: odd })).bytes());
  await assert.rejects(go(at('odd.cbor'), at('no.cbor'), { cast: 'i8' }), { code: 'E_DATA', message: /^model\/odd: / });
});
