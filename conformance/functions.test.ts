/** The kernels' functions against the host's, to the bit: both follow N3, N5, N8 and N9, in different instructions. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as s from '../sdk/core/scalar/index.ts';
import { type FunctionsModule, functionsModule } from './functionsModule.ts';
import { asF32, ONE, plain, type Read, toBits } from './oneOperand.ts';
import { edges, isCanonical, scatter, slice } from './slice.ts';

const N = 1 << 18;
let module: FunctionsModule;

before(async () => {
  module = await functionsModule(N);
});

const hex = (u: number) => (u >>> 0).toString(16).padStart(8, '0');

/** Canonical NaN, +NaN and -NaN with payloads: inside a program all of them may appear. */
const NANS = [0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff, 0x7fc12345];

/** A canonical pattern from a random word: any exponent, one in 64 special. */
function pattern(word: number, other: number): number {
  if (other % 64 === 0) return [0, 0x7f800000, 0xff800000, NANS[other % 5]][(other >>> 8) & 3];
  return isCanonical(word) ? word : s.bitsOf(s.C(s.ofBits(word)));
}

/** Inputs, N at a time: the slice first, then random ones up to two million. */
const INPUTS: Uint32Array[] = [];
{
  const first = Uint32Array.from([...NANS, ...slice(256)]);
  for (let at = 0; at < first.length; at += N) {
    const part = new Uint32Array(N);
    part.set(first.subarray(at, at + N));
    INPUTS.push(part);
  }
  const next = scatter(77);
  while (INPUTS.length * N < 2 ** 21) INPUTS.push(Uint32Array.from({ length: N }, () => pattern(next(), next())));
}

/** Runs one loop over `operands` and compares every result with the host's bits of element i. */
function compare(name: string, operands: readonly Uint32Array[], expected: (i: number) => number, f32: boolean): void {
  const { loops, buffers, at } = module;
  const results = buffers[0];
  operands.forEach((o, i) => buffers[i + 1].set(o));
  loops[name](at[0], ...operands.map((_, i) => at[i + 1]), N * 4);
  if (f32) loops.canonical(at[0], N * 4);
  for (let i = 0; i < N; i++) {
    const want = expected(i);
    if (results[i] === want) continue;
    assert.fail(`${name}(${operands.map((o) => hex(o[i])).join(', ')}): WASM ${hex(results[i])}, host ${hex(want)}`);
  }
}

/** Of these the last constant, sign or order may hide in few operands. */
const FUNCTIONS = /^(exp|log|sqrt|rsqrt|tanh|sigmoid|softplus|sin|cos|erf)/;

for (const [name, { host, read, write }] of Object.entries(ONE)) {
  test(`${name}: WASM gives the host's bits`, () => {
    // What takes a single instruction needs no two million.
    const parts = FUNCTIONS.test(name) ? INPUTS : INPUTS.slice(0, 3);
    for (const part of parts) compare(name, [part], (i) => write(host(read(part[i]))), write === toBits);
  });
}

test('f16 and bf16 to f32: every pattern that a device holds', () => {
  const all = Uint32Array.from({ length: N }, (_, i) => i % 65536);
  const half = all.map((h) => s.canonicalOf(h, 'f16'));
  compare('f16ToF32', [half], (i) => toBits(s.f16ToF32(half[i])), true);
  const brain = all.map((h) => s.canonicalOf(h, 'bf16'));
  compare('bf16ToF32', [brain], (i) => toBits(s.bf16ToF32(brain[i])), true);
});

test('operands of exact products are rounded as on the host', () => {
  for (const place of [0x1000, 0x10000]) {
    const places = new Uint32Array(N).fill(place);
    for (const part of INPUTS.slice(0, 3)) {
      compare('narrow', [part, places], (i) => toBits(s.narrow(asF32(part[i]), place)), true);
    }
  }
});

/** Pairs: every edge with every edge, then random ones, half of them with near exponents so that sums cancel. */
function* pairs(total = 2 ** 21): Generator<[Uint32Array, Uint32Array]> {
  const next = scatter(5);
  const e = [...NANS, ...edges().filter((_, i) => i % 5 === 0)];
  const a: number[] = [];
  const b: number[] = [];
  const flush = function* (): Generator<[Uint32Array, Uint32Array]> {
    while (a.length >= N) yield [Uint32Array.from(a.splice(0, N)), Uint32Array.from(b.splice(0, N))];
  };
  for (const x of e) {
    for (const y of e) {
      a.push(x);
      b.push(y);
    }
  }
  yield* flush();
  for (let n = 0; n < total; n++) {
    const x = pattern(next(), next());
    a.push(x);
    b.push(n % 2 ? pattern(next(), next()) : pattern((x ^ (next() & 0x81ffffff)) >>> 0, 1));
    if (a.length >= N) yield* flush();
  }
}

const TWO: readonly [string, (a: number, b: number) => number, Read][] = [
  ['add', s.add, toBits],
  ['sub', s.sub, toBits],
  ['mul', s.mul, toBits],
  ['div', s.div, toBits],
  ['max', s.max, toBits],
  ['min', s.min, toBits],
  ['eq', s.eq, plain],
  ['ne', s.ne, plain],
  ['lt', s.lt, plain],
  ['le', s.le, plain],
];

for (const [name, host, write] of TWO) {
  test(`${name}: WASM gives the host's bits`, () => {
    for (const [a, b] of pairs(2 ** 19)) {
      compare(name, [a, b], (i) => write(host(asF32(a[i]), asF32(b[i]))), write === toBits);
    }
  });
}

test("pow: WASM gives the host's bits", () => {
  const check = (a: Uint32Array, b: Uint32Array) =>
    compare('pow', [a, b], (i) => toBits(s.pow(asF32(a[i]), asF32(b[i]))), true);
  for (const [a, b] of pairs(2 ** 20)) check(a, b);
  // Where results are neither 0 nor infinite: bases near 1, and integer powers of either sign.
  const next = scatter(11);
  const base = Uint32Array.from({ length: N }, () => (next() & 0x80000000) | (0x3f000000 + (next() & 0x00ffffff)));
  const small = Uint32Array.from({ length: N }, () => s.bitsOf(Math.fround(((next() | 0) / 2 ** 31) * 100)));
  const whole = Uint32Array.from({ length: N }, () => s.bitsOf((next() % 65) - 32));
  check(base, small);
  check(base, whole);
});

test("powi: WASM gives the host's bits", () => {
  const part = new Uint32Array(N);
  part.set(slice(128).subarray(0, N));
  const { loops, buffers, at } = module;
  buffers[1].set(part);
  for (const n of [0, 1, 2, 3, 5, 8, 13, 100, -1, -2, -7, 2147483647, -2147483648]) {
    loops.powi(at[0], at[1], n, N * 4);
    loops.canonical(at[0], N * 4);
    for (let i = 0; i < N; i++) {
      const want = toBits(s.powi(asF32(part[i]), n));
      if (buffers[0][i] !== want) assert.fail(`powi(${hex(part[i])}, ${n}): ${hex(buffers[0][i])}, host ${hex(want)}`);
    }
  }
});

test('where copies bits', () => {
  const next = scatter(8);
  const word = () => Uint32Array.from({ length: N }, next);
  const choice = Uint32Array.from({ length: N }, () => next() & 1);
  const a = word();
  const b = word();
  compare('where', [choice, a, b], (i) => s.where(choice[i], a[i], b[i]), false);
});

test('Philox words and normal numbers are those of the host', () => {
  const { loops, buffers, at } = module;
  const source = s.sourceOf(0x0123456789abcdefn, 'init/fc1.weight', 12345);
  const { stream, step, seedLo, seedHi } = source;
  const words = s.words(source, N);
  loops.philox(at[0], 0, N * 4, stream, step, seedLo, seedHi);
  assert.deepEqual(buffers[0], words);
  loops.normal(at[0], 0, N * 4, stream, step, seedLo, seedHi);
  assert.deepEqual(buffers[0], new Uint32Array(s.normals(source, N).buffer, 0, N));
  // From the middle, and from the last block that 32 bits count.
  loops.philox(at[0], 1024, 4096, stream, step, seedLo, seedHi);
  assert.deepEqual(buffers[0].subarray(0, 1024), words.subarray(1024, 2048));
  loops.philox(at[0], 0xffffffc0, 64, stream, step, seedLo, seedHi);
  const last = new Uint32Array(16);
  for (let i = 0; i < 4; i++) s.philox(0x3ffffff0 + i, 0, stream, step, seedLo, seedHi, last, 4 * i);
  assert.deepEqual(buffers[0].subarray(0, 16), last);
});
