/** Contractions whose right side is walked, in the order of N6; the oracle follows the walks, one number at a time. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBits, type Bits, canonicalOf, edgy, Kernels, numbers, toBits, toFloat } from './harness.ts';

const k = new Kernels();
const W = (u: number): number => ((u & 0x7fffffff) < 0x26000000 ? 0 : toFloat(u));
const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

type Walk = readonly [dims: readonly number[], strides: readonly number[]];
interface Case {
  m: number;
  terms: Walk;
  columns: Walk;
  dims?: readonly number[];
  strideA?: readonly number[];
  strideB?: readonly number[];
  transposed?: boolean;
}

function placeOf([dims, strides]: Walk, at: number): number {
  let place = 0;
  for (let d = dims.length - 1; d >= 0; d--) {
    place += (at % dims[d]) * strides[d];
    at = Math.floor(at / dims[d]);
  }
  return place;
}

function oracle(x: Case, a: Bits, b: Bits, offset: number): Bits {
  const { m, terms, columns, dims = [], strideA = [], strideB = [] } = x;
  const [t, n] = [product(terms[0]), product(columns[0])];
  return Uint32Array.from({ length: product(dims) * m * n }, (_, at) => {
    const [batch, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
    const pa = placeOf([dims, strideA], batch);
    const pb = offset + placeOf([dims, strideB], batch) + placeOf(columns, j);
    let total = 0;
    for (let c = 0; c < t; c += 256) {
      let acc = 0;
      for (let q = c; q < Math.min(t, c + 256); q++) {
        const left = a[pa + (x.transposed ? q * m + i : i * t + q)];
        acc = Math.fround(acc + Math.fround(W(left) * W(b[pb + placeOf(terms, q)])));
      }
      total = c === 0 ? acc : Math.fround(total + acc);
    }
    return toBits(total);
  });
}

/** Runs a case; `offset` is where B's element (0, 0) is in `b`. */
function words(x: Case, a: number, b: number, c: number, more: [number, number] = [0, 0]): number[] {
  const { m, terms, columns, dims = [], strideA = [], strideB = [] } = x;
  const t = product(terms[0]);
  const n = product(columns[0]);
  const head = [m, n, t, a, x.transposed ? 1 : t, x.transposed ? m : 1, b, 0, 0, c, n, ...more];
  const strideC = dims.map((_, d) => product(dims.slice(d + 1)) * m * n);
  const batch = [0, 0, dims.length, ...dims, ...strideA, ...strideB, ...strideC];
  return [...head, ...batch, terms[0].length, columns[0].length, ...[...terms, ...columns].flat()];
}

function check(x: Case, size: number, what: string, fill = numbers, offset = 0): void {
  k.clear();
  const { m, terms, dims = [] } = x;
  const [a, b] = [fill(product(dims) * m * product(terms[0]), 3), fill(size, 4)];
  const expected = oracle(x, a, b, offset);
  const c = k.alloc(expected.length);
  k.run({ kind: 'walked', words: words(x, k.put(a), k.put(b) + 4 * offset, c) });
  assertBits(k.get(c, expected.length), expected, what, true);
}

// An image of 3 channels of 21 x 37 elements.
const [CHANNEL, ROW] = [21 * 37, 37];
const taps = (dilation = 1): Walk => [[3, 3, 5], [CHANNEL, ROW * dilation, dilation]];

test('columns side by side: rows of every length, whose ends fall anywhere in a vector', () => {
  for (const m of [1, 2, 4, 6, 7, 16, 130]) {
    for (const [h, w] of [[1, 1], [3, 3], [5, 10], [2, 14], [9, 28], [16, 31]]) {
      check({ m, terms: taps(), columns: [[h, w], [ROW, 1]] }, 3 * CHANNEL, `${m} rows, ${h} x ${w}`);
      check({ m, terms: taps(), columns: [[h, w], [ROW, 1]], transposed: true }, 3 * CHANNEL, `${m} by columns`);
    }
  }
});

test('columns apart, with dilated taps and taps that go backwards', () => {
  for (const m of [1, 5, 12]) {
    check({ m, terms: taps(), columns: [[9, 16], [2 * ROW, 2]] }, 3 * CHANNEL, 'stride 2');
    check({ m, terms: taps(3), columns: [[7, 9], [2 * ROW, 2]] }, 3 * CHANNEL, 'stride 2, dilation 3');
    check({ m, terms: [[3, 2, 4], [CHANNEL, -ROW, -2]], columns: [[9, 7], [ROW, 1]] }, 3 * CHANNEL, 'back', numbers, ROW + 6);
  }
});

test('terms side by side, in runs that chunks cut anywhere', () => {
  for (const [h, w] of [[1, 3], [10, 10], [9, 28], [19, 33]]) {
    for (const m of [1, 6, 9]) {
      const x: Case = { m, terms: [[3, h, w], [CHANNEL, ROW, 1]], columns: [[3, 5], [ROW, 2]] };
      check(x, 4 * CHANNEL, `${m} rows, ${h} x ${w}`);
      check({ ...x, columns: [[5], [ROW]] }, 4 * CHANNEL, `${m} rows, ${h} x ${w}, by rows`);
    }
  }
});

test('many terms, no terms, no columns, edges of the window, Inf and NaN', () => {
  check({ m: 5, terms: [[3, 15, 17], [CHANNEL, ROW, 1]], columns: [[5, 9], [ROW, 1]] }, 3 * CHANNEL, '765 terms');
  check({ m: 5, terms: [[0], [1]], columns: [[5, 9], [ROW, 1]] }, 3 * CHANNEL, 'no terms');
  check({ m: 5, terms: taps(), columns: [[0], [1]] }, 3 * CHANNEL, 'no columns');
  for (const columns of [[[5, 10], [ROW, 1]], [[5, 10], [ROW, 2]]] as const) {
    check({ m: 6, terms: taps(), columns }, 3 * CHANNEL, 'edges', edgy);
    check({ m: 6, terms: [[3, 5, 9], [CHANNEL, ROW, 1]], columns: [[5, 4], [ROW, 2]] }, 3 * CHANNEL, 'edges', edgy);
  }
});

test('batches, shared on either side', () => {
  const x: Case = { m: 6, terms: taps(), columns: [[5, 10], [ROW, 1]] };
  const size = 6 * 45;
  for (const [dims, strideA, strideB] of [
    [[3], [size], [CHANNEL]],
    [[3], [0], [CHANNEL]],
    [[2, 3], [3 * size, size], [0, 2]],
    [[2, 2, 2], [size, 0, 2 * size], [CHANNEL, ROW, 1]],
    [[0, 2], [size, size], [1, 1]],
  ]) {
    check({ ...x, dims, strideA, strideB }, 6 * CHANNEL, `batch [${dims}], [${strideA}], [${strideB}]`);
  }
});

test('a prologue computes A once, an epilogue finishes C', () => {
  for (const m of [5, 131]) {
    k.clear();
    const x: Case = { m, terms: taps(), columns: [[3, 11], [ROW, 1]], dims: [2], strideA: [0], strideB: [CHANNEL] };
    const [raw, b] = [numbers(m * 45, 1), numbers(4 * CHANNEL, 2)];
    const pa = { at: k.put(raw), step: 4 } as const;
    const prologue = k.program(raw.length, [], [{ op: 'add_f', dst: pa, a: pa, b: pa }]);
    const doubled = raw.map((u) => canonicalOf(2 * toFloat(u)));
    const expected = oracle(x, doubled, b, 0);
    const c = { at: k.alloc(expected.length), step: 4 } as const;
    const epilogue = k.program(expected.length, [], [{ op: 'add_f', dst: c, a: c, b: c }, { op: 'out', a: c }]);
    assert.equal(k.run({ kind: 'walked', words: words(x, pa.at, k.put(b), c.at, [prologue, epilogue]) }), 0);
    const twice = expected.map((u) => canonicalOf(2 * toFloat(u)));
    assertBits(k.get(c.at, expected.length), twice, `${m} rows`);
  }
});
