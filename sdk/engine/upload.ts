/** Host data on its way to a device: sizes, dtypes and ranges are checked before anything is written. */

import { ARRAY, BYTES, type DType, EXPONENT, isDType, isFloat, RANGE } from '../core/dtype.ts';
import { DataError, DTypeError, ShapeError } from '../core/errors.ts';
import { type HostArray, isHostArray } from '../core/host.ts';
import { C, canonicalOf, castOf } from '../core/scalar/index.ts';
import { checkShape, type Shape, showShape, sizeOf } from '../core/shape.ts';

export function checkDType(what: string, dtype: DType): DType {
  if (isDType(dtype)) return dtype;
  throw new DTypeError(`${what}: unknown dtype ${String(dtype)}`, {
    hint: `Use one of ${Object.keys(BYTES).join(', ')}.`,
    details: { dtype },
  });
}

/**
 * A host array from what a user gave, checked. Plain numbers that are to be integers must be integers in range; those that are
 * to be f16 or bf16 are rounded, while a Uint16Array holds their bits.
 */
export function checkedHost(
  what: string,
  data: HostArray | ArrayLike<number>,
  shape?: Shape,
  dtype?: DType,
): HostArray<DType> {
  const given: HostArray = isHostArray(data)
    ? data
    : { data: data as Float32Array, shape: shape ?? [data.length], dtype: dtype ?? 'f32' };
  const as = checkDType(what, dtype ?? given.dtype);
  if (as !== given.dtype) {
    throw new DTypeError(`${what}: the array is ${given.dtype}, asked for ${as}`, {
      hint: `Upload it as ${given.dtype} and use .cast('${as}').`,
    });
  }
  const dims = checkShape(what, shape ?? given.shape);
  checkElements(what, given.data, dims, as);
  if ((as === 'f16' || as === 'bf16') && !(given.data instanceof Uint16Array)) {
    return { data: Uint16Array.from(given.data, (v) => castOf(C(Math.fround(v)), 'f32', as)), shape: dims, dtype: as };
  }
  return { data: given.data, shape: dims, dtype: as };
}

/** Refuses data that do not fill their shape, and numbers that are no integers of their dtype. */
export function checkElements(what: string, data: ArrayLike<number>, shape: Shape, dtype: DType): void {
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(
      `${what}: ${data.length} numbers do not fill a tensor of shape ${showShape(shape)} (${sizeOf(shape)})`,
      {
        hint: 'Give as many numbers as elements.',
        details: { shape, length: data.length },
      },
    );
  }
  if (!isFloat(dtype)) checkIntegers(what, data, dtype);
}

function checkIntegers(what: string, data: ArrayLike<number>, dtype: keyof typeof RANGE): void {
  if (dtype !== 'bool' && data instanceof ARRAY[dtype]) return;
  const [lo, hi] = RANGE[dtype];
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

/** f16 or bf16 elements as a device holds them, one in 32 bits and canonical, and whether one is Inf or NaN. */
export function halves(
  data: ArrayLike<number>,
  dtype: 'f16' | 'bf16',
): { words: Uint32Array<ArrayBuffer>; nonfinite: boolean } {
  const words = Uint32Array.from(data, (h) => canonicalOf(h, dtype));
  return { words, nonfinite: hasNonFinite(words, dtype) };
}

/** True when an element of a float dtype, in device words, is Inf or NaN. */
export function hasNonFinite(words: Uint32Array, dtype: keyof typeof EXPONENT): boolean {
  const mask = EXPONENT[dtype];
  // As signed numbers, and eight at a time, it takes a third of the time.
  const w = new Int32Array(words.buffer, words.byteOffset, words.length);
  let i = 0;
  for (; i + 8 <= w.length; i += 8) {
    const a = (w[i] & mask) === mask || (w[i + 1] & mask) === mask || (w[i + 2] & mask) === mask;
    const b = (w[i + 3] & mask) === mask || (w[i + 4] & mask) === mask || (w[i + 5] & mask) === mask;
    if (a || b || (w[i + 6] & mask) === mask || (w[i + 7] & mask) === mask) return true;
  }
  for (; i < w.length; i++) if ((w[i] & mask) === mask) return true;
  return false;
}

/** The error for Inf or NaN in host data; finds the first one. Elements of f16 and bf16 are bits. */
export function nonFiniteData(what: string, data: ArrayLike<number>, dtype: DType): DataError {
  const value = (i: number) => (dtype === 'f32' ? Math.fround(data[i]) : castOf(data[i], dtype, 'f32'));
  let i = 0;
  while (i < data.length && Number.isFinite(value(i))) i++;
  return new DataError(
    `${what}: element ${i} is ${dtype === 'f32' ? data[i] : value(i)}, which is not finite in ${dtype}`,
    {
      hint: "Check the data, or upload it with { nonfinite: 'keep' }.",
      details: { index: i, value: String(value(i)) },
    },
  );
}
