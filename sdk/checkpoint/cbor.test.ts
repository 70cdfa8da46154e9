import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Encoder } from 'cbor-x';
import { decode as cbor2Decode, encode as cbor2Encode } from 'cbor2';
import type { Json } from '../core/host.ts';
import { hex } from '../core/sha256.ts';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { LIMITS } from './limits.ts';
import { random, randomJson, sampleContent } from './sample.ts';

const fromHex = (s: string) => Uint8Array.from(s.match(/../g) ?? [], (b) => Number.parseInt(b, 16));
const decode = (bytes: Uint8Array) => decodeCanonical(bytes, { limits: LIMITS, what: 'test' });

const code =
  (want: string, more: Record<string, unknown> = {}) =>
  (e: unknown) => {
    const got = e as Record<string, unknown>;
    assert.equal(got.code, want, String(e));
    for (const [k, v] of Object.entries(more)) assert.equal(got[k], v, String(e));
    return true;
  };

test('values whose bytes RFC 8949, appendix A, gives', () => {
  const table: [Json, string][] = [
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [100, '1864'],
    [1000, '1903e8'],
    [1000000, '1a000f4240'],
    [1000000000000, '1b000000e8d4a51000'],
    [-1, '20'],
    [-10, '29'],
    [-100, '3863'],
    [-1000, '3903e7'],
    [1.1, 'fb3ff199999999999a'],
    [-4.1, 'fbc010666666666666'],
    [1e300, 'fb7e37e43c8800759c'],
    [false, 'f4'],
    [true, 'f5'],
    [null, 'f6'],
    ['', '60'],
    ['a', '6161'],
    ['IETF', '6449455446'],
    ['"\\', '62225c'],
    ['\u00fc', '62c3bc'],
    ['\u6c34', '63e6b0b4'],
    ['\u{10151}', '64f0908591'],
    [[], '80'],
    [[1, 2, 3], '83010203'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [{}, 'a0'],
    [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
    // the one exception to 4.2.1: a number that is no integer below 2^53 is a float64, also where a shorter float would do
    [1.5, 'fb3ff8000000000000'],
    [2 ** 53, 'fb4340000000000000'],
    [2 ** 53 - 1, '1b001fffffffffffff'],
    [-(2 ** 53 - 1), '3b001ffffffffffffe'],
    [2 ** 32, '1b0000000100000000'],
    [-(2 ** 32), '3affffffff'],
    [-(2 ** 32) - 1, '3b0000000100000000'],
  ];
  for (const [value, want] of table) {
    assert.equal(hex(encodeCanonical(value)), want);
    assert.deepEqual(decode(fromHex(want)), value);
  }
});

test('keys are in the bytewise order of their encodings, however the object was built', () => {
  const keys = ['z', '10', '9', 'aa', 'b', '', 'é', 'a'.repeat(24), 'b'.repeat(23)];
  const build = (order: string[]) => Object.fromEntries(order.map((k) => [k, 1]));
  const a = encodeCanonical(build(keys));
  assert.deepEqual(encodeCanonical(build([...keys].reverse())), a);
  const map = cbor2Decode<Map<string, number>>(a, { preferMap: true });
  assert.deepEqual([...map.keys()], ['', '9', 'b', 'z', '10', 'aa', 'é', 'b'.repeat(23), 'a'.repeat(24)]);
});

test('cbor2, another library, reads what is written, and writes the same bytes in its strict mode', () => {
  const next = random(1);
  let compared = 0;
  for (let i = 0; i < 400; i++) {
    const value = randomJson(next, 5);
    const bytes = encodeCanonical(value);
    assert.deepEqual(decode(bytes), value);
    assert.deepEqual(clean(cbor2Decode(bytes, { preferMap: true })), value);
    const theirs = cbor2Encode(value, { cde: true });
    // the profile's floats are always 64 bits wide
    if (/\d\.\d|e[+-]|\d{16}/.test(JSON.stringify(value))) continue;
    compared++;
    assert.equal(hex(bytes), hex(theirs));
  }
  assert.ok(compared > 100, `${compared} of 400`);
});

test('cbor-x reads what is written, and writes the same bytes of sorted maps', () => {
  // It neither sorts keys nor writes integers beyond 32 bits but as bigints.
  const options = {
    useRecords: false,
    mapsAsObjects: false,
    variableMapSize: true,
    useTag259ForMaps: false,
  };
  const cborX = new Encoder(options);
  const bytesOf = (k: string) => Buffer.from(k);
  const prepared = (v: Json): unknown => {
    if (typeof v === 'number')
      return Number.isSafeInteger(v) && (v > 0xffff_ffff || v < -0x1_0000_0000) ? BigInt(v) : v;
    if (Array.isArray(v)) return v.map(prepared);
    if (typeof v !== 'object' || v === null) return v;
    const order = ([a]: [string, Json], [b]: [string, Json]) =>
      bytesOf(a).length - bytesOf(b).length || Buffer.compare(bytesOf(a), bytesOf(b));
    return new Map(
      Object.entries(v)
        .sort(order)
        .map(([k, e]) => [k, prepared(e)]),
    );
  };
  const next = random(2);
  for (let i = 0; i < 1000; i++) {
    const value = i === 0 ? sampleContent().state : randomJson(next, 5);
    const bytes = encodeCanonical(value);
    assert.equal(hex(bytes), hex(Uint8Array.from(cborX.encode(prepared(value)))));
    assert.deepEqual(clean(cborX.decode(bytes.slice())), value);
  }
});

/** Maps and bigints of the other reader as plain values. */
function clean(v: unknown): unknown {
  if (typeof v === 'bigint') return Number(v);
  if (Array.isArray(v)) return v.map(clean);
  if (!(v instanceof Map)) return v;
  const out = {};
  for (const [k, e] of v)
    Object.defineProperty(out, k, { value: clean(e), enumerable: true, configurable: true, writable: true });
  return out;
}

test('values outside the profile are E_ENCODE with their path', () => {
  class Point {
    x = 1;
  }
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const table: [unknown, string][] = [
    [{ a: { lr: -0 } }, 'state.a.lr'],
    [{ a: [1, Number.NaN] }, 'state.a[1]'],
    [{ a: Number.POSITIVE_INFINITY }, 'state.a'],
    [{ a: undefined }, 'state.a'],
    [new Array(2), 'state[0]'],
    [{ 'a b': 1n }, 'state["a b"]'],
    [{ a: () => 1 }, 'state.a'],
    [{ a: Symbol('s') }, 'state.a'],
    [{ a: new Date(0) }, 'state.a'],
    [{ a: new Map() }, 'state.a'],
    [{ a: new Point() }, 'state.a'],
    [{ a: Uint8Array.of(1) }, 'state.a'],
    [{ a: 'x\ud800y' }, 'state.a'],
    [{ '\udc00': 1 }, 'state["\\udc00"]'],
    [{ a: '\ufeffx' }, 'state.a'],
    [{ '\ufeffx': 1 }, 'state["\ufeffx"]'],
    [cycle, `state${'.self'.repeat(32)}`],
  ];
  for (const [value, path] of table) {
    assert.throws(() => encodeCanonical(value as Json, 'state'), code('E_ENCODE', { path }));
  }
});

test('nesting: 32 deep is written and read, 33 is not', () => {
  const nest = (n: number): Json => (n === 0 ? 1 : [nest(n - 1)]);
  assert.deepEqual(decode(encodeCanonical(nest(32))), nest(32));
  assert.throws(() => encodeCanonical(nest(33)), code('E_ENCODE'));
  assert.throws(() => decode(fromHex(`${'81'.repeat(33)}01`)), code('E_LIMIT', { offset: 32 }));
});

test('any other spelling of a value is refused', () => {
  const table: [string, string][] = [
    ['1801', 'E_NONCANONICAL'], // 1 in two bytes
    ['190001', 'E_NONCANONICAL'],
    ['1a00000001', 'E_NONCANONICAL'],
    ['1b0000000000000001', 'E_NONCANONICAL'],
    ['3800', 'E_NONCANONICAL'],
    ['780161', 'E_NONCANONICAL'],
    ['980101', 'E_NONCANONICAL'],
    ['b801616101', 'E_NONCANONICAL'],
    ['9fff', 'E_NONCANONICAL'], // indefinite
    ['bfff', 'E_NONCANONICAL'],
    ['7f6161ff', 'E_NONCANONICAL'],
    ['5f4101ff', 'E_NONCANONICAL'],
    ['ff', 'E_NONCANONICAL'],
    ['1c', 'E_NONCANONICAL'],
    ['f0', 'E_NONCANONICAL'], // unassigned simple value
    ['f7', 'E_NONCANONICAL'], // undefined
    ['f820', 'E_NONCANONICAL'],
    ['f93e00', 'E_NONCANONICAL'], // 1.5 as float16
    ['fa3fc00000', 'E_NONCANONICAL'], // 1.5 as float32
    ['f97e00', 'E_NONCANONICAL'], // NaN
    ['fb7ff8000000000000', 'E_NONCANONICAL'],
    ['fb7ff0000000000000', 'E_NONCANONICAL'],
    ['fb8000000000000000', 'E_NONCANONICAL'], // -0
    ['fb0000000000000000', 'E_NONCANONICAL'], // 0 as a float
    ['fb4000000000000000', 'E_NONCANONICAL'], // 2 as a float
    ['1b0020000000000000', 'E_NONCANONICAL'], // 2^53
    ['3b001fffffffffffff', 'E_NONCANONICAL'], // -2^53
    ['1bffffffffffffffff', 'E_NONCANONICAL'],
    ['c249010000000000000000', 'E_NONCANONICAL'], // bignum
    ['c11a514b67b0', 'E_NONCANONICAL'], // date
    ['d9d9f701', 'E_NONCANONICAL'], // self-described, inside
    ['4101', 'E_NONCANONICAL'], // bytes
    ['a2616201616101', 'E_NONCANONICAL'], // keys out of order
    ['a26161016161f6', 'E_NONCANONICAL'], // a key twice
    ['a262616101616201', 'E_NONCANONICAL'], // longer key first
    ['a10101', 'E_NONCANONICAL'], // a key that is no text
    ['a1f601', 'E_NONCANONICAL'],
    ['62c328', 'E_NONCANONICAL'], // ill-formed UTF-8
    ['61ff', 'E_NONCANONICAL'],
    ['63eda080', 'E_NONCANONICAL'], // a surrogate in UTF-8
    ['62c080', 'E_NONCANONICAL'], // overlong
    ['64efbbbf61', 'E_NONCANONICAL'], // starts U+FEFF
    ['', 'E_TRUNCATED'],
    ['18', 'E_TRUNCATED'],
    ['1b00000000', 'E_TRUNCATED'],
    ['6261', 'E_TRUNCATED'],
    ['8201', 'E_TRUNCATED'],
    ['a16161', 'E_TRUNCATED'],
    ['fb3ff8', 'E_TRUNCATED'],
    ['0000', 'E_TRAILING'],
    ['a000', 'E_TRAILING'],
  ];
  for (const [bytes, want] of table) assert.throws(() => decode(fromHex(bytes)), code(want), bytes);
});

test('hostile numbers fail before anything is allocated for them', () => {
  const table: [string, string][] = [
    ['9affffffff', 'E_LIMIT'],
    ['9bffffffffffffffff', 'E_LIMIT'],
    ['9a000fffff', 'E_TRUNCATED'],
    ['baffffffff', 'E_LIMIT'],
    ['7affffffff', 'E_LIMIT'],
    ['7bffffffffffffffff', 'E_LIMIT'],
    ['7a00010000', 'E_TRUNCATED'],
    ['81'.repeat(100_000), 'E_LIMIT'],
    [`c25a000186a0${'ff'.repeat(100_000)}`, 'E_NONCANONICAL'], // a bignum of 100,000 bytes
    [`5a000186a0${'ff'.repeat(100_000)}`, 'E_NONCANONICAL'],
  ];
  for (const [bytes, want] of table) assert.throws(() => decode(fromHex(bytes)), code(want), bytes.slice(0, 20));
  const many = new Uint8Array(1001);
  many.set([0x99, 0x03, 0xe6]); // 998 zeros
  assert.throws(() => decodeCanonical(many, { limits: { ...LIMITS, items: 500 }, what: 'test' }), code('E_LIMIT'));
  assert.throws(
    () => decodeCanonical(encodeCanonical('x'.repeat(101)), { limits: { ...LIMITS, text: 100 }, what: 'test' }),
    code('E_LIMIT'),
  );
  assert.throws(() => encodeCanonical('x'.repeat(101), 'v', { ...LIMITS, text: 100 }), code('E_ENCODE'));
  assert.throws(() => encodeCanonical([1, 2, 3], 'v', { ...LIMITS, items: 3 }), code('E_ENCODE'));
});

test('__proto__ is a key like any other and changes no prototype', () => {
  const bytes = encodeCanonical(
    JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  );
  const value = decode(bytes) as Record<string, unknown>;
  assert.deepEqual(Object.keys(value).sort(), ['__proto__', 'constructor']);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(value.polluted, undefined);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.deepEqual(encodeCanonical(value as Json), bytes);
});

test('what is written is a copy: a later encoding does not change it, and its buffer holds nothing else', () => {
  const a = encodeCanonical({ a: 'first' });
  const before = hex(a);
  for (let i = 0; i < 100; i++) encodeCanonical({ b: `other ${i}` });
  assert.equal(hex(a), before);
  assert.equal(a.buffer.byteLength, a.length);
});
