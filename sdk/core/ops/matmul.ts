/** matmul (N6, mode f32): batched, either side transposed; k is the inner index. */

import { apply } from '../build.ts';
import { ShapeError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import type { Op } from '../op.ts';
import { type Shape, showShape, sizeOf, tryBroadcast } from '../shape.ts';
import { abs, mul } from './arithmetic.ts';
import { lt } from './compare.ts';
import { permute, reshape } from './move.ts';
import { cast, where } from './select.ts';

export interface MatmulOptions {
  /** Use the left side transposed in its last two axes. */
  transposeA?: boolean;
  transposeB?: boolean;
}

const matrix = (s: Shape, t: boolean): [rows: number, columns: number] => {
  const [r, c] = s.slice(-2);
  return t ? [c, r] : [r, c];
};

export const MATMUL: Op = {
  name: 'matmul',
  kind: 'matmul',
  infer([a, b], attrs) {
    needDType('matmul', a, ['f32']);
    needDType('matmul', b, ['f32']);
    const [ta, tb] = [attrs.transposeA === true, attrs.transposeB === true];
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
    return { shape: [...batch, m, n], dtype: 'f32' };
  },
  // C = op(A) op(B). Each adjoint is again one matmul: no transposed copy is ever written.
  vjp(g, { inputs: [a, b], attrs }, i) {
    const [ta, tb] = [attrs.transposeA === true, attrs.transposeB === true];
    if (i === 0) return ta ? matmul(b, g, { transposeA: tb, transposeB: true }) : matmul(g, b, { transposeB: !tb });
    return tb ? matmul(g, a, { transposeA: true, transposeB: ta }) : matmul(a, g, { transposeA: !ta });
  },
  jvp: (t, { inputs: [a, b], attrs }, i) => apply(MATMUL, i === 0 ? [t, b] : [a, t], attrs),
};

/**
 * An f16 or bf16 operand as N6 loads it: widened, and Inf of its sign from 2^64 on. Products of two are exact in f32 and never
 * overflow, so that the f32 mode has the bits of theirs.
 */
function widened(x: Node): Node {
  const wide = cast(x, 'f32');
  return x.dtype === 'f16' ? wide : where(lt(abs(wide), 2 ** 64), wide, mul(wide, 2 ** 64));
}

/**
 * [..., m, k] by [..., k, n] gives [..., m, n]; batch axes broadcast. By a right side of rank 2 the left's leading axes are rows
 * like any other, so that the right side's gradient is one contraction over all of them (N6). Both sides are f32, both f16 or
 * both bf16; the result is f32.
 */
export function matmul(left: Node, right: Node, o: MatmulOptions = {}): Node {
  const half = left.dtype === right.dtype && (left.dtype === 'f16' || left.dtype === 'bf16');
  const [a, b] = half ? [widened(left), widened(right)] : [left, right];
  const [transposeA, transposeB] = [o.transposeA === true, o.transposeB === true];
  if (b.shape.length !== 2 || a.shape.length <= 2) return apply(MATMUL, [a, b], { transposeA, transposeB });
  const r = a.shape.length;
  const rows = transposeA ? permute(a, [...a.shape.keys()].slice(0, -2).concat(r - 1, r - 2)) : a;
  const lead = rows.shape.slice(0, -1);
  const y = apply(MATMUL, [reshape(rows, [sizeOf(lead), rows.shape[r - 1]]), b], { transposeA: false, transposeB });
  return reshape(y, [...lead, y.shape[1]]);
}
