/** Contractions (N6): batched, either side transposed; k is the inner index. */

import { apply } from '../build.ts';
import { PRECISIONS, type Precision } from '../dtype.ts';
import { DTypeError, OptionError, ShapeError } from '../errors.ts';
import { type Attrs, type Node, needDType } from '../node.ts';
import type { Op } from '../op.ts';
import { type Shape, showShape, sizeOf, tryBroadcast } from '../shape.ts';
import { mapOp, same } from './elementwise.ts';
import { permute, reshape } from './move.ts';
import { cast } from './select.ts';

export interface MatmulOptions {
  /** Use the left side transposed in its last two axes. */
  transposeA?: boolean;
  transposeB?: boolean;
  /**
   * What f32 operands are rounded to before they are multiplied: `'highest'` nothing, `'high'` 12 significant bits (one more
   * than TF32), `'medium'` bf16; both take 2^64 and more as Inf. The runtime's (`rt.precision`) unless given. Derivatives use the same.
   */
  precision?: Precision;
}

const matrix = (s: Shape, t: unknown): [rows: number, columns: number] => {
  const [r, c] = s.slice(-2);
  return t ? [c, r] : [r, c];
};

/** Shape rule of both ops below. */
function product(a: Node, b: Node, { transposeA: ta, transposeB: tb }: Attrs): Shape {
  const show = `${showShape(a.shape)}${ta ? ' transposed' : ''} by ${showShape(b.shape)}${tb ? ' transposed' : ''}`;
  if (a.shape.length < 2 || b.shape.length < 2) {
    throw new ShapeError(`matmul: ${show}: both sides need at least two axes`, {
      hint: 'Give a vector a second axis with reshape().',
      details: { op: 'matmul', a: a.shape, b: b.shape },
    });
  }
  const [m, k] = matrix(a.shape, ta);
  const [k2, n] = matrix(b.shape, tb);
  const batch = tryBroadcast([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  if (k !== k2 || !batch) {
    throw new ShapeError(
      `matmul: ${show}: ${batch ? `the inner sizes ${k} and ${k2} differ` : 'the batch axes do not broadcast'}`,
      {
        hint: k === k2 ? 'Batch axes must be equal or 1.' : 'Transpose one side, or check the layer sizes.',
        details: { op: 'matmul', a: a.shape, b: b.shape },
      },
    );
  }
  return [...batch, m, n];
}

/** C = op(A) op(B). Each adjoint is again one matmul in the same mode: no transposed copy is ever written. */
const derivatives = (op: () => Op): Pick<Op, 'vjp' | 'jvp'> => ({
  vjp(g, { inputs: [a, b], attrs }, i) {
    const [ta, tb] = [attrs.transposeA === true, attrs.transposeB === true];
    const precision = (attrs.precision ?? 'highest') as Precision;
    const mul = (x: Node, y: Node, transposeA: boolean, transposeB: boolean) =>
      matmul(x, y, { transposeA, transposeB, precision });
    if (i === 0) return ta ? mul(b, g, tb, true) : mul(g, b, false, !tb);
    return tb ? mul(g, a, true, ta) : mul(a, g, !ta, false);
  },
  jvp: (t, { inputs: [a, b], attrs }, i) => apply(op(), i === 0 ? [t, b] : [a, t], attrs),
});

/**
 * The primitive: f32 operands as they are (mode f32), or i8 ones with an i32 result (mode int8). `exact` says that products of
 * these operands are exact and below 2^128, so that a device may fuse them (M3): it changes no bit.
 */
export const MATMUL: Op = {
  name: 'matmul',
  kind: 'matmul',
  infer([a, b], attrs) {
    needDType('matmul', a, ['f32', 'i8']);
    if (a.dtype !== b.dtype) {
      throw new DTypeError(`matmul: operands are ${a.dtype} and ${b.dtype}; nothing is promoted`, {
        hint: 'Cast one of them.',
        details: { op: 'matmul', dtypes: [a.dtype, b.dtype] },
      });
    }
    return { shape: product(a, b, attrs), dtype: a.dtype === 'f32' ? 'f32' : 'i32' };
  },
  ...derivatives(() => MATMUL),
};

/** The unit in the last place that each precision keeps of an f32 pattern. */
const PLACE = { high: 0x1000, medium: 0x10000 } as const;

export const NARROW: Op = mapOp('narrow', same('narrow', ['f32']), (e, [x], attrs) =>
  e.row('narrow', x, e.constant(attrs.place as number, 'u32')),
);

/** An operand as the modes tf32x and bf16 load it, but for W, which the product itself applies. */
export const narrow = (x: Node, precision: 'high' | 'medium'): Node => apply(NARROW, [x], { place: PLACE[precision] });

/** The attributes that say a contraction's precision: none where it is the highest. The runtime's unless given. */
export function modeOf(name: string, graph: Node['graph'], given: Precision | undefined): Attrs {
  const precision = given ?? graph.precision;
  if (PRECISIONS.includes(precision)) return precision === 'highest' ? {} : { precision };
  throw new OptionError(`${name}: precision must be one of ${PRECISIONS.join(', ')}, got ${precision}`, {
    details: { op: name, precision },
  });
}

/** Modes tf32x and bf16 on f32 operands: one node for differentiation, whose rounding passes adjoints as they are (N12). */
export const MATMUL_NARROW: Op = {
  name: 'matmulNarrow',
  kind: 'composite',
  infer([a, b], attrs) {
    needDType('matmul', a, ['f32']);
    needDType('matmul', b, ['f32']);
    return { shape: product(a, b, attrs), dtype: 'f32' };
  },
  expand(sides, { precision, ...attrs }) {
    const narrowed = sides.map((x) => narrow(x, precision as 'high' | 'medium'));
    return apply(MATMUL, narrowed, { ...attrs, exact: true });
  },
  ...derivatives(() => MATMUL_NARROW),
};

/** A stored half as N6 loads it; those of bf16 may be 2^64 or more. */
export const widened = (x: Node): Node => (x.dtype === 'f16' ? cast(x, 'f32') : narrow(cast(x, 'f32'), 'medium'));

/**
 * [..., m, k] by [..., k, n] gives [..., m, n]; batch axes broadcast. By a right side of rank 2 the left's leading axes are rows
 * like any other, so that the right side's gradient is one contraction over all of them (N6). Both sides are f32, both f16 or
 * both bf16, with an f32 result; or both i8, with an i32 result.
 */
export function matmul(left: Node, right: Node, o: MatmulOptions = {}): Node {
  const sides = [left, right];
  const half = (['f16', 'bf16'] as const).find((d) => sides.every((x) => x.dtype === d));
  if (o.precision && (half || left.dtype === 'i8')) {
    throw new OptionError(`matmul: precision is for f32 operands, these are ${left.dtype}`, {
      hint: 'Leave it out: products of these are exact.',
      details: { op: 'matmul', precision: o.precision },
    });
  }
  const mode = half ? { exact: true } : left.dtype === 'f32' ? modeOf('matmul', left.graph, o.precision) : {};
  const op = 'precision' in mode ? MATMUL_NARROW : MATMUL;
  const [a, b] = half ? sides.map(widened) : sides;
  const [transposeA, transposeB] = [o.transposeA === true, o.transposeB === true];
  if (b.shape.length !== 2 || a.shape.length <= 2) return apply(op, [a, b], { transposeA, transposeB, ...mode });
  const r = a.shape.length;
  const rows = transposeA ? permute(a, [...a.shape.keys()].slice(0, -2).concat(r - 1, r - 2)) : a;
  const lead = rows.shape.slice(0, -1);
  const flat = reshape(rows, [sizeOf(lead), rows.shape[r - 1]]);
  const y = apply(op, [flat, b], { transposeA: false, transposeB, ...mode });
  return reshape(y, [...lead, y.shape[1]]);
}
