/** Pieces of WGSL, joined so that a kernel holds only what it uses. */

/** A declaration at module scope (a function, with the struct or table it needs) and the pieces it uses. */
export interface Wgsl {
  readonly name: string;
  readonly needs: readonly Wgsl[];
  readonly code: string;
}

export function wgsl(name: string, needs: readonly Wgsl[], code: string): Wgsl {
  return { name, needs, code: code.trim() };
}

/** The code of `pieces` and of all they need, each once, dependencies first. */
export function include(pieces: Iterable<Wgsl>): string {
  const done = new Set<Wgsl>();
  const visit = (piece: Wgsl): void => {
    if (done.has(piece)) return;
    piece.needs.forEach(visit);
    done.add(piece);
  };
  for (const piece of pieces) visit(piece);
  return `${[...done].map((piece) => piece.code).join('\n\n')}\n`;
}

/** An f32 constant of the contract by its pattern: a decimal literal may be rounded to either neighbour. */
export const f32 = (hex: string): string => `bitcast<f32>(0x${hex}u)`;

/** H[c0 c1 … ck](v) of the contract, each rounding guarded. */
export function horner(v: string, coefficients: readonly string[]): string {
  return coefficients.map(f32).reduce((p, c) => `G(G(${p} * ${v}) + ${c})`);
}

/**
 * A u32 expression for an f32 constant of a program. Zero, Inf and NaN are hidden from the compiler by the guard word:
 * x * 0 would be folded to 0, and x + Inf by assuming that there is none (N2).
 */
export function constant(bits: number): string {
  const text = `0x${(bits >>> 0).toString(16).padStart(8, '0')}u`;
  return (bits & 0x7fffffff) === 0 || (bits & 0x7f800000) === 0x7f800000 ? `(${text} | gz)` : text;
}
