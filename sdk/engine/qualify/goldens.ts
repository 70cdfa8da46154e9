/**
 * The golden graphs: every op of the scalar IR on edge inputs, the forms that compilers rewrite (the guard tests), and every
 * handwritten kernel. Together they are one program of few kernels, so that a software adapter proves itself in seconds.
 */

import type { DType } from '../../core/dtype.ts';
import { argsort, concat, cumsum, where } from '../../core/functions.ts';
import type { Node } from '../../core/node.ts';
import { iota } from '../../core/ops/leaf.ts';
import type { Runtime } from '../../core/runtime.ts';
import { ofBits } from '../../core/scalar/bits.ts';
import { sizeOf } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { alike, around, N, pairs, scatter, singles, words } from './inputs.ts';

type F = Tensor<'f32'>;
type I = Tensor<'i32'>;
type B = Tensor<'bool'>;

export interface Goldens {
  /** Roots by name, to be computed as one program. */
  readonly roots: ReadonlyMap<string, Node>;
  /** Frees the inputs. */
  dispose(): void;
}

/**
 * What few programs use: names of goldens, and of the kernels that are in no others. A device proves them when a plan first has such
 * a kernel, the rest before it is chosen.
 */
export const LATER = {
  narrow: [/^matmul.*(high|medium)$/, /Exact/],
  int8: [/^matmul.int8/, /Int8/],
  sort: [/^(argsort|scatterAdd.(f32|i32|window)$)/, /^(sort|scatter[SL])/],
} as const;

export type Part = keyof typeof LATER | 'first';
export const PARTS = ['first', ...Object.keys(LATER)] as readonly Part[];

/** The part that a golden is of, or a kernel. */
export const partOf = (name: string, kernel?: 1): Part =>
  PARTS.find((p) => p !== 'first' && LATER[p][kernel ?? 0].test(name)) ?? 'first';

/** Builds the goldens on a runtime. */
export function buildGoldens(rt: Runtime): Goldens {
  const inputs: Tensor[] = [];
  const roots = new Map<string, Node>();
  const add = (family: string, values: Readonly<Record<string, Tensor>>): void => {
    for (const [name, t] of Object.entries(values)) roots.set(`${family}/${name}`, t.node);
  };
  const f32 = (data: ArrayLike<number>, shape = [data.length]): F => {
    const t = rt.tensor(data, shape, 'f32', { nonfinite: 'keep' });
    inputs.push(t);
    return t;
  };
  const i32 = (data: ArrayLike<number>, shape = [data.length]): I => {
    const t = rt.tensor(data, shape, 'i32');
    inputs.push(t);
    return t;
  };
  // Ops that read one computed value go into one kernel. `where` hands a value on as it is.
  const yes = i32(new Int32Array(N).fill(1)).ne(0);
  const tie = <T extends Tensor>(x: T): T => where(yes, x as Tensor, x.neg() as Tensor) as unknown as T;

  functions(add, tie, f32(singles()));
  const [a, b] = pairs().map((x) => f32(x));
  pairwise(add, tie(a), b);
  forms(add, tie, ...([5, 6, 7].map((seed) => f32(alike(seed))) as [F, F, F]));
  integers(add, tie(i32(words(1))), i32(words(2)));
  draws(add, rt);
  contractions(add, f32, (data, shape = [data.length]) => {
    const t = rt.tensor(
      Int8Array.from({ length: sizeOf(shape) }, (_, i) => data[i]),
      shape,
      'i8',
    );
    inputs.push(t);
    return t;
  });
  reductions(add, f32, i32);
  moves(add, f32, i32);
  return {
    roots,
    dispose: () => {
      for (const t of inputs) t.dispose();
    },
  };
}

type Add = (family: string, values: Readonly<Record<string, Tensor>>) => void;
type Tie = <T extends Tensor>(x: T) => T;
type Upload<T> = (data: ArrayLike<number>, shape?: number[]) => T;

type Methods = Readonly<Record<string, (...operands: readonly Tensor[]) => Tensor>>;

/** Methods on their operands, by their names, or as `name:method`. */
const each = (methods: string, x: Tensor, ...operands: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(
    methods.split(' ').map((m) => {
      const [name, method = name] = m.split(':');
      return [name, (x as unknown as Methods)[method](...operands)];
    }),
  );
const EXTREMES = 'max:maximum min:minimum';
const ORDERS = 'lt le';

const casts = (x: Tensor, ...dtypes: readonly DType[]): Record<string, Tensor> =>
  Object.fromEntries(dtypes.map((to) => [`${x.dtype} to ${to}`, x.cast(to)]));

/** N3, N5 and N9 on one operand. */
function functions(add: Add, tie: Tie, x: F): void {
  const u = tie(x);
  add('function', each('exp log sqrt rsqrt sin cos tanh sigmoid softplus erf', u));
  const v = tie(u);
  add('round', each('floor ceil trunc round', v));
  add('sign', each('neg abs sign isFinite', v));
  add('cast', casts(v, 'i32', 'u32', 'bool', 'f16', 'bf16'));
  for (const half of ['f16', 'bf16'] as const) add('cast', casts(v.cast(half), 'f32'));
  add('cast', casts(v, 'i8', 'u8'));
}

/** N1 and N3 on two operands. */
function pairwise(add: Add, a: F, b: F): void {
  add('arithmetic', each('add sub mul div pow', a, b));
  add('order', each(EXTREMES, a, b));
  add('compare', each(`eq ne ${ORDERS}`, a, b));
  // A NaN that arithmetic made, of whatever pattern.
  const t = b.sub(b);
  add('NaN', { ...each(EXTREMES, t, a), eq: t.eq(t), lt: t.lt(a), ...casts(t, 'u32') });
  // A difference of equal numbers, and a zero as a factor: folded, they lose Inf and NaN.
  add('guard', { 'a-a': a.sub(a), 'a*0': a.mul(a.sub(a)), 'a+(-a)': a.add(a.neg()) });
}

/** The guard tests: what a compiler contracts, reassociates, distributes or folds. */
function forms(add: Add, tie: Tie, x: F, b: F, c: F): void {
  const a = tie(x);
  const [tenth, third, magic] = [Math.fround(0.1), Math.fround(0.3), 1.5 * 2 ** 23];
  const t = a.add(b);
  const v = t.sub(a);
  let dot = a.mul(b);
  for (let k = 1; k < 8; k++) dot = dot.add(a.mul(b.add(k)));
  add('guard', {
    'a*b+c': a.mul(b).add(c),
    '((a+b)-a)-b': t.sub(a).sub(b),
    'a*c+b*c': a.mul(c).add(b.mul(c)),
    '(a*0.1)*0.3': a.mul(tenth).mul(third),
    '(a+0.1)+0.3': a.add(tenth).add(third),
    '(a+M)-M': a.add(magic).sub(magic),
    'error of TwoSum': a.sub(t.sub(v)).add(b.sub(v)),
  });
  add('guard', { 'dot of 8 terms': dot });
}

/** Integers modulo 2^32, bool logic and select. */
function integers(add: Add, p: I, q: I): void {
  add('i32', each('neg abs sign', p));
  add('i32', each(`add sub mul ${EXTREMES} ${ORDERS}`, p, q));
  add('cast', casts(p, 'f32', 'bool', 'i8'));
  const [u, w] = [p.cast('u32').add(1), q.cast('u32')];
  add('u32', { ...each('sign', u), ...each(`${EXTREMES} eq ne ${ORDERS}`, u, w) });
  add('cast', casts(u, 'f32'));
  const [l, m]: [B, B] = [p.lt(q), p.cast('bool')];
  add('bool', { ...each('and or xor', l, m), ...each('not', l), where: where(l, p, q) });
}

/** N8. */
function draws(add: Add, rt: Runtime): void {
  const rng = rt.rng.withSeed(0x243f6a8885a308d3n).at(0x299f31d0);
  add('random', { bits: rng.bits('qualify', [N]), uniform: rng.uniform('qualify', [N]) });
  add('random', { normal: rng.normal('qualify', [N]), iota: new Tensor(iota(rt.tensor([0]).node.graph, N)) });
}

/** N6: tiles, chunks of 256, both orientations, batches, the window, Inf and NaN. */
function contractions(add: Add, f32: Upload<F>, i8: Upload<Tensor<'i8'>>): void {
  const a = f32(alike(11, 9 * 600), [9, 600]);
  const b = f32(alike(12, 600 * 11), [600, 11]);
  add('matmul', {
    chunks: a.matmul(b),
    'with epilogue': a
      .matmul(b)
      .add(f32(alike(13, 11)))
      .relu(),
  });
  // Three chunks are made at once, two in turn.
  add('matmul', { long: f32(alike(43, 17 * 600), [17, 600]).matmul(f32(alike(44, 600 * 18), [600, 18])) });
  const c = f32(alike(14, 3 * 5 * 7), [3, 5, 7]);
  const d = f32(alike(15, 6 * 5), [6, 5]);
  add('matmul', { 'batched, transposed': c.matmul(d, { transposeA: true, transposeB: true }) });
  // Both sides wide, one of small numbers, so that the window shows.
  const wide = f32(alike(19, 2 * 65 * 300), [2, 65, 300]);
  const other = f32(around(-51, 20, 300 * 66), [300, 66]);
  add('matmul', {
    packed: wide.matmul(other),
    'packed, transposed': other.matmul(wide, { transposeA: true, transposeB: true }),
  });
  add('matmul', { 'two chunks': f32(alike(45, 5 * 300), [5, 300]).matmul(other.slice(null, [0, 7])) });
  // Large tiles of operands that are not packed; right sides that are walked.
  const [flat, thin] = [f32(alike(46, 40 * 600), [40, 600]), f32(around(-51, 47, 600 * 60), [600, 60])];
  const cut = f32(alike(48, 3 * 5 * 5 * 13 * 14), [3, 5, 5, 13, 14]);
  const walk = cut.slice(null, [0, 4], [0, 4], [0, 12], [0, 12]).reshape([48, 144]) as F;
  add('matmul', {
    wide: flat.matmul(thin),
    'wide, high': flat.matmul(thin, { precision: 'high' }),
    'wide, walked': thin.slice([0, 48], [0, 16]).transpose().matmul(walk),
    'walked, transposed': flat.slice(null, [0, 144]).matmul(walk, { transposeB: true }),
    'packed, walked': thin.slice([0, 64], [0, 48]).matmul(walk),
  });
  // Wide enough to be packed first.
  const large = f32(alike(49, 2 * 130 * 270), [2, 130, 270]);
  add('matmul', {
    large: large.matmul(large, { transposeB: true }),
    'large, walked': thin.slice([0, 128], [0, 48]).matmul(walk),
    'large, high': large.matmul(large, { precision: 'high', transposeB: true }),
  });
  const window = f32(around(-51, 16, 8 * 40), [8, 40]);
  add('matmul', { window: window.matmul(window, { transposeB: true }) });
  // Rounded operands (ties, carries, both sides of the limit), whose exact products a device may fuse.
  const near = f32([...around(62, 41, 40), ...singles().slice(0, 600)], [8, 80]);
  const small = f32(alike(42, 80 * 6), [80, 6]);
  const [high, medium] = [{ precision: 'high' }, { precision: 'medium' }] as const;
  add('matmul', {
    high: a.matmul(b, high),
    medium: c.matmul(d, { ...medium, transposeA: true, transposeB: true }),
    'packed, high': wide.matmul(other, high),
    'limit, high': near.matmul(small, high),
    'limit, medium': near.matmul(small, medium),
  });
  const [p, q] = [i8(words(43), [5, 70]), i8(words(44), [70, 9])];
  add('matmul', { int8: p.matmul(q), 'int8, transposed': q.matmul(p, { transposeA: true, transposeB: true }) });
  const infinite = alike(17, 64);
  for (const [i, v] of [Infinity, -Infinity, NaN, 0, ofBits(0x7f7fffff)].entries()) infinite[i * 9] = v;
  const e = f32(infinite, [8, 8]);
  add('matmul', { 'Inf and NaN': e.matmul(f32(alike(18, 64), [8, 8])), 'zero rows': e.matmul(e) });
}

/** N7: lanes, chunks and levels, rows and columns, the load rule, ties, NaN. */
function reductions(add: Add, f32: Upload<F>, i32: Upload<I>): void {
  const rows = f32(alike(21, 2 * 4500), [2, 4500]);
  const tiny = f32(around(-102, 22, 4 * 300), [4, 300]);
  add('sum', { rows: rows.sum(1), columns: rows.sum(0), 'with prologue': rows.mul(rows).sum(1), window: tiny.sum(1) });
  const next = scatter(23);
  add('cumsum', { rows: cumsum(rows, 1), columns: cumsum(rows, 0), window: cumsum(tiny, 1) });
  const n = i32(
    Int32Array.from({ length: 2 * 2100 }, () => next() | 0),
    [2, 2100],
  );
  add('sum', { integers: n.sum(1) });
  add('cumsum', { integers: cumsum(n, 1) });
  add('argsort', { integers: argsort(n, 1), 'unsigned, descending': argsort(n.cast('u32'), 0, { descending: true }) });
  // Coarse values, so that the greatest is met more than once.
  const coarse = rows.mul(4).round();
  const holes = alike(24, 3 * 50);
  holes[70] = Number.NaN;
  holes[90] = Number.NaN;
  holes[120] = Infinity;
  const special = f32(holes, [3, 50]);
  add('max', { rows: coarse.max(1), NaN: special.max(1), i32: n.max(1), u32: n.cast('u32').max(1) });
  add('max', { 'NaN of Inf-Inf': special.sub(special).max(1) });
  // Ties, and lists of several tiles.
  add('argsort', { rows: argsort(coarse, 1, { descending: true }), NaN: argsort(special), columns: argsort(rows, 0) });
  add('argmax', { rows: coarse.argmax(1), NaN: special.argmax(1), columns: rows.argmax(0) });
}

/** Gather, scatterAdd and the moves. */
function moves(add: Add, f32: Upload<F>, i32: Upload<I>): void {
  const next = scatter(31);
  const x = f32(alike(32, 7 * 6), [7, 6]);
  const at = i32(
    Int32Array.from({ length: 30 }, (_, i) => (i === 11 ? 7 : i === 20 ? -1 : next() % 7)),
    [5, 6],
  );
  const whole = i32(words(3).slice(0, 42), [7, 6]);
  add('gather', { f32: x.gather(at, 0), i32: whole.gather(at, 0), f16: x.cast('f16').gather(at, 0) });
  const many = f32(alike(33, 4200), [4200]);
  const base = f32(alike(34, 5), [5]);
  // One destination has more sources than a chunk of R, one has none.
  const to = i32(Int32Array.from({ length: 4200 }, () => [0, 0, 0, 1, 3, 9][next() % 6]));
  add('scatterAdd', { f32: base.scatterAdd(to, many, 0) });
  add('scatterAdd', { i32: i32([1, 2, 3, 4, 5]).scatterAdd(to, to.mul(0x10001), 0) });
  // Few sources, and many; what is left beside a base below the window is below 2^-125.
  const near = f32([ofBits(0x8c7fffff), ofBits(0x0c7fffff), 1]);
  const edge = f32([ofBits(0x0c800000), ofBits(0x8c800000), ...alike(35, 68)]);
  const ends = i32(Int32Array.from({ length: 70 }, (_, i) => Math.min(i, 2)));
  add('scatterAdd', {
    few: f32(alike(36, 14), [7, 2]).scatterAdd(i32([3, 5, 3, 9, 3, -1, 5, 0], [8, 1]), f32(alike(37, 16), [8, 2]), 0),
    'few integers': i32([1, 2, 3]).scatterAdd(i32([2, 0, 2]), i32([5, 6, 7]), 0),
    'few, window': near.scatterAdd(ends.slice([0, 2]), edge.slice([0, 2]), 0),
    window: near.scatterAdd(ends, edge, 0),
  });
  add('move', {
    pad: x.pad(
      [
        [1, 2],
        [0, 1, 2],
      ],
      1.5,
    ),
    concat: concat([x, x.neg()], 1),
  });
  add('move', {
    'permute and slice': x.transpose().slice([null, null, 2], [5, 0, -2]),
    stretched: x.add(x.slice([0, 1])),
  });
}
