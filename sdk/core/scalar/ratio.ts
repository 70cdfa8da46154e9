/** N5, ratio: a quotient of integers rounded once to f32. */

/**
 * a / b for integers 2^27 <= b <= 2^28 and 0.41 b < a < 1.42 * 2^27. The double quotient is 2^-52 away from any f32
 * midpoint that a/b does not equal, so rounding it again changes nothing.
 */
export function ratio(a: number, b: number): number {
  return Math.fround(a / b);
}
