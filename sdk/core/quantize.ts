/** 8-bit integers with scales (N6, mode int8): a tensor as i8 values and what each stands for, and their product. */

import { ShapeError } from './errors.ts';
import type { MatmulOptions } from './ops/matmul.ts';
import { sameShape, showShape, tryBroadcast } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** values * scale is near the tensor it was made of; the scale broadcasts to the values. */
export interface Quantized {
  readonly values: Tensor<'i8'>;
  readonly scale: Tensor<'f32'>;
}

const LIMIT = 127;

/**
 * x as integers from -127 to 127 times a scale: x/scale rounded to nearest, ties to even, and clamped; NaN gives 0. The scale
 * is max|x|/127 unless given; one for each column of [k, n] is `x.abs().max(0, true).div(127)`. Integers carry no derivative,
 * the scale does. Symmetric quantisation as in Jacob et al., 2018, section 2.1 with zero point 0.
 * @throws ShapeError where the scale does not broadcast to x.
 */
export function quantize(x: Tensor<'f32'>, scale: Tensor<'f32'> = x.abs().max().div(LIMIT)): Quantized {
  if (!sameShape(tryBroadcast([x.shape, scale.shape]) ?? [], x.shape)) {
    throw new ShapeError(`quantize: a scale of shape ${showShape(scale.shape)} for ${showShape(x.shape)}`, {
      hint: 'A scale has 1 where the tensor has a size, or that size.',
      details: { op: 'quantize', x: x.shape, scale: scale.shape },
    });
  }
  return { values: x.div(scale).round().clamp(-LIMIT, LIMIT).cast('i8'), scale };
}

/**
 * [..., m, k] by [..., k, n] gives f32 [..., m, n]: i32 sums (modulo 2^32) times the scales' product. The left side may have a
 * scale for each row, the right one for each column: 1 along k. Differentiable by the scales.
 * @throws ShapeError where a scale differs along k.
 */
export function matmulInt8(a: Quantized, b: Quantized, o: Omit<MatmulOptions, 'precision'> = {}): Tensor<'f32'> {
  const { transposeA, transposeB } = o;
  const scale = side(a, 'left', transposeA === true, 1).mul(side(b, 'right', transposeB === true, 2));
  return a.values.matmul(b.values, { transposeA, transposeB }).cast('f32').mul(scale);
}

/** A side's scale as it is turned for the result. `inner` is k's axis from the end, in a side that is not transposed. */
function side({ values, scale }: Quantized, which: string, transposed: boolean, inner: 1 | 2): Tensor<'f32'> {
  const along = transposed ? 3 - inner : inner;
  if ((scale.shape.at(-along) ?? 1) !== 1) {
    throw new ShapeError(
      `matmulInt8: the ${which} side ${showShape(values.shape)} has a scale ${showShape(scale.shape)} that differs along k`,
      {
        hint: 'Its scale must have size 1 along the inner axis: it is taken out of the sum.',
        details: { op: 'matmulInt8' },
      },
    );
  }
  if (!transposed || scale.shape.length === 0) return scale;
  return (scale.shape.length === 1 ? scale.reshape(1, -1) : scale).transpose();
}
