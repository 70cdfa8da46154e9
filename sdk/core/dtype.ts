/** Element types: how the host holds each, and what the device stores. */

/** The typed array that holds each dtype on the host. bool is 0 or 1; f16 and bf16 are their bits. */
export interface Data {
  f32: Float32Array;
  i32: Int32Array;
  u32: Uint32Array;
  bool: Uint8Array;
  f16: Uint16Array;
  bf16: Uint16Array;
  i8: Int8Array;
  u8: Uint8Array;
}

export type DType = keyof Data;

/** Dtypes with arithmetic; the others only store, and are cast before use. */
export type ComputeDType = 'f32' | 'i32' | 'u32' | 'bool';

/** The typed-array class of each dtype. */
export const ARRAY: { readonly [D in DType]: { new (n: number): Data[D]; from(v: ArrayLike<number>): Data[D] } } = {
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
};

/** Bytes of one element on the host and in files. */
export const BYTES: { readonly [D in DType]: number } = {
  f32: 4,
  i32: 4,
  u32: 4,
  bool: 1,
  f16: 2,
  bf16: 2,
  i8: 1,
  u8: 1,
};

export function isDType(v: unknown): v is DType {
  return typeof v === 'string' && Object.hasOwn(BYTES, v);
}
