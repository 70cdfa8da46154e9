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

/** Dtypes with arithmetic. The others only store: they can be moved, selected, cast, and (f16, bf16) multiplied as matrices. */
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

/** What f32 operands of a contraction are rounded to (N6): nothing, 12 bits, bf16. */
export type Precision = 'highest' | 'high' | 'medium';
export const PRECISIONS: readonly Precision[] = ['highest', 'high', 'medium'];

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

/** Least and greatest integer of each dtype that holds integers. */
export const RANGE: { readonly [D in 'i32' | 'u32' | 'bool' | 'i8' | 'u8']: readonly [low: number, high: number] } = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  bool: [0, 1],
  i8: [-128, 127],
  u8: [0, 255],
};

/** Exponent bits of each dtype that can hold Inf and NaN: all ones mean either. */
export const EXPONENT: { readonly [D in 'f32' | 'f16' | 'bf16']: number } = {
  f32: 0x7f800000,
  f16: 0x7c00,
  bf16: 0x7f80,
};

/** The one NaN of each of them (N0, N9). */
export const NAN: { readonly [D in keyof typeof EXPONENT]: number } = { f32: 0x7fc00000, f16: 0x7e00, bf16: 0x7fc0 };

/** True for a dtype that can hold Inf and NaN. */
export function isFloat(d: DType): d is keyof typeof EXPONENT {
  return Object.hasOwn(EXPONENT, d);
}

export function isDType(v: unknown): v is DType {
  return typeof v === 'string' && Object.hasOwn(BYTES, v);
}
