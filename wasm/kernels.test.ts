/** Elementwise programs: operations (N3, N9), operands, ranges, outputs. Oracles are plain TypeScript. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bf16ToF32, bitsOf, canonicalOf as canonicalHalf, f16ToF32, f32ToBf16, f32ToF16 } from '../sdk/core/scalar/index.ts';
import type { ScalarOp } from '../sdk/core/scalar/ir.ts';
import {
  assertBits,
  type Bits,
  canonical,
  canonicalOf,
  edgy,
  isNaNBits,
  Kernels,
  noise,
  numbers,
  type PlanRecord,
  toFloat,
} from './harness.ts';

const k = new Kernels();
const NAN = 0x7fc00000;

const f =
  (fn: (x: number) => number) =>
  (a: number): number =>
    canonicalOf(fn(toFloat(a)));
const ff =
  (fn: (x: number, y: number) => number) =>
  (a: number, b: number): number =>
    canonicalOf(fn(toFloat(a), toFloat(b)));
const test2 =
  (fn: (x: number, y: number) => boolean) =>
  (a: number, b: number): number =>
    fn(toFloat(a), toFloat(b)) ? 1 : 0;
const saturate = (x: number, low: number, high: number): number =>
  (Number.isNaN(x) ? 0 : Math.min(high, Math.max(low, Math.trunc(x)))) >>> 0;
const rint = (x: number): number => {
  const low = Math.floor(x);
  const half = x - low;
  return half < 0.5 ? low : half > 0.5 ? low + 1 : low % 2 === 0 ? low : low + 1;
};

const UNARY: Partial<Record<ScalarOp, (a: number) => number>> = {
  copy: (a) => a,
  neg_f: (a) => (a === 0 || isNaNBits(a) ? a : (a ^ 0x80000000) >>> 0),
  abs_f: (a) => a & 0x7fffffff,
  sign_f: f(Math.sign),
  sqrt: f(Math.sqrt),
  floor: f(Math.floor),
  ceil: f(Math.ceil),
  trunc: f(Math.trunc),
  round: (a) => (isNaNBits(a) || (a & 0x7fffffff) >= 0x4b000000 ? a : canonicalOf(rint(toFloat(a)))),
  isFinite: (a) => (Number.isFinite(toFloat(a)) ? 1 : 0),
  neg_i: (a) => -a >>> 0,
  abs_s: (a) => Math.abs(a | 0) >>> 0,
  sign_s: (a) => Math.sign(a | 0) >>> 0,
  sign_u: (a) => (a === 0 ? 0 : 1),
  f2i: (a) => saturate(toFloat(a), -(2 ** 31), 2 ** 31 - 1),
  f2u: (a) => saturate(toFloat(a), 0, 2 ** 32 - 1),
  i2f: (a) => canonicalOf(a | 0),
  u2f: (a) => canonicalOf(a),
  f2b: (a) => (a !== 0 ? 1 : 0),
  i2b: (a) => (a !== 0 ? 1 : 0),
  f2h: (a) => f32ToF16(toFloat(a)),
  f2bf: (a) => f32ToBf16(toFloat(a)),
  unit: (a) => canonicalOf((a >>> 8) * 2 ** -24),
};
const BINARY: Partial<Record<ScalarOp, (a: number, b: number) => number>> = {
  add_f: ff((x, y) => x + y),
  sub_f: ff((x, y) => x - y),
  mul_f: ff((x, y) => x * y),
  div_f: ff((x, y) => x / y),
  max_f: ff(Math.max),
  min_f: ff(Math.min),
  eq_f: test2((x, y) => x === y),
  ne_f: test2((x, y) => x !== y),
  lt_f: test2((x, y) => x < y),
  le_f: test2((x, y) => x <= y),
  add_i: (a, b) => (a + b) >>> 0,
  sub_i: (a, b) => (a - b) >>> 0,
  mul_i: (a, b) => Math.imul(a, b) >>> 0,
  max_s: (a, b) => Math.max(a | 0, b | 0) >>> 0,
  min_s: (a, b) => Math.min(a | 0, b | 0) >>> 0,
  max_u: Math.max,
  min_u: Math.min,
  eq_i: (a, b) => +(a === b),
  ne_i: (a, b) => +(a !== b),
  lt_s: (a, b) => +((a | 0) < (b | 0)),
  le_s: (a, b) => +((a | 0) <= (b | 0)),
  lt_u: (a, b) => +(a < b),
  le_u: (a, b) => +(a <= b),
  and: (a, b) => (a & b) >>> 0,
  or: (a, b) => (a | b) >>> 0,
  xor: (a, b) => (a ^ b) >>> 0,
};
/** Operations on integers get words of any pattern, f32 operations canonical numbers. */
const INTEGER = new Set(['neg_i', 'abs_s', 'sign_s', 'sign_u', 'i2f', 'u2f', 'i2b', 'unit', 'and', 'or', 'xor']);
const wordsFor = (op: string, n: number, seed: number): Bits => {
  const next = noise(seed);
  const small = (): number => (next() & 1 ? next() & 3 : next());
  return INTEGER.has(op) || /_[isu]$/.test(op) ? Uint32Array.from({ length: n }, small) : edgy(n, seed);
};

test('every canonical half widens to the value its definition gives', () => {
  for (const [op, dtype, widen] of [
    ['h2f', 'f16', f16ToF32],
    ['bf2f', 'bf16', bf16ToF32],
  ] as const) {
    k.clear();
    const all = Uint32Array.from({ length: 65536 }, (_, h) => h).filter((h) => canonicalHalf(h, dtype) === h);
    const dst = k.alloc(all.length);
    const row = { op, dst: { at: dst, step: 4 }, a: { at: k.put(all), step: 4 } } as const;
    k.run({ kind: 'map', words: [k.program(all.length, [], [row])] });
    assertBits(
      k.get(dst, all.length),
      all.map((h) => bitsOf(widen(h))),
      op,
      true,
    );
  }
});

/** Opcodes that only the lowering chooses: each is made of others, or leaves out what its operands do not need. */
test('fused and shortened rows are what they stand for', () => {
  const n = 3001;
  const bits = (fn: (a: number, b: number, c: number) => number) => (a: number, b: number, c: number) =>
    canonicalOf(fn(toFloat(a), toFloat(b), toFloat(c)));
  const product = (a: number, b: number): number => toFloat(canonicalOf(a * b));
  const large = (x: number): number => (isNaNBits(x) ? 0x3f800000 : (x & 0x7fffffff) < 0x20000000 ? 0x40400000 : x);
  const above = (x: number): number => large(x) & 0x7fffffff;
  const cases = {
    mulAdd: [bits((a, b, c) => product(a, b) + c), canonical],
    mulSub: [bits((a, b, c) => product(a, b) - c), canonical],
    subMul: [bits((a, b, c) => c - product(a, b)), canonical],
    addRaw: [bits((a, b) => a + b), large],
    subRaw: [bits((a, b) => a - b), large],
    mulRaw: [bits((a, b) => a * b), above],
    maxNumber: [bits((a, b) => Math.max(a, b)), large],
    minNumber: [bits((a, b) => Math.min(a, b)), large],
  } as const;
  for (const [op, [oracle, second]] of Object.entries(cases)) {
    k.clear();
    const [a, b, c] = [edgy(n, 4), edgy(n, 5).map(second), edgy(n, 6)];
    const first = op === 'mulRaw' ? a.map(above) : a;
    const dst = k.alloc(n);
    const [x, y, z] = [first, b, c].map((w) => ({ at: k.put(w), step: 4 as const }));
    k.run({
      kind: 'map',
      words: [k.program(n, [], [{ op: op as keyof typeof cases, dst: { at: dst, step: 4 }, a: x, b: y, c: z }])],
    });
    assertBits(
      k.get(dst, n),
      first.map((u, i) => oracle(u, b[i], c[i])),
      op,
      true,
    );
  }
});

for (const [op, oracle] of Object.entries(UNARY) as [ScalarOp, (a: number) => number][]) {
  test(`${op} is its definition`, () => {
    k.clear();
    const n = 1000;
    const a = wordsFor(op, n, 1);
    const dst = k.alloc(n);
    k.run({
      kind: 'map',
      words: [k.program(n, [], [{ op, dst: { at: dst, step: 4 }, a: { at: k.put(a), step: 4 } }])],
    });
    assertBits(k.get(dst, n), a.map(oracle), op, true);
  });
}
for (const [op, oracle] of Object.entries(BINARY) as [ScalarOp, (a: number, b: number) => number][]) {
  test(`${op} is its definition`, () => {
    k.clear();
    const n = 3001;
    const [a, b] = [wordsFor(op, n, 2), wordsFor(op, n, 3)];
    const dst = k.alloc(n);
    const row = { op, dst: { at: dst, step: 4 }, a: { at: k.put(a), step: 4 }, b: { at: k.put(b), step: 4 } } as const;
    k.run({ kind: 'map', words: [k.program(n, [], [row])] });
    assertBits(
      k.get(dst, n),
      a.map((x, i) => oracle(x, b[i])),
      op,
      true,
    );
  });
}

test('not and where', () => {
  k.clear();
  const n = 99;
  const c = wordsFor('lt_u', n, 4).map((x) => x & 1);
  const [a, b] = [wordsFor('or', n, 5), wordsFor('or', n, 6)];
  const [not, where] = [k.alloc(n), k.alloc(n)];
  const [pc, pa, pb] = [c, a, b].map((x) => ({ at: k.put(x), step: 4 }) as const);
  const rows = [
    { op: 'not', dst: { at: not, step: 4 }, a: pc },
    { op: 'where', dst: { at: where, step: 4 }, a: pc, b: pa, c: pb },
  ] as const;
  k.run({ kind: 'map', words: [k.program(n, [], rows)] });
  assertBits(
    k.get(not, n),
    c.map((x) => 1 - x),
    'not',
  );
  assertBits(
    k.get(where, n),
    c.map((x, i) => (x ? a[i] : b[i])),
    'where',
  );
});

test('chains through registers, with constants, of every length', () => {
  for (const n of [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, 511, 513, 1000]) {
    k.clear();
    const [a, b] = [numbers(n, n), numbers(n, n + 1)];
    const [r0, r1, r2, r3] = [0, 1, 2, 3].map((i) => k.register(i));
    const dst = { at: k.alloc(n), step: 4 } as const;
    const pa = { at: k.put(a), step: 4 } as const;
    const scalar = canonicalOf(1 / 3);
    const setup = [
      { op: 'fill', dst: r0, a: { at: 0x40490fdb, step: 0 } },
      { op: 'splat', dst: r1, a: { at: k.put([scalar]), step: 0 } },
    ] as const;
    const rows = [
      { op: 'mul_f', dst: r2, a: pa, b: r0 },
      { op: 'add_f', dst: r2, a: r2, b: { at: k.put(b), step: 4 } },
      { op: 'sub_f', dst: r3, a: r2, b: r1 },
      { op: 'iota', dst: r2 },
      { op: 'u2f', dst: r2, a: r2 },
      { op: 'div_f', dst, a: r3, b: r2 },
      { op: 'out', a: dst },
    ] as const;
    const flags = k.run({ kind: 'map', words: [k.program(n, setup, rows)] });
    const oracle = a.map((x, i) => {
      const p = Math.fround(toFloat(x) * toFloat(0x40490fdb));
      return canonicalOf(Math.fround(Math.fround(p + toFloat(b[i])) - toFloat(scalar)) / i);
    });
    assertBits(k.get(dst.at, n), oracle, `length ${n}`);
    assert.equal(flags, 1, 'element 0 is divided by 0');
  }
});

test('a program may work in place', () => {
  k.clear();
  const a = numbers(777, 9);
  const p = { at: k.put(a), step: 4 } as const;
  k.run({ kind: 'map', words: [k.program(777, [], [{ op: 'add_f', dst: p, a: p, b: p }])] });
  assertBits(
    k.get(p.at, 777),
    a.map((x) => canonicalOf(2 * toFloat(x))),
    'a + a',
  );
});

test('ranges may start anywhere: an epilogue runs on row blocks of odd sizes', () => {
  // One row block of 128 x 7 elements, then 2 x 7 that start at 896; a matmul of K = 0 leaves zeros to the epilogue.
  k.clear();
  const [m, n] = [131, 7];
  const c = k.alloc(m * n);
  const bias = numbers(n, 1);
  const [r0, r1] = [k.register(0), k.register(1)];
  const out = { at: c, step: 4 } as const;
  const rows = [
    { op: 'load', dst: r0, a: { at: k.put(bias), step: 0 }, extra: k.pattern([m, n], [0, 1]) },
    { op: 'iota', dst: r1 },
    { op: 'u2f', dst: r1, a: r1 },
    { op: 'add_f', dst: r1, a: r1, b: r0 },
    { op: 'add_f', dst: out, a: out, b: r1 },
  ] as const;
  const epilogue = k.program(m * n, [], rows);
  k.run({ kind: 'matmul', words: [m, n, 0, c, 0, 1, c, n, 1, c, n, 0, epilogue, 0, 0, 0] });
  assertBits(
    k.get(c, m * n),
    Uint32Array.from({ length: m * n }, (_, i) => canonicalOf(i + toFloat(bias[i % n]))),
    'bias + index',
  );
});

test('outputs: NaN becomes one pattern, infinities and NaN raise the flag, healthy ones do not', () => {
  for (const n of [1, 4, 15, 16, 17, 63, 256, 300]) {
    for (const [bad, fixed] of [
      [0x7f800000, 0x7f800000],
      [0xff800000, 0xff800000],
      [0xffc12345, NAN],
      [0x7f800001, NAN],
    ]) {
      for (const at of [0, n >> 1, n - 1]) {
        for (const kind of ['finish', 'out'] as const) {
          k.clear();
          const a = edgy(n, n).map((x) => ((x & 0x7f800000) === 0x7f800000 ? 0x7f7fffff : canonical(x)));
          const p = k.put(a);
          const program = k.program(n, [], [{ op: 'out', a: { at: p, step: 4 } }]);
          const record: PlanRecord = kind === 'finish' ? { kind, words: [p, n] } : { kind: 'map', words: [program] };
          assert.equal(k.run(record), 0);
          assertBits(k.get(p, n), a, 'healthy');
          const q = k.put(a.with(at, bad));
          const sick = k.program(n, [], [{ op: 'out', a: { at: q, step: 4 } }]);
          assert.equal(k.run(kind === 'finish' ? { kind, words: [q, n] } : { kind: 'map', words: [sick] }), 1);
          assertBits(k.get(q, n), a.with(at, fixed), 'sick');
        }
      }
    }
  }
});

test('flags start anew with each run', () => {
  k.clear();
  const p = k.put([0x7f800000]);
  const q = k.put([0x3f800000]);
  assert.equal(k.run({ kind: 'finish', words: [p, 1] }), 1);
  assert.equal(k.run({ kind: 'finish', words: [q, 1] }), 0);
});
