/**
 * The fixed slice of f32 inputs that everyday tests try: every canonical exponent of both signs with edge and scattered
 * mantissas, the specials, rounding ties, and the neighbours of each constant at which a function changes its method.
 */

import { bitsOf } from '../sdk/core/scalar/index.ts';
import { scatter } from '../sdk/engine/qualify/inputs.ts';

export { scatter };

const MANTISSAS = [
  0, 1, 2, 3, 0x7fffff, 0x7ffffe, 0x400000, 0x400001, 0x3fffff, 0x3504f3, 0x3504f4, 0x555555, 0x2aaaaa,
];

/** Windows of N6 and N7, and the limits inside exp, log, softplus, tanh, erf, sin, pow and the casts. */
const EDGES = [
  0x01000000, 0x0c800000, 0x26000000, 0x42ae0000, 0x42b17217, 0x42ad496b, 0x42b00000, 0x3f3504f3, 0x3fb504f3,
  0x3ed413cc, 0x3f800000, 0x3f200000, 0x3f600000, 0x21000000, 0x40800000, 0x41200000, 0x46000000, 0x3fc90fdb,
  0x40490fdb, 0x3f490fdb, 0x4b000000, 0x4b800000, 0x4f000000, 0x4f800000, 0x477ff000, 0x38800000, 0x33000000,
  0x5f800000, 0x7f000000, 0x7f7fffff,
];

export function isCanonical(u: number): boolean {
  const e = (u >>> 23) & 255;
  if (u === 0) return true;
  if (e === 255) return (u & 0x7fffff) === 0 || u >>> 0 === 0x7fc00000;
  return e >= 2;
}

/** Patterns that every function must be tried on. */
export function edges(): number[] {
  const out = [0, 0x7f800000, 0xff800000, 0x7fc00000];
  const both = (u: number) => {
    if (isCanonical(u)) out.push(u >>> 0);
    if (isCanonical(u ^ 0x80000000)) out.push((u ^ 0x80000000) >>> 0);
  };
  for (const e of EDGES) for (let d = -4; d <= 4; d++) both(e + d);
  // Integers, ties, and the nearest f32 to multiples of pi/4 and ln 2.
  for (let i = 1; i < 300; i++) for (const v of [i, i + 0.5, (i * Math.PI) / 4, i * Math.LN2]) both(bitsOf(v));
  return out;
}

/** The slice: `perExponent` scattered mantissas (and the edge ones) for each of the 253 exponents and both signs. */
export function slice(perExponent: number, seed = 1): Uint32Array {
  const next = scatter(seed);
  const out = edges();
  for (let e = 2; e < 255; e++) {
    for (const sign of [0, 0x80000000]) {
      const top = (sign | (e << 23)) >>> 0;
      for (const m of MANTISSAS) out.push(top + m);
      // From 2^-5 to 2^5 the functions bend: there the slice is 16 times denser.
      const n = e >= 122 && e <= 132 ? 16 * perExponent : perExponent;
      for (let i = 0; i < n; i++) out.push(top + (next() & 0x7fffff));
    }
  }
  return Uint32Array.from(out);
}
