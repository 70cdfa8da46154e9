/** CBOR item heads (RFC 8949, 3.1), in their shortest form. */

/** Major types, already shifted into the top three bits. */
export const MAJOR = {
  uint: 0x00,
  negative: 0x20,
  bytes: 0x40,
  text: 0x60,
  array: 0x80,
  map: 0xa0,
  tag: 0xc0,
} as const;

/** First bytes of the items of major type 7 that the profile holds. */
export const SIMPLE = { false: 0xf4, true: 0xf5, null: 0xf6, float64: 0xfb } as const;

/** Bytes that the shortest head of argument `n` takes. */
export function headSize(n: number): number {
  return n < 24 ? 1 : n < 0x100 ? 2 : n < 0x10000 ? 3 : n < 0x1_0000_0000 ? 5 : 9;
}

/** The shortest head of a major type with argument `n`, an integer from 0 to 2^53 - 1. */
export function head(major: number, n: number): Uint8Array {
  if (n < 24) return Uint8Array.of(major | n);
  if (n < 0x100) return Uint8Array.of(major | 24, n);
  const out = new Uint8Array(headSize(n));
  const view = new DataView(out.buffer);
  if (out.length === 3) {
    out[0] = major | 25;
    view.setUint16(1, n);
  } else if (out.length === 5) {
    out[0] = major | 26;
    view.setUint32(1, n);
  } else {
    out[0] = major | 27;
    view.setBigUint64(1, BigInt(n));
  }
  return out;
}
