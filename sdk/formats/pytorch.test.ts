/** Fixtures by PyTorch itself: fixtures/make_pytorch.py. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { zipSync } from 'fflate';
import type { HostArray } from '../core/host.ts';
import { bf16ToF32, f16ToF32 } from '../core/scalar/cast.ts';
import { readPyTorch } from './pytorch.ts';
import { holds } from './testing.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures', name)));
const expected = JSON.parse(new TextDecoder().decode(fixture('pytorch.json'))) as Record<
  'state' | 'checkpoint',
  Record<string, { shape: number[]; values: number[] }>
>;
const valuesOf = ({ data, dtype }: HostArray): number[] =>
  Array.from(data as ArrayLike<number>, dtype === 'f16' ? f16ToF32 : dtype === 'bf16' ? bf16ToF32 : Number);

for (const name of ['state', 'checkpoint'] as const) {
  test(`${name}.pt: every tensor has the shape and the values that PyTorch says`, () => {
    const { tensors } = readPyTorch(fixture(`${name}.pt`), { cast: true });
    assert.deepEqual([...tensors.keys()], Object.keys(expected[name]));
    for (const [key, { shape, values }] of Object.entries(expected[name])) {
      const t = tensors.get(key) as HostArray;
      assert.deepEqual(t.shape, shape, key);
      assert.deepEqual(
        valuesOf(t),
        values.map((v) => (t.dtype === 'f32' ? Math.fround(v) : v)),
        key,
      );
    }
  });
}

test('dtypes are kept where we have them, and told where they narrow', () => {
  const { tensors, narrowed } = readPyTorch(fixture('state.pt'), { cast: true });
  const dtypes = ['plain', 'half', 'brain', 'int32', 'byte', 'char', 'mask'].map((n) => tensors.get(n)?.dtype);
  assert.deepEqual(dtypes, ['f32', 'f16', 'bf16', 'i32', 'u8', 'i8', 'bool']);
  assert.deepEqual(
    narrowed.map((n) => `${n.name} ${n.from} ${n.to}`),
    ['double f64 f32', 'long i64 i32', 'short i16 i32'],
  );
  assert.throws(() => readPyTorch(fixture('state.pt')), { code: 'E_FORMAT', message: /"double": is float64/ });
  const some = readPyTorch(fixture('state.pt'), { only: (n) => n === 'plain' });
  assert.deepEqual([...some.tensors.keys()], ['plain']);
});

test('numbers and texts beside the tensors are metadata', () => {
  const { metadata } = readPyTorch(fixture('checkpoint.pt'), { cast: true });
  assert.equal(metadata.epoch, 3);
  assert.equal(metadata.note, 'made by PyTorch');
  assert.equal(metadata.big, String(2n ** 60n));
  assert.equal(metadata['optimizer.param_groups.0.lr'], 1e-3);
});

/** A file of this pickle, a letter a byte. */
const pickled = (text: string) =>
  zipSync({ 'a/data.pkl': Uint8Array.from(text, (c) => c.charCodeAt(0)) }, { level: 0 });
/** A pickle's text, by its length in four bytes. */
const said = (text: string) => `X${String.fromCharCode(text.length & 255, text.length >> 8, 0, 0)}${text}`;

test('numbers that JSON cannot say are texts, -0 is 0; a text keeps its first letter, whatever it is', () => {
  const double = (v: number) =>
    `G${Buffer.from(new Float64Array([v]).buffer)
      .reverse()
      .toString('latin1')}`;
  const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0, 0.5];
  const { metadata } = readPyTorch(pickled(`\x80\x02](${values.map(double).join('')}${said('\xef\xbb\xbfx')}e.`));
  assert.deepEqual(metadata, { 0: 'Infinity', 1: '-Infinity', 2: 'NaN', 3: 0, 4: 0.5, 5: '\ufeffx' });
});

test('pickles that a state dict never is: no pairs, lists copied many times, names without end', () => {
  const ordered = 'ccollections\nOrderedDict\n';
  const refused = (text: string, message: RegExp) =>
    assert.throws(() => readPyTorch(pickled(`\x80\x02${text}.`)), { code: 'E_FORMAT', message });
  assert.deepEqual(readPyTorch(pickled(`\x80\x02${ordered}](K\x01K\x02\x86e\x85R.`)).metadata, { 1: 2 });
  for (const items of ['](K\x01e', '](](K\x01K\x02K\x03ee', said('ab'), 'N', '}'])
    refused(`${ordered}${items}\x85R`, /pairs/);
  // One list of 40,000 pairs, of which 40,000 dicts are made.
  const pairs = `](${'h\x02'.repeat(40_000)}e\x85q\x03`;
  const dicts = `](${'h\x01h\x03R'.repeat(40_000)}e`;
  refused(`${ordered}q\x01K\x01K\x02\x86q\x02${pairs}${dicts}`, /more values/);
  // A key of 60,000 letters, sixty deep.
  const key = `${said('k'.repeat(60_000))}q\x01`;
  refused(`${key}${'}h\x01'.repeat(60)}N${'s'.repeat(60)}`, /a name of more than 1024 letters/);
  assert.equal(Object.keys(readPyTorch(pickled(`\x80\x02}${said('k'.repeat(1024))}Ns.`)).metadata)[0].length, 1024);
  // Names of 900 letters for a list that holds another, each a thousand times.
  const inner = `](${'N'.repeat(1000)}eq\x020`;
  refused(`${inner}}${said('k'.repeat(900))}](${'h\x02'.repeat(1000)}es`, /more values/);
  // A shape that is as long as the file, asked for again and again.
  const storage = `(${said('storage')}ctorch\nFloatStorage\n${said('0')}${said('cpu')}K\x01tQ`;
  const dims = `](${'K\x00'.repeat(50_000)}e`;
  refused(`ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\x00${dims}q\x01h\x01tR`, /is not made of a storage/);
});

test('tensors that share a storage: some are read, thousands are not', () => {
  const storage = `(${said('storage')}ctorch\nFloatStorage\n${said('0')}${said('cpu')}J\0\0\x04\0tQ`;
  const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\0J\0\0\x04\0\x85K\x01\x85tRq\x010`;
  const times = (n: number) => {
    const program = Uint8Array.from(`\x80\x02${tensor}](${'h\x01'.repeat(n)}e.`, (c) => c.charCodeAt(0));
    return zipSync({ 'a/data.pkl': program, 'a/data/0': new Uint8Array(2 ** 20) }, { level: 0 });
  };
  assert.equal(readPyTorch(times(16)).tensors.size, 16);
  assert.throws(() => readPyTorch(times(2000)), { code: 'E_FORMAT', message: /share their storages/ });
  assert.equal(readPyTorch(times(2000), { only: (n) => n === '1999' }).tensors.size, 1);
});

test('a whole module, a file of before 1.6 and a pickle that runs something are refused', () => {
  assert.throws(() => readPyTorch(fixture('module.pt')), { code: 'E_FORMAT', message: /asks for "torch\.nn\.modules/ });
  assert.throws(() => readPyTorch(fixture('legacy.pt')), { code: 'E_FORMAT', message: /not a zip archive/ });
  // What `os.system("true")` pickles to.
  assert.throws(() => readPyTorch(pickled('\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.')), {
    code: 'E_FORMAT',
    message: /asks for "os\.system"/,
  });
  // A list in a list in a list, twice each time: 2^40 names from a few hundred bytes.
  const bomb = `\x80\x02]q\0${Array.from({ length: 40 }, (_, i) => `]q${String.fromCharCode(i + 1)}(h${String.fromCharCode(i)}h${String.fromCharCode(i)}e`).join('')}.`;
  assert.throws(() => readPyTorch(pickled(bomb)), { code: 'E_FORMAT', message: /more values/ });
  // A list that holds itself.
  assert.throws(() => readPyTorch(pickled('\x80\x02]q\0h\0a.')), { code: 'E_FORMAT', message: /more values/ });
});

test('compressed members, elements beyond their storage and spreads are refused', () => {
  const packed = zipSync({ 'a/data.pkl': new Uint8Array(1000) }, { level: 9 });
  assert.throws(() => readPyTorch(packed), { code: 'E_FORMAT', message: /compressed/ });
});

test('damage is refused with a typed error or shows as other values; nothing else happens', () => {
  const { refused, tried } = holds(fixture('checkpoint.pt').slice(0, 2500), (b) => readPyTorch(b, { cast: true }));
  assert.equal(refused, tried);
  const whole = fixture('state.pt');
  let seen = 0;
  for (let i = 0; i < whole.length; i += 3) {
    const b = whole.slice();
    b[i] ^= 0xff;
    try {
      readPyTorch(b, { cast: true });
    } catch (e) {
      assert.match(String((e as { code?: string }).code), /^E_/, String((e as Error).stack));
      seen++;
    }
  }
  assert.ok(seen > 100, `${seen}`);
});
