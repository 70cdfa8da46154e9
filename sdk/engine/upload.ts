/** Host data on its way to a device: sizes, dtypes and ranges are checked before anything is written. */

import type { ComputeDType, DType } from '../core/dtype.ts';
import { DataError, DTypeError, ShapeError } from '../core/errors.ts';
import { type HostArray, isHostArray } from '../core/host.ts';
import { checkShape, type Shape, showShape, sizeOf } from '../core/shape.ts';

const COMPUTE: readonly DType[] = ['f32', 'i32', 'u32', 'bool'];

export function computeDType(what: string, dtype: DType): ComputeDType {
  if (COMPUTE.includes(dtype)) return dtype as ComputeDType;
  throw new DTypeError(`${what}: ${dtype} only stores; tensors are ${COMPUTE.join(', ')}`, {
    hint: 'Convert on the host first (f32 for f16 and bf16, i32 or u32 for i8 and u8).',
    details: { dtype },
  });
}

/** A host array from what a user gave, checked. Plain numbers that are to be integers must be integers in range. */
export function checkedHost(
  what: string,
  data: HostArray | ArrayLike<number>,
  shape?: Shape,
  dtype?: DType,
): HostArray<ComputeDType> {
  const given: HostArray = isHostArray(data)
    ? data
    : { data: data as Float32Array, shape: shape ?? [data.length], dtype: dtype ?? 'f32' };
  const as = computeDType(what, dtype ?? given.dtype);
  if (as !== given.dtype) {
    throw new DTypeError(`${what}: the array is ${given.dtype}, asked for ${as}`, {
      hint: `Upload it as ${given.dtype} and use .cast('${as}').`,
    });
  }
  const dims = checkShape(what, shape ?? given.shape);
  checkElements(what, given.data, dims, as);
  return { data: given.data as HostArray<ComputeDType>['data'], shape: dims, dtype: as };
}

/** Refuses data that do not fill their shape, and numbers that are no integers of their dtype. */
export function checkElements(what: string, data: ArrayLike<number>, shape: Shape, dtype: ComputeDType): void {
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(
      `${what}: ${data.length} numbers do not fill a tensor of shape ${showShape(shape)} (${sizeOf(shape)})`,
      {
        hint: 'Give as many numbers as the shape has elements.',
        details: { shape, length: data.length },
      },
    );
  }
  if (dtype !== 'f32') checkIntegers(what, data, dtype);
}

function checkIntegers(what: string, data: ArrayLike<number>, dtype: ComputeDType): void {
  const exact = dtype === 'i32' ? data instanceof Int32Array : dtype === 'u32' ? data instanceof Uint32Array : false;
  if (exact) return;
  const [lo, hi] = dtype === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : dtype === 'u32' ? [0, 2 ** 32 - 1] : [0, 1];
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (Number.isInteger(v) && v >= lo && v <= hi) continue;
    throw new DataError(
      `${what}: element ${i} is ${v}, expected ${dtype === 'bool' ? '0 or 1' : `an integer from ${lo} to ${hi}`}`,
      {
        hint: `Check the data, or upload it as f32 and use .cast('${dtype}').`,
        details: { index: i, value: v, dtype },
      },
    );
  }
}

/** The error for Inf or NaN in host data; finds the first one. */
export function nonFiniteData(what: string, data: ArrayLike<number>): DataError {
  let i = 0;
  while (i < data.length && Number.isFinite(Math.fround(data[i]))) i++;
  return new DataError(`${what}: element ${i} is ${data[i]}, which is not finite in f32`, {
    hint: "Clean the data, or upload it with { nonfinite: 'keep' }.",
    details: { index: i, value: String(data[i]) },
  });
}
