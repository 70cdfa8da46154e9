/** Strided operands, read into blocks and written from them, against the list of their offsets. */
import test from 'node:test';
import { assertBits, Kernels, numbers } from './harness.ts';

const k = new Kernels();

/** Where each element of a pattern is, from the base. */
function offsets(dims: readonly number[], strides: readonly number[]): number[] {
  return dims.reduce((at, d, i) => at.flatMap((o) => Array.from({ length: d }, (_, j) => o + j * strides[i])), [0]);
}

const PATTERNS: [name: string, dims: number[], strides: number[], base: number][] = [
  ['contiguous', [1000], [1], 0],
  ['every third', [333], [3], 1],
  ['reversed', [700], [-1], 699],
  ['one element', [600], [0], 5],
  ['bias of 3', [200, 3], [0, 1], 7],
  ['bias of 10', [64, 10], [0, 1], 0],
  ['bias of 16', [33, 16], [0, 1], 0],
  ['bias of 100', [7, 100], [0, 1], 3],
  ['bias of 128', [9, 128], [0, 1], 0],
  ['bias of 129', [9, 129], [0, 1], 0],
  ['bias of 250', [9, 250], [0, 1], 0],
  ['bias of 300', [5, 300], [0, 1], 0],
  ['bias of 1, odd', [301, 2], [0, 1], 0],
  ['column over 3', [200, 3], [1, 0], 2],
  ['column over 10', [77, 10], [1, 0], 0],
  ['column over 300', [5, 300], [1, 0], 0],
  ['transposed', [37, 41], [1, 37], 0],
  ['transposed, small', [50, 3], [1, 50], 0],
  ['rows backwards', [20, 31], [-31, 1], 19 * 31],
  ['sliced', [9, 11, 13], [400, 20, 1], 30],
  ['sliced, steps', [9, 11, 5], [400, 20, 3], 3],
  ['permuted', [7, 11, 13, 3], [13, 273, 1, 91], 0],
  ['middle broadcast', [5, 9, 8], [8, 0, 1], 0],
  ['outer broadcast', [6, 10, 9], [0, 9, 1], 0],
  ['both ends broadcast', [6, 10, 9], [0, 1, 0], 0],
  ['pairs of rows', [9, 3, 2, 14, 2], [84, 28, 14, 1, 0], 0],
  ['pairs of rows, odd', [9, 3, 7, 2], [21, 7, 1, 0], 0],
  ['a pair for each row', [30, 2, 14, 2], [0, 2, 0, 1], 3],
  ['a pair for each row, odd', [30, 2, 5, 2], [1, 2, 0, 1], 0],
  ['short and backwards', [40, 7, 3], [21, 3, -1], 2],
  ['mixed signs', [4, 5, 6, 7], [-210, 42, -7, 1], 630 + 35],
];
for (const [name, dims, strides, base] of PATTERNS) {
  const at = offsets(dims, strides).map((o) => o + base);
  const n = at.length;
  test(`load ${name}`, () => {
    k.clear();
    const source = numbers(Math.max(...at) + 1, n);
    const dst = { at: k.alloc(n), step: 4 } as const;
    const direct = { at: k.alloc(n), step: 4 } as const;
    const a = { at: k.put(source) + 4 * base, step: 0 } as const;
    const extra = k.pattern(dims, strides);
    const neighbour = { at: k.alloc(n), step: 4 } as const;
    const setup = [{ op: 'fill', dst: k.register(6), a: { at: 77, step: 0 } }] as const;
    const rows = [
      { op: 'load', dst: k.register(5), a, extra },
      { op: 'copy', dst, a: k.register(5) },
      { op: 'load', dst: direct, a, extra },
      { op: 'copy', dst: neighbour, a: k.register(6) },
    ] as const;
    k.run({ kind: 'map', words: [k.program(n, setup, rows)] });
    const expected = Uint32Array.from(at, (o) => source[o]);
    assertBits(k.get(dst.at, n), expected, 'through a register');
    assertBits(k.get(direct.at, n), expected, 'into memory');
    assertBits(k.get(neighbour.at, n), new Uint32Array(n).fill(77), 'the next register');
  });
  if (new Set(at).size < n) continue;
  test(`store ${name}`, () => {
    k.clear();
    const source = numbers(n, n);
    const size = Math.max(...at) + 1;
    const dst = k.alloc(size);
    const expected = k.get(dst, size);
    at.forEach((o, i) => {
      expected[o] = source[i];
    });
    const rows = [
      { op: 'copy', dst: k.register(1), a: { at: k.put(source), step: 4 } },
      { op: 'store', dst: { at: dst + 4 * base, step: 0 }, a: k.register(1), extra: k.pattern(dims, strides) },
    ] as const;
    k.run({ kind: 'map', words: [k.program(n, [], rows)] });
    assertBits(k.get(dst, size), expected, 'stored');
  });
}
