/** Every op with a derivative, beside the same function of Taylor series in doubles. */

import { apply } from '../sdk/core/build.ts';
import { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../sdk/core/convolution.ts';
import { concat, cumsum, logSoftmax, logSumExp, mean, min, softmax, sort, topK, where } from '../sdk/core/functions.ts';
import { jvp } from '../sdk/core/jvp.ts';
import { bceWithLogits } from '../sdk/core/ops/composite.ts';
import { CONV_WEIGHT } from '../sdk/core/ops/conv.ts';
import { POOL_SPREAD } from '../sdk/core/ops/pool.ts';
import { toAttrs } from '../sdk/core/ops/windows.ts';
import { avgPool1d, avgPool2d, maxPool1d, maxPool2d } from '../sdk/core/pooling.ts';
import type { Shape } from '../sdk/core/shape.ts';
import { Tensor } from '../sdk/core/tensor.ts';
import type { ReferenceGraph } from './reference/graph.ts';
import {
  ERF,
  EXP,
  flat,
  LOG,
  logistic,
  type Many,
  minus,
  over,
  plus,
  power,
  type Series,
  TANH,
  through,
  times,
  total,
} from './series.ts';

type F32 = Tensor<'f32'>;

export interface Derivative {
  name: string;
  shapes: readonly Shape[];
  /** Inputs are drawn from here, away from kinks and poles. */
  range: readonly [number, number];
  y: (...x: F32[]) => F32;
  oracle: (...x: Many[]) => Many;
  /** Linear ops are cubed so that there is a second and a third derivative. */
  cube?: boolean;
  /** Relative error of an operand, where the op rounds it. */
  coarse?: number;
}

const each =
  (d: (x: number) => readonly number[]) =>
  (x: Many): Many =>
    x.map((a) => through(a, d));
const unary = (
  name: string,
  y: (x: F32) => F32,
  range: [number, number],
  d: (x: number) => readonly number[],
): Derivative => ({
  name,
  shapes: [[7]],
  range,
  y,
  oracle: each(d),
});
/** [3, 1] and [2] to [3, 2]. */
const binary = (
  name: string,
  y: (a: F32, b: F32) => F32,
  range: [number, number],
  op: (a: Series, b: Series) => Series,
  cube = false,
): Derivative => ({
  name,
  shapes: [[3, 1], [2]],
  range,
  y,
  oracle: (a, b) => [0, 1, 2, 3, 4, 5].map((i) => op(a[i >> 1], b[i & 1])),
  cube,
});
/** A pure move: `from` gives for each result element the operand's element, or -1 for the fill value. */
const move = (name: string, shape: Shape, y: (x: F32) => F32, from: readonly number[], fill = 0): Derivative => ({
  name,
  shapes: [shape],
  range: [-2, 2],
  y,
  oracle: (x) => from.map((i) => (i < 0 ? flat(fill) : x[i])),
  cube: true,
});

const logits = (x: Many): { e: Many; sum: Series } => {
  const e = x.map((a) => through(a, EXP));
  return { e, sum: total(e) };
};
const rows = (x: Many, n: number, row: (r: Many) => Many): Many =>
  Array.from({ length: x.length / n }, (_, i) => row(x.slice(i * n, i * n + n))).flat();

const product = (
  m: number,
  k: number,
  n: number,
  a: (i: number, p: number) => Series,
  b: (p: number, j: number) => Series,
) =>
  Array.from({ length: m * n }, (_, o) =>
    total(Array.from({ length: k }, (_, p) => times(a(Math.floor(o / n), p), b(p, o % n)))),
  );

/** i32 leaves in the same graph as a tensor. */
const ints = (x: F32, data: number[], shape: Shape) => (x.node.graph as ReferenceGraph).tensor(data, shape, 'i32');
const bools = (x: F32, data: number[], shape: Shape) => (x.node.graph as ReferenceGraph).tensor(data, shape, 'bool');

/** y[o] = sum of x[i] * w[k] over the pairs that `meet` gives for each o: what convolution says, written out by hand. */
const bilinear =
  (outputs: number, meet: (o: number) => readonly (readonly [i: number, k: number])[]) =>
  (x: Many, w: Many): Many =>
    Array.from({ length: outputs }, (_, o) => total(meet(o).map(([i, k]) => times(x[i], w[k]))));
/** The elements of each window. */
const pooled =
  (windows: readonly (readonly number[])[], of: (list: Many) => Series) =>
  (x: Many): Many =>
    windows.map((list) => of(list.map((i) => x[i])));
const greatest = (list: Many): Series => list.reduce((a, b) => (b[0] > a[0] ? b : a));
const average = (list: Many): Series => times(flat(1 / list.length), total(list));

export const DERIVATIVES: readonly Derivative[] = [
  unary(
    'neg',
    (x) => x.neg(),
    [-2, 2],
    (x) => [-x, -1, 0, 0],
  ),
  unary(
    'abs',
    (x) => x.abs(),
    [-2, 2],
    (x) => [Math.abs(x), Math.sign(x), 0, 0],
  ),
  unary(
    'relu',
    (x) => x.relu(),
    [-2, 2],
    (x) => [Math.max(x, 0), x > 0 ? 1 : 0, 0, 0],
  ),
  unary(
    'clamp',
    (x) => x.clamp(-1, 0.5),
    [-2, 2],
    (x) => [Math.min(Math.max(x, -1), 0.5), x > -1 && x < 0.5 ? 1 : 0, 0, 0],
  ),
  unary('exp', (x) => x.exp(), [-2, 2], EXP),
  unary('log', (x) => x.log(), [0.5, 3], LOG),
  unary('sqrt', (x) => x.sqrt(), [0.5, 3], power(0.5)),
  unary('rsqrt', (x) => x.rsqrt(), [0.5, 3], power(-0.5)),
  unary(
    'sin',
    (x) => x.sin(),
    [-3, 3],
    (x) => [Math.sin(x), Math.cos(x), -Math.sin(x), -Math.cos(x)],
  ),
  unary(
    'cos',
    (x) => x.cos(),
    [-3, 3],
    (x) => [Math.cos(x), -Math.sin(x), -Math.cos(x), Math.sin(x)],
  ),
  unary('tanh', (x) => x.tanh(), [-2, 2], TANH),
  unary('sigmoid', (x) => x.sigmoid(), [-2, 2], logistic),
  unary(
    'softplus',
    (x) => x.softplus(),
    [-2, 2],
    (x) => [Math.log1p(Math.exp(x)), ...logistic(x).slice(0, 3)],
  ),
  unary('erf', (x) => x.erf(), [-1.5, 1.5], ERF),
  ...[-2, -1, 0, 1, 2, 3, 5].map((n) => unary(`powi ${n}`, (x) => x.powi(n), [0.5, 2], power(n))),
  unary('powi 3, negative base', (x) => x.powi(3), [-2, -0.5], power(3)),
  binary('add', (a, b) => a.add(b), [-2, 2], plus, true),
  binary(
    'sub',
    (a, b) => a.sub(b),
    [-2, 2],
    (a, b) => plus(a, minus(b)),
    true,
  ),
  binary('mul', (a, b) => a.mul(b), [-2, 2], times, true),
  binary('div', (a, b) => a.div(b), [0.5, 2], over),
  binary(
    'pow',
    (a, b) => a.pow(b),
    [0.5, 2],
    (a, b) => through(times(b, through(a, LOG)), EXP),
  ),
  binary(
    'maximum',
    (a, b) => a.maximum(b),
    [-2, 2],
    (a, b) => (a[0] > b[0] ? a : b),
    true,
  ),
  binary(
    'minimum',
    (a, b) => a.minimum(b),
    [-2, 2],
    (a, b) => (a[0] < b[0] ? a : b),
    true,
  ),
  {
    name: 'where',
    shapes: [[2, 2], [2]],
    range: [-2, 2],
    y: (a, b) => where(bools(a, [1, 0, 0, 1], [2, 2]), a, b),
    oracle: (a, b) => [a[0], b[1], b[0], a[3]],
    cube: true,
  },
  {
    name: 'sum over one axis',
    shapes: [[2, 3]],
    range: [-2, 2],
    y: (x) => x.sum(1),
    oracle: (x) => rows(x, 3, (r) => [total(r)]),
    cube: true,
  },
  {
    name: 'sum over outer and inner axes',
    shapes: [[2, 2, 2]],
    range: [-2, 2],
    y: (x) => x.sum([2, 0], true),
    oracle: (x) => [0, 2].map((o) => total([x[o], x[o + 1], x[o + 4], x[o + 5]])),
    cube: true,
  },
  {
    name: 'mean',
    shapes: [[5]],
    range: [-2, 2],
    y: (x) => mean(x),
    oracle: (x) => [times(flat(0.2), total(x))],
    cube: true,
  },
  {
    name: 'max over an axis',
    shapes: [[3, 4]],
    range: [-2, 2],
    y: (x) => x.max(0),
    oracle: (x) => [0, 1, 2, 3].map((j) => [x[j], x[j + 4], x[j + 8]].reduce((a, b) => (b[0] > a[0] ? b : a))),
    cube: true,
  },
  {
    name: 'max over two axes that are not last',
    shapes: [[2, 3, 2]],
    range: [-2, 2],
    y: (x) => x.max([0, 1]),
    oracle: (x) => [0, 1].map((j) => x.filter((_, i) => i % 2 === j).reduce((a, b) => (b[0] > a[0] ? b : a))),
    cube: true,
  },
  {
    name: 'min over an axis',
    shapes: [[3, 4]],
    range: [-2, 2],
    y: (x) => min(x, 0),
    oracle: (x) => [0, 1, 2, 3].map((j) => [x[j], x[j + 4], x[j + 8]].reduce((a, b) => (b[0] < a[0] ? b : a))),
    cube: true,
  },
  {
    name: 'cumsum',
    shapes: [[2, 3, 2]],
    range: [-2, 2],
    y: (x) => cumsum(x, 1),
    oracle: (x) => x.map((_, i) => total(x.filter((_, k) => k <= i && (i - k) % 2 === 0 && k >= i - (i % 6)))),
    cube: true,
  },
  ...[false, true].flatMap((transposeA) =>
    [false, true].map((transposeB): Derivative => {
      const [m, k, n] = [2, 3, 4];
      return {
        name: `matmul${transposeA ? ', left transposed' : ''}${transposeB ? ', right transposed' : ''}`,
        shapes: [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]],
        range: [-1, 1],
        y: (a, b) => a.matmul(b, { transposeA, transposeB }),
        oracle: (a, b) =>
          product(
            m,
            k,
            n,
            (i, p) => a[transposeA ? p * m + i : i * k + p],
            (p, j) => b[transposeB ? j * k + p : p * n + j],
          ),
        cube: true,
      };
    }),
  ),
  ...(['high', 'medium'] as const).flatMap((precision) =>
    [false, true].map(
      (transposeB): Derivative => ({
        name: `matmul of ${precision} precision${transposeB ? ', right transposed' : ''}`,
        shapes: [[2, 3], transposeB ? [4, 3] : [3, 4]],
        range: [-1, 1],
        y: (a, b) => a.matmul(b, { precision, transposeB }),
        oracle: (a, b) =>
          product(
            2,
            3,
            4,
            (i, p) => a[i * 3 + p],
            (p, j) => b[transposeB ? j * 3 + p : p * 4 + j],
          ),
        cube: true,
        coarse: precision === 'high' ? 2 ** -12 : 2 ** -9,
      }),
    ),
  ),
  ...[false, true].map(
    (transposeA): Derivative => ({
      name: `matmul of a batch by one matrix${transposeA ? ', left transposed' : ''}`,
      shapes: [transposeA ? [2, 2, 3] : [2, 3, 2], [2, 2]],
      range: [-1, 1],
      y: (a, b) => a.matmul(b, { transposeA }),
      oracle: (a, b) =>
        [0, 6].flatMap((at) =>
          product(
            3,
            2,
            2,
            (i, p) => a[at + (transposeA ? p * 3 + i : i * 2 + p)],
            (p, j) => b[p * 2 + j],
          ),
        ),
      cube: true,
    }),
  ),
  {
    name: 'matmul of one matrix by a batch, right transposed',
    shapes: [
      [2, 2],
      [3, 1, 1, 2],
    ],
    range: [-1, 1],
    y: (a, b) => a.matmul(b, { transposeB: true }),
    oracle: (a, b) =>
      [0, 1, 2].flatMap((q) =>
        product(
          2,
          2,
          1,
          (i, p) => a[i * 2 + p],
          (p) => b[q * 2 + p],
        ),
      ),
    cube: true,
  },
  {
    name: 'matmul, both batches stretched',
    shapes: [
      [2, 1, 1, 2],
      [1, 2, 2, 1],
    ],
    range: [-1, 1],
    y: (a, b) => a.matmul(b),
    oracle: (a, b) =>
      [0, 1, 2, 3].flatMap((q) =>
        product(
          1,
          2,
          1,
          (_, p) => a[(q >> 1) * 2 + p],
          (p) => b[(q & 1) * 2 + p],
        ),
      ),
    cube: true,
  },
  {
    name: 'matmul by itself',
    shapes: [[2, 2]],
    range: [-1, 1],
    y: (a) => a.matmul(a, { transposeB: true }),
    oracle: (a) =>
      product(
        2,
        2,
        2,
        (i, p) => a[i * 2 + p],
        (p, j) => a[j * 2 + p],
      ),
    cube: true,
  },
  {
    name: 'conv1d',
    shapes: [
      [1, 2, 4],
      [1, 2, 2],
    ],
    range: [-1, 1],
    y: (x, w) => conv1d(x, w),
    oracle: bilinear(3, (o) => [
      [o, 0],
      [o + 1, 1],
      [o + 4, 2],
      [o + 5, 3],
    ]),
    cube: true,
  },
  {
    name: 'conv1d with stride, dilation and padding',
    shapes: [
      [2, 1, 5],
      [2, 1, 2],
    ],
    range: [-1, 1],
    // Windows start at -1, 2 and hold elements 2 apart: -1 1, 2 4 of each of two rows, by each of two kernels.
    y: (x, w) => conv1d(x, w, { stride: 3, dilation: 2, padding: 1 }),
    oracle: bilinear(8, (o) => {
      const [row, kernel] = [5 * (o >> 2), 2 * ((o >> 1) & 1)];
      return o & 1
        ? [
            [row + 2, kernel],
            [row + 4, kernel + 1],
          ]
        : [[row + 1, kernel + 1]];
    }),
    cube: true,
  },
  {
    name: 'conv2d in groups',
    shapes: [
      [1, 2, 2, 3],
      [2, 1, 2, 2],
    ],
    range: [-1, 1],
    y: (x, w) => conv2d(x, w, { groups: 2 }),
    oracle: bilinear(4, (o) => {
      const [at, k] = [6 * (o >> 1) + (o & 1), 4 * (o >> 1)];
      return [
        [at, k],
        [at + 1, k + 1],
        [at + 3, k + 2],
        [at + 4, k + 3],
      ];
    }),
    cube: true,
  },
  {
    name: 'convTranspose1d with stride, padding and outputPadding',
    shapes: [
      [1, 2, 2],
      [2, 1, 3],
    ],
    range: [-1, 1],
    // Element p of 0 .. 4 is place p + 1 of the whole; input i comes there by tap p + 1 - 2i.
    y: (x, w) => convTranspose1d(x, w, { stride: 2, padding: 1, outputPadding: 1 }),
    oracle: bilinear(4, (p) => [
      ...[0, 1].flatMap((c) =>
        [0, 1].flatMap((i) => {
          const k = p + 1 - 2 * i;
          return k >= 0 && k < 3 ? [[2 * c + i, 3 * c + k] as const] : [];
        }),
      ),
    ]),
    cube: true,
  },
  {
    name: 'convTranspose2d in groups',
    shapes: [
      [1, 2, 1, 2],
      [2, 1, 1, 2],
    ],
    range: [-1, 1],
    y: (x, w) => convTranspose2d(x, w, { groups: 2 }),
    oracle: bilinear(6, (o) => {
      const [c, p] = [Math.floor(o / 3), o % 3];
      return [0, 1].filter((i) => p - i >= 0 && p - i < 2).map((i) => [2 * c + i, 2 * c + p - i] as const);
    }),
    cube: true,
  },
  {
    name: 'the weights that a convolution of two rows sees',
    shapes: [
      [2, 1, 3],
      [2, 1, 2],
    ],
    range: [-1, 1],
    y: (x, g) => {
      const axis = { size: 3, kernel: 2, stride: 1, dilation: 1, low: 0, high: 0 };
      return new Tensor(apply(CONV_WEIGHT, [x.node, g.node], { ...toAttrs([axis]), groups: 1 }));
    },
    oracle: bilinear(2, (k) => [0, 1].flatMap((n) => [0, 1].map((o) => [3 * n + o + k, 2 * n + o] as const))),
    cube: true,
  },
  {
    name: 'what windows send back',
    shapes: [[1, 1, 3]],
    range: [-2, 2],
    y: (g) => {
      const axis = { size: 5, kernel: 3, stride: 2, dilation: 1, low: 1, high: 1 };
      return new Tensor(apply(POOL_SPREAD, [g.node], toAttrs([axis])));
    },
    oracle: pooled([[0], [0, 1], [1], [1, 2], [2]], total),
    cube: true,
  },
  {
    name: 'maxPool1d, windows that overlap',
    shapes: [[1, 1, 6]],
    range: [-2, 2],
    y: (x) => maxPool1d(x, 3, { stride: 1, padding: 1 }),
    oracle: pooled(
      [
        [0, 1],
        [0, 1, 2],
        [1, 2, 3],
        [2, 3, 4],
        [3, 4, 5],
        [4, 5],
      ],
      greatest,
    ),
    cube: true,
  },
  {
    name: 'maxPool2d, windows side by side',
    shapes: [[1, 2, 3, 4]],
    range: [-2, 2],
    y: (x) => maxPool2d(x, 2),
    oracle: pooled(
      [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [12, 13, 16, 17],
        [14, 15, 18, 19],
      ],
      greatest,
    ),
    cube: true,
  },
  {
    name: 'maxPool1d with many taps',
    shapes: [[1, 1, 20]],
    range: [-2, 2],
    y: (x) => maxPool1d(x, 18, { stride: 2 }),
    oracle: pooled(
      [0, 2].map((s) => Array.from({ length: 18 }, (_, i) => s + i)),
      greatest,
    ),
    cube: true,
  },
  {
    name: 'the tangent of maxPool1d, as a function of the tangent',
    shapes: [
      [1, 1, 4],
      [1, 1, 4],
    ],
    range: [-2, 2],
    y: (t, x) => jvp(maxPool1d(x, 2, { stride: 1 }), [x], [t]),
    oracle: (t, x) => [0, 1, 2].map((o) => (x[o + 1][0] > x[o][0] ? t[o + 1] : t[o])),
    cube: true,
  },
  {
    name: 'avgPool1d, windows that overlap',
    shapes: [[1, 1, 5]],
    range: [-2, 2],
    y: (x) => avgPool1d(x, 3, { stride: 2, padding: 1, countIncludePad: false }),
    oracle: pooled(
      [
        [0, 1],
        [1, 2, 3],
        [3, 4],
      ],
      average,
    ),
    cube: true,
  },
  {
    name: 'avgPool2d, windows side by side',
    shapes: [[1, 1, 4, 3]],
    range: [-2, 2],
    y: (x) => avgPool2d(x, [2, 3]),
    oracle: pooled(
      [
        [0, 1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10, 11],
      ],
      average,
    ),
    cube: true,
  },
  move('reshape', [2, 3], (x) => x.reshape(3, -1), [0, 1, 2, 3, 4, 5]),
  move('permute', [2, 3, 1], (x) => x.permute(1, 2, 0), [0, 3, 1, 4, 2, 5]),
  move('transpose', [2, 3], (x) => x.transpose(), [0, 3, 1, 4, 2, 5]),
  move('broadcast', [2, 1], (x) => x.broadcast([2, 2, 2]), [0, 0, 1, 1, 0, 0, 1, 1]),
  move('slice', [4, 2], (x) => x.slice([1, 3], [0, 1]), [2, 4]),
  move('slice with steps', [7], (x) => x.slice([1, null, 3]), [1, 4]),
  move('slice backwards', [7], (x) => x.slice([5, 0, -2]), [5, 3, 1]),
  move('slice of nothing', [3], (x) => concat([x.slice([2, 1]), x]), [0, 1, 2]),
  move(
    'pad',
    [2, 2],
    (x) =>
      x.pad([
        [1, 0, 1],
        [0, 2],
      ]),
    [-1, -1, -1, -1, 0, 1, -1, -1, -1, -1, -1, -1, 2, 3, -1, -1],
  ),
  move('pad with a value', [2], (x) => x.pad([[1, 0, 1]], 3), [-1, 0, -1, 1], 3),
  {
    name: 'concat',
    shapes: [
      [2, 1],
      [2, 2],
    ],
    range: [-2, 2],
    y: (a, b) => concat([a, a, b], 1),
    oracle: (a, b) => [a[0], a[0], b[0], b[1], a[1], a[1], b[2], b[3]],
    cube: true,
  },
  move('gather', [2, 3], (x) => x.gather(ints(x, [2, 0, 2, 1], [1, 4]), 1), [2, 0, 2, 1, 5, 3, 5, 4]),
  move('gather by rows of indices', [2, 3], (x) => x.gather(ints(x, [2, 0, 1, 1], [2, 2]), 1), [2, 0, 4, 4]),
  {
    name: 'scatterAdd',
    shapes: [[3], [4]],
    range: [-2, 2],
    y: (a, b) => a.scatterAdd(ints(a, [2, 0, 2, 2], [4]), b, 0),
    oracle: (a, b) => [plus(a[0], b[1]), a[1], total([a[2], b[0], b[2], b[3]])],
    cube: true,
  },
  {
    name: 'sort',
    shapes: [[2, 4]],
    range: [-2, 2],
    y: (x) => sort(x),
    oracle: (x) => rows(x, 4, (r) => [...r].sort((a, b) => a[0] - b[0])),
    cube: true,
  },
  {
    name: 'topK',
    shapes: [[4, 2]],
    range: [-2, 2],
    y: (x) => topK(x, 3, 0).values,
    oracle: (x) => {
      const column = (j: number) => x.filter((_, i) => i % 2 === j).sort((a, b) => b[0] - a[0]);
      return [0, 1, 2].flatMap((i) => [column(0)[i], column(1)[i]]);
    },
    cube: true,
  },
  {
    name: 'softmax',
    shapes: [[2, 3]],
    range: [-1, 1],
    y: (x) => softmax(x),
    oracle: (x) =>
      rows(x, 3, (r) => {
        const { e, sum } = logits(r);
        return e.map((a) => over(a, sum));
      }),
  },
  {
    name: 'softmax along the first axis',
    shapes: [[3, 1]],
    range: [-1, 1],
    y: (x) => softmax(x, 0),
    oracle: (x) => logits(x).e.map((a) => over(a, logits(x).sum)),
  },
  {
    name: 'logSoftmax',
    shapes: [[2, 3]],
    range: [-1, 1],
    y: (x) => logSoftmax(x),
    oracle: (x) => rows(x, 3, (r) => r.map((a) => plus(a, minus(through(logits(r).sum, LOG))))),
  },
  {
    name: 'logSumExp',
    shapes: [[2, 3]],
    range: [-1, 1],
    y: (x) => logSumExp(x, 1),
    oracle: (x) => rows(x, 3, (r) => [through(logits(r).sum, LOG)]),
  },
  {
    name: 'logSumExp over the outer axes, kept',
    shapes: [[2, 2, 2]],
    range: [-1, 1],
    y: (x) => logSumExp(x, [1, 0], true),
    oracle: (x) => [0, 1].map((j) => through(logits(x.filter((_, i) => i % 2 === j)).sum, LOG)),
  },
  {
    name: 'bceWithLogits',
    shapes: [[4], [4]],
    range: [-1, 1],
    y: (x, t) => new Tensor<'f32'>(bceWithLogits(x.node, t.node)),
    oracle: (x, t) =>
      x.map((a, i) =>
        plus(
          through(a, (v) => [Math.log1p(Math.exp(v)), ...logistic(v).slice(0, 3)]),
          minus(times(a, t[i])),
        ),
      ),
  },
  {
    name: 'detach',
    shapes: [[3]],
    range: [-2, 2],
    y: (x) => x.mul(x.detach()),
    oracle: (x) => x.map((a) => times(a, flat(a[0]))),
    cube: true,
  },
  {
    name: 'a network of all of them',
    shapes: [[2, 3], [3, 2], [2]],
    range: [-1, 1],
    y: (x, w, b) =>
      logSoftmax(
        x
          .matmul(w)
          .add(b)
          .tanh()
          .mul(x.slice(null, [0, 2]).sigmoid()),
      ),
    oracle: (x, w, b) =>
      rows(
        product(
          2,
          3,
          2,
          (i, p) => x[i * 3 + p],
          (p, j) => w[p * 2 + j],
        ).map((a, i) => times(through(plus(a, b[i & 1]), TANH), through(x[(i >> 1) * 3 + (i & 1)], logistic))),
        2,
        (r) => r.map((a) => plus(a, minus(through(logits(r).sum, LOG)))),
      ),
  },
];
