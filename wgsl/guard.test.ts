/** The guard tests of the contract, on a software adapter: forms that compilers rewrite, with G and without it. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { scatter } from '../conformance/slice.ts';
import * as s from '../sdk/core/scalar/index.ts';
import { openDevice, run } from './dawn.ts';
import { canonical, FUNCTIONS, guard, include } from './functions/index.ts';

let device: GPUDevice | null;
before(async () => {
  device = await openDevice();
  if (!device && process.env.CI) throw new Error('no WebGPU adapter: npm i webgpu, apt install chromium libvulkan1');
});
after(() => device?.destroy());

const f = Math.fround;
const N = 65536;
const MAGIC = f(1.5 * 2 ** 23);
const TENTH = f(0.1);
const THIRD = f(0.3);

/** Numbers of like size: rounding shows, nothing over- or underflows. */
const next = scatter(31);
const numbers = (): Uint32Array =>
  Uint32Array.from({ length: N }, () => {
    const w = next();
    return ((w & 0x80000000) | ((119 + (next() % 16)) << 23) | (w & 0x7fffff)) >>> 0;
  });
const operands = [numbers(), numbers(), numbers()];

interface Form {
  /** WGSL over f32 a, b, c; `G(` is dropped for the unguarded form. */
  readonly code: string;
  readonly host: (a: number, b: number, c: number) => number;
}

const dot = (n: number): Form => ({
  code: Array.from({ length: n }, (_, k) => `acc = G(acc + G(a * G(b + ${k}.0)));`).join(' '),
  host: (a, b) => {
    let acc = 0;
    for (let k = 0; k < n; k++) acc = f(acc + f(a * f(b + k)));
    return acc;
  },
});

const FORMS: Readonly<Record<string, Form>> = {
  'a*b + c': { code: 'acc = G(G(a * b) + c);', host: (a, b, c) => f(f(a * b) + c) },
  '((a+b)-a)-b': { code: 'acc = G(G(G(a + b) - a) - b);', host: (a, b) => f(f(f(a + b) - a) - b) },
  'a*c + b*c': { code: 'acc = G(G(a * c) + G(b * c));', host: (a, b, c) => f(f(a * c) + f(b * c)) },
  '(a*0.1)*0.3': { code: 'acc = G(G(a * tenth) * third);', host: (a) => f(f(a * TENTH) * THIRD) },
  '(a+0.1)+0.3': { code: 'acc = G(G(a + tenth) + third);', host: (a) => f(f(a + TENTH) + THIRD) },
  '(a+M)-M': { code: 'acc = G(G(a + magic) - magic);', host: (a) => f(f(a + MAGIC) - MAGIC) },
  'error of TwoSum': {
    code: 'let t = G(a + b); let v = G(t - a); acc = G(G(a - G(t - v)) + G(b - v));',
    host: (a, b) => {
      const t = f(a + b);
      const v = f(t - a);
      return f(f(a - f(t - v)) + f(b - v));
    },
  },
  'dot of 16 terms': dot(16),
};

const constants = `
  let tenth = bitcast<f32>(0x${s.bitsOf(TENTH).toString(16)}u);
  let third = bitcast<f32>(0x${s.bitsOf(THIRD).toString(16)}u);
  let magic = bitcast<f32>(0x${s.bitsOf(MAGIC).toString(16)}u);`;

/** Every form's result on every element, `result[form * n + i]`. */
async function results(guarded: boolean): Promise<Uint32Array[]> {
  const loads = ['a', 'b', 'c'].map((x, k) => `  let ${x} = bitcast<f32>(operands[${k}u * n + i]);`).join('\n');
  const body = Object.values(FORMS).map(
    ({ code }, k) => `  {
    var acc = bitcast<f32>(gz);
    ${guarded ? code : code.replaceAll('G(', '(')}
    result[${k}u * n + i] = C(bitcast<u32>(acc));
  }`,
  );
  const words = N * body.length;
  const main = [loads, constants, ...body].join('\n');
  const all = await run(device!, { code: include([guard, canonical]), main, operands, words });
  return body.map((_, k) => all.subarray(k * N, (k + 1) * N));
}

function mismatches(got: Uint32Array, { host }: Form): number {
  let count = 0;
  for (let i = 0; i < N; i++) {
    const [a, b, c] = operands.map((o) => s.ofBits(o[i]));
    if (got[i] !== s.bitsOf(s.C(host(a, b, c)))) count++;
  }
  return count;
}

test('G keeps every form as it is written', async (t) => {
  if (!device) return t.skip('no WebGPU adapter');
  const all = await results(true);
  Object.entries(FORMS).forEach(([name, form], k) => assert.equal(mismatches(all[k], form), 0, name));
});

test('without G the compiler rewrites some of them, so that these tests can tell', async (t) => {
  if (!device) return t.skip('no WebGPU adapter');
  const all = await results(false);
  const broken = Object.entries(FORMS).filter(([, form], k) => mismatches(all[k], form) > 0);
  for (const name of ['a*c + b*c', '(a*0.1)*0.3', '(a+0.1)+0.3', '(a+M)-M'])
    assert.ok(
      broken.some(([n]) => n === name),
      `${name} came out right unguarded: broken are ${broken.map(([n]) => n)}`,
    );
});

test('+ - * , sums and comparisons agree on zero, Inf, NaN, the largest and the least numbers', async (t) => {
  if (!device) return t.skip('no WebGPU adapter');
  const magnitudes = [0x7f800000, 0x7f7fffff, 0x7effffff, 0x3f800000, 0x01000000, 0x01800000];
  const grid = [0, 0x7fc00000, ...magnitudes, ...magnitudes.map((u) => (u | 0x80000000) >>> 0)];
  const n = grid.length ** 2;
  const a = Uint32Array.from({ length: n }, (_, i) => grid[Math.floor(i / grid.length)]);
  const b = Uint32Array.from({ length: n }, (_, i) => grid[i % grid.length]);
  type Case = readonly [name: string, expression: string, host: (a: number, b: number) => number];
  const value = (name: string, call: string, host: (a: number, b: number) => number): Case => [
    name,
    `C(${call})`,
    (x, y) => s.bitsOf(host(x, y)),
  ];
  const { add_f, sub_f, mul_f, eq_f, ne_f, lt_f, le_f, max_f, min_f } = FUNCTIONS;
  const x = 'bitcast<f32>(a)';
  const y = 'bitcast<f32>(b)';
  const bits = (e: string): string => `bitcast<u32>(${e})`;
  const cases: Case[] = [
    value('+', bits(`G(${x} + ${y})`), s.add),
    value('-', bits(`G(${x} - ${y})`), s.sub),
    value('*', bits(`G(${x} * ${y})`), s.mul),
    value('(a + b) + b', bits(`G(G(${x} + ${y}) + ${y})`), (p, q) => s.C(f(f(p + q) + q))),
    value('(a * b) + a', bits(`G(G(${x} * ${y}) + ${x})`), (p, q) => s.C(f(f(p * q) + p))),
    value('add', add_f.call('a', 'b'), s.add),
    value('sub', sub_f.call('a', 'b'), s.sub),
    value('mul', mul_f.call('a', 'b'), s.mul),
    value('max', max_f.call('a', 'b'), s.max),
    value('min', min_f.call('a', 'b'), s.min),
    ['eq', eq_f.call('a', 'b'), s.eq],
    ['ne', ne_f.call('a', 'b'), s.ne],
    ['lt', lt_f.call('a', 'b'), s.lt],
    ['le', le_f.call('a', 'b'), s.le],
  ];
  const needs = [add_f, sub_f, mul_f, eq_f, ne_f, lt_f, le_f, max_f, min_f].flatMap((op) => op.needs);
  const main = [
    '  let a = operands[i];\n  let b = operands[n + i];',
    ...cases.map(([, expression], k) => `  result[${k}u * n + i] = ${expression};`),
  ].join('\n');
  const code = include([guard, canonical, ...needs]);
  const got = await run(device, { code, main, operands: [a, b], words: n * cases.length });
  cases.forEach(([name, , host], k) => {
    for (let i = 0; i < n; i++) {
      const want = host(s.ofBits(a[i]), s.ofBits(b[i]));
      const hex = (u: number) => u.toString(16).padStart(8, '0');
      assert.equal(hex(got[k * n + i]), hex(want), `${name}(${hex(a[i])}, ${hex(b[i])})`);
    }
  });
});
