/**
 * What the mutation run changes in the kernels, by exact replacement in their sources: a constant, a rounding, an order or a
 * snap of each op.
 */

export interface Mutant {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The ops whose programs must catch it. */
  readonly ops: readonly string[];
  /** All ops whose values it can change; `ops` unless given. `'*'` stands for every op. */
  readonly reach?: readonly string[] | '*';
}

const mutant = (
  file: string,
  ops: string | readonly string[],
  find: string,
  replace: string,
  reach?: readonly string[] | '*',
): Mutant => ({
  file: `wasm/${file}`,
  find,
  replace,
  ops: typeof ops === 'string' ? [ops] : ops,
  reach,
});

/** A row of ops.ts: the expression of one opcode. */
const row = (op: string, code: string, from: string, to: string): Mutant =>
  mutant('ops.ts', op, `if (op == OP_${code}) return ${from};`, `if (op == OP_${code}) return ${to};`);

const OPS: readonly Mutant[] = [
  mutant('ops.ts', 'tanh', 'return snap(f32x4.sub(z, product), k);', 'return snap(f32x4.add(z, product), k);', '*'),
  mutant('ops.ts', 'mul', 'return snap(f32x4.add(product, z), k);', 'return f32x4.add(product, z);', '*'),
  mutant('ops.ts', 'mul', 'const product = snap(f32x4.mul(x, y), k);', 'const product = f32x4.mul(x, y);', '*'),
  mutant('ops.ts', 'neg', 'return f32x4.sub(zero, x); //', 'return f32x4.neg(x); //'),
  row('neg', 'NEG_I', 'i32x4.neg(x)', 'v128.not(x)'),
  row('abs', 'ABS_F', 'f32x4.abs(x)', 'x'),
  row('abs', 'ABS_S', 'i32x4.abs(x)', 'x'),
  mutant('ops.ts', 'sign', 'f32x4.gt(x, zero), k)', 'f32x4.ge(x, zero), k)'),
  mutant('ops.ts', 'sign', 'return v128.or(sign, f32x4.ne(x, x));', 'return sign;'),
  row(
    'sign',
    'SIGN_S',
    'i32x4.sub(i32x4.lt_s(x, zero), i32x4.gt_s(x, zero))',
    'i32x4.sub(i32x4.gt_s(x, zero), i32x4.lt_s(x, zero))',
  ),
  row('sign', 'SIGN_U', 'i32x4.min_u(x, k)', 'i32x4.min_s(x, k)'),
  mutant('ops.ts', 'sqrt', 'return f32x4.sqrt(x); //', 'return f32x4.div(x, f32x4.sqrt(x)); //'),
  row('floor', 'FLOOR', 'snap(f32x4.floor(x), k)', 'snap(f32x4.trunc(x), k)'),
  row('ceil', 'CEIL', 'snap(f32x4.ceil(x), k)', 'f32x4.ceil(x)'),
  row('trunc', 'TRUNC', 'snap(f32x4.trunc(x), k)', 'f32x4.trunc(x)'),
  row('round', 'ROUND', 'snap(f32x4.nearest(x), k)', 'f32x4.nearest(x)'),
  row('round', 'ROUND', 'snap(f32x4.nearest(x), k)', 'snap(f32x4.floor(f32x4.add(x, f32x4.splat(0.5))), k)'),
  row(
    'isFinite',
    'ISFINITE',
    'i32x4.shr_u(f32x4.lt(f32x4.abs(x), k), 31)',
    'i32x4.shr_u(f32x4.le(f32x4.abs(x), k), 31)',
  ),
  row('not', 'NOT', 'v128.xor(x, k)', 'x'),
  row('cast', 'F2I', 'i32x4.trunc_sat_f32x4_s(x)', 'i32x4.trunc_sat_f32x4_s(f32x4.nearest(x))'),
  row('cast', 'F2U', 'i32x4.trunc_sat_f32x4_u(x)', 'i32x4.trunc_sat_f32x4_s(x)'),
  row('cast', 'I2F', 'f32x4.convert_i32x4_s(x)', 'f32x4.convert_i32x4_u(x)'),
  row('cast', 'U2F', 'f32x4.convert_i32x4_u(x)', 'f32x4.convert_i32x4_s(x)'),
  row('cast', 'F2B', 'v128.and(f32x4.ne(x, zero), k)', 'v128.and(f32x4.gt(f32x4.abs(x), zero), k)'),
  row('cast', 'I2B', 'v128.and(i32x4.ne(x, zero), k)', 'v128.and(i32x4.gt_s(x, zero), k)'),
  mutant('ops.ts', 'cast', 'i32x4.shr_u(a, 13), i32x4.splat(1)', 'i32x4.shr_u(a, 13), i32x4.splat(0)'),
  mutant('ops.ts', 'cast', 'i32x4.lt_s(a, i32x4.splat(0x38800000))', 'i32x4.lt_s(a, i32x4.splat(0x38000000))'),
  mutant('ops.ts', 'cast', 'i32x4.ge_s(a, i32x4.splat(0x477ff000))', 'i32x4.ge_s(a, i32x4.splat(0x48000000))'),
  mutant('ops.ts', 'cast', 'v128.and(sign, i32x4.ne(h, i32x4.splat(0)))', 'sign'),
  mutant('ops.ts', 'cast', 'i32x4.splat(0x7e00), h, f32x4.ne(x, x)', 'i32x4.splat(0x7c01), h, f32x4.ne(x, x)'),
  mutant('ops.ts', 'cast', 'f32x4.add(a, f32x4.splat(0.5))', 'f32x4.add(a, f32x4.splat(0.25))'),
  mutant('ops.ts', 'cast', 'f32x4.mul(a, i32x4.splat(0x77800000))', 'f32x4.mul(a, i32x4.splat(0x77000000))'),
  mutant('ops.ts', 'cast', 'i32x4.ge_s(a, i32x4.splat(0x7c00 << 13))', 'i32x4.ge_s(a, i32x4.splat(0x7fff << 13))'),
  mutant('ops.ts', 'cast', 'v128.or(magnitude, i32x4.shl(', 'v128.or(finite, i32x4.shl('),
  mutant('ops.ts', 'cast', 'i32x4.splat(0x7fff), v128.and(i32x4.shr_u(x, 16), k)', 'i32x4.splat(0x7fff), k'),
  mutant('ops.ts', 'cast', 'i32x4.splat(0x7fc0), i32x4', 'i32x4.splat(0x7f81), i32x4'),
  row('cast', 'BF2F', 'i32x4.shl(x, 16)', 'i32x4.shl(x, 15)'),
  mutant('ops.ts', 'unit', 'i32x4.shr_u(x, 8)), k)', 'i32x4.shr_u(x, 9)), k)'),
  row('add', 'ADD_F', 'snap(f32x4.add(x, y), k)', 'f32x4.add(x, y)'),
  row('sub', 'SUB_F', 'snap(f32x4.sub(x, y), k)', 'f32x4.sub(x, y)'),
  row('mul', 'MUL_F', 'snap(f32x4.mul(x, y), k)', 'f32x4.mul(x, y)'),
  row('div', 'DIV_F', 'snap(f32x4.div(x, y), k)', 'f32x4.div(x, y)'),
  row('div', 'DIV_F', 'snap(f32x4.div(x, y), k)', 'snap(f32x4.mul(x, f32x4.div(f32x4.splat(1), y)), k)'),
  row('maximum', 'MAX_F', 'v128.or(f32x4.pmax(x, y), f32x4.ne(y, y))', 'f32x4.pmax(x, y)'),
  row('minimum', 'MIN_F', 'v128.or(f32x4.pmin(x, y), f32x4.ne(y, y))', 'f32x4.pmin(x, y)'),
  row('eq', 'EQ_F', 'v128.and(f32x4.eq(x, y), k)', 'v128.and(i32x4.eq(x, y), k)'),
  row('ne', 'NE_F', 'v128.and(f32x4.ne(x, y), k)', 'v128.and(i32x4.ne(x, y), k)'),
  row('lt', 'LT_F', 'v128.and(f32x4.lt(x, y), k)', 'v128.and(f32x4.le(x, y), k)'),
  row('le', 'LE_F', 'v128.and(f32x4.le(x, y), k)', 'v128.and(f32x4.lt(x, y), k)'),
  row('add', 'ADD_I', 'i32x4.add(x, y)', 'i32x4.sub(x, y)'),
  row('sub', 'SUB_I', 'i32x4.sub(x, y)', 'i32x4.sub(y, x)'),
  row('mul', 'MUL_I', 'i32x4.mul(x, y)', 'i32x4.mul(x, x)'),
  row('maximum', 'MAX_S', 'i32x4.max_s(x, y)', 'i32x4.max_u(x, y)'),
  row('minimum', 'MIN_S', 'i32x4.min_s(x, y)', 'i32x4.min_u(x, y)'),
  row('maximum', 'MAX_U', 'i32x4.max_u(x, y)', 'i32x4.max_s(x, y)'),
  row('minimum', 'MIN_U', 'i32x4.min_u(x, y)', 'i32x4.min_s(x, y)'),
  row('eq', 'EQ_I', 'v128.and(i32x4.eq(x, y), k)', 'v128.and(i32x4.ge_s(x, y), k)'),
  row('ne', 'NE_I', 'v128.and(i32x4.ne(x, y), k)', 'v128.and(i32x4.gt_s(x, y), k)'),
  row('lt', 'LT_S', 'v128.and(i32x4.lt_s(x, y), k)', 'v128.and(i32x4.lt_u(x, y), k)'),
  row('le', 'LE_S', 'v128.and(i32x4.le_s(x, y), k)', 'v128.and(i32x4.lt_s(x, y), k)'),
  row('lt', 'LT_U', 'v128.and(i32x4.lt_u(x, y), k)', 'v128.and(i32x4.lt_s(x, y), k)'),
  row('le', 'LE_U', 'v128.and(i32x4.le_u(x, y), k)', 'v128.and(i32x4.le_s(x, y), k)'),
  row('and', 'AND', 'v128.and(x, y)', 'x'),
  row('or', 'OR', 'v128.or(x, y)', 'v128.xor(x, y)'),
  row('xor', 'XOR', 'v128.xor(x, y)', 'v128.or(x, y)'),
  mutant(
    'ops.ts',
    'where',
    'v128.bitselect(v128.load(c), v128.load(b), i32x4.eq',
    'v128.bitselect(v128.load(b), v128.load(c), i32x4.eq',
  ),
];

/** Ops that read the constants of a table. */
const WITH_EXP = ['exp', 'tanh', 'sigmoid', 'erf', 'softplus', 'pow'];
const WITH_LOG = ['log', 'softplus', 'pow', 'normal'];
const WITH_TRIG = ['sin', 'cos', 'normal'];

/** A constant of a table changed in its low bits; by more where the term it belongs to is small beside the result. */
const constant = (
  file: string,
  ops: string | readonly string[],
  literal: string,
  other: string,
  reach?: readonly string[],
): Mutant => mutant(`functions/${file}`, ops, `${literal},`, `${other},`, reach);

const FUNCTIONS: readonly Mutant[] = [
  ...[
    '0x3fb8aa3b:0x3fb8aa3f',
    '0x3f317200:0x3f317000',
    '0x35bfbf00:0x35bfbe00',
    '0x3ab5259b:0x3ab5359b',
    '0x3c091cc7:0x3c091dc7',
  ].map((s) => constant('exp.ts', 'exp', ...(s.split(':') as [string, string]), WITH_EXP)),
  ...[
    '0x3d2aac59:0x3d2aac69',
    '0x3e2aaa49:0x3e2aaa4a',
    '0x3efffffe:0x3effffff',
    '0x42ac0000:0x42c00000',
    '0xc2ae0000:0xc2ac0000',
    '0x42b17217:0x42b17218',
  ].map((s) => constant('exp.ts', 'exp', ...(s.split(':') as [string, string]), WITH_EXP)),
  mutant('functions/exp.ts', 'exp', 'v128.bitselect(snap(y, k(EXP, 13)), f32x4.add', 'v128.bitselect(y, f32x4.add', [
    'exp',
    'pow',
  ]),
  mutant(
    'functions/exp.ts',
    'exp',
    'f32x4.sub(f32x4.sub(x, f32x4.mul(n, ln2h)), f32x4.mul(n, ln2l))',
    'f32x4.sub(x, f32x4.add(f32x4.mul(n, ln2h), f32x4.mul(n, ln2l)))',
    WITH_EXP,
  ),
  mutant(
    'functions/common.ts',
    WITH_EXP,
    'return f32x4.add(f32x4.mul(p, v), c);',
    'return f32x4.mul(f32x4.add(p, f32x4.div(c, v)), v);',
    [...WITH_EXP, ...WITH_LOG, ...WITH_TRIG],
  ),
  ...[
    '0xbd9c674d:0xbd9c675d',
    '0x3e02aff0:0x3e02aff1',
    '0x3e116c7f:0x3e116c80',
    '0xbe800113:0xbe800114',
    '0x3eaaaaaa:0x3eaaaaab',
    '0x35bfbe8e:0x35bf0000',
  ].map((s) => constant('log.ts', 'log', ...(s.split(':') as [string, string]), WITH_LOG)),
  mutant('functions/log.ts', 'log', '0x3f3504f3, 0x7f800000', '0x3f3504f4, 0x7f800000', WITH_LOG),
  mutant(
    'functions/log.ts',
    'log',
    'f32x4.add(f32x4.add(f, y), f32x4.mul(n, ln2h))',
    'f32x4.add(f, f32x4.add(y, f32x4.mul(n, ln2h)))',
    WITH_LOG,
  ),
  mutant('functions/log.ts', 'log', 'v128.bitselect(k(LOG, 14), y, i32x4.eq(x, zero))', 'y', ['log', 'pow']),
  mutant('functions/log.ts', 'log', 'y = v128.bitselect(k(LOG, 15), y, i32x4.lt_s(x, zero));', '', ['log', 'pow']),
  ...[
    '0xbbbabad9:0xbbbabbd9',
    '0x3ca90621:0x3ca90721',
    '0xbeaaaa99:0xbeaaaa9a',
    '0x41200000:0x41000000',
    '0x3f200000:0x3f1c0000',
  ].map((s) => constant('tanh.ts', 'tanh', ...(s.split(':') as [string, string]))),
  mutant(
    'functions/tanh.ts',
    'tanh',
    'const e = f32x4.nearest(f32x4.mul(t, p));',
    'const e = f32x4.trunc(f32x4.mul(t, p));',
  ),
  mutant(
    'functions/sigmoid.ts',
    'sigmoid',
    'const e = f32x4.nearest(f32x4.mul(t, p));',
    'const e = f32x4.trunc(f32x4.mul(t, p));',
  ),
  mutant('functions/sigmoid.ts', 'sigmoid', '0xc2b00000, 0x4d000000', '0xc2ac0000, 0x4d000000'),
  mutant('functions/sigmoid.ts', 'sigmoid', 'const c = f32x4.sub(f32x4.sub(r1, r), w);', 'const c = i32x4.splat(0);'),
  mutant('functions/sigmoid.ts', 'sigmoid', '0x00ffffff, 0xc2ac0000', '0x007fffff, 0xc2ac0000'),
  ...[
    '0x38a4c53b:0x38a4cd3b',
    '0x3e0375d4:0x3e0375d5',
    '0xb7910000:0xb7920000',
    '0x3cc6b1a1:0x3cc6b1a2',
    '0xbf228550:0xbf228551',
  ].map((s) => constant('erf.ts', 'erf', ...(s.split(':') as [string, string]))),
  mutant('functions/erf.ts', 'erf', '0x21000000, 0x20000000', '0x01000000, 0x20000000'),
  mutant('functions/erf.ts', 'erf', 'const c = f32x4.sub(w, f32x4.add(e, t));', 'const c = i32x4.splat(0);'),
  ...[
    '0x3f22f983:0x3f22f985',
    '0x2c34611a:0x2c346200',
    '0x37ccf40b:0x37ccf80b',
    '0x3d2aaaa5:0x3d2aaaa6',
    '0xb94ca8fd:0xb94cacfd',
    '0x3c0883ba:0x3c0883bb',
    '0x46000000:0x48000000',
  ].map((s) => constant('trig.ts', ['sin', 'cos'], ...(s.split(':') as [string, string]), WITH_TRIG)),
  constant('trig.ts', ['sin', 'cos'], '0xfc2757d1', '0xfc2757d3'),
  mutant('functions/trig.ts', ['sin', 'cos'], '(high + 0x80) & ~0xff', 'high & ~0xff'),
  mutant('functions/trig.ts', ['sin', 'cos'], 'let c = f32x4.add(f32x4.sub(h, r), l);', 'let c = i32x4.splat(0);'),
  mutant(
    'functions/trig.ts',
    'cos',
    'if (quarter == 1) q = i32x4.add(q, i32x4.splat(1));',
    'if (quarter == 1) q = i32x4.sub(q, i32x4.splat(1));',
  ),
  mutant('functions/softplus.ts', 'softplus', '0x3ed413cc]', '0x3ec413cc]'),
  mutant('functions/softplus.ts', 'softplus', 'f32x4.mul(half, f32x4.sub(e, one))', 'f32x4.mul(f32x4.sub(e, one), e)'),
  mutant('functions/roots.ts', 'rsqrt', 'f32x4.sqrt(f32x4.div(one, m))', 'f32x4.div(one, f32x4.sqrt(m))'),
  mutant('functions/roots.ts', 'rsqrt', 'y = v128.andnot(y, f32x4.eq(x, infinite));', ''),
  mutant('functions/roots.ts', 'rsqrt', 'y = v128.bitselect(infinite, y, i32x4.eq(x, zero));', ''),
  mutant(
    'functions/pow.ts',
    'pow',
    'exp4(snap(f32x4.mul(y, log4(f32x4.abs(x))), bits))',
    'exp4(f32x4.mul(log4(x), y))',
  ),
  mutant('functions/pow.ts', 'pow', 'v128.or(f32x4.eq(y, zero), f32x4.eq(x, one))', 'f32x4.eq(y, zero)'),
  mutant('functions/pow.ts', 'pow', ', v128.and(negative, f32x4.ne(f32x4.trunc(y), y)))', ', i32x4.splat(0))'),
  mutant('functions/pow.ts', 'pow', '0x7fc00000, 0x4b800000', '0x7fc00000, 0x4b000000'),
];

const RANDOM: readonly Mutant[] = [
  constant('philox.ts', 'philox', '0xd2511f53', '0xd2511f51', ['philox', 'normal']),
  constant('philox.ts', 'philox', '0xcd9e8d57', '0xcd9e8d55', ['philox', 'normal']),
  mutant('functions/philox.ts', 'philox', 'i < 10', 'i < 9', ['philox', 'normal']),
  mutant('functions/philox.ts', 'philox', 'seedLo += 0x9e3779b9', 'seedLo += 0x9e3779b1', ['philox', 'normal']),
  mutant('functions/philox.ts', 'philox', 'seedHi += 0xbb67ae85', 'seedHi += 0xbb67ae81', ['philox', 'normal']),
  mutant('functions/philox.ts', 'normal', '0x49fffffc,', '0x49fffff8,'),
  mutant('functions/philox.ts', 'normal', '0x34800000, 0x3fc90fdb', '0x34800000, 0x3fc90fda'),
  mutant(
    'functions/philox.ts',
    'normal',
    'c1 = f32x4.mul(m, turned(q, s, c));',
    'c1 = f32x4.mul(m, turned(i32x4.add(q, i32x4.splat(2)), s, c));',
  ),
  mutant('functions/philox.ts', 'normal', 'i32x4.shr_u(w, 9)', 'i32x4.shr_u(w, 10)'),
  mutant('interpreter.ts', 'iota', 'at = i32x4.add(at, four);', 'at = i32x4.add(at, i32x4.splat(8));'),
];

const SUMS: readonly Mutant[] = [
  mutant(
    'constants.ts',
    'sum',
    '[0x0c800000, 0x0c800000, 0x0c800000, 0x0c800000]',
    '[0x0c800001, 0x0c800001, 0x0c800001, 0x0c800001]',
    ['sum', 'scatterAdd'],
  ),
  mutant('sumRows.ts', 'sum', 'export const CHUNK: usize = 2048;', 'export const CHUNK: usize = 1024;', [
    'sum',
    'scatterAdd',
  ]),
  mutant(
    'sumRows.ts',
    'sum',
    'x = f32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 2, 3));\n  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1);',
    'x = f32x4.add(x, v128.shuffle<i32>(x, x, 1, 0, 3, 2));\n  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 2);',
  ),
  mutant(
    'sumRows.ts',
    'sum',
    'f32x4.add(f32x4.add(a, c), f32x4.add(b, d))',
    'f32x4.add(f32x4.add(a, b), f32x4.add(c, d))',
  ),
  mutant('sumRows.ts', 'sum', 'const rest = n & 63;', 'const rest = n & 31;'),
  mutant(
    'sumRows.ts',
    'sum',
    'return lastFour(f32x4.add(even, f32x4.add(group(p + 16, limit), partial(p, 3, n, limit))));',
    'return lastFour(f32x4.add(f32x4.add(even, group(p + 16, limit)), partial(p, 3, n, limit)));',
  ),
  mutant('sumRows.ts', 'sum', 'return windowed(v128.load(p), limit);', 'return v128.load(p);'),
  mutant(
    'sumRows.ts',
    'sum',
    'const below = sumChunk(own(LEVELS), word(own(COUNTS), 0), i32x4.splat(0));',
    'const below = sumChunk(own(LEVELS), word(own(COUNTS), 0), v128.load(SUM_WINDOW));',
  ),
  mutant('columnLanes.ts', 'sum', 'let lane = lanes + (i & 63) * bytes;', 'let lane = lanes + (i & 31) * bytes;', [
    'sum',
    'scatterAdd',
  ]),
  mutant(
    'columnLanes.ts',
    'sum',
    'for (let s: usize = 32; s != 0; s >>= 1) {',
    'for (let s: usize = 64; s != 0; s >>= 2) {',
    ['sum', 'scatterAdd'],
  ),
  mutant(
    'columnLanes.ts',
    'sum',
    'v128.store(lane, windowed(v128.load(p), limit));',
    'v128.store(lane, v128.load(p));',
    ['sum', 'scatterAdd'],
  ),
  mutant(
    'sumIntegers.ts',
    'sum',
    'for (; p < end; p += 4) total += load<u32>(p);',
    'for (; p + 4 < end; p += 4) total += load<u32>(p);',
  ),
];

const PREFIXES: readonly Mutant[] = [
  mutant('cumsum.ts', 'cumsum', 'const CHUNK: usize = 256;', 'const CHUNK: usize = 512;'),
  mutant('cumsum.ts', 'cumsum', 'return <T>windowed1(load<f32>(p), limit);', 'return <T>load<f32>(p);'),
  mutant('cumsum.ts', 'cumsum', 'if (isFloat<T>()) x = windowed(x, limit);', ''),
  mutant('cumsum.ts', 'cumsum', '    o += p;\n', '    o = p;\n'),
  mutant('cumsum.ts', 'cumsum', 'memory.fill(before, 0, REGISTER_STRIDE);', ''),
  mutant('cumsum.ts', 'cumsum', 'if (load<i32>(r, 8) == ELEM_F32) part', 'if (load<i32>(r, 8) != ELEM_F32) part'),
];

const SELECTIONS: readonly Mutant[] = [
  mutant('max.ts', 'max', 'return v128.bitselect(i32x4.splat(0x7fffffff), key, f32x4.ne(x, x));', 'return key;', [
    'max',
    'argmax',
  ]),
  mutant('max.ts', 'max', 'return elem == ELEM_U32 ? v128.xor(x, i32x4.splat(i32.MIN_VALUE)) : x;', 'return x;', [
    'max',
    'argmax',
  ]),
  mutant('max.ts', 'argmax', '(<i64>~at & 0xffffffff)', '(<i64>at & 0xffffffff)'),
  mutant(
    'max.ts',
    'argmax',
    'const better = i == 0 ? i32x4.splat(-1) : i32x4.gt_s(key, old);',
    'const better = i == 0 ? i32x4.splat(-1) : i32x4.ge_s(key, old);',
    ['max', 'argmax'],
  ),
  mutant(
    'max.ts',
    'argmax',
    'if (wantsIndex) where = v128.bitselect(at, where, i32x4.gt_s(key, best));',
    'if (wantsIndex) where = v128.bitselect(at, where, i32x4.ge_s(key, best));',
    ['max', 'argmax'],
  ),
];

/** Ops whose values a change of the contraction can change. */
const PRODUCTS = ['matmul', 'conv', 'convInput', 'convWeight'];
const walked = (op: string, from: string, to: string): Mutant => mutant('walked.ts', op, from, to, PRODUCTS);

const WALKED: readonly Mutant[] = [
  mutant(
    'sweep.ts',
    'conv',
    'c10 = f32x4.add(c10, f32x4.mul(a1, b0));\n    c11 = f32x4.add(c11, f32x4.mul(a1, b1));\n  }',
    'c10 = f32x4.add(c10, f32x4.mul(a1, b0));\n    c11 = f32x4.add(c11, f32x4.mul(a0, b1));\n  }',
    PRODUCTS,
  ),
  mutant('pattern.ts', 'poolSpread', 'step == 0 ? x : v128.shuffle<i32>(x, x, 0, 0, 1, 1)', 'x', '*'),
  mutant('pattern.ts', 'poolSpread', 'step == 0 ? x : v128', 'v128', '*'),
  walked('conv', 'windowed(v128.load(p0 + load<usize>(at)), limit)', 'v128.load(p0 + load<usize>(at))'),
  walked('conv', 'v128.store(dst, windowed(x, limit));', 'v128.store(dst, x);'),
  walked('conv', ' && c3 == c0 + 12', ''),
  walked('conv', 'load32_lane(p2 + o, x, 2)', 'load32_lane(p1 + o, x, 2)'),
  walked('conv', '      store<usize>(place, at);\n      return;', '      return;'),
  walked('conv', 'start -= at * stride;', ''),
  walked('convWeight', 'const run = min(inner - at, n);', 'const run = min(inner, n);'),
  walked('convWeight', 'dst += n * width;', 'dst += ((n + 3) & ~3) * width;'),
  walked('convWeight', 'const p3 = b + load<usize>(c, 12);\n  let at', 'const p3 = b + load<usize>(c, 8);\n  let at'),
  walked('convInput', 'rows, some - 8, k0 != 0)', 'rows, some - 8, false)'),
];

const CONTRACTIONS: readonly Mutant[] = [
  mutant(
    'constants.ts',
    'matmul',
    '[0x26000000, 0x26000000, 0x26000000, 0x26000000]',
    '[0x26000001, 0x26000001, 0x26000001, 0x26000001]',
  ),
  mutant('matmul.ts', 'matmul', 'const TERMS: usize = 256;', 'const TERMS: usize = 128;'),
  mutant('sweep.ts', 'matmul', 'c3 = f32x4.add(v128.load(r3), c3);', 'c3 = v128.load(r3);'),
  mutant('matmul.ts', 'matmul', 'store<f32>(c + j, accumulate ? load<f32>(c + j) + x : x);', 'store<f32>(c + j, x);'),
  mutant('packed.ts', 'matmul', '(k0 << 2) * ((held(r) + 7) & ~7)', '(k0 << 2) * held(r)'),
  mutant('packed.ts', 'matmul', 'let src = b + k0 * bRow + from * bCol;', 'let src = b + from * bCol;'),
  mutant(
    'pack.ts',
    'matmul',
    'v128.store(d, windowed(v128.load(s, 16), limit), 16);',
    'v128.store(d, v128.load(s, 16), 16);',
  ),
  mutant('gemv.ts', 'matmul', 'const TERMS: usize = 256;', 'const TERMS: usize = 128;'),
  mutant('gemv.ts', 'matmul', 'const later = accumulate || chunk != row;', 'const later = accumulate;'),
  mutant(
    'gemv.ts',
    'matmul',
    'f32x4.mul(a5, windowed(v128.load(far + step), limit))',
    'f32x4.mul(a5, v128.load(far + step))',
  ),
  mutant('gemv.ts', 'matmul', 'const r5 = windowed(v128.load(q5), limit);', 'const r5 = v128.load(q5);'),
  mutant('gemv.ts', 'matmul', 'store<f32>(p, windowed1(load<f32>(a), limit));', 'store<f32>(p, load<f32>(a));'),
  mutant('pack.ts', 'matmul', 'const r2 = windowed(v128.load(p2), limit);', 'const r2 = v128.load(p2);'),
  mutant(
    'pack.ts',
    'matmul',
    'v128.store(dst, windowed(v128.load(src, 16), limit), 16);',
    'v128.store(dst, v128.load(src, 16), 16);',
  ),
  mutant(
    'pack.ts',
    'matmul',
    'for (let d = dst, s = p; d < end; d += 16, s += step) v128.store(d, windowed(v128.load(s), limit));',
    'for (let d = dst, s = p; d < end; d += 16, s += step) v128.store(d, v128.load(s));',
  ),
];

const NARROWED = ['narrow', 'matmul', 'matmulNarrow'];
const NARROWING: readonly Mutant[] = [
  mutant('ops.ts', 'narrow', 'i32x4.shr_u(y, 1)), even)', 'i32x4.shr_u(y, 1)), i32x4.splat(0))', NARROWED),
  mutant('ops.ts', 'narrow', 'i32x4.splat(0x5f800000))', 'i32x4.splat(0x5f800001))', NARROWED),
  mutant('ops.ts', 'narrow', 'return v128.or(limited, f32x4.ne(x, x));', 'return limited;', NARROWED),
  mutant('matmulInt8.ts', 'matmul', 'const TERMS: usize = 512;', 'const TERMS: usize = 511;'),
  mutant('matmulInt8.ts', 'matmul', 'v128.and(low, i32x4.splat(0xffff))', 'low'),
  mutant('matmulInt8.ts', 'matmul', 'v128.and(v128.load(s), i32x4.splat(0xffff))', 'v128.load(s)'),
  mutant('matmulInt8.ts', 'matmul', 'v128.and(v128.load(end - pitch), i32x4.splat(0xffff))', 'v128.load(end - pitch)'),
  mutant('matmulInt8.ts', 'matmul', 'c31 = i32x4.add(v128.load(r3, 16), c31);', ''),
  mutant('matmulInt8.ts', 'matmul', '(k0 != 0 ? load<i32>(y) : 0)', '0'),
];

const INDEXING: readonly Mutant[] = [
  mutant('gather.ts', 'gather', 'const missing = load<u32>(r, 8);', 'const missing: u32 = 0;'),
  mutant(
    'gather.ts',
    'gather',
    'store<u32>(dst, d < v ? load<u32>(src + (d << 2)) : missing);',
    'store<u32>(dst, d <= v ? load<u32>(src + (d << 2)) : missing);',
  ),
  mutant(
    'gather.ts',
    'gather',
    'if (d < v) copyExact(dst, src + d * row, inner);',
    'if (d < v - 1) copyExact(dst, src + d * row, inner);',
  ),
  mutant('scatterAdd.ts', 'scatterAdd', 'if (count == 1) return addSource(', 'if (count == 1) return addTo('),
  mutant(
    'scatterAdd.ts',
    'scatterAdd',
    'store<f32>(dst, snap1(load<f32>(dst) + load<f32>(p)));',
    'store<f32>(dst, load<f32>(dst) + load<f32>(p));',
  ),
  mutant(
    'scatterAdd.ts',
    'scatterAdd',
    'addRow(own(LANES), t, src + word(list, c + t) * row',
    'addRow(own(LANES), m - 1 - t, src + word(list, c + t) * row',
  ),
  mutant('scatterAdd.ts', 'scatterAdd', 'if (d >= v) continue;', 'if (d > v) continue;'),
];

const ORDERS: readonly Mutant[] = [
  mutant('argsort.ts', 'argsort', 'if (before <= key) break;', 'if (before < key) break;'),
  mutant(
    'argsort.ts',
    'argsort',
    'for (let b: u32 = 0; b < 4; b++) {\n    const row',
    'for (let b: u32 = 0; b < 3; b++) {\n    const row',
  ),
  mutant('argsort.ts', 'argsort', '== n) continue;', '!= n) continue;'),
  mutant('argsort.ts', 'argsort', 'elem == ELEM_F32 || elem == ELEM_I32 ? 0x80000000', 'elem == ELEM_F32 ? 0x80000000'),
  mutant('argsort.ts', 'argsort', '(0 - load<u32>(r, 12))', '(0 - load<u32>(r, 8))'),
  mutant(
    'argsort.ts',
    'argsort',
    'keyOf(elem, flip, load<u32>(p))',
    'keyOf(elem, flip, load<u32>(word(r, 7) + (i << 2)))',
  ),
];

/** Code that every program runs. */
const SHARED: readonly Mutant[] = [
  mutant('finish.ts', 'add', 'store<u32>(at, NAN_BITS)', 'store<u32>(at, 0x7fc00001)', '*'),
  mutant(
    'admit.ts',
    'data',
    'const exponent = i32x4.splat(0x7f000000);',
    'const exponent = i32x4.splat(0x7f800000);',
    '*',
  ),
  mutant(
    'pattern.ts',
    'data',
    'store<usize>(own(AT) + (d << 2), 0);\n    base -= at * stride;',
    'store<usize>(own(AT) + (d << 2), 0);',
    '*',
  ),
  mutant(
    'pattern.ts',
    ['add', 'neg'],
    'while (period < REPEAT) period += inner;',
    'while (period < REPEAT) period += inner + 1;',
    '*',
  ),
];

export const MUTANTS: readonly Mutant[] = [
  ...OPS,
  ...FUNCTIONS,
  ...RANDOM,
  ...SUMS,
  ...PREFIXES,
  ...SELECTIONS,
  ...CONTRACTIONS.map((m) => ({ ...m, reach: PRODUCTS })),
  ...WALKED,
  ...NARROWING,
  ...INDEXING,
  ...ORDERS,
  ...SHARED,
];
