/** Functions and random numbers as rows of a program; the oracles are the host's forms (N5, N8). */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ScalarOp } from '../sdk/core/scalar/ir.ts';
import * as scalar from '../sdk/core/scalar/index.ts';
import { assertBits, canonicalOf, edgy, Kernels, numbers, toFloat } from './harness.ts';

const k = new Kernels();

const FUNCTIONS = ['exp', 'log', 'rsqrt', 'tanh', 'sigmoid', 'softplus', 'sin', 'cos', 'erf'] as const;
for (const op of FUNCTIONS) {
  test(`${op} is the host's ${op}`, () => {
    for (const n of [1, 7, 16, 300]) {
      for (const a of [edgy(n, n), numbers(n, n)]) {
        k.clear();
        const dst = k.alloc(n);
        const row = { op: op as ScalarOp, dst: { at: dst, step: 4 }, a: { at: k.put(a), step: 4 } } as const;
        k.run({ kind: 'map', words: [k.program(n, [], [row])] });
        assertBits(
          k.get(dst, n),
          a.map((x) => canonicalOf(scalar[op](toFloat(x)))),
          op,
          true,
        );
      }
    }
  });
}

test("pow is the host's pow", () => {
  k.clear();
  const [a, b] = [edgy(500, 1), edgy(500, 2)];
  const dst = k.alloc(500);
  const row = {
    op: 'pow',
    dst: { at: dst, step: 4 },
    a: { at: k.put(a), step: 4 },
    b: { at: k.put(b), step: 4 },
  } as const;
  k.run({ kind: 'map', words: [k.program(500, [], [row])] });
  assertBits(
    k.get(dst, 500),
    a.map((x, i) => canonicalOf(scalar.pow(toFloat(x), toFloat(b[i])))),
    'pow',
    true,
  );
});

test('words and normal numbers of N8, whatever the length and the place of the first block', () => {
  const source = { seedLo: 0xa4093822, seedHi: 0x299f31d0, stream: 0x13198a2e, step: 0x03707344 };
  const words = scalar.words(source, 3000);
  const normals = Uint32Array.from(scalar.normals(source, 3000), canonicalOf);
  for (const [op, expected] of [
    ['philox', words],
    ['normal', normals],
  ] as const) {
    for (const n of [1, 2, 3, 5, 16, 255, 257, 1000]) {
      k.clear();
      const dst = k.alloc(n);
      const row = {
        op,
        dst: { at: dst, step: 4 },
        a: { at: k.put([source.step]), step: 0 },
        b: { at: source.seedLo, step: source.seedHi as 0 },
        c: { at: source.stream, step: 0 },
      } as const;
      k.run({ kind: 'map', words: [k.program(n, [], [row])] });
      assertBits(k.get(dst, n), expected.slice(0, n), `${op}, ${n}`);
    }
    // Rows of 3 of a sum start blocks at any element: the sum of one element is that element.
    k.clear();
    const rows = 1000;
    const dst = k.alloc(rows);
    const register = k.register(2);
    const row = {
      op,
      dst: register,
      a: { at: k.put([source.step]), step: 0 },
      b: { at: source.seedLo, step: source.seedHi as 0 },
      c: { at: source.stream, step: 0 },
    } as const;
    const prog = k.program(3 * rows, [], [row]);
    k.run({ kind: 'sum', words: [1, prog, register.at, rows, 3, 1, dst, 0] });
    const sums = Uint32Array.from(
      { length: rows },
      (_, i) => expected[3 * i] + expected[3 * i + 1] + expected[3 * i + 2],
    );
    assertBits(k.get(dst, rows), sums, `${op} in rows of 3`);
  }
});

test('the known block of Philox', () => {
  k.clear();
  const dst = k.alloc(4);
  const row = { op: 'philox', dst: { at: dst, step: 4 }, a: { at: k.put([0]), step: 0 } } as const;
  k.run({ kind: 'map', words: [k.program(4, [], [row])] });
  assert.deepEqual([...k.get(dst, 4)], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});
