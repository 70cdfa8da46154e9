/**
 * Speed of the WASM kernels alone: plans laid out by hand, best of several rounds.
 *
 *   node --import tsx bench/kernels.ts [part of a name]
 */
import { ELEMENTS } from '../sdk/engine/wasm/layout.ts';
import { compile, Kernels, numbers, type Operand, type PlanRecord, type Row } from '../wasm/harness.ts';

const ROUNDS = 80;
const ROUND_MS = 2;
const MOST_MS = 1500;
const only = process.argv[2] ?? '';

/** Seconds a call: the best of many short rounds, which other work on the machine disturbs least. */
function best(call: () => void): number {
  let calls = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) call();
    if (performance.now() - start > ROUND_MS) break;
    calls *= 2;
  }
  let least = Infinity;
  let total = 0;
  for (let r = 0; r < ROUNDS && total < MOST_MS; r++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) call();
    const elapsed = performance.now() - start;
    least = Math.min(least, elapsed);
    total += elapsed;
  }
  return least / calls / 1000;
}

function report(
  name: string,
  work: number,
  unit: (seconds: number, work: number) => string,
  make: () => () => void,
): void {
  if (!name.includes(only)) return;
  const seconds = best(make());
  console.log(`${name.padEnd(34)} ${unit(seconds, work).padStart(16)} ${(seconds * 1e6).toFixed(2).padStart(12)} us`);
}
const gflops = (s: number, flops: number): string => `${(flops / s / 1e9).toFixed(1)} GFLOP/s`;
const perElement = (s: number, n: number): string => `${((s / n) * 1e9).toFixed(3)} ns/element`;

// The ceiling without fused multiply-add; shared machines reach it only now and then.
const { peak } = new WebAssembly.Instance(compile('peak.ts')).exports as { peak(turns: number, one: number): number };
report('multiply and add in registers', 48 * 20000, gflops, () => () => void peak(20000, 1));

const k = new Kernels();
/** Several copies of a record in one plan, so that a call from JavaScript weighs nothing. */
function repeated(record: PlanRecord, times = 1): () => void {
  const plan = k.plan(Array.from({ length: times }, () => record));
  return () => void k.replay(plan);
}

function matmul(layout: string, m: number, terms: number, n: number): void {
  const times = m * n * terms < 1e5 ? 50 : 1;
  report(`matmul ${layout} ${m}x${terms}x${n}`, 2 * m * n * terms * times, gflops, () => {
    k.clear();
    const a = k.put(numbers(m * terms, 1));
    const b = k.put(numbers(terms * n, 2));
    const [aRow, aCol] = layout[0] === 'N' ? [terms, 1] : [1, m];
    const [bRow, bCol] = layout[1] === 'N' ? [n, 1] : [1, terms];
    const words = [m, n, terms, a, aRow, aCol, b, bRow, bCol, k.alloc(m * n), n, 0, 0, 0, 0, 0];
    return repeated({ kind: 'matmul', words }, times);
  });
}
for (const size of [64, 256, 512, 1024]) for (const layout of ['NN', 'TN', 'NT']) matmul(layout, size, size, size);
for (const layout of ['NN', 'TN', 'NT']) matmul(layout, 64, 784, 128);
matmul('TN', 784, 64, 128);
for (const layout of ['NN', 'TN', 'NT']) {
  for (const [m, terms, n] of [
    [4, 4, 4],
    [16, 4, 16],
    [16, 16, 3],
    [4, 16, 16],
    [16, 16, 16],
    [64, 128, 10],
    [1, 784, 128],
  ]) {
    matmul(layout, m, terms, n);
  }
}

type Build = (n: number) => { setup: Row[]; rows: Row[] };
function map(name: string, sizes: readonly number[], build: Build): void {
  for (const n of sizes) {
    const times = n < 1000 ? 50 : 1;
    report(`${name} [${n}]`, n * times, perElement, () => {
      k.clear();
      const { setup, rows } = build(n);
      return repeated({ kind: 'map', words: [k.program(n, setup, rows)] }, times);
    });
  }
}
const memory = (n: number, seed: number): { at: number; step: 4 } => ({ at: k.put(numbers(n, seed)), step: 4 });
const result = (n: number): { at: number; step: 4 } => ({ at: k.alloc(n), step: 4 });
const r = (i: number): Operand => k.register(i);
const SIZES = [64, 16384, 1 << 20, 1 << 22];

map('copy', SIZES, (n) => ({ setup: [], rows: [{ op: 'copy', dst: result(n), a: memory(n, 1) }] }));
map('add', SIZES, (n) => ({ setup: [], rows: [{ op: 'add_f', dst: result(n), a: memory(n, 1), b: memory(n, 2) }] }));
map('6 ops', SIZES, (n) => {
  const [x, y] = [memory(n, 1), memory(n, 2)];
  const setup: Row[] = [{ op: 'fill', dst: r(5), a: { at: 0x3f000000, step: 0 } }];
  const rows: Row[] = [
    { op: 'mul_f', dst: r(0), a: x, b: r(5) },
    { op: 'add_f', dst: r(0), a: r(0), b: y },
    { op: 'max_f', dst: r(1), a: r(0), b: r(5) },
    { op: 'mul_f', dst: r(1), a: r(1), b: x },
    { op: 'sub_f', dst: r(1), a: r(1), b: y },
    { op: 'mul_f', dst: result(n), a: r(1), b: r(5) },
  ];
  return { setup, rows };
});
for (const op of ['exp', 'log', 'tanh', 'sigmoid', 'erf', 'sin'] as const) {
  map(op, [16384], (n) => ({ setup: [], rows: [{ op, dst: result(n), a: memory(n, 1) }] }));
}
map('Adam', SIZES, (n) => {
  const [p, m, v, g] = [1, 2, 3, 4].map((seed) => memory(n, seed));
  const setup = [0x3f666666, 0x3dcccccd, 0x3f7fbe77, 0x3a83126f, 0x3f800000, 0x322bcc77, 0x3a83126f].map(
    (bits, i): Row => ({ op: 'fill', dst: r(10 + i), a: { at: bits, step: 0 } }),
  );
  const rows: Row[] = [
    { op: 'mul_f', dst: r(0), a: m, b: r(10) },
    { op: 'mul_f', dst: r(1), a: g, b: r(11) },
    { op: 'add_f', dst: m, a: r(0), b: r(1) },
    { op: 'mul_f', dst: r(2), a: g, b: g },
    { op: 'mul_f', dst: r(2), a: r(2), b: r(13) },
    { op: 'mul_f', dst: r(3), a: v, b: r(12) },
    { op: 'add_f', dst: r(2), a: r(2), b: r(3) },
    { op: 'abs_f', dst: v, a: r(2) },
    { op: 'sqrt', dst: r(3), a: v },
    { op: 'mul_f', dst: r(3), a: r(3), b: r(14) },
    { op: 'add_f', dst: r(3), a: r(3), b: r(15) },
    { op: 'div_f', dst: r(3), a: m, b: r(3) },
    { op: 'mul_f', dst: r(3), a: r(3), b: r(16) },
    { op: 'sub_f', dst: p, a: p, b: r(3) },
  ];
  return { setup, rows };
});
map('bias 10, relu', [640, 163840], (n) => ({
  setup: [{ op: 'fill', dst: r(2) }],
  rows: [
    { op: 'load', dst: r(0), a: { at: k.put(numbers(10, 1)), step: 0 }, extra: k.pattern([n / 10, 10], [0, 1]) },
    { op: 'add_f', dst: r(0), a: r(0), b: memory(n, 2) },
    { op: 'max_f', dst: result(n), a: r(0), b: r(2) },
  ],
}));
map('column over 10, sub', [640, 163840], (n) => ({
  setup: [],
  rows: [
    { op: 'load', dst: r(0), a: memory(n / 10, 1), extra: k.pattern([n / 10, 10], [1, 0]) },
    { op: 'sub_f', dst: result(n), a: memory(n, 2), b: r(0) },
  ],
}));
map('transposed copy, width 128', [16384, 1 << 20], (n) => ({
  setup: [],
  rows: [{ op: 'load', dst: result(n), a: memory(n, 1), extra: k.pattern([128, n / 128], [1, 128]) }],
}));
map('philox, unit', [16384], (n) => ({
  setup: [],
  rows: [
    { op: 'philox', dst: r(0), a: { at: k.put([1]), step: 0 } },
    { op: 'unit', dst: result(n), a: r(0) },
  ],
}));
map('normal', [16384], (n) => ({
  setup: [],
  rows: [{ op: 'normal', dst: result(n), a: { at: k.put([1]), step: 0 } }],
}));
map('out', [64, 16384, 1 << 22], (n) => ({ setup: [], rows: [{ op: 'out', a: memory(n, 1) }] }));

for (const kind of ['sum', 'max', 'argmax'] as const) {
  for (const [outer, n, inner] of [
    [1, 16384, 1],
    [1, 1 << 22, 1],
    [64, 10, 1],
    [64, 128, 1],
    [16, 3, 1],
    [1, 16, 3],
    [1, 16, 16],
    [1, 64, 10],
    [1, 64, 128],
    [1, 256, 1024],
    [1, 4096, 64],
  ]) {
    const times = outer * n * inner < 1e4 ? 50 : 1;
    for (const mode of ['', ' of x*x']) {
      report(`${kind}${mode} [${outer}, ${n}, ${inner}]`, times * outer * n * inner, perElement, () => {
        k.clear();
        const total = outer * n * inner;
        const x = memory(total, 1);
        const prog = mode === '' ? 0 : k.program(total, [], [{ op: 'mul_f', dst: r(0), a: x, b: x }]);
        const src = prog ? r(0).at : x.at;
        return repeated({ kind, words: [ELEMENTS.f32, prog, src, outer, n, inner, k.alloc(outer * inner), 0] }, times);
      });
    }
  }
}

const indices = (n: number, v: number): number => k.put(numbers(n, 5).map((u) => u % v));
report('gather 1024 rows of 64', 65536, perElement, () => {
  k.clear();
  const words = [
    ELEMENTS.f32,
    1,
    5000,
    1024,
    64,
    k.put(numbers(320000, 1)),
    indices(1024, 5000),
    0,
    1,
    0,
    k.alloc(65536),
  ];
  return repeated({ kind: 'gather', words });
});
report('scatterAdd 1024 rows of 64', 65536, perElement, () => {
  k.clear();
  const dst = k.put(numbers(320000, 1));
  const operands = [dst, k.put(numbers(65536, 2)), indices(1024, 5000), 0, 1, 0, dst, k.alloc(8000)];
  return repeated({ kind: 'scatterAdd', words: [ELEMENTS.f32, 1, 5000, 1024, 64, ...operands] });
});
report('gather 64 of 10 classes', 64 * 50, perElement, () => {
  k.clear();
  const words = [ELEMENTS.f32, 64, 10, 1, 1, k.put(numbers(640, 1)), indices(64, 10), 1, 1, 0, k.alloc(64)];
  return repeated({ kind: 'gather', words }, 50);
});
report('scatterAdd 64 of 10 classes', 64 * 50, perElement, () => {
  k.clear();
  const operands = [
    k.put(numbers(640, 1)),
    k.put(numbers(64, 2)),
    indices(64, 10),
    1,
    1,
    0,
    k.alloc(640),
    k.alloc(100),
  ];
  return repeated({ kind: 'scatterAdd', words: [ELEMENTS.f32, 64, 10, 1, 1, ...operands] }, 50);
});
