/**
 * The float instructions that the kernels may hold, each with the reason why its bits are the contract's on every engine.
 * Whatever is not here is refused: relaxed SIMD, f16, `min` and `max` (kernels take pmin and pmax), `neg` and `copysign` (which
 * make -0 and move the sign of a NaN), f64 outside the ratio of N5, and conversions that trap.
 */

const ROUNDED =
  'N1: one IEEE rounding to nearest even, which WASM promises, subnormals included; no engine may fuse two';
const EXACT_SIGN = 'clears a bit';
const COMPARED = 'N3: exact on numbers, false with a NaN';
const NOT_EQUAL = 'N3: exact on numbers, true with a NaN';
const CHOSEN = 'N3: defined as a comparison and a choice of one operand, whose bits it hands on';
const WHOLE = 'N3: exact, and snapped after, so that a -0 is not seen';
const MOVED = 'moves bits';
const SATURATED = 'N9: toward zero, saturating, NaN is 0: defined so';
const CONVERTED = 'N9: to nearest even, or exact up to 2^24';
const RATIO = 'N5, ratio: operands are integers below 2^53, so this is exact';

export const FLOAT_OPCODES: Readonly<Record<string, string>> = {
  'f32x4.add': ROUNDED,
  'f32x4.sub': ROUNDED,
  'f32x4.mul': ROUNDED,
  'f32x4.div': ROUNDED,
  'f32x4.sqrt': ROUNDED,
  'f32.add': ROUNDED,
  'f32.mul': ROUNDED,
  'f32x4.abs': EXACT_SIGN,
  'f32.abs': EXACT_SIGN,
  'f32x4.eq': COMPARED,
  'f32x4.lt': COMPARED,
  'f32x4.le': COMPARED,
  'f32x4.gt': COMPARED,
  'f32x4.ge': COMPARED,
  'f32.gt': COMPARED,
  'f32.lt': COMPARED,
  'f32x4.ne': NOT_EQUAL,
  'f32x4.pmin': CHOSEN,
  'f32x4.pmax': CHOSEN,
  'f32x4.floor': WHOLE,
  'f32x4.ceil': WHOLE,
  'f32x4.trunc': WHOLE,
  'f32x4.nearest': WHOLE,
  'f32.const': MOVED,
  'f32.load': MOVED,
  'f32.store': MOVED,
  'f32x4.extract_lane': MOVED,
  'f32.reinterpret_i32': MOVED,
  'i32.reinterpret_f32': MOVED,
  'i32x4.trunc_sat_f32x4_s': SATURATED,
  'i32x4.trunc_sat_f32x4_u': SATURATED,
  'f32x4.convert_i32x4_s': CONVERTED,
  'f32x4.convert_i32x4_u': CONVERTED,
  'f32.convert_i32_s': CONVERTED,
  'f32.convert_i32_u': CONVERTED,
  'f64x2.promote_low_f32x4': RATIO,
  'f64x2.add': RATIO,
  'f64x2.sub': RATIO,
  'f64x2.div': 'N5, ratio: rounded to f64, and only demoted after, which with b <= 2^28 never rounds twice',
  'f32x4.demote_f64x2_zero': 'N5, ratio: the one rounding to f32 of a quotient',
};

/** An f64 quotient goes into its demotion, and nothing else is demoted (N5, ratio). */
export const RATIO_PAIR = { outer: 'f32x4.demote_f64x2_zero', inner: 'f64x2.div' } as const;

/** Forms of the text format that are no arithmetic. `import`, `table`, `elem` and `start` are not among them. */
export const STRUCTURE: ReadonlySet<string> = new Set([
  ...['module', 'type', 'func', 'param', 'result', 'local', 'global', 'mut', 'memory', 'data', 'export'],
  ...['block', 'loop', 'if', 'then', 'else', 'br', 'br_if', 'br_table', 'return', 'unreachable', 'nop', 'drop'],
  ...['select', 'call'],
]);

const ALONE = 'of several threads: on integers, sequentially consistent on every engine';
const SLEEP = 'of several threads: who sleeps, and how long, is no value';
/** Of the build for threads. No number goes through them: they count tasks and threads, and gather flags. */
export const ATOMIC_OPCODES: Readonly<Record<string, string>> = {
  'i32.atomic.load': ALONE,
  'i32.atomic.store': ALONE,
  'i32.atomic.rmw.add': ALONE,
  'i32.atomic.rmw.sub': ALONE,
  'i32.atomic.rmw.or': ALONE,
  'i32.atomic.rmw.xchg': ALONE,
  'memory.atomic.wait32': SLEEP,
  'memory.atomic.notify': SLEEP,
};

const INTEGER = /^(i32|i64|i8x16|i16x8|i32x4|i64x2|v128|local|global|memory)\.[a-z0-9_]+$/;

/** Instructions on integers, bits and memory: exact on every engine (D1). Relaxed ones choose between results. */
export const isInteger = (opcode: string): boolean =>
  INTEGER.test(opcode) && !/relaxed|dot_i8x16|f16|f32|f64/.test(opcode);
