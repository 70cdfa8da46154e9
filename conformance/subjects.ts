/** The programs of each op: elementwise families and random draws. The others are in subjectsOf*.ts. */

import { apply } from '../sdk/core/build.ts';
import type { DType } from '../sdk/core/dtype.ts';
import { DTypeError } from '../sdk/core/errors.ts';
import type { Attrs, Node } from '../sdk/core/node.ts';
import type { Op } from '../sdk/core/op.ts';
import * as A from '../sdk/core/ops/arithmetic.ts';
import * as C from '../sdk/core/ops/compare.ts';
import * as M from '../sdk/core/ops/composite.ts';
import * as F from '../sdk/core/ops/functions.ts';
import * as L from '../sdk/core/ops/leaf.ts';
import * as P from '../sdk/core/ops/matmul.ts';
import { broadcast, permute, reshape } from '../sdk/core/ops/move.ts';
import * as X from '../sdk/core/ops/random.ts';
import * as W from '../sdk/core/ops/select.ts';
import type { Shape } from '../sdk/core/shape.ts';
import { DTYPES, elementwiseInputs, input, type ShapeClass, type Subject, type Variant } from './cases.ts';
import { KERNEL_SUBJECTS } from './subjectsOfKernels.ts';
import { MOVE_SUBJECTS } from './subjectsOfMoves.ts';
import { WINDOW_SUBJECTS } from './subjectsOfWindows.ts';

const NUMBERS: readonly DType[] = ['f32', 'i32', 'u32'];
const F32: readonly DType[] = ['f32'];
const COMPUTE: readonly DType[] = [...NUMBERS, 'bool'];

type Setting = readonly [note: string, attrs: Attrs];
const PLAIN: readonly Setting[] = [['', {}]];

interface Elementwise {
  readonly op: Op;
  readonly allowed: readonly DType[];
  /** Operand dtypes for the main dtype. */
  readonly operands: (d: DType) => readonly DType[];
  readonly settings?: (d: DType) => readonly Setting[];
}

const one = (d: DType) => [d];
const two = (d: DType) => [d, d];
const unary = (allowed: readonly DType[], ...ops: Op[]): Elementwise[] =>
  ops.map((op) => ({ op, allowed, operands: one }));
const binary = (allowed: readonly DType[], ...ops: Op[]): Elementwise[] =>
  ops.map((op) => ({ op, allowed, operands: two }));

const CLAMPS: Record<DType, readonly Setting[]> = {
  f32: [
    ['-1..0.5', { low: -1, high: 0.5 }],
    ['0..0', { low: 0, high: 0 }],
  ],
  i32: [['-5..70000', { low: -5, high: 70000 }]],
  u32: [['3..3000000000', { low: 3, high: 3000000000 }]],
  bool: [['0..1', { low: 0, high: 1 }]],
  f16: [['0..1', { low: 0, high: 1 }]],
  bf16: [['0..1', { low: 0, high: 1 }]],
  i8: [['0..1', { low: 0, high: 1 }]],
  u8: [['0..1', { low: 0, high: 1 }]],
};

const ELEMENTWISE: readonly Elementwise[] = [
  ...unary(NUMBERS, A.NEG, A.ABS, A.SIGN),
  ...binary(NUMBERS, A.ADD, A.SUB, A.MUL, A.MAXIMUM, A.MINIMUM),
  ...binary(F32, A.DIV, F.POW, M.BCE_WITH_LOGITS),
  ...unary(F32, A.RELU, F.EXP, F.LOG, F.SQRT, F.RSQRT, F.TANH, F.SIGMOID, F.SOFTPLUS, F.SIN, F.COS, F.ERF),
  ...unary(F32, F.FLOOR, F.CEIL, F.TRUNC, F.ROUND, C.IS_FINITE),
  ...binary(COMPUTE, C.EQ, C.NE),
  ...binary(NUMBERS, C.LESS, C.LESS_EQUAL, C.GREATER, C.GREATER_EQUAL),
  ...binary(['bool'], C.AND, C.OR, C.XOR),
  ...unary(['bool'], C.NOT),
  ...unary(['u32'], X.UNIT),
  { op: A.CLAMP, allowed: NUMBERS, operands: one, settings: (d) => CLAMPS[d] },
  {
    op: F.POWI,
    allowed: F32,
    operands: one,
    settings: () => [-2, 0, 1, 3, 13].map((n): Setting => [`n = ${n}`, { n }]),
  },
  {
    op: P.NARROW,
    allowed: F32,
    operands: one,
    settings: () => [0x1000, 0x10000].map((place): Setting => [`place ${place}`, { place }]),
  },
  { op: W.WHERE, allowed: DTYPES, operands: (d) => ['bool', d, d] },
  {
    op: W.CAST,
    allowed: DTYPES,
    operands: one,
    settings: (d) => DTYPES.filter((to) => to !== d).map((to): Setting => [`to ${to}`, { to }]),
  },
];

function elementwise({ op, allowed, operands, settings }: Elementwise): Subject {
  return {
    op,
    variants: (dtype, shape) =>
      elementwiseInputs(operands(dtype), shape).flatMap((inputs) =>
        (settings?.(dtype) ?? PLAIN).map(
          ([note, attrs]): Variant => ({
            note,
            inputs,
            make: (x) => apply(op, x, attrs),
            refusal: allowed.includes(dtype) ? undefined : wrongDType(op, allowed),
          }),
        ),
      ),
  };
}

const wrongDType = (op: Op, allowed: readonly DType[]) => ({
  error: DTypeError,
  reason: `${op.name} takes ${allowed.join(', ')}`,
});

/** What an op without tensor operands gives, seen as each shape class. */
const SHOWN: Record<ShapeClass, readonly [Shape, (y: Node) => Node][]> = {
  '0': [[[3, 0], (y) => y]],
  '1': [[[], (y) => y]],
  prime: [[[7, 11], (y) => y]],
  large: [[[37, 139], (y) => y]],
  broadcast: [[[3, 1], (y) => broadcast(y, [2, 3, 5])]],
  permuted: [[[5, 3, 7], (y) => permute(y, [2, 0, 1])]],
};

const draw = (op: Op, dtypes: readonly DType[]): Subject => ({
  op,
  variants: (dtype, shape) =>
    SHOWN[shape].flatMap(([own, view]) =>
      // A step that is computed is read from memory, even by a draw of one element.
      (dtypes.includes(dtype) ? [false, true] : [false]).map((computed) => ({
        note: computed ? 'computed step' : '',
        inputs: [input([], dtype)],
        make: ([given]) => {
          const step = computed ? A.neg(given) : given;
          return view(apply(op, [step], { seedLo: 0x89abcdef, seedHi: 0x01234567, stream: 0xdeadbeef, shape: own }));
        },
        refusal: dtypes.includes(dtype) ? undefined : wrongDType(op, dtypes),
      })),
    ),
});

const LEAVES: readonly Subject[] = [
  {
    op: L.CONSTANT,
    variants: (dtype, shape) =>
      SHOWN[shape].map(([own, view]) => ({
        note: '',
        inputs: [],
        make: (_, graph) => view(broadcast(L.constant(graph, dtype === 'f32' ? -1.5 : 1, dtype), own)),
      })),
  },
  {
    op: L.IOTA,
    variants: (dtype, shape) =>
      dtype !== 'i32'
        ? 'iota counts in i32'
        : SHOWN[shape].map(([own, view]) => ({
            note: '',
            inputs: [],
            make: (_, graph) =>
              view(
                reshape(
                  L.iota(
                    graph,
                    own.reduce((n, d) => n * d, 1),
                  ),
                  own,
                ),
              ),
          })),
  },
  {
    op: L.DATA,
    variants: (dtype, shape) =>
      elementwiseInputs([dtype], shape).map((inputs) => ({ note: '', inputs, make: ([x]) => x })),
  },
  { op: L.PLACEHOLDER, variants: () => 'a placeholder is an argument of a trace, and has no value outside it' },
  {
    op: L.DETACH,
    variants: (dtype, shape) =>
      elementwiseInputs([dtype], shape).map((inputs) => ({ note: '', inputs, make: ([x]) => L.detach(x) })),
  },
];

export const SUBJECTS: readonly Subject[] = [
  ...LEAVES,
  ...ELEMENTWISE.map(elementwise),
  draw(X.PHILOX, ['u32']),
  draw(X.NORMAL, ['u32']),
  ...KERNEL_SUBJECTS,
  ...MOVE_SUBJECTS,
  ...WINDOW_SUBJECTS,
];
