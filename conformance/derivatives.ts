/** Every op with a derivative, beside the same function of Taylor series in doubles. */

import { concat, cumsum, logSoftmax, logSumExp, mean, min, softmax, where } from '../sdk/core/functions.ts';
import { bceWithLogits } from '../sdk/core/ops/composite.ts';
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
