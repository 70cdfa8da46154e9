/**
 * Weights in fewer bits, and back: f16 and bf16 by the contract's casts (N9), i8 with a scale for each output channel. The scales
 * of `fc1.weight` [out, …] lie beside it as `fc1.weight_scale`, f32 [out, 1, …], the names of the compressed-tensors format.
 */

import { ARRAY, type DType, isFloat } from '../core/dtype.ts';
import { DataError, OptionError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { C } from '../core/scalar/bits.ts';
import { castOf } from '../core/scalar/cast.ts';
import { type Shape, sameShape } from '../core/shape.ts';

/** What weights can be stored as. */
export const WEIGHT_DTYPES = ['f32', 'f16', 'bf16', 'i8'] as const;
export type WeightDType = (typeof WEIGHT_DTYPES)[number];

/** What is behind the name of a tensor whose scales it holds. */
export const SCALE = '_scale';

const LIMIT = 127;

interface Form {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One scale for each slice along the first axis. */
export const scaleShape = (shape: Shape): Shape => [shape[0], ...shape.slice(1).map(() => 1)];

/** True where `scale` holds the scales of `values`. */
export const isScaleOf = (scale: Form | undefined, values: Form): boolean =>
  scale?.dtype === 'f32' && values.dtype === 'i8' && sameShape(scale.shape, scaleShape(values.shape));

/** What a tensor of weights is stored as: of integers nothing changes, and biases and the like stay f32 beside i8. */
export function storedAs({ dtype, shape }: Form, as: WeightDType): DType {
  if (!isFloat(dtype)) return dtype;
  return as === 'i8' && shape.length < 2 ? 'f32' : as;
}

/** Elements in another dtype: floats half to even, floats to integers toward zero, saturating (N9). */
export function castArray<D extends DType>(t: HostArray, to: D): HostArray<D> {
  const data = new ARRAY[to](t.data.length);
  for (let i = 0; i < data.length; i++) data[i] = castOf(t.data[i], t.dtype, to);
  return { data, shape: t.shape, dtype: to };
}

/**
 * Integers from -127 to 127 and the scale max|x|/127 of each slice along the first axis: `quantize()` of isobit with those
 * scales, bit for bit. Slices of zeros give 0.
 * @throws DataError for Inf and NaN, under the `name`
 */
export function quantizeRows(
  { data, shape }: HostArray<'f32'>,
  name = 'quantizeRows',
): { values: HostArray<'i8'>; scale: HostArray<'f32'> } {
  const rows = shape[0];
  const width = rows === 0 ? 0 : data.length / rows;
  const scale = new Float32Array(rows);
  const values = new Int8Array(data.length);
  for (let r = 0; r < rows; r++) {
    let max = 0;
    for (let i = r * width; i < (r + 1) * width; i++) max = Math.max(max, Math.abs(C(data[i])));
    if (!Number.isFinite(max)) {
      throw new DataError(`${name}: slice ${r} holds Inf or NaN`, { hint: 'Only finite weights have a scale.' });
    }
    const s = C(Math.fround(max / LIMIT));
    scale[r] = s;
    if (s === 0) continue;
    for (let i = r * width; i < (r + 1) * width; i++) {
      values[i] = Math.max(-LIMIT, Math.min(LIMIT, halfEven(Math.fround(C(data[i]) / s))));
    }
  }
  return {
    values: { data: values, shape, dtype: 'i8' },
    scale: { data: scale, shape: scaleShape(shape), dtype: 'f32' },
  };
}

function halfEven(x: number): number {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low & 1) : Math.round(x);
}

/** values * scale, each product rounded once. */
export function dequantizeRows(values: HostArray, scale: HostArray): HostArray<'f32'> {
  const width = values.data.length / Math.max(1, scale.data.length);
  const data = new Float32Array(values.data.length);
  for (let i = 0; i < data.length; i++) data[i] = values.data[i] * scale.data[Math.floor(i / width)];
  return { data, shape: values.shape, dtype: 'f32' };
}

/**
 * Weights in another dtype, and which were changed: i8 with scales goes back to floats unless it is asked for. `own` says which
 * tensors are weights.
 * @throws OptionError where a tensor has the name of another one's scales
 */
export function castWeights(
  tensors: ReadonlyMap<string, HostArray>,
  as: WeightDType,
  own: (name: string) => boolean,
): { tensors: Map<string, HostArray>; cast: { name: string; from: DType; to: DType }[] } {
  const out = new Map<string, HostArray>();
  const cast: { name: string; from: DType; to: DType }[] = [];
  const isScale = (name: string, t: HostArray) => {
    const values = name.endsWith(SCALE) ? tensors.get(name.slice(0, -SCALE.length)) : undefined;
    return values !== undefined && isScaleOf(t, values);
  };
  const put = (name: string, t: HostArray) => {
    if (out.has(name)) {
      throw new OptionError(`${name}: there is such a tensor, and scales would have this name`, {
        hint: 'Rename it, or leave these weights as floats.',
      });
    }
    out.set(name, t);
  };
  for (const [name, t] of tensors) {
    const scale = tensors.get(name + SCALE);
    const quantized = isScaleOf(scale, t);
    const to = quantized ? as : storedAs(t, as);
    if (own(name) && isScale(name, t)) {
      if (as === 'i8') put(name, t);
    } else if (!own(name) || to === t.dtype) put(name, t);
    else {
      cast.push({ name, from: t.dtype, to });
      const whole = quantized ? dequantizeRows(t, scale as HostArray) : t;
      if (to !== 'i8') put(name, castArray(whole, to));
      else {
        const rows = quantizeRows(castArray(whole, 'f32'), name);
        put(name, rows.values);
        put(name + SCALE, rows.scale);
      }
    }
  }
  return { tensors: out, cast };
}
