/** The programs of reductions, composites along an axis, contractions, gather and scatterAdd. */

import { apply } from '../sdk/core/build.ts';
import type { DType } from '../sdk/core/dtype.ts';
import { DTypeError, OptionError, ShapeError } from '../sdk/core/errors.ts';
import type { Node } from '../sdk/core/node.ts';
import type { Op } from '../sdk/core/op.ts';
import { LOG_SOFTMAX, LOG_SUM_EXP, SOFTMAX } from '../sdk/core/ops/composite.ts';
import { GATHER, SCATTER_ADD } from '../sdk/core/ops/gather.ts';
import { MATMUL, MATMUL_NARROW, type MatmulOptions, matmul } from '../sdk/core/ops/matmul.ts';
import * as M from '../sdk/core/ops/move.ts';
import { ARGMAX, MAX, SUM } from '../sdk/core/ops/reduce.ts';
import { CUMSUM } from '../sdk/core/ops/scan.ts';
import { ARGSORT } from '../sdk/core/ops/sort.ts';
import type { Shape } from '../sdk/core/shape.ts';
import { type Input, input, type Refusal, type ShapeClass, type Subject, type Variant } from './cases.ts';

const NUMBERS: readonly DType[] = ['f32', 'i32', 'u32'];
type View = (x: Node) => Node;

const wrongDType = (op: Op, allowed: readonly DType[], dtype: DType): Refusal | undefined =>
  allowed.includes(dtype) ? undefined : { error: DTypeError, reason: `${op.name} takes ${allowed.join(', ')}` };

/** [uploaded shape, axes, view]. */
type Reduction = readonly [Shape, readonly number[], View?];
const REDUCTIONS: Record<ShapeClass, readonly Reduction[]> = {
  '0': [
    [[3, 0], [0]],
    [[3, 0], [1]],
    [
      [3, 0],
      [0, 1],
    ],
    [[0, 3], [1]],
  ],
  '1': [
    [[], []],
    [[1, 1], [0]],
    [[1], [0]],
    [[5], []],
  ],
  prime: [
    [[7, 11], [0]],
    [[7, 11], [1]],
    [
      [7, 11],
      [0, 1],
    ],
    [[3, 5, 7], [1]],
    [[43, 13], [1]],
    [[17, 15], [1]],
    [
      [3, 5, 7],
      [0, 2],
    ],
    [[131], [0]],
  ],
  large: [
    [
      [37, 139],
      [0, 1],
    ],
    [[37, 139], [0]],
    [[37, 139], [1]],
    [
      [3, 700, 5],
      [0, 1],
    ],
    [[2, 2100, 3], [1]],
    [[2, 5000], [1]],
    [[2050, 12], [0]],
    [[12, 2050], [1]],
  ],
  broadcast: [
    [[3, 1], [0], (x) => M.broadcast(x, [3, 5])],
    [[3, 1], [1], (x) => M.broadcast(x, [3, 5])],
    [[7], [0, 1], (x) => M.broadcast(x, [300, 7])],
    [[1], [0], (x) => M.broadcast(x, [2100])],
  ],
  permuted: [
    ...[[0], [1], [2], [0, 2], [0, 1, 2]].map((axes): Reduction => [[5, 3, 7], axes, (x) => M.permute(x, [2, 0, 1])]),
    [
      [9, 10],
      [0],
      (x) =>
        M.slice(x, [
          [null, null, -2],
          [1, 8, 3],
        ]),
    ],
    [
      [9, 10],
      [1],
      (x) =>
        M.slice(x, [
          [null, null, -2],
          [1, 8, 3],
        ]),
    ],
    [[70, 40], [1, 0], (x) => M.permute(x, [1, 0])],
  ],
};

const reduction = (op: Op): Subject => ({
  op,
  variants: (dtype, shape) =>
    REDUCTIONS[shape].map(([from, axes, view]): Variant => {
      const empty = axes.some((a) => from[a] === 0);
      const nothing =
        empty && op !== SUM ? { error: ShapeError, reason: `${op.name} of an empty list has no value` } : undefined;
      return {
        note: `[${from}] over [${axes}]`,
        inputs: [input(from, dtype, view)],
        make: ([x]) => apply(op, [x], { axes: [...axes].sort((a, b) => a - b) }),
        refusal: wrongDType(op, op === LOG_SUM_EXP ? ['f32'] : NUMBERS, dtype) ?? nothing,
      };
    }),
});

/** Composites along an axis: the reductions over one axis. */
const alongAxis = (op: Op): Subject => ({
  op,
  variants: (dtype, shape) =>
    REDUCTIONS[shape]
      .filter(([, axes]) => axes.length === 1)
      .map(([from, axes, view]): Variant => {
        const empty =
          from[axes[0]] === 0 ? { error: ShapeError, reason: `${op.name} of an empty list has no value` } : undefined;
        return {
          note: `[${from}] along ${axes}`,
          inputs: [input(from, dtype, view)],
          make: ([x]) => apply(op, [x], { axis: axes[0] }),
          refusal: wrongDType(op, ['f32'], dtype) ?? empty,
        };
      }),
});

/** [uploaded shape, axis, view]. Chunks are of 256 elements. */
const PREFIXES: Record<ShapeClass, readonly (readonly [Shape, number, View?])[]> = {
  '0': [
    [[3, 0], 0],
    [[3, 0], 1],
  ],
  '1': [
    [[1], 0],
    [[1, 1], 1],
  ],
  prime: [
    [[13], 0],
    [[7, 11], 0],
    [[7, 11], 1],
    [[3, 5, 7], 1],
  ],
  large: [
    [[256], 0],
    [[257], 0],
    [[3, 1300], 1],
    [[700, 5], 0],
    [[2, 513, 3], 1],
    [[300, 261], 0],
  ],
  broadcast: [
    [[3, 1], 0, (x) => M.broadcast(x, [3, 5])],
    [[3, 1], 1, (x) => M.broadcast(x, [3, 5])],
    [[7], 0, (x) => M.broadcast(x, [300, 7])],
  ],
  permuted: [
    ...[0, 1, 2].map((axis): readonly [Shape, number, View] => [[5, 3, 7], axis, (x) => M.permute(x, [2, 0, 1])]),
    [[300], 0, (x) => M.slice(x, [[null, null, -1]])],
    [[3, 70, 2], 1, (x) => M.slice(x, [null, [null, null, -2]])],
    [[3, 70, 2], 1, (x) => M.slice(x, [null, null, [null, null, -1]])],
    [
      [6, 70],
      1,
      (x) =>
        M.slice(x, [
          [null, null, -2],
          [3, null],
        ]),
    ],
  ],
};

const prefixes = (dtype: DType, shape: ShapeClass): readonly Variant[] =>
  PREFIXES[shape].map(([from, axis, view]) => ({
    note: `[${from}] along ${axis}`,
    inputs: [input(from, dtype, view)],
    make: ([x]) => apply(CUMSUM, [x], { axis }),
    refusal: wrongDType(CUMSUM, NUMBERS, dtype),
  }));
/** A precision is for f32: halves and i8 refuse it, other dtypes have no product. */
const wrongPrecision = (dtype: DType): Refusal | undefined =>
  ['f16', 'bf16', 'i8'].includes(dtype)
    ? { error: OptionError, reason: 'precision is for f32' }
    : wrongDType(MATMUL_NARROW, ['f32'], dtype);

/** A workgroup sorts 1024 entries; WASM counts bytes from 33 on. */
const orders = (dtype: DType, shape: ShapeClass): readonly Variant[] =>
  [...PREFIXES[shape], ...(shape === 'large' ? LONG : [])].flatMap(([from, axis, view]) =>
    [false, true].map((descending) => ({
      note: `[${from}] along ${axis}${descending ? ', descending' : ''}`,
      inputs: [input(from, dtype, view)],
      make: ([x]) => apply(ARGSORT, [x], { axis, descending }),
      refusal: wrongDType(ARGSORT, NUMBERS, dtype),
    })),
  );
const LONG: readonly (readonly [Shape, number])[] = [
  [[32, 3], 0],
  [[2, 33], 1],
  [[2, 1025], 1],
  [[2100, 2], 0],
];

/** [batch of a, batch of b, m, k, n]. */
type Contraction = readonly [Shape, Shape, number, number, number];
const CONTRACTIONS: Record<Exclude<ShapeClass, 'permuted'>, readonly Contraction[]> = {
  '0': [
    [[], [], 0, 3, 2],
    [[], [], 2, 0, 3],
    [[], [], 2, 3, 0],
    [[0], [0], 2, 3, 2],
  ],
  '1': [
    [[], [], 1, 1, 1],
    [[1, 1], [1], 1, 1, 1],
  ],
  prime: [
    [[], [], 5, 7, 11],
    [[3], [3], 2, 5, 3],
  ],
  large: [
    [[], [], 37, 300, 20],
    [[], [], 131, 17, 9],
    [[], [], 133, 259, 37],
    [[], [], 6, 520, 13],
    [[], [], 1, 520, 40],
    [[], [], 40, 257, 1],
    [[2, 1], [3], 67, 5, 65],
    [[], [], 64, 260, 71],
  ],
  broadcast: [
    [[2, 1], [3], 3, 5, 2],
    [[3], [], 5, 7, 2],
    [[], [2, 2], 3, 2, 5],
    [[3, 1], [1, 2], 1, 3, 1],
    [[3, 40], [], 3, 5, 2],
  ],
};

function contractions(dtype: DType, shape: ShapeClass, o: MatmulOptions = {}): readonly Variant[] {
  const refusal = o.precision ? wrongPrecision(dtype) : wrongDType(MATMUL, ['f32', 'f16', 'bf16', 'i8'], dtype);
  if (shape === 'permuted') {
    const views: [note: string, a: Input, b: Input][] = [
      [
        'batch inside',
        input([4, 3, 5], dtype, (x) => M.permute(x, [1, 0, 2])),
        input([5, 2, 3], dtype, (x) => M.permute(x, [2, 0, 1])),
      ],
      [
        'backwards',
        input([4, 5], dtype, (x) => M.slice(x, [null, [null, null, -1]])),
        input([9, 3], dtype, (x) => M.slice(x, [[null, null, -2]])),
      ],
      [
        'stretched inner',
        input([4, 1], dtype, (x) => M.broadcast(x, [4, 7])),
        input([1, 3], dtype, (x) => M.broadcast(x, [7, 3])),
      ],
      [
        'merged rows',
        input([3, 2, 5], dtype, (x) => M.permute(x, [1, 0, 2])),
        input([4, 5], dtype, (x) => M.permute(x, [1, 0])),
      ],
      // A side of 1 is walked with any strides.
      [
        'one row, one column',
        input([1, 600], dtype, (x) => M.slice(x, [null, [null, null, 2]])),
        input([300, 2], dtype, (x) => M.slice(x, [null, [null, null, 2]])),
      ],
      [
        'one term',
        input([7, 3], dtype, (x) => M.slice(x, [null, [null, null, 3]])),
        input([1, 20], dtype, (x) => M.slice(x, [null, [null, null, 2]])),
      ],
    ];
    return views.map(([note, a, b]) => ({ note, inputs: [a, b], make: ([x, y]) => matmul(x, y, o), refusal }));
  }
  const both = [false, true];
  return CONTRACTIONS[shape].flatMap(([ba, bb, m, k, n]) =>
    both.flatMap((transposeA) =>
      both.map(
        (transposeB): Variant => ({
          note: `[${ba}] x [${bb}], ${m} x ${k} x ${n}, ${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`,
          inputs: [
            input([...ba, ...(transposeA ? [k, m] : [m, k])], dtype),
            input([...bb, ...(transposeB ? [n, k] : [k, n])], dtype),
          ],
          make: ([a, b]) => matmul(a, b, { ...o, transposeA, transposeB }),
          refusal,
        }),
      ),
    ),
  );
}

/** [tensor, index, axis, view of the tensor, size it has along the axis then]. */
type Indexing = readonly [Shape, Shape, number, View?, Shape?];
const INDEXINGS: Record<ShapeClass, readonly Indexing[]> = {
  '0': [
    [[0], [2], 0],
    [[3], [0], 0],
    [[3, 0], [5, 1], 0],
    [[0, 2], [3, 2], 0],
  ],
  '1': [
    [[1], [1], 0],
    [[1, 1], [1, 1], 1],
  ],
  prime: [
    [[7], [13], 0],
    [[5, 7], [5, 3], 1],
    [[5, 7], [11, 7], 0],
    [[3, 5, 2], [3, 4, 2], 1],
  ],
  large: [
    [[10, 300], [70, 1], 0],
    [[300], [5000], 0],
    [[2], [5000], 0],
    [[40, 30], [40, 67], 1],
  ],
  broadcast: [
    [[5, 7], [1, 3], 1],
    [[5, 7], [11, 1], 0],
    [[3, 5, 2], [1, 4, 2], 1],
    [[5, 1], [1, 6], 1, (x) => M.broadcast(x, [5, 4]), [5, 4]],
  ],
  permuted: [
    [[5, 3, 7], [7, 5, 4], 2, (x) => M.permute(x, [2, 0, 1]), [7, 5, 3]],
    [[6, 4], [2, 4], 0, (x) => M.slice(x, [[null, null, -1]]), [6, 4]],
  ],
};

const indexings = (dtype: DType, shape: ShapeClass, scatter: boolean): readonly Variant[] =>
  INDEXINGS[shape].flatMap(([from, index, axis, view, seen = from]) =>
    (['i32', 'u32'] as const).map((indexDType): Variant => {
      const ix: Input = { shape: index, dtype: indexDType, positions: seen[axis] };
      const source = seen.map((d, i) => (i === axis ? index[axis] : d));
      return {
        note: `[${from}] by [${index}] of ${indexDType} along ${axis}`,
        inputs: [input(from, dtype, view), ix, ...(scatter ? [input(source, dtype)] : [])],
        make: (x) => apply(scatter ? SCATTER_ADD : GATHER, x, { axis }),
        refusal: scatter ? wrongDType(SCATTER_ADD, NUMBERS, dtype) : undefined,
      };
    }),
  );

export const KERNEL_SUBJECTS: readonly Subject[] = [
  ...[SUM, MAX, ARGMAX, LOG_SUM_EXP].map(reduction),
  ...[SOFTMAX, LOG_SOFTMAX].map(alongAxis),
  { op: CUMSUM, variants: prefixes },
  { op: ARGSORT, variants: orders },
  { op: MATMUL, variants: (dtype, shape) => contractions(dtype, shape) },
  {
    op: MATMUL_NARROW,
    variants: (dtype, shape) =>
      (['high', 'medium'] as const).flatMap((precision) =>
        contractions(dtype, shape, { precision }).map((v) => ({ ...v, note: `${v.note}, ${precision}` })),
      ),
  },
  { op: GATHER, variants: (dtype, shape) => indexings(dtype, shape, false) },
  { op: SCATTER_ADD, variants: (dtype, shape) => indexings(dtype, shape, true) },
];
