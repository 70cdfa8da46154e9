/**
 * The scalar IR: what a fused elementwise kernel is made of, one row an operation.
 *
 * A kernel is a list of rows (opcode, operands). The WASM block interpreter runs it, the WGSL generator prints it and the
 * reference walks it. Every f32 result is snapped by itself (N0), so a kernel's grouping cannot change a bit.
 * Opcode numbers are positions in this table; `scripts/opcodes.ts` writes them out for AssemblyScript.
 *
 * Suffixes: _f f32, _i either integer type (modulo 2^32), _s i32, _u u32. bool is stored as 0 or 1 in 32 bits.
 */
export const SCALAR_OPS = [
  'copy',
  // f32 -> f32
  'neg_f',
  'abs_f',
  'sign_f',
  'exp',
  'log',
  'sqrt',
  'rsqrt',
  'tanh',
  'sigmoid',
  'softplus',
  'sin',
  'cos',
  'erf',
  'floor',
  'ceil',
  'trunc',
  'round',
  // f32 x f32 -> f32
  'add_f',
  'sub_f',
  'mul_f',
  'div_f',
  'pow',
  'max_f',
  'min_f',
  // f32 x f32 -> bool
  'eq_f',
  'ne_f',
  'lt_f',
  'le_f',
  // f32 -> bool
  'isFinite',
  // integers
  'neg_i',
  'abs_s',
  'sign_s',
  'sign_u',
  'add_i',
  'sub_i',
  'mul_i',
  'max_s',
  'min_s',
  'max_u',
  'min_u',
  'eq_i',
  'ne_i',
  'lt_s',
  'le_s',
  'lt_u',
  'le_u',
  // bool
  'and',
  'or',
  'xor',
  'not',
  // any 32 bits: where(c, a, b)
  'where',
  // casts (N9); bool -> int and i32 <-> u32 are copies, bool -> f32 is i2f; i8 is held as i32, u8 as u32
  'f2i',
  'f2u',
  'i2f',
  'u2f',
  'f2b',
  'i2b',
  // f32 to the bits of f16 and bf16, and back (N9)
  'f2h',
  'h2f',
  'f2bf',
  'bf2f',
  // an f32 rounded at a bit, as an operand of exact products (N6): x, the place of its last bit
  'narrow',
  // random (N8): u32 -> f32 in [0, 1)
  'unit',
  // generators: value of a flat index; `philox` and `normal` read the step from operand a, and (seed lo, seed hi, stream)
  'iota',
  'philox',
  'normal',
] as const;

export type ScalarOp = (typeof SCALAR_OPS)[number];

export const OPCODE = Object.fromEntries(SCALAR_OPS.map((name, i) => [name, i])) as Readonly<Record<ScalarOp, number>>;
