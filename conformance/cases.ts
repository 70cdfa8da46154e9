/**
 * The coverage table: for every op of the primitive table, the programs that try it in each dtype and shape class.
 * A program that cannot exist says why and which error the library throws for it.
 */

import type { DType } from '../sdk/core/dtype.ts';
import type { IsobitError } from '../sdk/core/errors.ts';
import type { Graph, Node } from '../sdk/core/node.ts';
import type { Op } from '../sdk/core/op.ts';
import { broadcast, permute, slice } from '../sdk/core/ops/move.ts';
import type { Shape } from '../sdk/core/shape.ts';

/** Those with arithmetic come first. */
export const DTYPES: readonly DType[] = ['f32', 'i32', 'u32', 'bool', 'f16', 'bf16', 'i8', 'u8'];

/**
 * - `0`: some axis is empty. `1`: one element. `prime`: sizes that no vector or block divides.
 * - `large`: more than a block of 256 elements, a chunk of 2048 (N7) and a contraction chunk of 256 (N6).
 * - `broadcast`: stretched operands. `permuted`: operands that are permuted or backwards views.
 */
export type ShapeClass = '0' | '1' | 'prime' | 'large' | 'broadcast' | 'permuted';
export const SHAPE_CLASSES: readonly ShapeClass[] = ['0', '1', 'prime', 'large', 'broadcast', 'permuted'];

/** An uploaded operand, and the view of it that the op reads. */
export interface Input {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly view?: (x: Node) => Node;
  /** Index operands: positions in an axis of this size. */
  readonly positions?: number;
}

export interface Refusal {
  readonly error: new (...args: never[]) => IsobitError;
  readonly reason: string;
}

export interface Variant {
  readonly note: string;
  readonly inputs: readonly Input[];
  /** The op on its operands (after their views); `graph` is for ops without any. */
  readonly make: (x: readonly Node[], graph: Graph) => Node;
  /** The op refuses these operands when it is built. */
  readonly refusal?: Refusal;
}

/** One op. `variants` gives its programs in a dtype (that of the main operand) and shape class, or why there are none. */
export interface Subject {
  readonly op: Op;
  readonly variants: (dtype: DType, shape: ShapeClass) => readonly Variant[] | string;
}

export const input = (shape: Shape, dtype: DType, view?: (x: Node) => Node): Input => ({ shape, dtype, view });

/** Four ways to see [7, 5, 3] through a view. */
const VIEWS: readonly [Shape, (x: Node) => Node][] = [
  [[5, 3, 7], (x) => permute(x, [2, 0, 1])],
  [[7, 10, 3], (x) => slice(x, [null, [null, null, -2]])],
  [[3, 5, 7], (x) => permute(x, [2, 1, 0])],
  [
    [9, 5, 3],
    (x) =>
      slice(x, [
        [1, 8],
        [null, null, -1],
        [null, null, -1],
      ]),
  ],
];

/** Operands of an elementwise op: sets of inputs to try. */
export function elementwiseInputs(dtypes: readonly DType[], shape: ShapeClass): readonly (readonly Input[])[] {
  const all = (shapeOf: (k: number) => Shape) => dtypes.map((d, k) => input(shapeOf(k), d));
  switch (shape) {
    case '0':
      return [all((k) => (k === 0 ? [3, 0] : [1, 0]))];
    case '1':
      return [all((k) => (k === 0 ? [] : [1, 1])), all(() => [1, 1])];
    case 'prime':
      return [all(() => [7, 11])];
    case 'large':
      return [all(() => [37, 139])];
    case 'broadcast':
      return dtypes.length === 1
        ? [
            [input([3, 1], dtypes[0], (x) => broadcast(x, [2, 3, 5]))],
            [input([7], dtypes[0], (x) => broadcast(x, [50, 7]))],
          ]
        : [
            all((k) => [[5, 1, 7], [3, 1], [7]][k]),
            all((k) => [[300], [7, 1], []][k]),
            all((k) => [[20, 7], [7], [1, 7]][k]),
          ];
    case 'permuted':
      return [0, 1, 2, 3].map((first) =>
        dtypes.map((d, k) => {
          const [from, view] = VIEWS[(first + k) % 4];
          return input(from, d, view);
        }),
      );
  }
}
