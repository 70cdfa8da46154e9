/** Sums along an axis (N7): prefixes of chunks of 256, then what lies before each chunk, then both added. */

import { guard, leaf, snap, wgsl } from '../../../wgsl/functions/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Lowering } from './lowering.ts';
import { parameter as p, shader } from './shader.ts';

/** Elements of a chunk. */
const CHUNK = 256;

/** a + b: guarded as f32, or as integers. */
const plus = wgsl(
  'plus',
  [guard, snap],
  `fn plus(a: u32, b: u32, float: bool) -> u32 {
  if (!float) { return a + b; }
  return S(bitcast<u32>(G(bitcast<f32>(a) + bitcast<f32>(b))));
}`,
);

/**
 * The prefixes of one chunk of one column an invocation. Parameters: total = outer * chunks * inner, n, chunks, inner, source,
 * its slab and step, destination, 1 for f32.
 */
const PREFIX = shader(
  [leaf, plus],
  `
  let n = ${p(1)};
  let chunks = ${p(2)};
  let inner = ${p(3)};
  let column = i % inner;
  let o = (i / inner) / chunks;
  let first = ((i / inner) % chunks) * 256u;
  let end = min(first + 256u, n);
  let float = ${p(8)} != 0u;
  var source = ${p(4)} + o * ${p(5)} + first * ${p(6)} + column;
  var place = ${p(7)} + (o * n + first) * inner + column;
  var sum = 0u;
  for (var r = first; r < end; r++) {
    let u = mem[source];
    sum = plus(sum, select(u, leaf(u), float), float);
    mem[place] = sum;
    source += ${p(6)};
    place += inner;
  }`,
);

/** What lies before each chunk: the totals of those before it. Parameters: total = outer * inner, n, chunks, inner, prefixes, result, 1 for f32. */
const CARRY = shader(
  [plus],
  `
  let n = ${p(1)};
  let chunks = ${p(2)};
  let inner = ${p(3)};
  let column = i % inner;
  let o = i / inner;
  let before = ${p(5)} + o * chunks * inner + column;
  var sum = 0u;
  mem[before] = sum;
  for (var c = 1u; c < chunks; c++) {
    sum = plus(sum, mem[${p(4)} + (o * n + c * 256u - 1u) * inner + column], ${p(6)} != 0u);
    mem[before + c * inner] = sum;
  }`,
);

/** Parameters: total = outer * n * inner, n, chunks, inner, prefixes, what lies before each chunk, 1 for f32. */
const SHIFT = shader(
  [plus],
  `
  let n = ${p(1)};
  let inner = ${p(3)};
  let c = ((i / inner) % n) / 256u;
  let o = i / (inner * n);
  let before = mem[${p(5)} + (o * ${p(2)} + c) * inner + i % inner];
  mem[${p(4)} + i] = plus(before, mem[${p(4)} + i], ${p(6)} != 0u);`,
);

export const CUMSUM_KERNELS = { cumsumPrefix: PREFIX, cumsumCarry: CARRY, cumsumShift: SHIFT } as const;

export function lowerCumsum(
  { at, dispatch, linear, scratch, word }: Lowering,
  k: Extract<Kernel, { kind: 'cumsum' }>,
): void {
  const chunks = Math.ceil(k.n / CHUNK);
  const columns = k.outer * k.inner;
  const shape = [k.n, chunks, k.inner].map(word);
  const to = at(k.out);
  const float = word(k.dtype === 'f32' ? 1 : 0);
  const source = [at(k.source, k.sourceOffset), word(k.slab), word(k.step)];
  dispatch(PREFIX, [word(columns * chunks), ...shape, ...source, to, float], linear(columns * chunks));
  if (chunks === 1) return;
  const before = scratch(columns * chunks);
  dispatch(CARRY, [word(columns), ...shape, to, before, float], linear(columns));
  dispatch(SHIFT, [word(columns * k.n), ...shape, to, before, float], linear(columns * k.n));
}
