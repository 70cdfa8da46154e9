/** The handwritten kernels: contractions, reductions and indexed moves, in the contract's order (N6, N7). */

import { leaf, order, snap, window } from '../../../wgsl/functions/index.ts';
import { CUMSUM_KERNELS } from './cumsum.ts';
import { SCATTER_KERNELS } from './scatter.ts';
import { FLAG, parameter as p, shader } from './shader.ts';
import { SORT_KERNELS } from './sort.ts';

/** Rows and columns of C that one invocation makes: of operands that lie as they were given, and of packed ones. */
export const TILE = { strided: 4, packed: 8 } as const;
/** Invocations of a workgroup along each side of C. */
export const SIDE = 8;
const BATCH_AXES = 6;

/**
 * C = A B (N6): each output in chunks of 256 terms, ascending k, every rounding guarded; chunk results are added left to right.
 * Tiles do not touch the order of k. Mode f32 is M1, exact products need one guard less (M3), and int8 none. Parameters: end of rows, of columns, k, a (place, row, column), b (…), c, batch axes,
 * first batch, dims[6], strides of a[6], of b[6], first row, first column, m, n.
 */
function matmul(form: keyof typeof TILE, mode: 'f32' | 'exact' | 'int8'): string {
  const tile = TILE[form];
  const integers = mode === 'int8';
  // Packed operands have passed the window: the loop over k has no select.
  const load = (place: string) =>
    integers ? `mem[${place}]` : `bitcast<f32>(${form === 'strided' ? `W(mem[${place}])` : `mem[${place}]`})`;
  const zero = integers ? '0u' : 'bitcast<f32>(gz)';
  const plus = (a: string, b: string) => (integers ? `${a} + ${b}` : `G(${a} + ${b})`);
  const times = (a: string, b: string) =>
    mode === 'f32' ? `G(${a} * ${b})` : integers ? `${a} * ${b}` : `(${a} * ${b})`;
  const range = Array.from({ length: tile }, (_, i) => i);
  const cells = range.flatMap((r) => range.map((c) => `${r}${c}`));
  const lines = (of: readonly string[]): string => of.join('\n');
  const places = lines(
    range.map(
      (r) => `  let pa${r} = pa + min(row + ${r}u, m - 1u) * ${p(4)};
  let pb${r} = pb + min(column + ${r}u, n - 1u) * ${p(8)};`,
    ),
  );
  const totals = lines(cells.map((c) => `  var t${c} = ${zero};`));
  const sums = lines(cells.map((c) => `    var s${c} = ${zero};`));
  const loads = lines(
    range.map(
      (r) => `      let a${r} = ${load(`pa${r} + qa`)};
      let b${r} = ${load(`pb${r} + qb`)};`,
    ),
  );
  const terms = lines(
    cells.map(
      ([r, c]) =>
        `      s${r}${c} = ${plus(`s${r}${c}`, times(`a${r}`, `b${c}`))};${mode === 'exact' ? ' // exact: 12 bits by 12, below 2^128 (M3)' : ''}`,
    ),
  );
  const first = lines(cells.map((c) => `      t${c} = s${c};`));
  const further = lines(cells.map((c) => `      t${c} = ${plus(`t${c}`, `s${c}`)};`));
  const stores = lines(
    cells.map(
      ([r, c]) =>
        `  if (row + ${r}u < m && column + ${c}u < n) { mem[c + (row + ${r}u) * width + column + ${c}u] = ${integers ? `t${r}${c}` : `S(bitcast<u32>(t${r}${c}))`}; }`,
    ),
  );
  const body = `
  let row = at.y * ${tile}u + ${p(30)};
  let column = at.x * ${tile}u + ${p(31)};
  let m = ${p(0)};
  let n = ${p(1)};
  let k = ${p(2)};
  let stepA = ${p(5)};
  let stepB = ${p(7)};
  if (row >= m || column >= n) { return; }
  let batch = at.z + ${p(11)};
${form === 'strided' ? STRIDED : PACKED}
  ${places}
  ${totals}
  for (var k0 = 0u; k0 < k; k0 += 256u) {
  ${sums}
    let end = min(k0 + 256u, k);
    for (var q = k0; q < end; q++) {
      let qa = q * stepA;
      let qb = q * stepB;
  ${loads}
  ${terms}
    }
    if (k0 == 0u) {
  ${first}
    } else {
  ${further}
    }
  }
  let width = ${p(33)};
  let c = ${p(9)} + batch * ${p(32)} * width;
  ${stores}`;
  return shader(integers ? [] : form === 'strided' ? [snap, window] : [snap], body, 'tile');
}

/** Where a batch's matrices begin: by the strides of its axes, or one behind the other (0 where all share one). */
const STRIDED = `  var rest = batch;
  var pa = ${p(3)};
  var pb = ${p(6)};
  for (var d = ${p(10)}; d > 0u; d--) {
    let j = d - 1u;
    let dim = params[(12u + j) >> 2u][(12u + j) & 3u];
    let coordinate = rest % dim;
    rest = rest / dim;
    pa += coordinate * params[(18u + j) >> 2u][(18u + j) & 3u];
    pb += coordinate * params[(24u + j) >> 2u][(24u + j) & 3u];
  }`;
const PACKED = `  let pa = ${p(3)} + batch * ${p(18)};
  let pb = ${p(6)} + batch * ${p(24)};`;

/** Elements along k that one invocation packs: what it reads of its parameters serves all of them. */
export const RUN = 8;

/**
 * One side of a product as the loop over k reads it: windowed (N6), its rows (of B: its columns) side by side for each k.
 * Parameters: runs in all, rows, k, source (place, row, column), destination, batch axes, dims[6], strides[6].
 */
const PACK = shader(
  [window],
  `
  let rows = ${p(1)};
  let k = ${p(2)};
  let step = ${p(5)};
  let row = i % rows;
  let runs = (k + ${RUN - 1}u) / ${RUN}u;
  let line = i / rows;
  let first = (line % runs) * ${RUN}u;
  var rest = line / runs;
  let to = ${p(6)} + rest * k * rows + row;
  var place = ${p(3)} + row * ${p(4)};
  for (var d = ${p(7)}; d > 0u; d--) {
    let j = d - 1u;
    let dim = params[(8u + j) >> 2u][(8u + j) & 3u];
    place += (rest % dim) * params[(14u + j) >> 2u][(14u + j) & 3u];
    rest = rest / dim;
  }
  let end = min(first + ${RUN}u, k);
  for (var q = first; q < end; q++) { mem[to + q * rows] = W(mem[place + q * step]); }`,
);

/**
 * One level of R (N7): a chunk of at most 2048 elements an invocation, 64 lanes, then the halving tree. Parameters: total =
 * outputs * chunks, n, chunks, inner, source, destination, 1 to apply the load rule.
 */
const SUM_F32 = shader(
  [leaf, snap],
  `
  let n = ${p(1)};
  let chunks = ${p(2)};
  let inner = ${p(3)};
  let output = i / chunks;
  let first = (i % chunks) * 2048u;
  let count = min(n - min(first, n), 2048u);
  let start = ${p(4)} + ((output / inner) * n + first) * inner + output % inner;
  let leaves = ${p(6)} != 0u;
  var lanes: array<f32, 64>;
  for (var lane = 0u; lane < 64u; lane++) {
    var sum = bitcast<f32>(gz);
    for (var r = lane; r < count; r += 64u) {
      let u = mem[start + r * inner];
      sum = G(sum + bitcast<f32>(select(u, leaf(u), leaves)));
    }
    lanes[lane] = sum;
  }
  for (var s = 32u; s > 0u; s = s >> 1u) {
    for (var lane = 0u; lane < s; lane++) {
      lanes[lane] = G(lanes[lane] + lanes[lane + s]);
    }
  }
  mem[${p(5)} + i] = S(bitcast<u32>(lanes[0]));`,
);

/** Integer sums wrap, so any order gives the same bits. Parameters as SUM_F32. */
const SUM_INT = shader(
  [],
  `
  let n = ${p(1)};
  let chunks = ${p(2)};
  let inner = ${p(3)};
  let output = i / chunks;
  let first = (i % chunks) * 2048u;
  let start = ${p(4)} + ((output / inner) * n + first) * inner + output % inner;
  let count = min(n - min(first, n), 2048u);
  var sum = 0u;
  for (var r = 0u; r < count; r++) { sum += mem[start + r * inner]; }
  mem[${p(5)} + i] = sum;`,
);

/**
 * One level of max and argmax: the first of the greatest by the order key, NaN greatest. Parameters: total, n, chunks, inner,
 * source, values out, indices out, 1 when the source has indices of its own, their place, element (0 f32, 1 i32, 2 u32).
 */
const MAX = shader(
  [order],
  `
  let n = ${p(1)};
  let chunks = ${p(2)};
  let inner = ${p(3)};
  let output = i / chunks;
  let first = (i % chunks) * 2048u;
  let start = ((output / inner) * n + first) * inner + output % inner;
  let count = min(n - first, 2048u);
  var best = 0u;
  var bestKey = 0;
  var index = 0u;
  for (var r = 0u; r < count; r++) {
    let u = mem[${p(4)} + start + r * inner];
    var key = bitcast<i32>(u);
    if (${p(9)} == 0u) { key = order(u); }
    if (${p(9)} == 2u) { key = bitcast<i32>(u ^ 0x80000000u); }
    if (r == 0u || key > bestKey) {
      best = u;
      bestKey = key;
      index = first + r;
      if (${p(7)} != 0u) { index = mem[${p(8)} + start + r * inner]; }
    }
  }
  mem[${p(5)} + i] = best;
  mem[${p(6)} + i] = index;`,
);

/** Parameters: total, v, n, inner, source, index (place, outer, axis, inner), destination, what an index out of range gives. */
const GATHER = shader(
  [],
  `
  let v = ${p(1)};
  let n = ${p(2)};
  let inner = ${p(3)};
  let j = i % inner;
  let at = (i / inner) % n;
  let o = i / (inner * n);
  let ix = mem[${p(5)} + o * ${p(6)} + at * ${p(7)} + j * ${p(8)}];
  if (ix >= v) {
    raise(${FLAG.index}u);
    mem[${p(9)} + i] = ${p(10)};
    return;
  }
  mem[${p(9)} + i] = mem[${p(4)} + (o * v + ix) * inner + j];`,
);

/** A program output: Inf and NaN flagged, an f32 NaN made canonical (N0). Parameters: total, place, exponent bits. */
const FINISH = shader(
  [],
  `
  let u = mem[${p(1)} + i];
  if ((u & ${p(2)}) == ${p(2)}) {
    raise(${FLAG.nonfinite}u);
    if ((u & 0x7fffffffu) > 0x7f800000u) { mem[${p(1)} + i] = 0x7fc00000u; }
  }`,
);

/** Lanes that keep() walks with, few: it is to cost next to nothing where no flag was raised. */
export const KEEP_LANES = 256;
/** Words before the table of keep(), and of one entry. */
export const KEEP_HEAD = 4;

/**
 * The end of a guarded run (Guard): each entry's values go from one place to another, or the old ones where a flag was raised
 * now or, by the halt, before. Parameters: lanes, entries, place of the halt, bits: 1 a halt is there, 2 to set it and tell; and
 * entries of size, output, old, destination.
 */
export const KEEP = shader(
  [],
  `
  let halts = (${p(3)} & 1u) != 0u;
  let halted = halts && mem[${p(2)}] != 0u;
  let kept = halted || atomicLoad(&state.flags) != 0u;
  if (kept && i == 0u && (${p(3)} & 2u) != 0u) {
    if (halted) { raise(${FLAG.halted}u); }
    if (halts) { mem[${p(2)}] = 1u; }
  }
  for (var e = 1u; e <= ${p(1)}; e++) {
    let entry = params[e];
    if (!kept && entry.y == entry.w) { continue; }
    let source = select(entry.y, entry.z, kept);
    for (var j = i; j < entry.x; j += ${p(0)}) { mem[entry.w + j] = mem[source + j]; }
  }`,
);

/** Those that compute, or look at what was computed: each is in the golden set. */
export const KERNELS = {
  matmul: matmul('strided', 'f32'),
  matmulPacked: matmul('packed', 'f32'),
  matmulExact: matmul('strided', 'exact'),
  matmulPackedExact: matmul('packed', 'exact'),
  matmulInt8: matmul('strided', 'int8'),
  pack: PACK,
  sumF32: SUM_F32,
  sumInt: SUM_INT,
  max: MAX,
  gather: GATHER,
  finish: FINISH,
  ...CUMSUM_KERNELS,
  ...SORT_KERNELS,
  ...SCATTER_KERNELS,
} as const;

export { BATCH_AXES };
