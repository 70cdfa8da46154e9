/** Every op of the scalar IR in WGSL against the host's function, to the bit, on a software adapter. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as s from '../../sdk/core/scalar/index.ts';
import { SCALAR_OPS, type ScalarOp } from '../../sdk/core/scalar/ir.ts';
import { openDevice, run } from '../dawn.ts';
import { canonical, constant, FUNCTIONS, guard, include, isnan, normal4, philox4, type Wgsl, wgsl } from './index.ts';
import { N, pairs, singles, wordPairs, words } from './inputs.ts';

let device: GPUDevice | null;
before(async () => {
  device = await openDevice();
  if (!device && process.env.CI) throw new Error('no WebGPU adapter: npm i webgpu, apt install chromium libvulkan1');
});
after(() => device?.destroy());

const hex = (u: number): string => (u >>> 0).toString(16).padStart(8, '0');

/** Runs `expression` over the operands, named a, b, c …, and compares it with `expected`, element by element. */
async function compare(
  name: string,
  needs: readonly Wgsl[],
  expression: string,
  operands: readonly Uint32Array[],
  expected: (i: number) => number,
  alter: (code: string) => string = (code) => code,
): Promise<void> {
  const names = operands.map((_, k) => String.fromCharCode(97 + k));
  const loads = names.map((x, k) => `  let ${x} = operands[${k}u * n + i];`).join('\n');
  const code = alter(include([guard, ...needs]));
  const n = operands[0].length;
  const got = await run(device!, { code, main: `${loads}\n  result[i] = ${expression};`, operands, words: n });
  for (let i = 0; i < n; i++) {
    const want = expected(i) >>> 0;
    if (got[i] === want) continue;
    assert.fail(`${name}(${operands.map((o) => hex(o[i])).join(', ')}): WGSL ${hex(got[i])}, host ${hex(want)}`);
  }
}

const covered = new Set<ScalarOp>();

const oneNaN = wgsl('oneNaN', [isnan], 'fn oneNaN(u: u32) -> u32 { return select(u, 0x7fc00000u, isnan(u)); }');

/** One op on operands: `host` takes their words. An f32 result is snapped as it is handed on; a NaN may have any pattern. */
function op(
  name: ScalarOp,
  operands: () => readonly Uint32Array[],
  host: (...u: number[]) => number,
  f32 = false,
): void {
  covered.add(name);
  test(name, async (t) => {
    if (!device) return t.skip('no WebGPU adapter');
    const o = operands();
    const { needs, call } = FUNCTIONS[name];
    const expression = call(...o.map((_, k) => String.fromCharCode(97 + k)));
    const all = f32 ? [...needs, oneNaN] : needs;
    await compare(name, all, f32 ? `oneNaN(${expression})` : expression, o, (i) => host(...o.map((x) => x[i])));
  });
}

const one = singles(11);
const two = pairs(12);
const integers = words(13);
const integerPairs = wordPairs(14);
const bools = [integers.map((w) => w & 1), integers.map((w) => (w >>> 1) & 1)];

type F = (...x: number[]) => number;
const onF32 =
  (f: F): F =>
  (...u) =>
    s.bitsOf(f(...u.map(s.ofBits)));
const toBool =
  (f: F): F =>
  (...u) =>
    f(...u.map(s.ofBits));
const onI32 =
  (f: F): F =>
  (...u) =>
    f(...u.map((w) => w | 0));

const UNARY: Partial<Record<ScalarOp, F>> = {
  neg_f: s.neg,
  abs_f: s.abs,
  sign_f: s.sign,
  exp: s.exp,
  log: s.log,
  sqrt: s.sqrt,
  rsqrt: s.rsqrt,
  tanh: s.tanh,
  sigmoid: s.sigmoid,
  softplus: s.softplus,
  sin: s.sin,
  cos: s.cos,
  erf: s.erf,
  floor: s.floor,
  ceil: s.ceil,
  trunc: s.trunc,
  round: s.round,
};
for (const [name, f] of Object.entries(UNARY)) op(name as ScalarOp, () => [one], onF32(f), true);

const BINARY: Partial<Record<ScalarOp, F>> = {
  add_f: s.add,
  sub_f: s.sub,
  mul_f: s.mul,
  div_f: s.div,
  pow: s.pow,
  max_f: s.max,
  min_f: s.min,
};
for (const [name, f] of Object.entries(BINARY)) op(name as ScalarOp, () => two, onF32(f), true);

/** Native quotients and roots may be some ulp off: two and a half, or three, by WGSL. */
for (const factor of [0x3f7ffff4, 0x3f7ffffd, 0x3f800003, 0x3f800006]) {
  const alter = (code: string): string => {
    const seeds = code.match(/\/\/ seed/g)?.length ?? 0;
    let altered = 0;
    const by = (_: string, before: string, seed: string, behind: string) => {
      altered++;
      return `${before}((${seed}) * bitcast<f32>(${factor}u)${behind}`;
    };
    const off = code
      .replace(/(bitcast<u32>)\((.*)(\) - 0x3f000000u; \/\/ seed)/g, by)
      .replace(/(i32\(floor)\((.*)(\)\); \/\/ seed)/g, by);
    assert.ok(seeds > 0 && altered === seeds, `${altered} of ${seeds} seeds`);
    return off;
  };
  test(`seeds times ${s.ofBits(factor)} give the same quotients and roots`, async (t) => {
    if (!device) return t.skip('no WebGPU adapter');
    for (const [name, operands, f] of [
      ['div_f', two, s.div],
      ['sqrt', [one], s.sqrt],
      ['rsqrt', [one], s.rsqrt],
    ] as const) {
      const { needs, call } = FUNCTIONS[name];
      const host = onF32(f as F);
      const all = `oneNaN(${call(...['a', 'b'].slice(0, operands.length))})`;
      await compare(name, [...needs, oneNaN], all, operands, (i) => host(...operands.map((x) => x[i])), alter);
    }
  });
}

op('eq_f', () => two, toBool(s.eq));
op('ne_f', () => two, toBool(s.ne));
op('lt_f', () => two, toBool(s.lt));
op('le_f', () => two, toBool(s.le));
op('isFinite', () => [one], toBool(s.isFinite32));
op('f2i', () => [one], toBool(s.f32ToI32));
op('f2u', () => [one], toBool(s.f32ToU32));
op('f2b', () => [one], toBool(s.toBool));
op('f2h', () => [one], toBool(s.f32ToF16));
op('f2bf', () => [one], toBool(s.f32ToBf16));
op(
  'narrow',
  () => [one, one.map((_, i) => (i % 2 ? 0x1000 : 0x10000))],
  (u, place) => s.bitsOf(s.narrow(s.ofBits(u), place)),
  true,
);
const halves = (dtype: 'f16' | 'bf16') =>
  Uint32Array.from({ length: 65536 }, (_, h) => h).filter((h) => s.canonicalOf(h, dtype) === h);
op(
  'h2f',
  () => [halves('f16')],
  (h) => s.bitsOf(s.f16ToF32(h)),
  true,
);
op(
  'bf2f',
  () => [halves('bf16')],
  (h) => s.bitsOf(s.bf16ToF32(h)),
  true,
);

op(
  'copy',
  () => [integers],
  (u) => u,
);
op(
  'iota',
  () => [integers],
  (u) => u,
);
op('neg_i', () => [integers], s.negU32);
op('abs_s', () => [integers], onI32(s.absI32));
op('sign_s', () => [integers], onI32(s.sign));
op('sign_u', () => [integers], s.sign);
op(
  'i2f',
  () => [integers],
  (u) => s.bitsOf(s.intToF32(u | 0)),
);
op(
  'u2f',
  () => [integers],
  (u) => s.bitsOf(s.intToF32(u)),
);
op('i2b', () => [integers], s.toBool);
op(
  'unit',
  () => [integers],
  (u) => s.bitsOf(s.uniformOf(u)),
);
op('add_i', () => integerPairs, s.addU32);
op('sub_i', () => integerPairs, s.subU32);
op('mul_i', () => integerPairs, s.mulU32);
op('max_s', () => integerPairs, onI32(s.max));
op('min_s', () => integerPairs, onI32(s.min));
op('max_u', () => integerPairs, s.max);
op('min_u', () => integerPairs, s.min);
op('eq_i', () => integerPairs, s.eq);
op('ne_i', () => integerPairs, s.ne);
op('lt_s', () => integerPairs, onI32(s.lt));
op('le_s', () => integerPairs, onI32(s.le));
op('lt_u', () => integerPairs, s.lt);
op('le_u', () => integerPairs, s.le);
op('and', () => bools, s.and);
op('or', () => bools, s.or);
op('xor', () => bools, s.xor);
op('not', () => [bools[0]], s.not);
op('where', () => [bools[0], ...integerPairs], s.where);

// (index, step, seedLo, seedHi, stream), each its own, and runs of one block.
const counters = (): Uint32Array[] => {
  const [step, lo] = wordPairs(21);
  const [hi, stream] = wordPairs(22);
  return [words(23).map((w, i) => (i < N / 2 ? i : w)), step, lo, hi, stream];
};
const block = new Uint32Array(4);
const wordOf: F = (i, step, lo, hi, stream) => {
  s.philox(i >>> 2, 0, stream, step, lo, hi, block);
  return block[i & 3];
};
const normalOf: F = (i, step, lo, hi, stream) => {
  s.philox(i >>> 2, 0, stream, step, lo, hi, block);
  return s.bitsOf(s.normalPair(block[i & 2], block[(i & 2) + 1])[i & 1]);
};
op('philox', counters, wordOf);
op('normal', counters, normalOf, true);

test('philox4 and normal4 give the four elements of a block', async (t) => {
  if (!device) return t.skip('no WebGPU adapter');
  const o = counters();
  const at = (f: F) => (i: number) => f(...o.map((x) => x[i]));
  await compare('philox4', [philox4], 'philox4(a >> 2u, b, c, d, e)[a & 3u]', o, at(wordOf));
  await compare('normal4', [normal4, canonical], 'C(normal4(a >> 2u, b, c, d, e)[a & 3u])', o, at(normalOf));
});

test('block 0 of the first known answer of N8', async (t) => {
  if (!device) return t.skip('no WebGPU adapter');
  const index = Uint32Array.of(0, 1, 2, 3);
  const known = ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'];
  const normals = ['3d408846', 'bfad6600', 'bf471019', '3dc4489b'];
  for (const [name, expected] of [
    ['philox', known],
    ['normal', normals],
  ] as const) {
    const { needs, call } = FUNCTIONS[name];
    const of = (i: number) => Number.parseInt(expected[i], 16);
    await compare(name, needs, call('a', '0u', '0u', '0u', '0u'), [index], of);
  }
});

test('what the compiler can see around an op changes nothing', async (t) => {
  if (!device) return t.skip('no WebGPU adapter');
  const { add_f, sub_f, mul_f, neg_f, i2f } = FUNCTIONS;
  const { add, sub, mul, bitsOf, ofBits } = s;
  const needs = [add_f, sub_f, mul_f, neg_f, i2f].flatMap((f) => f.needs);
  const k = (v: number): string => constant(bitsOf(Math.fround(v)));
  const [magic, tenth, third] = [1.5 * 2 ** 23, Math.fround(0.1), Math.fround(0.3)];
  type Case = [name: string, expression: string, host: (x: number, y: number) => number];
  const cases: Case[] = [
    ['x - x', sub_f.call('a', 'a'), (x) => x - x],
    ['x + -x', add_f.call('a', neg_f.call('a')), (x) => x - x],
    ['x * 0', mul_f.call('a', k(0)), (x) => mul(x, 0)],
    ['0 * x', mul_f.call(k(0), 'a'), (x) => mul(x, 0)],
    ['x * f32(bool)', mul_f.call('a', i2f.call('(a & 1u)')), (x) => mul(x, bitsOf(x) & 1)],
    ['f32(bool) * x', mul_f.call(i2f.call('(a & 1u)'), 'a'), (x) => mul(x, bitsOf(x) & 1)],
    ['x + Inf', add_f.call('a', k(1 / 0)), (x) => add(x, 1 / 0)],
    ['x * NaN', mul_f.call('a', k(Number.NaN)), () => Number.NaN],
    ['(x * 0.1) * 0.3', mul_f.call(mul_f.call('a', k(tenth)), k(third)), (x) => mul(mul(x, tenth), third)],
    ['(x + 0.1) + 0.3', add_f.call(add_f.call('a', k(tenth)), k(third)), (x) => add(add(x, tenth), third)],
    ['0.3 + (x + 0.1)', add_f.call(k(third), add_f.call('a', k(tenth))), (x) => add(add(x, tenth), third)],
    ['(x + M) - M', sub_f.call(add_f.call('a', k(magic)), k(magic)), (x) => sub(add(x, magic), magic)],
    ['x - (x + y)', sub_f.call('a', add_f.call('a', 'b')), (x, y) => sub(x, add(x, y))],
    ['(x + y) - x', sub_f.call(add_f.call('a', 'b'), 'a'), (x, y) => sub(add(x, y), x)],
    ['x*y + x*3', add_f.call(mul_f.call('a', 'b'), mul_f.call('a', k(3))), (x, y) => add(mul(x, y), mul(x, 3))],
    ['(x*y) * (x*y)', mul_f.call(mul_f.call('a', 'b'), mul_f.call('a', 'b')), (x, y) => mul(mul(x, y), mul(x, y))],
  ];
  const host = (f: Case[2], i: number): number => bitsOf(s.C(f(ofBits(two[0][i]), ofBits(two[1][i]))));
  for (const [name, expression, f] of cases)
    await compare(name, [...needs, canonical], `C(${expression})`, two, (i) => host(f, i));
});

test('every op is covered', () => {
  assert.deepEqual(
    SCALAR_OPS.filter((name) => !covered.has(name)),
    [],
  );
});

test('include writes each piece once, after what it needs', () => {
  const a = wgsl('a', [], 'fn a() {}');
  const b = wgsl('b', [a], 'fn b() {}');
  const c = wgsl('c', [b, a], 'fn c() {}');
  assert.equal(include([c, a]), 'fn a() {}\n\nfn b() {}\n\nfn c() {}\n');
});
