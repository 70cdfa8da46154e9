/** Contractions in the order of N6, in every layout; the oracle follows the text, one number at a time. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBits, type Bits, canonicalOf, edgy, Kernels, noise, numbers, toBits, toFloat } from './harness.ts';

const k = new Kernels();

interface Operand {
  bits: Bits;
  row: number;
  column: number;
  /** Elements from one batch to the next, a batch dimension each. */
  batch?: number[];
}
interface Case {
  m: number;
  n: number;
  terms: number;
  a: Operand;
  b: Operand;
  dims?: number[];
}

const W = (u: number): number => ((u & 0x7fffffff) < 0x26000000 ? 0 : toFloat(u));

function dot(terms: number, a: (i: number) => number, b: (i: number) => number): number {
  let total = 0;
  for (let c = 0; c < terms; c += 256) {
    let acc = 0;
    for (let i = c; i < Math.min(terms, c + 256); i++) acc = Math.fround(acc + Math.fround(a(i) * b(i)));
    total = c === 0 ? acc : Math.fround(total + acc);
  }
  return total;
}

function oracle({ m, n, terms, a, b, dims = [] }: Case): Bits {
  const [va, vb] = [Float32Array.from(a.bits, W), Float32Array.from(b.bits, W)];
  const batches = dims.reduce((x, y) => x * y, 1);
  const out = new Uint32Array(batches * m * n);
  for (let t = 0; t < batches; t++) {
    let [oa, ob, rest] = [0, 0, t];
    for (let d = dims.length - 1; d >= 0; d--) {
      oa += (rest % dims[d]) * a.batch![d];
      ob += (rest % dims[d]) * b.batch![d];
      rest = Math.floor(rest / dims[d]);
    }
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const [pa, pb] = [oa + i * a.row, ob + j * b.column];
        const x = dot(
          terms,
          (p) => va[pa + p * a.column],
          (p) => vb[pb + p * b.row],
        );
        out[t * m * n + i * n + j] = toBits(x);
      }
    }
  }
  return out;
}

/** Runs a case; `more` are the prologue and the epilogue. B is packed for all rows by so many columns, or by each block of rows. */
function run(x: Case, a: number, b: number, c: number, more: [number, number] = [0, 0], columns = 0): number {
  const { m, n, terms, dims = [] } = x;
  const packed = columns ? k.alloc(16 + columns * ((terms + 3) & ~3)) : 0;
  const strideC = dims.map((_, d) => dims.slice(d + 1).reduce((p, q) => p * q, m * n));
  const head = [m, n, terms, a, x.a.row, x.a.column, b, x.b.row, x.b.column, c, n, ...more];
  const batch = [packed, columns, dims.length, ...dims, ...(x.a.batch ?? []), ...(x.b.batch ?? []), ...strideC];
  return k.run({ kind: 'matmul', words: [...head, ...batch] });
}

function check(x: Case, what: string): void {
  const expected = oracle(x);
  for (const columns of x.n > 1 && x.terms > 0 ? [0, 16, Math.ceil(x.n / 8) * 8] : [0]) {
    k.clear();
    const c = k.alloc(expected.length);
    run(x, k.put(x.a.bits), k.put(x.b.bits), c, [0, 0], columns);
    assertBits(k.get(c, expected.length), expected, `${what}, packed by ${columns}`, true);
  }
}

type Layout = 'NN' | 'TN' | 'NT' | 'TT';
type Fill = (n: number, seed: number) => Bits;
function matrices(m: number, n: number, terms: number, layout: Layout, fill: Fill): Case {
  const a = fill(m * terms, m + terms);
  const b = fill(terms * n, n + 7);
  return {
    m,
    n,
    terms,
    a: layout[0] === 'N' ? { bits: a, row: terms, column: 1 } : { bits: a, row: 1, column: m },
    b: layout[1] === 'N' ? { bits: b, row: n, column: 1 } : { bits: b, row: 1, column: terms },
  };
}
const LAYOUTS = ['NN', 'TN', 'NT', 'TT'] as const;
const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 128, 129, 255, 256, 257, 300];

for (const layout of LAYOUTS) {
  test(`${layout}: every edge in every dimension`, () => {
    const next = noise(LAYOUTS.indexOf(layout));
    const some = (): number => SIZES[next() % 12];
    for (const s of SIZES) {
      for (const [m, n, terms] of [
        [s, some(), some()],
        [some(), s, some()],
        [some(), some(), s],
        [s, some(), SIZES[next() % SIZES.length]],
      ]) {
        check(matrices(m, n, terms, layout, numbers), `${layout} ${m}x${terms}x${n}`);
      }
    }
    for (const [m, n, terms] of [
      [5, 9, 513],
      [130, 19, 513],
      [1, 1, 1025],
      [129, 17, 300],
      // One row, or one column, and what one scratch of sums cannot hold.
      [1, 1030, 270],
      [1030, 1, 270],
      [1, 11, 4099],
    ]) {
      check(matrices(m, n, terms, layout, numbers), `${layout} ${m}x${terms}x${n}`);
    }
  });
  test(`${layout}: window edges, overflow, infinities and NaN`, () => {
    for (const [m, n, terms] of [
      [1, 1, 3],
      [4, 8, 5],
      [6, 11, 4],
      [9, 3, 20],
      [130, 5, 3],
      [1, 21, 19],
      [21, 1, 270],
    ]) {
      for (let i = 0; i < 4; i++) {
        check(
          matrices(m, n, terms, layout, (size, seed) => edgy(size, seed + i)),
          `${layout} ${m}x${terms}x${n}`,
        );
      }
    }
    const small: Fill = (n, seed) => {
      const next = noise(seed);
      return Uint32Array.from({ length: n }, () => ((next() & 0x80000000) | (0x25800000 + (next() & 0xffffff))) >>> 0);
    };
    check(matrices(9, 10, 300, layout, small), `${layout} small`);
  });
}

test('no terms give zeros', () => {
  check(matrices(5, 7, 0, 'NN', numbers), '5x0x7');
});

test('the other stride of a dimension of 1 may be any', () => {
  const [m, n, terms] = [6, 9, 11];
  for (const fill of [numbers, edgy]) {
    const wide = fill(1000, 1);
    const dense = fill(1000, 2);
    check({ m: 1, n, terms, a: { bits: wide, row: 1, column: 7 }, b: { bits: dense, row: n, column: 1 } }, 'one row');
    check(
      { m, n: 1, terms, a: { bits: dense, row: terms, column: 1 }, b: { bits: wide, row: 13, column: 1 } },
      'one column',
    );
    const [a, b] = [
      { bits: wide, row: 9, column: 1 },
      { bits: dense, row: 1, column: 4 },
    ];
    check({ m, n, terms: 1, a, b }, 'one term');
  }
});

test('rows may overlap or repeat', () => {
  const [x, y] = [numbers(400, 1), numbers(400, 2)];
  const repeated = { m: 9, n: 10, terms: 12, a: { bits: x, row: 0, column: 1 }, b: { bits: y, row: 0, column: 1 } };
  check(repeated, 'stride 0');
  check({ ...repeated, a: { bits: x, row: 1, column: 2 }, b: { bits: y, row: 3, column: 1 } }, 'windows');
});

test('rows and columns may run backwards', () => {
  const [m, n, terms] = [6, 11, 13];
  const [x, y] = [numbers(m * terms, 1), numbers(terms * n, 2)];
  for (const layout of LAYOUTS) {
    k.clear();
    // The oracle sees the operands turned round; the kernel gets the address of the last row (or column) and goes back.
    const forward = matrices(m, n, terms, layout, numbers);
    const [a, b] = [forward.a, forward.b];
    const flip = (bits: Bits, size: number, lines: number): Bits =>
      bits.map((_, i) => bits[(lines - 1 - Math.floor(i / size)) * size + (i % size)]);
    const [sa, sb] = [Math.max(a.row, a.column), Math.max(b.row, b.column)];
    const [la, lb] = [(m * terms) / sa, (terms * n) / sb];
    const expected = oracle({ m, n, terms, a: { ...a, bits: flip(x, sa, la) }, b: { ...b, bits: flip(y, sb, lb) } });
    const back = (s: number): number => (s === 1 ? 1 : -s);
    const c = k.alloc(m * n);
    const pa = k.put(x) + 4 * (la - 1) * sa;
    const pb = k.put(y) + 4 * (lb - 1) * sb;
    k.run({
      kind: 'matmul',
      words: [m, n, terms, pa, back(a.row), back(a.column), pb, back(b.row), back(b.column), c, n, 0, 0, 0, 0, 0],
    });
    assertBits(k.get(c, m * n), expected, layout);
  }
});

test('batches, broadcast on either side', () => {
  const size = (m: number, n: number, terms: number): [Bits, Bits] => [
    numbers(64 * m * terms, 5),
    numbers(64 * terms * n, 6),
  ];
  for (const [m, n, terms] of [
    [1, 3, 2],
    [4, 8, 16],
    [7, 9, 5],
    [130, 3, 4],
  ]) {
    const [x, y] = size(m, n, terms);
    const [pa, pb] = [m * terms, terms * n];
    for (const [dims, sa, sb] of [
      [[3], [pa], [pb]],
      [[3], [0], [pb]],
      [[3], [pa], [0]],
      [
        [2, 3],
        [3 * pa, pa],
        [0, pb],
      ],
      [
        [2, 3],
        [0, pa],
        [pb, 0],
      ],
      [
        [2, 3],
        [pa, 0],
        [3 * pb, pb],
      ],
      [
        [2, 1, 3, 2],
        [6 * pa, 5, 2 * pa, pa],
        [0, 9, 2 * pb, pb],
      ],
      [
        [0, 3],
        [pa, pa],
        [pb, pb],
      ],
    ]) {
      const a = { bits: x, row: terms, column: 1, batch: sa };
      const b = { bits: y, row: n, column: 1, batch: sb };
      check({ m, n, terms, a, b, dims }, `batch [${dims}] a [${sa}] b [${sb}]`);
    }
  }
});

test('C may lie in a wider matrix', () => {
  for (const [m, n, terms] of [
    [5, 3, 4],
    [130, 10, 300],
    [4, 8, 8],
  ]) {
    k.clear();
    const x = matrices(m, n, terms, 'NN', numbers);
    const ldc = n + 5;
    const c = k.alloc(m * ldc);
    const expected = k.get(c, m * ldc);
    oracle(x).forEach((u, i) => {
      expected[Math.floor(i / n) * ldc + (i % n)] = u;
    });
    k.run({ kind: 'matmul', words: [m, n, terms, k.put(x.a.bits), terms, 1, k.put(x.b.bits), n, 1, c, ldc, 0, 0, 0, 0, 0] });
    assertBits(k.get(c, m * ldc), expected, `${m}x${terms}x${n}`);
  }
});

test('a prologue computes A once, an epilogue finishes C', () => {
  for (const [m, n, terms, dims, broadcast] of [
    [5, 3, 4, [], false],
    [300, 10, 257, [], false],
    [129, 5, 3, [2], false],
    [130, 37, 9, [], false],
    [7, 9, 5, [3, 2], true],
  ] as const) {
    for (const columns of [0, 16]) {
    k.clear();
    const batches = dims.reduce((x: number, y) => x * y, 1);
    const count = (broadcast ? dims[1]! : batches) * m * terms;
    const raw = numbers(count, 1);
    const b = { bits: numbers(terms * n, 2), row: n, column: 1, batch: dims.map(() => 0) };
    const strides = broadcast ? [0, m * terms] : dims.map(() => m * terms);
    // In place: computed twice it would be 4 times as large.
    const pa = { at: k.put(raw), step: 4 } as const;
    const prologue = k.program(count, [], [{ op: 'add_f', dst: pa, a: pa, b: pa }]);
    const doubled = raw.map((u) => canonicalOf(2 * toFloat(u)));
    const x = { m, n, terms, a: { bits: doubled, row: terms, column: 1, batch: strides }, b, dims: [...dims] };
    const expected = oracle(x);
    const c = { at: k.alloc(expected.length), step: 4 } as const;
    const bias = numbers(n, 3);
    const r = k.register(0);
    const rows = [
      { op: 'load', dst: r, a: { at: k.put(bias), step: 0 }, extra: k.pattern([batches * m, n], [0, 1]) },
      { op: 'add_f', dst: c, a: c, b: r },
      { op: 'out', a: c },
    ] as const;
    const flags = run(x, pa.at, k.put(b.bits), c.at, [prologue, k.program(expected.length, [], rows)], columns);
    assert.equal(flags, 0);
    assertBits(
      k.get(c.at, expected.length),
      expected.map((u, i) => canonicalOf(toFloat(u) + toFloat(bias[i % n]))),
      `${batches} of ${m}x${terms}x${n}, ${columns}`,
    );
    }
  }
});

test('a known dot product of 600 terms', () => {
  k.clear();
  const a = k.put(Uint32Array.from({ length: 600 }, (_, i) => canonicalOf(1 / (i + 1))));
  const b = k.put(Uint32Array.from({ length: 600 }, (_, i) => canonicalOf((i % 7) - 2.5)));
  const c = k.alloc(1);
  k.run({ kind: 'matmul', words: [1, 1, 600, a, 600, 1, b, 1, 1, c, 1, 0, 0, 0, 0, 0] });
  assertBits(k.get(c, 1), Uint32Array.of(0xbecf64b9), 'dot');
});
