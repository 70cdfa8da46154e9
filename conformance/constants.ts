/** Constants of code that the contract's page does not know: a wrong digit makes one. */

/**
 * Patterns of eight hex digits in `code` that are neither printed on the page nor plain: a mask, a power of two, or an integer up
 * to 100, of which the page speaks as numbers.
 */
export function strangeConstants(code: string, page: string): string[] {
  const found = [...code.matchAll(/0x([0-9a-f]{8})u?\b/g)].map(([, hex]) => hex);
  return found.filter((hex) => !isPlain(Number.parseInt(hex, 16)) && !new RegExp(`\\b(0x)?${hex}\\b`).test(page));
}

function isPlain(u: number): boolean {
  if (u === 0 || u === 0xffffffff || u === 0x80000000) return true;
  if ((u & 0x7fffff) === 0) return true;
  const v = Math.abs(new Float32Array(Uint32Array.of(u).buffer)[0]);
  return Number.isInteger(v) && v <= 100;
}
