/** The programs of moves, each on every shape class that it can see. */

import { ShapeError } from '../sdk/core/errors.ts';
import type { Node } from '../sdk/core/node.ts';
import type { Op } from '../sdk/core/op.ts';
import * as M from '../sdk/core/ops/move.ts';
import type { Shape } from '../sdk/core/shape.ts';
import { input, type ShapeClass, type Subject, type Variant } from './cases.ts';

type View = (x: Node) => Node;

/** Uploaded shape and view of one operand, as the moves see it. */
const SEEN: Record<ShapeClass, readonly [Shape, View?]> = {
  '0': [[3, 0]],
  '1': [[1, 1]],
  prime: [[7, 11]],
  large: [[37, 139]],
  broadcast: [[5, 1], (x) => M.broadcast(x, [5, 6])],
  permuted: [[7, 5], (x) => M.permute(x, [1, 0])],
};

type Move = readonly [note: string, make: (x: Node) => Node];
const move = (op: Op, moves: readonly Move[], more: Partial<Record<ShapeClass, readonly Variant[]>> = {}): Subject => ({
  op,
  variants: (dtype, shape) => [
    ...moves.map(
      ([note, make]): Variant => ({
        note,
        inputs: [input(SEEN[shape][0], dtype, SEEN[shape][1])],
        make: ([x]) => make(x),
      }),
    ),
    ...(more[shape] ?? []).map((v) => ({ ...v, inputs: v.inputs.map((i) => ({ ...i, dtype })) })),
  ],
});

export const MOVE_SUBJECTS: readonly Subject[] = [
  move(M.RESHAPE, [
    ['flat', (x) => M.reshape(x, [x.shape[0] * x.shape[1]])],
    ['turned', (x) => M.reshape(x, [x.shape[1], 1, x.shape[0]])],
  ]),
  move(M.PERMUTE, [
    ['turned', (x) => M.permute(x, [1, 0])],
    ['between', (x) => M.permute(M.reshape(x, [x.shape[0], 1, x.shape[1]]), [2, 0, 1])],
  ]),
  move(
    M.BROADCAST,
    [
      ['in front', (x) => M.broadcast(x, [2, ...x.shape])],
      ['in the middle', (x) => M.broadcast(M.reshape(x, [x.shape[0], 1, x.shape[1]]), [x.shape[0], 3, x.shape[1]])],
    ],
    { '0': [{ note: 'to nothing', inputs: [input([3, 1], 'f32')], make: ([x]) => M.broadcast(x, [3, 0]) }] },
  ),
  move(M.SLICE, [
    [
      'inner',
      (x) =>
        M.slice(x, [
          [1, -1],
          [0, 3],
        ]),
    ],
    [
      'backwards',
      (x) =>
        M.slice(x, [
          [null, null, -1],
          [null, null, -2],
        ]),
    ],
    [
      'every third',
      (x) =>
        M.slice(x, [
          [1, null, 3],
          [-2, null],
        ]),
    ],
    ['backwards from the middle', (x) => M.slice(x, [[3, 0, -2]])],
    ['nothing', (x) => M.slice(x, [[2, 1]])],
  ]),
  move(M.PAD, [
    [
      'around',
      (x) =>
        M.pad(x, [
          [1, 2],
          [0, 3],
        ]),
    ],
    [
      'between',
      (x) =>
        M.pad(x, [
          [0, 0, 2],
          [1, 0, 1],
        ]),
    ],
    [
      'with ones',
      (x) =>
        M.pad(
          x,
          [
            [2, 0],
            [0, 0, 1],
          ],
          1,
        ),
    ],
  ]),
  move(
    M.CONCAT,
    [
      ['twice', (x) => M.concat([x, x], 0)],
      ['beside a part', (x) => M.concat([x, M.slice(x, [null, [0, 1]]), x], 1)],
    ],
    {
      '0': [
        { note: 'an empty part', inputs: [input([2, 3], 'f32'), input([0, 3], 'f32')], make: (x) => M.concat(x, 0) },
      ],
      prime: [{ note: 'two', inputs: [input([2, 3], 'f32'), input([2, 5], 'f32')], make: (x) => M.concat(x, 1) }],
      broadcast: [
        {
          note: 'parts that differ elsewhere',
          inputs: [input([2, 3], 'f32'), input([1, 1], 'f32')],
          make: (x) => M.concat(x, 0),
          refusal: { error: ShapeError, reason: 'concat never stretches a part' },
        },
      ],
    },
  ),
];
