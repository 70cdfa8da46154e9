/**
 * The order along an axis (N7) by a bitonic network of fixed comparisons. A list is padded to a power of two; its entries are
 * pairs of a key and a position, of which no two are alike, so that every network ends in the same order. An invocation takes 16
 * entries through as many steps as lie among them: four of a stage, or all up to k = 16. Nothing is shared, so nothing waits.
 */

import { order, wgsl } from '../../../wgsl/functions/index.ts';
import type { DType } from '../../core/dtype.ts';
import type { Kernel, Sides } from '../kernel.ts';
import type { Lowering, Place } from './lowering.ts';
import { parameter as p, shader } from './shader.ts';

/** Entries of an invocation. */
const HELD = 16;
/** Entries of the lists that are sorted at once, where there are several: what is bound for more would be scratch alone. */
const MOST = 2 ** 22;

const HOLD = Array.from({ length: HELD }, (_, m) => m);
const lines = (of: readonly string[]): string => of.join('\n');

const above = wgsl(
  'above',
  [],
  `fn above(a: vec2<u32>, b: vec2<u32>) -> bool {
  return (a.x > b.x) | ((a.x == b.x) & (a.y > b.y));
}`,
);

/** Puts the pairs of held entries that are j apart in order: up where `up` says so for the lower one. */
const step = (j: number, up: (m: number) => string): string =>
  lines(
    HOLD.filter((m) => (m & j) === 0).map(
      (m) => `    if (above(e${m}, e${m + j}) == ${up(m)}) { let t = e${m}; e${m} = e${m + j}; e${m + j} = t; }`,
    ),
  );

/** Writes positions to the result, or keys and positions to scratch. */
const store = (place: (m: number) => string, at: number): string => `
  if (${p(at)} != 0u) {
${lines(HOLD.map((m) => `    put(e${m}, ${place(m)});`))}
  } else {
${lines(HOLD.map((m) => `    keep(e${m}, ${place(m)});`))}
  }`;

/**
 * What both kernels end with. Their parameters begin alike: total = entries / 16, padded size of a list, n, inner size, first
 * list, keys and positions in scratch, result.
 */
const stores = wgsl(
  'stores',
  [],
  `fn keep(e: vec2<u32>, i: u32) {
  mem[${p(5)} + i] = e.x;
  mem[${p(6)} + i] = e.y;
}
fn put(e: vec2<u32>, i: u32) {
  let position = i % ${p(1)};
  let list = i / ${p(1)} + ${p(4)};
  let inner = ${p(3)};
  if (position < ${p(2)}) { mem[${p(7)} + ((list / inner) * ${p(2)} + position) * inner + list % inner] = e.y; }
}`,
);

/**
 * Reads the source, padded behind n, and sorts runs of 16. Parameters besides: 1 writes the result, source (place, outer, axis,
 * inner), element (0 f32, 1 i32, 2 u32), bits that flip a key.
 */
const SORT_FIRST = shader(
  [
    order,
    above,
    stores,
    wgsl(
      'entry',
      [order],
      `fn entry(i: u32) -> vec2<u32> {
  let position = i % ${p(1)};
  let list = i / ${p(1)} + ${p(4)};
  if (position >= ${p(2)}) { return vec2<u32>(0xffffffffu, position); }
  let u = mem[${p(9)} + (list / ${p(3)}) * ${p(10)} + position * ${p(11)} + (list % ${p(3)}) * ${p(12)}];
  return vec2<u32>(select(u, bitcast<u32>(order(u)), ${p(13)} == 0u) ^ ${p(14)}, position);
}`,
    ),
  ],
  `
  let first = i * 16u;
  let up = ((first % ${p(1)}) & 16u) == 0u;
${lines(HOLD.map((m) => `  var e${m} = entry(first + ${m}u);`))}
  {
${lines([2, 4, 8].flatMap((k) => [4, 2, 1].filter((j) => j < k).map((j) => step(j, (m) => String((m & k) === 0)))))}
${lines([8, 4, 2, 1].map((j) => step(j, () => 'up')))}
  }
  ${store((m) => `first + ${m}u`, 8)}`,
);

/**
 * Up to four steps of stage k, of entries that are s apart: 8s, 4s, 2s, s. Parameters besides: 1 writes the result, s, k, steps.
 */
const SORT_PASS = shader(
  [above, stores],
  `
  let s = ${p(9)};
  let first = (i / s) * 16u * s + i % s;
  let up = ((first % ${p(1)}) & ${p(10)}) == 0u;
${lines(HOLD.map((m) => `  var e${m} = vec2<u32>(mem[${p(5)} + first + ${m}u * s], mem[${p(6)} + first + ${m}u * s]);`))}
${lines([8, 4, 2, 1].map((j, q) => `  if (${p(11)} > ${q}u) {\n${step(j, () => 'up')}\n  }`))}
  ${store((m) => `first + ${m}u * s`, 8)}`,
);

export const SORT_KERNELS = { sortFirst: SORT_FIRST, sortPass: SORT_PASS } as const;

/** Lists to sort: those of [outer, n, inner], or fewer where others are the same. */
export interface Lists {
  readonly source: Sides;
  readonly dtype: DType;
  readonly descending: boolean;
  readonly n: number;
  readonly inner: number;
  readonly first: number;
  readonly count: number;
}

/** Sorted keys and positions in scratch, `size` apart from list to list. */
export interface Sorted {
  readonly keys: Place;
  readonly places: Place;
  readonly size: number;
}

export const paddedSize = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(n, HELD)));

/** Sorts lists in scratch; their positions go to `result` where it is given. */
export function sortLists({ at, word, dispatch, linear }: Lowering, o: Lists, to: Sorted, result: Place | null): void {
  const { size } = to;
  const total = (o.count * size) / HELD;
  const element = o.dtype === 'f32' ? 0 : o.dtype === 'i32' ? 1 : 2;
  const flip = (element === 2 ? 0 : 0x80000000) ^ (o.descending ? 0xffffffff : 0);
  const { source } = o;
  const lists = [...[total, size, o.n, o.inner, o.first].map(word), to.keys, to.places, result ?? word(0)];
  const writes = (last: boolean) => word(result !== null && last ? 1 : 0);
  dispatch(
    SORT_FIRST,
    [
      ...lists,
      writes(size === HELD),
      at(source.buffer, source.offset),
      ...[source.outer, source.axis, source.inner, element, flip].map(word),
    ],
    linear(total),
  );
  for (let k = 2 * HELD; k <= size; k *= 2) {
    // The last pass takes the last four steps, so the first takes what is over.
    let steps = Math.log2(k) % 4 || 4;
    for (let j = k / 2; j >= 1; j /= 2 ** steps, steps = 4) {
      dispatch(SORT_PASS, [...lists, writes(k === size && j === 8), ...[j / 8, k, steps].map(word)], linear(total));
    }
  }
}

export function lowerArgsort(l: Lowering, k: Extract<Kernel, { kind: 'argsort' }>): void {
  const size = paddedSize(k.n);
  const lists = k.outer * k.inner;
  const most = Math.min(lists, Math.max(1, Math.floor(MOST / size)));
  // One run of 16 needs no memory between its beginning and its end.
  const between = size > HELD ? most * size : 0;
  const at = { size, keys: l.scratch(between), places: l.scratch(between) };
  for (let first = 0; first < lists; first += most) {
    sortLists(l, { ...k, first, count: Math.min(most, lists - first) }, at, l.at(k.out));
  }
}
