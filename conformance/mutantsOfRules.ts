/** What the mutation run changes in TypeScript: the rules of N12, and the reference that judges the kernels. */

/** A change by exact replacement, and the tests of which one must then fail. */
export interface RuleMutant {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
}

const RULES = ['sdk/core/derivatives.test.ts', 'sdk/core/grad.test.ts'];
const rule = (file: string, find: string, replace: string): RuleMutant => ({
  file: `sdk/core/${file}`,
  find,
  replace,
  tests: RULES,
});
const storage = (file: string, find: string, replace: string): RuleMutant => ({
  file,
  find,
  replace,
  tests: ['sdk/engine/storage.test.ts'],
});
const precision = (file: string, find: string, replace: string): RuleMutant => ({
  file: `sdk/core/${file}`,
  find,
  replace,
  tests: ['sdk/core/precision.test.ts'],
});
const reference = (file: string, find: string, replace: string): RuleMutant => ({
  file: `conformance/reference/${file}`,
  find,
  replace,
  tests: ['conformance/reference/reference.test.ts'],
});
const host = (file: string, find: string, replace: string, test: string): RuleMutant => ({
  file: `sdk/core/scalar/${file}`,
  find,
  replace,
  tests: [`sdk/core/scalar/${test}.test.ts`],
});

export const RULE_MUTANTS: readonly RuleMutant[] = [
  rule('ops/arithmetic.ts', "neg_i' }, (g) => neg(g))", "neg_i' }, (g) => g)"),
  rule('ops/arithmetic.ts', 'mul(g, sign(x))', 'g'),
  rule('ops/arithmetic.ts', "add_i' }, (g) => g)", "add_i' }, (g) => neg(g))"),
  rule('ops/arithmetic.ts', '(i === 0 ? g : neg(g))', '(i === 1 ? g : neg(g))'),
  rule('ops/arithmetic.ts', 'mul(g, inputs[1 - i])', 'mul(g, inputs[i])'),
  rule('ops/arithmetic.ts', 'neg(mul(t, y))', 'mul(t, y)'),
  rule('ops/arithmetic.ts', 'mul(0.5, g), 0)', 'g, 0)'),
  rule('ops/arithmetic.ts', 'chosen(gt))', 'chosen(ge))'),
  rule('ops/arithmetic.ts', 'chosen(lt))', 'chosen(le))'),
  rule('ops/arithmetic.ts', 'where(gt(x, 0), g, 0)', 'where(ge(x, 0), g, 0)'),
  rule('ops/arithmetic.ts', "and(ge(x, attrNumber(attrs, 'low'))", "and(gt(x, attrNumber(attrs, 'low'))"),
  rule('ops/functions.ts', 'const TWO_OVER_SQRT_PI = 1.1283792;', 'const TWO_OVER_SQRT_PI = 1.128388;'),
  rule('ops/functions.ts', "fn('exp', (g, { y }) => mul(g, y))", "fn('exp', (g, { inputs: [x] }) => mul(g, x))"),
  rule('ops/functions.ts', 'div(g, x))', 'div(x, g))'),
  rule('ops/functions.ts', 'where(eq(y, 0), 0, div(mul(0.5, g), y))', 'div(mul(0.5, g), y)'),
  rule('ops/functions.ts', 'mul(mul(neg(mul(0.5, g)), y), mul(y, y))', 'mul(neg(mul(0.5, g)), mul(y, y))'),
  rule('ops/functions.ts', 'mul(g, sub(1, mul(y, y)))', 'mul(g, sub(1, y))'),
  rule('ops/functions.ts', 'mul(g, mul(y, sub(1, y)))', 'mul(g, sub(1, y))'),
  rule('ops/functions.ts', 'mul(g, sigmoid(x))', 'mul(g, x)'),
  rule('ops/functions.ts', 'mul(g, cos(x))', 'neg(mul(g, cos(x)))'),
  rule('ops/functions.ts', 'neg(mul(g, sin(x)))', 'mul(g, sin(x))'),
  rule('ops/functions.ts', 'exp(neg(mul(x, x)))', 'exp(mul(x, x))'),
  rule(
    'ops/functions.ts',
    'where(eq(b, 0), 0, mul(g, mul(b, pow(a, sub(b, 1)))))',
    'mul(g, mul(b, pow(a, sub(b, 1))))',
  ),
  rule('ops/functions.ts', 'where(gt(a, 0), mul(g, mul(y, log(a))), 0)', 'mul(g, mul(y, log(a)))'),
  rule('ops/functions.ts', 'mul(g, mul(n, powi(x, n - 1)))', 'mul(g, powi(x, n - 1))'),
  rule('ops/select.ts', '(i === 1 ? where(c, g, 0) : where(c, 0, g))', '(i === 2 ? where(c, g, 0) : where(c, 0, g))'),
  storage(
    'sdk/core/ops/select.ts',
    "e.constant(127, 'i32')), e.constant(-128",
    "e.constant(127, 'i32')), e.constant(-127",
  ),
  storage('sdk/core/ops/select.ts', "e.row('f2u', x), e.constant(255", "e.row('f2u', x), e.constant(256"),
  storage('sdk/core/ops/select.ts', "return to === 'u8' ? low :", "return to === 'i8' ? low :"),
  storage('sdk/core/ops/matmul.ts', "narrow(cast(x, 'f32'), 'medium')", "cast(x, 'f32')"),
  precision('ops/matmul.ts', '(attrs.precision ?? ', '(null ?? '),
  precision('ops/matmul.ts', '(o.precision ?? left.graph.precision)', "(o.precision ?? 'highest')"),
  precision('ops/matmul.ts', 'transposeA, transposeB, precision });', 'transposeA, transposeB });'),
  precision('ops/matmul.ts', '{ high: 0x1000, medium: 0x10000 }', '{ high: 0x2000, medium: 0x10000 }'),
  precision('ops/matmul.ts', '{ high: 0x1000, medium: 0x10000 }', '{ high: 0x1000, medium: 0x8000 }'),
  precision('quantize.ts', 'x.div(scale).round()', 'x.div(scale)'),
  precision('quantize.ts', 'clamp(-LIMIT, LIMIT)', 'clamp(-128, LIMIT)'),
  precision('quantize.ts', '? 3 - inner : inner', '? inner : inner'),
  precision('quantize.ts', ".mul(side(b, 'right'", ".add(side(b, 'right'"),
  storage(
    'sdk/engine/plan.ts',
    "if (e.dtype !== 'f16' && e.dtype !== 'bf16') continue;",
    "if (e.dtype !== 'bf16') continue;",
  ),
  storage('sdk/engine/upload.ts', '(h) => canonicalOf(h, dtype)', '(h) => h'),
  storage('sdk/core/build.ts', '(bits & EXPONENT[dtype]) === EXPONENT[dtype]', 'false'),
  rule(
    'ops/composite.ts',
    'vjp: (g, { attrs, y }) => mul(y, sub(g, sum(mul(y, g)',
    'vjp: (g, { attrs, y }) => mul(y, sub(g, sum(mul(g, g)',
  ),
  rule(
    'ops/composite.ts',
    'jvp: (t, { attrs, y }) => mul(y, sub(t, sum(mul(y, t)',
    'jvp: (t, { attrs, y }) => mul(y, sub(t, sum(mul(t, t)',
  ),
  rule('ops/composite.ts', 'sub(g, mul(exp(y), sum(g', 'sub(g, mul(y, sum(g'),
  rule('ops/composite.ts', 'sub(t, sum(mul(exp(y), t)', 'sub(t, sum(mul(y, t)'),
  rule('ops/composite.ts', 'mul(g, sub(sigmoid(x), t))', 'mul(g, sigmoid(x))'),
  rule('ops/composite.ts', 'mul(g, neg(x))', 'mul(g, x)'),
  rule('ops/composite.ts', '=> mul(g, exp(sub(x, y))),', '=> mul(g, exp(y)),'),
  rule('ops/composite.ts', 'sum(mul(exp(sub(x, y)), t)', 'sum(mul(exp(x), t)'),
  rule('ops/scan.ts', 'apply(CUMSUM, [reverse(g, along)], attrs)', 'apply(CUMSUM, [g], attrs)'),
  rule('ops/reduce.ts', "x.dtype === 'f32' ? neg(x)", "x.dtype !== 'f32' ? neg(x)"),
  rule('ops/reduce.ts', 'where(winner(site), spread(g, x, axes), 0)', 'spread(g, x, axes)'),
  rule('ops/reduce.ts', 'const rows = lastAxis(t, axes);', 'const rows = lastAxis(x, axes);'),
  rule('ops/matmul.ts', 'if (i === 0) return ta ?', 'if (i === 0) return !ta ?'),
  rule('ops/matmul.ts', 'return tb ?', 'return !tb ?'),
  rule(
    'ops/matmul.ts',
    'if (b.shape.length !== 2 || a.shape.length <= 2)',
    'if (b.shape.length >= 2 || a.shape.length <= 2)',
  ),
  rule('ops/move.ts', 'axes.map((_, i) => axes.indexOf(i)),', 'axes,'),
  rule('ops/move.ts', 'const ascending = back.some(Boolean) ? reverse(g, back) : g;', 'const ascending = g;'),
  rule('ops/move.ts', 'apply(PAD, [t], { ...attrs, value: 0 })', 'apply(PAD, [t], attrs)'),
  rule(
    'ops/move.ts',
    'd === axis ? [from, from + inputs[i].shape[axis]] : null',
    'd === axis ? [0, inputs[i].shape[axis]] : null',
  ),
  rule('ops/move.ts', 'd === axis ? [from, after] : [0, 0]', 'd === axis ? [after, from] : [0, 0]'),
  rule(
    'ops/gather.ts',
    "i === 0 && x.dtype === 'f32' ? scatterAdd(zeros(x, x.shape), index, g",
    "i === 0 && x.dtype === 'f32' ? scatterAdd(x, index, g",
  ),
  rule('ops/gather.ts', 'i === 1 ? null : i === 0 ? g : gather(g', 'i === 1 ? null : i === 2 ? g : gather(g'),
  rule('ops/gather.ts', 'scatterAdd(zeros(base, base.shape), index, t', 'scatterAdd(base, index, t'),
  rule('grad.ts', '.sort((a, b) => b.id - a.id)', '.sort((a, b) => a.id - b.id)'),
  rule(
    'grad.ts',
    'n.inputs.forEach((x, i) => {',
    '[...n.inputs].reverse().forEach((x, k) => {\n      const i = n.inputs.length - 1 - k;',
  ),
  rule('grad.ts', 'reshape(sum(g, axes, true), to)', 'reshape(axes.reduceRight((h, a) => sum(h, a, true), g), to)'),
  rule('grad.ts', '(to[i - lead] === 1 && g.shape[i] !== 1)', 'to[i - lead] === 1'),
  rule('jvp.ts', 'if (given.has(n) || !rule) continue;', 'if (!rule) continue;'),
  reference('reduce.ts', 'const CHUNK = 2048;', 'const CHUNK = 1024;'),
  reference('reduce.ts', 'const LANES = 64;', 'const LANES = 32;'),
  reference('reduce.ts', 'return tree(Array.from(list, leaf));', 'return tree(Array.from(list));'),
  reference('reduce.ts', 'return tree(parts);', 'return R(parts);'),
  reference(
    'reduce.ts',
    'const largest = (list: readonly number[]): number => list.reduce((a, b) => larger(a, b));',
    'const largest = (list: readonly number[]): number => list.reduce((a, b) => (b > a ? b : a));',
  ),
  reference('reduce.ts', 'c += 256', 'c += 512'),
  reference('reduce.ts', 'prefixes(list.map(leaf), add)', 'prefixes(list, add)'),
  reference('matmul.ts', 'const CHUNK = 256;', 'const CHUNK = 512;'),
  reference('matmul.ts', 'acc = f(acc + f(W(a) * W(b)));', 'acc = f(acc + W(a) * W(b));'),
  reference('matmul.ts', 'acc = (acc + a * b) | 0;', 'acc += a * b;'),
  reference('gather.ts', 'Number.NaN : isFloat', '0 : isFloat'),
  reference('move.ts', '(p - low[i]) / (interior[i] + 1)', '(p - low[i]) / 1'),
  host('bits.ts', 'export const TINY = 2 ** -125;', 'export const TINY = 2 ** -126;', 'basic'),
  host('bits.ts', 'v < 2 ** -51 &&', 'v < 2 ** -52 &&', 'basic'),
  host('bits.ts', 'v < 2 ** -102 &&', 'v < 2 ** -103 &&', 'basic'),
  host('round.ts', 'return C(rint(x));', 'return C(Math.round(x));', 'basic'),
  host('exp.ts', '0x3efffffe', '0x3f000010', 'functions'),
  host('log.ts', '0x3eaaaaaa', '0x3eaaaab0', 'functions'),
  host('philox.ts', 'i < 10;', 'i < 9;', 'philox'),
  host('cast.ts', '(u & place ? 0 : 1)', '0', 'cast'),
  host('cast.ts', '>= 0x5f800000', '> 0x5f800000', 'cast'),
  host('cast.ts', '(u + 0x7fff + ((u >>> 16) & 1)) >>> 16', '(u + 0x8000) >>> 16', 'cast'),
];
