/**
 * The exact values of 16-bit floats, subnormals and -0 included: what files hold, and what people are shown. The contract's casts
 * (N9) give canonical values instead.
 */

/** The value of an IEEE binary16. */
export function fromF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The value of a bfloat16: the upper half of a float32. */
export function fromBf16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits * 0x10000).buffer)[0];
}
