/** N3 on i32 (signed numbers) and u32 (numbers from 0 up): everything wraps modulo 2^32. */

export function addI32(a: number, b: number): number {
  return (a + b) | 0;
}

export function subI32(a: number, b: number): number {
  return (a - b) | 0;
}

export function mulI32(a: number, b: number): number {
  return Math.imul(a, b);
}

export function negI32(a: number): number {
  return -a | 0;
}

/** -2^31 stays. */
export function absI32(a: number): number {
  return (a < 0 ? -a : a) | 0;
}

/** Rounds to minus infinity; by 0 gives 0; -2^31 by -1 gives -2^31. */
export function floordivI32(a: number, b: number): number {
  return b === 0 ? 0 : Math.floor(a / b) | 0;
}

/** Has the divisor's sign; by 0 gives 0. */
export function modI32(a: number, b: number): number {
  if (b === 0) return 0;
  const r = (a % b) | 0;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}

export function shlI32(a: number, n: number): number {
  return a << (n & 31);
}

/** Keeps the sign. */
export function shrI32(a: number, n: number): number {
  return a >> (n & 31);
}

export function addU32(a: number, b: number): number {
  return (a + b) >>> 0;
}

export function subU32(a: number, b: number): number {
  return (a - b) >>> 0;
}

export function mulU32(a: number, b: number): number {
  return Math.imul(a, b) >>> 0;
}

export function negU32(a: number): number {
  return -a >>> 0;
}

export function absU32(a: number): number {
  return a;
}

/** By 0 gives 0. */
export function floordivU32(a: number, b: number): number {
  return b === 0 ? 0 : Math.floor(a / b);
}

/** By 0 gives 0. */
export function modU32(a: number, b: number): number {
  return b === 0 ? 0 : a % b;
}

export function shlU32(a: number, n: number): number {
  return (a << (n & 31)) >>> 0;
}

export function shrU32(a: number, n: number): number {
  return a >>> (n & 31);
}

/** High word of the 64-bit product of two u32. */
export function mulhi(a: number, b: number): number {
  // 16 x 32 bits and a carry stay below 2^53, so doubles hold every step exactly.
  const low = (a & 0xffff) * b;
  return Math.floor(((a >>> 16) * b + Math.floor(low / 65536)) / 65536) >>> 0;
}
