/**
 * What the functions share. Constants lie in tables, one word each, and are taken into locals before a loop: engines
 * rebuild a literal vector on every turn (measured: exp 2.4 ns an element with literals, 1.1 with locals).
 *
 * Operands are canonical or NaN of any pattern; results are snapped (N0), and a NaN may have any pattern until it leaves
 * the program.
 */

/** Constant i of a table, in every lane. */
@inline
export function k(table: usize, i: usize): v128 {
  return v128.load32_splat(table + (i << 2));
}

/** One step of Horner's rule: p*v + c, each operation rounded. */
@inline
export function step(p: v128, v: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(p, v), c);
}

/** The upper two lanes, moved down. */
@inline
export function upper(x: v128): v128 {
  return i32x4.shuffle(x, x, 2, 3, 2, 3);
}

/** Four f32 from two pairs of f64. */
@inline
export function demoted(low: v128, high: v128): v128 {
  return i32x4.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}
