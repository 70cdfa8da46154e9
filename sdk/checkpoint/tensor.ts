/** Tensors as files see them: raw little-endian bytes of typed arrays. */

import { ARRAY, type Data, type DType } from '../core/dtype.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import type { TensorSpec } from './layout.ts';

/** A tensor that is read only when its turn to be written comes, so that a save holds one of them at a time. */
export interface LazyTensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  /**
   * Must give the same data every time: a file may be hashed in one pass and written in another. May fill `into`, an array of its
   * dtype and size, and give an array over the same memory.
   */
  read(o?: IO & { into?: Data[D] }): Promise<Data[D]>;
}

export type TensorSource = HostArray | LazyTensor;

const littleEndian = (): boolean => new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Raw bytes without a copy. E_DTYPE or E_SHAPE where the array is not what dtype and shape say. */
export function rawBytes(t: TensorSpec, data: Data[DType]): Uint8Array {
  const fail = (code: `E_${string}`, why: string, expected: unknown, actual: unknown, hint: string): never => {
    throw new CheckpointError(code, `tensor '${t.name}': ${why}`, { tensor: t.name, expected, actual, hint });
  };
  if (!littleEndian()) fail('E_UNSUPPORTED', 'this processor is big-endian', 'little', 'big', 'use another machine');
  if (!(data instanceof ARRAY[t.dtype])) {
    const got = Object.prototype.toString.call(data).slice(8, -1);
    const want = ARRAY[t.dtype].name;
    fail('E_DTYPE', `${t.dtype} is held by ${want}, got ${got}`, want, got, `convert the data to a ${want}`);
  }
  if (data.length !== sizeOf(t.shape)) {
    const want = sizeOf(t.shape);
    const why = `shape ${showShape(t.shape)} needs ${want} elements, got ${data.length}`;
    fail('E_SHAPE', why, want, data.length, 'give all elements in row-major order');
  }
  if (t.dtype === 'bool' && data.some((v: number) => v > 1)) {
    fail('E_ENCODE', 'bool holds a value other than 0 and 1', '0 or 1', 'other', 'compare with 0 to make it a bool');
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The array whose bytes these are. */
export function arrayOf({ dtype, shape }: TensorSpec, bytes: Uint8Array): HostArray {
  const View = ARRAY[dtype] as unknown as new (b: ArrayBufferLike, at: number, n: number) => Data[DType];
  return { data: new View(bytes.buffer, bytes.byteOffset, sizeOf(shape)), shape, dtype };
}

/** Memory that will be filled whole: Node need not set it to 0 first. */
export function blank(bytes: number): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: { allocUnsafeSlow?(n: number): Uint8Array } };
  return new Uint8Array(Buffer?.allocUnsafeSlow?.(bytes).buffer ?? new ArrayBuffer(bytes));
}
