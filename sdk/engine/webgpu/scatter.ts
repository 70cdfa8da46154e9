/**
 * base + R(sources of each destination, by ascending position) (N7). The positions are sorted by their index, which keeps those
 * of one destination in order and side by side; then each output adds up its own. Where there are few, each output looks at all.
 */

import { guard, leaf, snap, wgsl } from '../../../wgsl/functions/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Lowering } from './lowering.ts';
import { parameter as p, shader } from './shader.ts';
import { paddedSize, type Sorted, sortLists } from './sort.ts';

/** Sources up to which none is sorted: each has a lane of its own. */
const FEW = 64;

/** Elements of a chunk of R. */
const CHUNK = 2048;

/** R's tree over the first lanes; steps that would only add empty ones are left out. */
const tree = wgsl(
  'tree',
  [guard],
  `fn tree(lanes: ptr<function, array<f32, 64>>, count: u32) -> f32 {
  var live = min(count, 64u);
  for (var s = 32u; s > 0u; s = s >> 1u) {
    if (live <= s) { continue; }
    for (var lane = 0u; lane < live - s; lane++) { (*lanes)[lane] = G((*lanes)[lane] + (*lanes)[lane + s]); }
    live = s;
  }
  return (*lanes)[0];
}`,
);

/** R of a chunk of at most 2048 sources whose positions lie at `list`, `step` apart in memory from `from` on. */
const chunk = wgsl(
  'chunk',
  [guard, leaf, tree],
  `fn chunk(list: u32, count: u32, start: u32, step: u32) -> f32 {
  var lanes: array<f32, 64>;
  for (var lane = 0u; lane < min(count, 64u); lane++) {
    var sum = bitcast<f32>(gz);
    for (var t = lane; t < count; t += 64u) {
      sum = G(sum + bitcast<f32>(leaf(mem[start + mem[list + t] * step])));
    }
    lanes[lane] = sum;
  }
  return tree(&lanes, count);
}`,
);

const HEAD = `
  let v = ${p(1)};
  let n = ${p(2)};
  let inner = ${p(3)};
  let j = i % inner;
  let d = (i / inner) % v;
  let o = i / (inner * v);
  let start = ${p(4)} + o * n * inner + j;
  let base = mem[${p(10)} + i];
  let float = ${p(11)} != 0u;`;

/**
 * At most 64 sources. Parameters: total, v, n, inner, source, index (place, outer, axis, inner), destination, base, 1 for f32.
 */
const SCATTER_FEW = shader(
  [leaf, snap, tree],
  `${HEAD}
  let index = ${p(5)} + o * ${p(6)} + j * ${p(8)};
  var lanes: array<f32, 64>;
  var found = 0u;
  var sum = base;
  for (var at = 0u; at < n; at++) {
    if (mem[index + at * ${p(7)}] != d) { continue; }
    let u = mem[start + at * inner];
    if (float) { lanes[found] = bitcast<f32>(leaf(u)); } else { sum += u; }
    found++;
  }
  if (float && found > 0u) { sum = S(bitcast<u32>(G(bitcast<f32>(base) + tree(&lanes, found)))); }
  mem[${p(9)} + i] = sum;`,
);

/**
 * Where each destination's sources begin among the sorted ones, and where the last one's end. Parameters: total = lists *
 * (v + 1), v + 1, n, padded size of a list, keys, result.
 */
const SCATTER_STARTS = shader(
  [],
  `
  let list = i / ${p(1)};
  let d = i % ${p(1)};
  var low = 0u;
  var high = ${p(2)};
  while (low < high) {
    let middle = (low + high) / 2u;
    if (mem[${p(4)} + list * ${p(3)} + middle] < d) { low = middle + 1u; } else { high = middle; }
  }
  mem[${p(5)} + i] = low;`,
);

/**
 * Up to 2048 sources an output (of integers any number), listed by destination; outputs of more keep their base. Parameters: total,
 * v, n, inner, source, starts, positions, padded size of a list, lists an outer and a column are apart, destination, base,
 * 1 for f32.
 */
const SCATTER_SORTED = shader(
  [leaf, snap, chunk],
  `
  let v = ${p(1)};
  let n = ${p(2)};
  let inner = ${p(3)};
  let j = i % inner;
  let d = (i / inner) % v;
  let o = i / (inner * v);
  let start = ${p(4)} + o * n * inner + j;
  let float = ${p(12)} != 0u;
  let list = o * ${p(8)} + j * ${p(9)};
  let first = mem[${p(5)} + list * (v + 1u) + d];
  let count = mem[${p(5)} + list * (v + 1u) + d + 1u] - first;
  let places = ${p(6)} + list * ${p(7)} + first;
  var sum = mem[${p(11)} + i];
  if (!float) {
    for (var t = 0u; t < count; t++) { sum += mem[start + mem[places + t] * inner]; }
  } else if (count > 0u && count <= 2048u) {
    sum = S(bitcast<u32>(G(bitcast<f32>(sum) + chunk(places, count, start, inner))));
  }
  mem[${p(10)} + i] = sum;`,
);

/**
 * Outputs of more than 2048 f32 sources: chunk results go into 64 lanes, results of 2048 chunks into 64 more. These lanes would
 * cost every output their zeros, so the others have a kernel of their own. Among every 2048th of the sorted positions is
 * one of each long list: an invocation looks at one, in a column, and goes on if it is the list's first. Parameters: total =
 * outer * marks * inner, v, n, inner, source, starts, positions, padded size of a list, lists an outer and a column are apart,
 * destination, keys, marks.
 */
const SCATTER_LONG = shader(
  [leaf, snap, chunk],
  `
  let v = ${p(1)};
  let n = ${p(2)};
  let inner = ${p(3)};
  let j = i % inner;
  let mark = ((i / inner) % ${p(12)}) * 2048u;
  let o = i / (inner * ${p(12)});
  let start = ${p(4)} + o * n * inner + j;
  let list = o * ${p(8)} + j * ${p(9)};
  let d = mem[${p(11)} + list * ${p(7)} + mark];
  if (d >= v) { return; }
  let first = mem[${p(5)} + list * (v + 1u) + d];
  let count = mem[${p(5)} + list * (v + 1u) + d + 1u] - first;
  if (count <= 2048u || mark - first >= 2048u) { return; }
  let places = ${p(6)} + list * ${p(7)} + first;
  var one: array<f32, 64>;
  var two: array<f32, 64>;
  var chunks = 0u;
  var rows = 0u;
  for (var t = 0u; t < count; t += 2048u) {
    if (chunks == 2048u) {
      two[rows & 63u] = G(two[rows & 63u] + tree(&one, 64u));
      for (var lane = 0u; lane < 64u; lane++) { one[lane] = bitcast<f32>(gz); }
      rows++;
      chunks = 0u;
    }
    one[chunks & 63u] = G(one[chunks & 63u] + chunk(places + t, min(count - t, 2048u), start, inner));
    chunks++;
  }
  var r = tree(&one, chunks);
  if (rows > 0u) {
    two[rows & 63u] = G(two[rows & 63u] + r);
    r = tree(&two, rows + 1u);
  }
  let place = ${p(10)} + (o * v + d) * inner + j;
  mem[place] = S(bitcast<u32>(G(bitcast<f32>(mem[place]) + r)));`,
);

export const SCATTER_KERNELS = {
  scatterFew: SCATTER_FEW,
  scatterStarts: SCATTER_STARTS,
  scatterSorted: SCATTER_SORTED,
  scatterLong: SCATTER_LONG,
} as const;

export function lowerScatterAdd(l: Lowering, k: Extract<Kernel, { kind: 'scatterAdd' }>): void {
  const { at, word, dispatch, linear, scratch } = l;
  const total = k.outer * k.v * k.inner;
  const shape = [total, k.v, k.n, k.inner].map(word);
  const source = at(k.source, k.sourceOffset);
  const base = at(k.base, k.baseOffset);
  const float = word(k.dtype === 'f32' ? 1 : 0);
  const { index } = k;
  if (k.n <= FEW) {
    const where = [at(index.buffer, index.offset), ...[index.outer, index.axis, index.inner].map(word)];
    dispatch(SCATTER_FEW, [...shape, source, ...where, at(k.out), base, float], linear(total));
    return;
  }
  // Slabs or columns that share their index share a list.
  const slabs = index.outer === 0 ? 1 : k.outer;
  const columns = index.inner === 0 ? 1 : k.inner;
  const count = slabs * columns;
  const size = paddedSize(k.n);
  const sorted: Sorted = { size, keys: scratch(count * size), places: scratch(count * size) };
  // As u32, so that indices out of range come last.
  sortLists(
    l,
    { source: index, dtype: 'u32', descending: false, n: k.n, inner: columns, first: 0, count },
    sorted,
    null,
  );
  const starts = scratch(count * (k.v + 1));
  const entries = count * (k.v + 1);
  dispatch(SCATTER_STARTS, [...[entries, k.v + 1, k.n, size].map(word), sorted.keys, starts], linear(entries));
  const apart = [slabs > 1 ? columns : 0, columns > 1 ? 1 : 0].map(word);
  const lists = [source, starts, sorted.places, word(size), ...apart, at(k.out)];
  dispatch(SCATTER_SORTED, [...shape, ...lists, base, float], linear(total));
  if (k.n <= CHUNK || k.dtype !== 'f32') return;
  const marks = Math.ceil(k.n / CHUNK);
  const looks = k.outer * marks * k.inner;
  dispatch(SCATTER_LONG, [word(looks), ...shape.slice(1), ...lists, sorted.keys, word(marks)], linear(looks));
}
