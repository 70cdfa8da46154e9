/** f32 numbers as decimal text. */

/**
 * The shortest decimal nearer to this f32 than to any other (so no reader's rule for ties matters, nor whether it reads
 * by way of a double): `0.1` for the f32 next to 0.1. NaN and Infinity give JavaScript's words for them.
 */
export function shortest(v: number): string {
  if (Object.is(v, -0)) return '-0';
  if (!Number.isFinite(v) || v === 0) return String(v);
  for (let digits = 1; digits <= 9; digits++) {
    const [mantissa, exponent] = v.toExponential(digits - 1).split('e');
    const scale = Number(exponent) - digits + 1;
    const nearest = BigInt(mantissa.replace('.', ''));
    // Above a power of two the numbers lie twice as far apart: the next decimal away from 0 may fit where the nearest does not.
    for (const m of [nearest, v < 0 ? nearest - 1n : nearest + 1n]) {
      const read = Number(`${m}e${scale}`);
      if (names(read, v)) return String(read);
    }
  }
  return String(v);
}

/** Both neighbours too, so that a decimal that a double rounds to `read` lies on this side of any midpoint between f32s. */
function names(read: number, v: number): boolean {
  return [read, read * (1 - 2 ** -52), read * (1 + 2 ** -52)].every((r) => Math.fround(r) === v);
}
