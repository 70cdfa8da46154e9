/** The handwritten kernels: contractions, reductions and indexed moves, in the contract's order (N6, N7). */

import { leaf, order, snap, type Wgsl, window } from '../../../wgsl/functions/index.ts';
import { CUMSUM_KERNELS } from './cumsum.ts';
import { SCATTER_KERNELS } from './scatter.ts';
import { FLAG, parameter as p, shader } from './shader.ts';
import { SORT_KERNELS } from './sort.ts';

/** Rows and columns of C that one invocation makes, by kernel. */
export const TILE = {
  matmul: 4,
  matmulWide: 8,
  matmulPacked: 8,
  matmulExact: 4,
  matmulWideExact: 8,
  matmulPackedExact: 8,
  matmulInt8: 4,
} as const;
const BATCH_AXES = 6;
/** Dims of a walk, of which the outermost needs no size: words of its parameters, sizes first, then strides. */
export const WALK_DIMS = 3;

/** Element `at` of the walk whose parameters begin with `from`: its place is added to `base`. Names begin with `name`. */
const walkTo = (name: string, from: number, at: string, base: string): string => `
  let ${name}R = ${at} / ${p(from + 1)};
  var ${name}I = ${at} % ${p(from + 1)};
  var ${name}J = ${name}R % ${p(from)};
  var ${name} = ${base} + ${name}I * ${p(from + 4)} + ${name}J * ${p(from + 3)} + (${name}R / ${p(from)}) * ${p(from + 2)};`;
/** The next element: a turn of the innermost coordinate, and of the middle one where that is done. No branch, no division. */
const walkOn = (name: string, from: number): string => `
  ${name}I += 1u;
  ${name} += ${p(from + 4)} + select(0u, ${p(from + 3)} - ${p(from + 1)} * ${p(from + 4)}, ${name}I == ${p(from + 1)});
  ${name}J += select(0u, 1u, ${name}I == ${p(from + 1)});
  ${name}I = select(${name}I, 0u, ${name}I == ${p(from + 1)});
  ${name} += select(0u, ${p(from + 2)} - ${p(from)} * ${p(from + 3)}, ${name}J == ${p(from)});
  ${name}J = select(${name}J, 0u, ${name}J == ${p(from)});`;

/**
 * C = A B (N6): one chunk of 256 terms of each output, ascending k, every rounding guarded. Further chunks are added to what C holds,
 * one dispatch after another, or lie one behind the other as parts, which PARTS adds. Tiles and parts do not touch the order of k.
 * Mode f32 is M1, exact products need one guard less (M3), and int8 none, and no chunks. The right side may be walked (Matrix);
 * packed operands have passed the window: there the loop over k has no select. Parameters: end of rows, of columns, k, a (place, row,
 * column), b (place, row: of packed ones), -, c, batch axes, first batch, dims[6], strides of a[6], of b[6], first row, first column,
 * m, n, parts, the walks of b's columns[5] and terms[5], how many of a workgroup's 64 tiles lie side by side, as a power of two, and
 * the first chunk.
 */
function matmul(tile: number, mode: 'f32' | 'exact' | 'int8', packed = false): string {
  const integers = mode === 'int8';
  const load = (place: string) =>
    integers ? `mem[${place}]` : `bitcast<f32>(${packed ? `mem[${place}]` : `W(mem[${place}])`})`;
  const zero = integers ? '0u' : 'bitcast<f32>(gz)';
  const plus = (a: string, b: string) => (integers ? `${a} + ${b}` : `G(${a} + ${b})`);
  const times = (a: string, b: string) =>
    mode === 'f32' ? `G(${a} * ${b})` : integers ? `${a} * ${b}` : `(${a} * ${b})`;
  const range = Array.from({ length: tile }, (_, i) => i);
  const cells = range.flatMap((r) => range.map((c) => `${r}${c}`));
  const lines = (of: readonly string[]): string => of.join('\n');
  // In a loop, as is all that is not the work itself: what is written out compiles as long as it is.
  const listed = (name: string, place: string, next = ''): string => `  var ${name}s: array<u32, ${tile}>;
  for (var i = 0u; i < ${tile}u; i++) {
    ${name}s[i] = ${place};${next}
  }
${lines(range.map((r) => `  let ${name}${r} = ${name}s[${r}];`))}`;
  const places = listed('pa', `pa + min(row + i, m - 1u) * ${p(4)}`);
  // Integers are not walked. A walk goes on behind the last column, where what is read is not stored.
  const strides = packed ? ['1u', p(7)] : integers ? [p(39), p(44)] : null;
  const columns = strides
    ? listed('pb', `pb + min(column + i, n - 1u) * ${strides[0]}`)
    : `${walkTo('pc', 35, 'column', '0u')}
${listed('pb', 'pc', walkOn('pc', 35))}
${walkTo('qb', 40, 'first', 'pb')}`;
  const sums = lines(cells.map((c) => `  var s${c} = ${zero};`));
  const loads = lines(
    range.map(
      (r) => `    let a${r} = ${load(`pa${r} + qa`)};
    let b${r} = ${load(`pb${r} + qb`)};`,
    ),
  );
  const terms = lines(
    cells.map(
      ([r, c]) =>
        `    s${r}${c} = ${plus(`s${r}${c}`, times(`a${r}`, `b${c}`))};${mode === 'exact' ? ' // exact: 12 bits by 12 (M3)' : ''}`,
    ),
  );
  const body = `
  let row = ((group.y << (6u - ${p(45)})) + (lane >> ${p(45)})) * ${tile}u + ${p(30)};
  let column = ((group.x << ${p(45)}) + (lane & ((1u << ${p(45)}) - 1u))) * ${tile}u + ${p(31)};
  let m = ${p(0)};
  let n = ${p(1)};
  let stepA = ${p(5)};
  if (row >= m || column >= n) { return; }
  let slice = group.z + ${p(11)};
  let batch = slice / ${p(34)};
  let first = (slice % ${p(34)} + ${p(46)}) * 256u;
  let end = ${integers ? p(2) : `min(first + 256u, ${p(2)})`};
${packed ? PACKED : STRIDED}
  ${places}
  ${columns}
  ${sums}
  for (var q = first; q < end; q++) {
    let qa = q * stepA;
    ${strides ? `let qb = q * ${strides[1]};` : ''}
  ${loads}
  ${terms}
  ${strides ? '' : walkOn('qb', 40)}
  }
  let width = ${p(33)};
  let c = ${p(9)} + slice * ${p(32)} * width;
  var sums = array<${integers ? 'u32' : 'f32'}, ${cells.length}>(${cells.map((cell) => `s${cell}`).join(', ')});
  let rows = min(${tile}u, m - row);
  let columns = min(${tile}u, n - column);
  for (var r = 0u; r < rows; r++) {
    let line = c + (row + r) * width + column;
    for (var j = 0u; j < columns; j++) {
      ${
        integers
          ? `mem[line + j] = sums[r * ${tile}u + j];`
          : `var sum = sums[r * ${tile}u + j];
      if (${p(46)} > 0u) { sum = G(bitcast<f32>(mem[line + j]) + sum); }
      mem[line + j] = S(bitcast<u32>(sum));`
      }
    }
  }`;
  return shader(integers ? [] : packed ? [snap] : [snap, window], body, 'tile');
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

/** Adds the parts of a product from left to right (N6). Parameters: total, outputs of a batch, parts, source, destination. */
const PARTS = shader(
  [snap],
  `
  let outputs = ${p(1)};
  let parts = ${p(2)};
  let source = ${p(3)} + (i / outputs) * parts * outputs + i % outputs;
  var total = bitcast<f32>(mem[source]);
  for (var part = 1u; part < parts; part++) { total = G(total + bitcast<f32>(mem[source + part * outputs])); }
  mem[${p(4)} + i] = S(bitcast<u32>(total));`,
);

/** Elements along k that one invocation packs: what it reads of its parameters serves all of them. */
export const RUN = 8;

/**
 * One side of a product as the loop over k reads it: windowed (N6), its rows (of B: its columns) side by side for each k.
 * Parameters: runs in all, rows, k, source, destination, batch axes, walks of rows[5] and of terms[5], dims[6], strides[6].
 */
const PACK = shader(
  [window],
  `
  let rows = ${p(1)};
  let k = ${p(2)};
  let row = i % rows;
  let runs = (k + ${RUN - 1}u) / ${RUN}u;
  let line = i / rows;
  let first = (line % runs) * ${RUN}u;
  var rest = line / runs;
  let to = ${p(4)} + rest * k * rows + row;
  var base = ${p(3)};
  for (var d = ${p(5)}; d > 0u; d--) {
    let j = d - 1u;
    let dim = params[(16u + j) >> 2u][(16u + j) & 3u];
    base += (rest % dim) * params[(22u + j) >> 2u][(22u + j) & 3u];
    rest = rest / dim;
  }
  ${walkTo('side', 6, 'row', 'base')}
  ${walkTo('place', 11, 'first', 'side')}
  let end = min(first + ${RUN}u, k);
  for (var q = first; q < end; q++) {
    mem[to + q * rows] = W(mem[place]);
    ${walkOn('place', 11)}
  }`,
);

/** Where a reduction has its elements from: memory, or a function that makes them. */
interface Elements {
  readonly of: (place: string) => string;
  readonly needs: readonly Wgsl[];
}
const MEMORY: Elements = { of: (place) => `mem[${place}]`, needs: [] };

/**
 * One level of R (N7): a chunk of at most 2048 elements an invocation, 64 lanes, then the halving tree. Parameters: total =
 * outputs * chunks, n, chunks, inner, source, destination, 1 to apply the load rule.
 */
const sumF32 = ({ of, needs }: Elements): string =>
  shader(
    [leaf, snap, ...needs],
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
      let u = ${of('start + r * inner')};
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

/** Integer sums wrap, so any order gives the same bits. Parameters as of sumF32. */
const sumInt = ({ of, needs }: Elements): string =>
  shader(
    needs,
    `
  let n = ${p(1)};
  let chunks = ${p(2)};
  let inner = ${p(3)};
  let output = i / chunks;
  let first = (i % chunks) * 2048u;
  let start = ${p(4)} + ((output / inner) * n + first) * inner + output % inner;
  let count = min(n - min(first, n), 2048u);
  var sum = 0u;
  for (var r = 0u; r < count; r++) { sum += ${of('start + r * inner')}; }
  mem[${p(5)} + i] = sum;`,
  );

/**
 * One level of max and argmax: the first of the greatest by the order key, NaN greatest. Parameters: total, n, chunks, inner,
 * source, values out, indices out, 1 when the source has indices of its own, their place, element (0 f32, 1 i32, 2 u32).
 */
const max = ({ of, needs }: Elements): string =>
  shader(
    [order, ...needs],
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
    let u = ${of(`${p(4)} + start + r * inner`)};
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
  matmul: matmul(TILE.matmul, 'f32'),
  matmulWide: matmul(TILE.matmulWide, 'f32'),
  matmulPacked: matmul(TILE.matmulPacked, 'f32', true),
  matmulExact: matmul(TILE.matmulExact, 'exact'),
  matmulWideExact: matmul(TILE.matmulWideExact, 'exact'),
  matmulPackedExact: matmul(TILE.matmulPackedExact, 'exact', true),
  matmulInt8: matmul(TILE.matmulInt8, 'int8'),
  parts: PARTS,
  pack: PACK,
  sumF32: sumF32(MEMORY),
  sumInt: sumInt(MEMORY),
  max: max(MEMORY),
  gather: GATHER,
  finish: FINISH,
  ...CUMSUM_KERNELS,
  ...SORT_KERNELS,
  ...SCATTER_KERNELS,
} as const;

const REDUCTIONS = { sumF32, sumInt, max };
/** A reduction of what `element` makes, by its flat place. */
export const reductionOf = (kernel: keyof typeof REDUCTIONS, element: Wgsl): string =>
  REDUCTIONS[kernel]({ of: (place) => `element(${place})`, needs: [element] });

export { BATCH_AXES };
