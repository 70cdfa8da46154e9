/** The programs of convolution, pooling and the windows that they are made of. */

import { apply } from '../sdk/core/build.ts';
import { type DType, PRECISIONS, type Precision } from '../sdk/core/dtype.ts';
import { DTypeError } from '../sdk/core/errors.ts';
import type { Attrs, Node } from '../sdk/core/node.ts';
import type { Op } from '../sdk/core/op.ts';
import { CONV, CONV_INPUT, CONV_WEIGHT } from '../sdk/core/ops/conv.ts';
import { broadcast, permute, slice } from '../sdk/core/ops/move.ts';
import { MAX_POOL, POOL_INDEX, POOL_SPREAD, POOL_SUM } from '../sdk/core/ops/pool.ts';
import { places, type Sliding, toAttrs, WINDOWS, windows } from '../sdk/core/ops/windows.ts';
import type { Shape } from '../sdk/core/shape.ts';
import { type Input, input, type ShapeClass, type Subject, type Variant } from './cases.ts';

type View = (x: Node) => Node;

/** [size, kernel, stride, dilation, low, high] of one axis; what is not said is 1, 1, 0, 0. */
type Axis = readonly [size: number, kernel: number, stride?: number, dilation?: number, low?: number, high?: number];
const sliding = ([size, kernel, stride = 1, dilation = 1, low = 0, high = 0]: Axis): Sliding => ({
  size,
  kernel,
  stride,
  dilation,
  low,
  high,
});

/** [batch, groups, channels in and out of a group, axes, x uploaded as, seen as]. */
type Case = readonly [number, number, number, number, readonly Axis[], Shape?, View?];
const CASES: Record<ShapeClass, readonly Case[]> = {
  '0': [
    [0, 1, 2, 3, [[5, 3]]],
    [
      2,
      1,
      0,
      3,
      [
        [5, 2],
        [4, 3],
      ],
    ],
    [1, 2, 2, 0, [[5, 2]]],
    [1, 1, 1, 1, [[0, 1, 1, 1, 1, 1]]],
  ],
  '1': [
    [1, 1, 1, 1, [[1, 1]]],
    [
      1,
      1,
      1,
      1,
      [
        [1, 1],
        [1, 1],
      ],
    ],
    [1, 1, 1, 1, [[1, 3, 1, 1, 1, 1]]],
  ],
  prime: [
    [3, 1, 2, 3, [[7, 3]]],
    [1, 1, 1, 2, [[11, 4, 1, 2, 1, 2]]],
    [2, 1, 3, 2, [[11, 3, 2, 1, 1, 1]]],
    [2, 3, 2, 1, [[13, 2, 3, 2, 3, 0]]],
    [
      2,
      1,
      3,
      5,
      [
        [7, 3],
        [5, 3],
      ],
    ],
    [
      1,
      2,
      1,
      3,
      [
        [7, 3, 2, 1, 1, 1],
        [6, 2, 1, 3, 0, 2],
      ],
    ],
    [
      2,
      1,
      2,
      2,
      [
        [5, 2, 2],
        [7, 3, 3],
      ],
    ],
    [
      2,
      5,
      1,
      1,
      [
        [5, 3, 1, 1, 1, 1],
        [5, 3, 1, 1, 1, 1],
      ],
    ],
    // Padding that is taken away behind, as outputPadding asks; windows with gaps between; a kernel of one tap.
    [
      2,
      1,
      2,
      3,
      [
        [6, 3, 2, 1, 1, -1],
        [5, 2, 2, 1, 0, -1],
      ],
    ],
    [
      1,
      1,
      2,
      2,
      [
        [9, 2, 4],
        [7, 1, 3, 1, 2, 2],
      ],
    ],
    [
      2,
      2,
      3,
      2,
      [
        [5, 1],
        [4, 1],
      ],
    ],
    // More padding than the kernel spans: some windows hold nothing else.
    [1, 1, 2, 2, [[3, 2, 1, 1, 3, 4]]],
  ],
  large: [
    [
      2,
      1,
      33,
      5,
      [
        [7, 3, 1, 1, 1, 1],
        [6, 3, 1, 1, 1, 1],
      ],
    ],
    [
      3,
      1,
      1,
      6,
      [
        [14, 5, 1, 1, 2, 2],
        [15, 5, 1, 1, 2, 2],
      ],
    ],
    [2, 2, 3, 70, [[9, 3, 2, 1, 1, 1]]],
    [1, 1, 2, 3, [[600, 7, 2, 3, 5, 4]]],
  ],
  broadcast: [
    [
      3,
      1,
      2,
      3,
      [
        [5, 3],
        [4, 2],
      ],
      [2, 5, 1],
      (x) => broadcast(x, [3, 2, 5, 4]),
    ],
    [2, 1, 3, 2, [[7, 3, 2, 1, 1, 1]], [2, 1, 7], (x) => broadcast(x, [2, 3, 7])],
  ],
  permuted: [
    [
      2,
      1,
      3,
      2,
      [
        [5, 3],
        [4, 3, 1, 1, 1, 1],
      ],
      [2, 5, 4, 3],
      (x) => permute(x, [0, 3, 1, 2]),
    ],
    [2, 3, 1, 2, [[7, 3, 2]], [2, 3, 13], (x) => slice(x, [null, null, [null, null, -2]])],
  ],
};

const wrongDType = (op: Op, dtype: DType) =>
  dtype === 'f32' ? undefined : { error: DTypeError, reason: `${op.name} takes f32` };

const noteOf = (c: Case) => `${c.slice(0, 4).join(' ')}, ${c[4].map((a) => `[${a}]`).join(' ')}`;
const attrsOf = (c: Case, precision: Precision): Attrs => ({
  ...toAttrs(c[4].map(sliding)),
  groups: c[1],
  ...(precision === 'highest' ? {} : { precision }),
});

/** Which two of x, w and y an op takes. */
const convolution = (op: Op, takes: string): Subject => ({
  op,
  variants: (dtype, shape) =>
    CASES[shape].flatMap((c, i) =>
      (i === 0 ? PRECISIONS : PRECISIONS.slice(0, 1)).map((precision): Variant => {
        const [n, groups, ci, co, axes, from, view] = c;
        const all = axes.map(sliding);
        const operands: Record<string, Input> = {
          x: input(from ?? [n, groups * ci, ...all.map((a) => a.size)], dtype, view),
          w: input([groups * co, ci, ...all.map((a) => a.kernel)], dtype),
          y: input([n, groups * co, ...all.map(places)], dtype),
        };
        return {
          note: `${noteOf(c)}, ${precision}`,
          inputs: [...takes].map((k) => operands[k]),
          make: (x) => apply(op, x, attrsOf(c, precision)),
          refusal: wrongDType(op, dtype),
        };
      }),
    ),
});

/** [batch, channels, axes]; padding is less than the kernel. */
type Pool = readonly [number, number, readonly Axis[], Shape?, View?];
const POOLS: Record<ShapeClass, readonly Pool[]> = {
  '0': [
    [0, 2, [[5, 3]]],
    [
      2,
      0,
      [
        [5, 2],
        [4, 3],
      ],
    ],
  ],
  '1': [
    [1, 1, [[1, 1]]],
    [
      1,
      1,
      [
        [1, 2, 1, 1, 1, 1],
        [1, 1],
      ],
    ],
  ],
  prime: [
    [3, 2, [[7, 3, 3]]],
    [2, 3, [[11, 3, 2, 1, 1, 1]]],
    [2, 1, [[11, 2, 1, 3, 2, 2]]],
    [
      2,
      3,
      [
        [6, 2, 2],
        [8, 2, 2],
      ],
    ],
    [
      1,
      2,
      [
        [7, 2, 2],
        [9, 3, 3],
      ],
    ],
    [
      2,
      2,
      [
        [7, 3, 2, 1, 1, 1],
        [5, 3, 2, 1, 1, 1],
      ],
    ],
    [
      2,
      2,
      [
        [5, 3],
        [6, 2, 3],
      ],
    ],
    [
      1,
      1,
      [
        [7, 3, 1, 2, 2, 2],
        [5, 1],
      ],
    ],
    // Windows with gaps between them, and windows of one tap.
    [
      2,
      2,
      [
        [11, 2, 4, 1, 1, 1],
        [7, 3, 4],
      ],
    ],
    [
      2,
      2,
      [
        [5, 1],
        [4, 1],
      ],
    ],
    // Seventeen taps and more are reduced.
    [1, 2, [[23, 17, 2, 1, 3, 3]]],
    [
      2,
      1,
      [
        [7, 5],
        [6, 4, 2, 1, 2, 2],
      ],
    ],
    [
      1,
      1,
      [
        [10, 5, 5],
        [9, 4, 4],
      ],
    ],
  ],
  large: [
    [
      3,
      5,
      [
        [28, 2, 2],
        [26, 2, 2],
      ],
    ],
    [
      2,
      3,
      [
        [17, 3, 2, 1, 1, 1],
        [18, 3, 2, 1, 1, 1],
      ],
    ],
    [
      1,
      2,
      [
        [20, 19],
        [15, 14],
      ],
    ],
    [1, 2, [[80, 70, 7, 1, 5, 5]]],
  ],
  broadcast: [
    [
      3,
      2,
      [
        [6, 3],
        [4, 2, 2],
      ],
      [2, 6, 1],
      (x) => broadcast(x, [3, 2, 6, 4]),
    ],
  ],
  permuted: [
    [
      2,
      3,
      [
        [6, 2, 2],
        [4, 2, 2],
      ],
      [2, 6, 4, 3],
      (x) => permute(x, [0, 3, 1, 2]),
    ],
    [2, 3, [[7, 5, 2]], [2, 3, 13], (x) => slice(x, [null, null, [null, null, -2]])],
  ],
};

const indexOf = (x: Node, attrs: Attrs): Node => apply(POOL_INDEX, [x, apply(MAX_POOL, [x], attrs)], attrs);
type Make = (x: readonly Node[], attrs: Attrs) => Node;

/** `takes`: x, and g in the shape of the windows. */
const pooling = (op: Op, makes: readonly (readonly [note: string, takes: string, make: Make])[]): Subject => ({
  op,
  variants: (dtype, shape) =>
    POOLS[shape].flatMap(([n, c, axes, from, view]) =>
      makes.map(([note, takes, make]): Variant => {
        const all = axes.map(sliding);
        const operands: Record<string, Input> = {
          x: input(from ?? [n, c, ...all.map((a) => a.size)], dtype, view),
          g: input([n, c, ...all.map(places)], dtype),
        };
        return {
          note: `${n} ${c}, ${axes.map((a) => `[${a}]`).join(' ')}${note}`,
          inputs: [...takes].map((k) => operands[k]),
          make: (x) => make(x, toAttrs(all)),
          refusal: wrongDType(op, dtype),
        };
      }),
    ),
});

/** The view alone: taps forward and backward, overlapping. */
const VIEWS: Record<ShapeClass, Shape> = {
  '0': [0, 7, 9],
  '1': [1, 7, 9],
  prime: [3, 7, 11],
  large: [3, 37, 41],
  broadcast: [3, 1, 11],
  permuted: [11, 3, 7],
};
const WINDOW_VIEWS: Partial<Record<ShapeClass, View>> = {
  broadcast: (x) => broadcast(x, [3, 7, 11]),
  permuted: (x) => permute(x, [1, 2, 0]),
};

export const WINDOW_SUBJECTS: readonly Subject[] = [
  convolution(CONV, 'xw'),
  convolution(CONV_INPUT, 'yw'),
  convolution(CONV_WEIGHT, 'xy'),
  pooling(MAX_POOL, [['', 'x', (x, attrs) => apply(MAX_POOL, x, attrs)]]),
  pooling(POOL_INDEX, [['', 'x', ([x], attrs) => indexOf(x, attrs)]]),
  pooling(POOL_SUM, [
    ['', 'x', (x, attrs) => apply(POOL_SUM, x, attrs)],
    [', by index', 'xx', ([t, x], attrs) => apply(POOL_SUM, [t, indexOf(x, attrs)], attrs)],
  ]),
  pooling(POOL_SPREAD, [
    ['', 'g', (x, attrs) => apply(POOL_SPREAD, x, attrs)],
    [', by index', 'gx', ([g, x], attrs) => apply(POOL_SPREAD, [g, indexOf(x, attrs)], attrs)],
  ]),
  {
    op: WINDOWS,
    variants: (dtype, shape) => [
      {
        note: '',
        inputs: [input(VIEWS[shape], dtype, WINDOW_VIEWS[shape])],
        make: ([x]) =>
          windows(x, [
            { start: 0, tap: 2, taps: 3, stride: 1, count: 3 },
            { start: 4, tap: -1, taps: 3, stride: 2, count: 3 },
          ]),
      },
    ],
  },
];
