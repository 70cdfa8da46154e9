/**
 * One row of the scalar IR on the operands of its test (wgsl/functions): 196,608 f32, NaN of any pattern among them, or pairs of
 * them, or 65,536 words. Honest code gives the host's words, which that test shows.
 */

import type { ScalarOp } from '../../sdk/core/scalar/ir.ts';
import { run } from '../../wgsl/dawn.ts';
import { FUNCTIONS, guard, include } from '../../wgsl/functions/index.ts';
import { pairs, singles, wordPairs, words } from '../../wgsl/functions/inputs.ts';

const TWO = /^(add|sub|mul|div|max|min|eq|ne|lt|le)_f$|^pow$/;
/** Rows whose operand is an integer or a half. */
const WORDS = /^(i2f|u2f|h2f|bf2f|unit)$/;
const DRAWN = /^(philox|normal)$/;
/** Rows whose result is an f32. */
const GIVES_F32 = /^(i2f|u2f|h2f|bf2f|unit|normal)$|^(?!(eq|ne|lt|le)_f|f2)/;

const isNaN32 = (u: number): boolean => (u & 0x7fffffff) > 0x7f800000;

function operandsOf(row: ScalarOp): readonly Uint32Array[] {
  if (TWO.test(row)) return pairs(12);
  if (row === 'narrow') return [singles(11), singles(11).map((_, i) => (i % 2 ? 0x1000 : 0x10000))];
  if (DRAWN.test(row)) return [words(23), ...wordPairs(21), ...wordPairs(22)];
  if (row === 'h2f' || row === 'bf2f') return [Uint32Array.from({ length: 65536 }, (_, i) => i)];
  return WORDS.test(row) ? [words(13)] : [singles(11)];
}

/** The words of a row's value, as the row hands them on: snapped, but a NaN of any pattern is the one NaN here. */
export async function valuesOf(
  gpu: GPUDevice,
  row: ScalarOp,
  rewrite: (code: string) => string = (code) => code,
): Promise<Uint32Array> {
  const operands = operandsOf(row);
  const names = operands.map((_, k) => String.fromCharCode(97 + k));
  const { needs, call } = FUNCTIONS[row];
  const loads = names.map((x, k) => `  let ${x} = operands[${k}u * n + i];`);
  const main = [...loads, `  result[i] = ${call(...names)};`].join('\n');
  const got = await run(gpu, {
    code: rewrite(include([guard, ...needs])),
    main,
    operands,
    words: operands[0].length,
  });
  return GIVES_F32.test(row) ? got.map((u) => (isNaN32(u) ? 0x7fc00000 : u)) : got;
}
