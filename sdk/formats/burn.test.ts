/**
 * Genuine files of Burn, made by fixtures/burn (a Rust program; its README tells how to run it), beside the values that Burn itself
 * says they hold. What we write was loaded by Burn in the same way: fixtures/burn-*.../ours.json is what it then printed.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode } from 'cborg';
import type { HostArray } from '../core/host.ts';
import { f32ToF16 } from '../core/scalar/cast.ts';
import type { Archive } from './archive.ts';
import { fromBurn, toBurn } from './burn.ts';
import { readBurnpack, writeBurnpack } from './burnpack.ts';
import { type Content, fromArchive, toArchive } from './content.ts';
import { readMpk } from './mpk.ts';
import { array, CORNERS, holds, sameTensors } from './testing.ts';

const VERSIONS = ['0.14', '0.16', '0.19', '0.21'];
const path = (version: string, file: string) => join(import.meta.dirname, `fixtures/burn-${version}`, file);
const bytes = (version: string, file: string) => new Uint8Array(readFileSync(path(version, file)));

type Values = Record<string, { shape: number[]; bits: number[] }>;
const valuesIn = (version: string, file: string) => JSON.parse(readFileSync(path(version, file), 'utf8')) as Values;
const tensorsOf = (values: Values): Map<string, HostArray> =>
  new Map(
    Object.entries(values).map(([name, { shape, bits }]) => [
      name,
      { data: new Float32Array(Uint32Array.from(bits).buffer), shape, dtype: 'f32' },
    ]),
  );

for (const version of VERSIONS) {
  const values = tensorsOf(valuesIn(version, 'values.json'));

  test(`Burn ${version}: records in MessagePack, full and half precision`, () => {
    sameTensors(readMpk(bytes(version, 'full.mpk')).tensors, values);
    const half = readMpk(bytes(version, 'half.mpk')).tensors;
    assert.equal(half.size, values.size);
    for (const [name, t] of values) {
      const rounded = Uint16Array.from(t.data as Float32Array, f32ToF16);
      assert.deepEqual(half.get(name), { data: rounded, shape: t.shape, dtype: 'f16' }, name);
    }
    assert.deepEqual(
      [...readMpk(bytes(version, 'full.mpk'), { only: (n) => n === 'fc1.bias' }).tensors.keys()],
      ['fc1.bias'],
    );
  });

  if (!existsSync(path(version, 'model.bpk'))) continue;
  test(`Burn ${version}: burnpack, with its metadata`, () => {
    const { tensors, metadata } = readBurnpack(bytes(version, 'model.bpk'));
    sameTensors(tensors, values);
    assert.equal(metadata.note, 'made by Burn');
  });
}

/** What Burn was given to load: the model of the fixtures with other numbers. */
const OURS: Archive = {
  tensors: new Map(
    [...tensorsOf(valuesIn('0.21', 'values.json'))].map(([name, t], k) => [
      name,
      { ...t, data: Float32Array.from(t.data as Float32Array, (_, i) => Math.fround((i + 1) / (k + 3))) },
    ]),
  ),
  metadata: { author: 'isobit', tags: ['a', 'b'] },
};

test('Burn 0.21 loads what we write: the same bytes, and what it read from them', () => {
  assert.deepEqual(writeBurnpack(OURS), bytes('0.21', 'ours.bpk'));
  sameTensors(tensorsOf(valuesIn('0.21', 'ours.json')), OURS.tensors);
});

test('every dtype goes and comes back; metadata that is no text is JSON', () => {
  const back = readBurnpack(writeBurnpack(CORNERS));
  sameTensors(back.tensors, CORNERS.tensors);
  assert.deepEqual(readBurnpack(writeBurnpack(OURS)).metadata, { author: 'isobit', tags: '["a","b"]' });
  assert.equal(readBurnpack(writeBurnpack({ tensors: new Map(), metadata: {} })).tensors.size, 0);
});

test('lengths that fit neither layout, overlaps and other versions are refused', () => {
  const whole = bytes('0.21', 'model.bpk');
  const refused = (b: Uint8Array, message: RegExp) =>
    assert.throws(() => readBurnpack(b), { code: 'E_FORMAT', message });
  refused(whole.slice(0, -1), /expected \d+ \(Burn 0\.20\) or \d+ \(0\.19\)/);
  refused(Uint8Array.of(...whole, 0), /expected/);
  refused(
    Uint8Array.from(whole, (v, i) => (i === 4 ? 2 : v)),
    /version 2/,
  );
  refused(new Uint8Array(20), /NRUB/);
  const a = array('f32', [2], [1, 2]);
  const pack = writeBurnpack({
    tensors: new Map([
      ['a', a],
      ['b', a],
    ]),
    metadata: {},
  });
  const text = new TextDecoder('latin1').decode(pack);
  // b's offsets are [256, 264] (19 0100 19 0108); [0, 264] makes it lie over a.
  const at = text.indexOf('\x82\x19\x01\x00\x19\x01\x08');
  assert.ok(at > 0);
  refused(
    Uint8Array.from(pack, (v, i) => (i === at + 2 ? 0 : v)),
    /inside another tensor|bytes, expected/,
  );
});

test('scalars are metadata, as texts where JSON has no such number; metadata that is no map of texts is refused', () => {
  const pack = (rest: object): Uint8Array => {
    const map = encode({ tensors: {}, ...rest });
    const head = new DataView(new ArrayBuffer(10));
    head.setUint32(0, 0x4255524e, true);
    head.setUint16(4, 1, true);
    head.setUint32(6, map.length, true);
    return Buffer.concat([new Uint8Array(head.buffer), map]);
  };
  const scalars = { best: { Float: Number.POSITIVE_INFINITY }, step: { Int: 2n ** 60n }, on: { Bool: true } };
  assert.deepEqual(readBurnpack(pack({ scalars })).metadata, { best: 'Infinity', step: String(2n ** 60n), on: true });
  const refused = { code: 'E_FORMAT', message: /scalar "x" is no number|map of texts/ };
  assert.throws(() => readBurnpack(pack({ scalars: { x: { Bytes: new Uint8Array(1) } } })), refused);
  assert.throws(() => readBurnpack(pack({ metadata: { big: 2n ** 60n } })), refused);
});

test('damage is refused with a typed error or shows as other values; nothing else happens', () => {
  const small: Archive = { tensors: new Map([['fc.weight', array('f32', [2], [1, 2])]]), metadata: { a: 'b' } };
  const pack = holds(writeBurnpack(small), (b) => readBurnpack(b));
  assert.ok(pack.refused > pack.tried / 4 && pack.refused < pack.tried, `${pack.refused} of ${pack.tried}`);
  const mpk = holds(bytes('0.21', 'half.mpk'), (b) => readMpk(b));
  assert.ok(mpk.refused > mpk.tried / 4 && mpk.refused < mpk.tried, `${mpk.refused} of ${mpk.tried}`);
});

test('layouts: a Linear is transposed, an Embedding is not, norms get their names; and all of it back', () => {
  const burn = readBurnpack(bytes('0.21', 'model.bpk'));
  const { archive, renamed, transposed } = fromBurn(burn);
  assert.deepEqual(transposed, ['fc1.weight', 'layers.0.weight', 'layers.1.weight']);
  assert.deepEqual(renamed, [
    ['norm.gamma', 'norm.weight'],
    ['norm.beta', 'norm.bias'],
  ]);
  const [w, t] = [burn.tensors.get('fc1.weight'), archive.tensors.get('fc1.weight')] as [HostArray, HostArray];
  assert.deepEqual(t.shape, [3, 4]);
  assert.equal(t.data[1 * 4 + 2], w.data[2 * 3 + 1]);
  sameTensors(toBurn(archive).archive.tensors, burn.tensors);
  assert.deepEqual(fromBurn(burn, { linear: (n) => n.startsWith('layers') }).transposed, [
    'layers.0.weight',
    'layers.1.weight',
  ]);
  assert.deepEqual(toBurn(archive, { norms: /^never$/ }).renamed, []);
});

test('a matrix more costs as much as the one before; two tensors of one name are refused', () => {
  const matrices = (n: number): Archive => ({
    tensors: new Map(Array.from({ length: n }, (_, i) => [`norm${i}.weight`, array('f32', [1, 1], [i])])),
    metadata: {},
  });
  const time = (n: number): number => {
    const a = matrices(n);
    const start = performance.now();
    const { archive } = fromBurn(toBurn(a).archive);
    assert.deepEqual([...archive.tensors.keys()], [...a.tensors.keys()]);
    return performance.now() - start;
  };
  time(1000);
  const took = time(40_000);
  assert.ok(took < 2000, `${took} ms`);
  const both = new Map(['a.gamma', 'a.weight'].map((n) => [n, array('f32', [1], [1])]));
  assert.throws(() => fromBurn({ tensors: both, metadata: {} }), { code: 'E_OPTION', message: /second "a\.weight"/ });
});

test('a checkpoint comes back with its own names; a model alone gets those of PyTorch', () => {
  const names = ['norm.weight', 'norm.bias', 'norm.gamma', 'gamma', 'fc.weight', 'beta'];
  const tensors = new Map(names.map((n, i) => [`model/${n}`, array('f32', i === 4 ? [1, 2] : [2], [i, 0.5])]));
  const content: Content = { kind: 'weights', schema: { model: 1 }, state: { model: null }, tensors, metadata: {} };
  const through = (plain: boolean): Content =>
    fromArchive(fromBurn(readBurnpack(writeBurnpack(toBurn(toArchive(content, plain)).archive))).archive);
  assert.deepEqual(through(false), content);
  tensors.delete('model/norm.gamma');
  assert.deepEqual([...through(true).tensors.keys()].sort(), [
    'model/bias',
    'model/fc.weight',
    'model/norm.bias',
    'model/norm.weight',
    'model/weight',
  ]);
});
