/**
 * Pooling over the last axes (N7, N12): the largest of each window with its tap, sums over windows, and their transpose. A tap is
 * numbered in its window as kh*KW+kw.
 *
 * - `maxPool`: the largest; padding is absent, NaN wins. `poolIndex`: the first tap that has it, as i32.
 * - `poolSum`: R over each window, padding +0; with an index, of the tap that it names, the others being +0.
 * - `poolSpread`: R over the taps by which an element was reached, of what their windows got; with an index, of the windows
 *   that name the tap. It is the transpose of poolSum, and poolSum of it: so their derivatives close.
 */

import { apply } from '../build.ts';
import { type Attrs, type Node, needDType } from '../node.ts';
import type { Op } from '../op.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { abs, add, maximum, neg } from './arithmetic.ts';
import { eq, ge, lt, ne, or } from './compare.ts';
import type { Operand } from './elementwise.ts';
import { constant, iota } from './leaf.ts';
import { broadcast, concat, type PadSpec, permute, type Range, reshape, slice } from './move.ts';
import { max, sum } from './reduce.ts';
import { where } from './select.ts';
import {
  backSlides,
  frame,
  fromAttrs,
  places,
  type Slide,
  type Sliding,
  slides,
  spread,
  toAttrs,
  windows,
} from './windows.ts';

/** Windows of so many taps are walked tap by tap, in one fused program; larger ones are reduced. The bits are the same. */
const FEW = 16;
/** Below it R reads +0 (N7). */
const LEAF = 2 ** -102;

/** The taps of all windows. */
interface Taps {
  /** Each tap's elements [.., O..]; or one with all taps, on axes in front. */
  readonly values: readonly Node[];
  /** The tap of each. */
  readonly numbers: readonly Operand[];
  /** Axes in front. */
  readonly axes: number;
}

/** Taps `from` .. `from + taps` of each axis of a kernel of these sizes. */
function tapsOf(x: Node, axes: readonly Slide[], kernel: readonly number[], from = axes.map(() => 0)): Taps {
  const s = axes.length;
  const lead = x.shape.length - s;
  if (sizeOf(kernel) > FEW) {
    const at = [...Array.from({ length: s }, (_, i) => lead + i)];
    const rest = Array.from({ length: lead + 2 * s }, (_, i) => i).filter((i) => !at.includes(i));
    const own = slice(
      reshape(iota(x.graph, sizeOf(kernel)), kernel),
      axes.map((a, i): Range => [from[i], from[i] + a.taps]),
    );
    const numbers = reshape(own, [...own.shape, ...rest.map(() => 1)]);
    return { values: [permute(windows(x, axes), [...at, ...rest])], numbers: [numbers], axes: s };
  }
  const values: Node[] = [];
  const numbers: number[] = [];
  const walk = (i: number, ranges: readonly Range[], number: number): void => {
    if (i === s) {
      values.push(slice(x, ranges));
      numbers.push(number);
      return;
    }
    const a = axes[i];
    for (let k = 0; k < a.taps; k++) {
      const first = a.start + k * a.tap;
      const range: Range = [first, first + (a.count - 1) * a.stride + 1, a.stride];
      walk(i + 1, [...ranges, range], number * kernel[i] + from[i] + k);
    }
  };
  walk(
    0,
    Array.from({ length: lead }, () => null),
    0,
  );
  return { values, numbers, axes: 0 };
}

const front = (t: Taps) => Array.from({ length: t.axes }, (_, i) => i);
const leaf = (x: Node): Node => where(lt(abs(x), LEAF), 0, x);

/** R over the taps, all of them, in their order: few enough that each has a lane of its own (N7). */
function total(t: Taps, values: readonly Node[]): Node {
  if (t.axes > 0) return sum(values[0], front(t));
  const lanes = values.map(leaf);
  for (let s = 32; s > 0; s >>= 1) {
    for (let i = 0; i + s < lanes.length; i++) lanes[i] = add(lanes[i], lanes[i + s]);
    lanes.length = Math.min(lanes.length, s);
  }
  return lanes[0];
}

/** Neighbouring outputs of one axis whose windows have the same taps on it: padding is absent. */
interface Run {
  readonly from: number;
  readonly count: number;
  readonly tap: number;
  readonly taps: number;
}

export function runsOf(a: Sliding): Run[] {
  const runs: Run[] = [];
  for (let o = 0; o < places(a); o++) {
    const start = o * a.stride - a.low;
    const tap = Math.max(0, Math.ceil(-start / a.dilation));
    const taps = Math.min(a.kernel, Math.floor((a.size - 1 - start) / a.dilation) + 1) - tap;
    const last = runs.at(-1);
    if (last?.tap === tap && last.taps === taps) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ from: o, count: 1, tap, taps });
  }
  return runs;
}

/** One value for all windows, made for each set of neighbours that have the same taps. */
function byRun(
  axes: readonly Sliding[],
  lead: number,
  make: (runs: readonly Run[]) => Node,
  chosen: readonly Run[] = [],
): Node {
  const i = chosen.length;
  if (i === axes.length) return make(chosen);
  return concat(
    runsOf(axes[i]).map((r) => byRun(axes, lead, make, [...chosen, r])),
    lead + i,
  );
}

/** What taps of x the windows of some runs have. */
const tapsOfRuns = (x: Node, axes: readonly Sliding[], runs: readonly Run[]): Taps =>
  tapsOf(
    x,
    runs.map((r, i) => {
      const a = axes[i];
      const start = r.from * a.stride - a.low + r.tap * a.dilation;
      return { start, tap: a.dilation, taps: r.taps, stride: a.stride, count: r.count };
    }),
    axes.map((a) => a.kernel),
    runs.map((r) => r.tap),
  );

const leading = (x: Node, axes: readonly Sliding[]): Shape => x.shape.slice(0, -axes.length);
const outShape = (x: Node, attrs: Attrs): Shape => {
  const axes = fromAttrs(attrs);
  return [...leading(x, axes), ...axes.map(places)];
};

export const MAX_POOL: Op = {
  name: 'maxPool',
  kind: 'composite',
  infer([x], attrs) {
    needDType('maxPool', x, ['f32']);
    return { shape: outShape(x, attrs), dtype: 'f32' };
  },
  expand([x], attrs) {
    const axes = fromAttrs(attrs);
    return byRun(axes, x.shape.length - axes.length, (runs) => {
      const t = tapsOfRuns(x, axes, runs);
      return t.axes > 0 ? max(t.values[0], front(t)) : t.values.reduce((a, b) => maximum(a, b));
    });
  },
  vjp: (g, { inputs: [x], attrs, y }) => apply(POOL_SPREAD, [g, apply(POOL_INDEX, [x, y], attrs)], attrs),
  jvp: (t, { inputs: [x], attrs, y }) => apply(POOL_SUM, [t, apply(POOL_INDEX, [x, y], attrs)], attrs),
};

/** Of x and its maxPool. */
export const POOL_INDEX: Op = {
  name: 'poolIndex',
  kind: 'composite',
  infer: ([x], attrs) => {
    needDType('poolIndex', x, ['f32']);
    return { shape: outShape(x, attrs), dtype: 'i32' };
  },
  expand([x, y], attrs) {
    const axes = fromAttrs(attrs);
    const lead = x.shape.length - axes.length;
    const all = axes.reduce((n, a) => n * a.kernel, 1);
    return byRun(axes, lead, (runs) => {
      const t = tapsOfRuns(x, axes, runs);
      const own = slice(y, [
        ...y.shape.slice(0, lead).map((): Range => null),
        ...runs.map((r): Range => [r.from, r.from + r.count]),
      ]);
      // No tap is greater than y; and where y is NaN, the taps that are NaN have it.
      const has = t.values.map((v) => or(ge(v, own), ne(v, v)));
      if (t.axes > 0) {
        const before = where(has[0], add(neg(t.numbers[0] as Node), all), 0);
        return add(neg(max(before, front(t))), all);
      }
      const last = broadcast(constant(x.graph, t.numbers[t.numbers.length - 1] as number, 'i32'), own.shape);
      return has.slice(0, -1).reduceRight((rest, hit, i) => where(hit, t.numbers[i], rest), last);
    });
  },
};

export const POOL_SUM: Op = {
  name: 'poolSum',
  kind: 'composite',
  infer([x], attrs) {
    needDType('poolSum', x, ['f32']);
    return { shape: outShape(x, attrs), dtype: 'f32' };
  },
  expand([x, index], attrs) {
    const axes = fromAttrs(attrs);
    const padded = frame(
      x,
      axes.map((a): PadSpec => [a.low, a.high]),
    );
    const t = tapsOf(
      padded,
      slides(axes),
      axes.map((a) => a.kernel),
    );
    return total(t, index ? t.values.map((v, i) => where(eq(index, t.numbers[i]), v, 0)) : t.values);
  },
  vjp: (g, { inputs: [, ...index], attrs }) => apply(POOL_SPREAD, [g, ...index], attrs),
  jvp: (t, { inputs: [, ...index], attrs }) => apply(POOL_SUM, [t, ...index], attrs),
};

export const POOL_SPREAD: Op = {
  name: 'poolSpread',
  kind: 'composite',
  infer([g], attrs) {
    needDType('poolSpread', g, ['f32']);
    const axes = fromAttrs(attrs);
    return { shape: [...leading(g, axes), ...axes.map((a) => a.size)], dtype: 'f32' };
  },
  expand([g, index], attrs) {
    const axes = fromAttrs(attrs);
    const kernel = axes.map((a) => a.kernel);
    if (axes.every((a) => a.stride === a.kernel && a.dilation === 1 && a.low === 0)) return beside(g, index, axes);
    const taps = (z: Node) => tapsOf(z, backSlides(axes), kernel);
    const t = taps(spread(g, axes));
    const names = index && taps(spread(index, axes, -1));
    return total(t, names ? t.values.map((v, i) => where(eq(names.values[i], t.numbers[i]), v, 0)) : t.values);
  },
  vjp: (h, { inputs: [, ...index], attrs }) => apply(POOL_SUM, [h, ...index], attrs),
  jvp: (t, { inputs: [, ...index], attrs }) => apply(POOL_SPREAD, [t, ...index], attrs),
};

/** poolSpread where windows lie side by side: each element is reached by one tap, so R of it is its leaf. */
function beside(g: Node, index: Node | undefined, axes: readonly Sliding[]): Node {
  const lead = leading(g, axes);
  const apart = (of: (a: Sliding) => readonly number[]) => axes.flatMap(of);
  const open = (z: Node) => reshape(z, [...lead, ...apart((a) => [places(a), 1])]);
  const full = [...lead, ...apart((a) => [places(a), a.kernel])];
  const numbers = reshape(
    iota(
      g.graph,
      axes.reduce((n, a) => n * a.kernel, 1),
    ),
    apart((a) => [1, a.kernel]),
  );
  const each = open(leaf(g));
  const wide = index ? where(eq(open(index), numbers), each, 0) : broadcast(each, full);
  return frame(
    reshape(wide, [...lead, ...axes.map((a) => places(a) * a.kernel)]),
    axes.map((a): PadSpec => [0, a.size - places(a) * a.kernel]),
  );
}

export const maxPool = (x: Node, axes: readonly Sliding[]): Node => apply(MAX_POOL, [x], toAttrs(axes));
export const poolSum = (x: Node, axes: readonly Sliding[]): Node => apply(POOL_SUM, [x], toAttrs(axes));

/** Elements of each window that are no padding, as numbers [O..]. */
export function tapCounts(like: Node, axes: readonly Sliding[]): Node {
  const one = (n: number, shape: Shape) => broadcast(constant(like.graph, n, 'f32'), shape);
  return byRun(axes, 0, (runs) =>
    one(
      runs.reduce((n, r) => n * r.taps, 1),
      runs.map((r) => r.count),
    ),
  );
}
