// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources
/**
 * Mutants of the TypeScript that makes WGSL and dispatches, by exact replacement: the printer, the lowering, the shared frame,
 * and the ops that are plain WGSL operators.
 */

import type { Suspects } from './judge.ts';

export interface LoweringMutant {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly suspects: Suspects;
}

const NONE: Suspects = { goldens: [], rows: [], kernels: [], ops: [], graphs: 0 };
const mutant = (file: string, find: string, replace: string, s: Partial<Suspects>): LoweringMutant => ({
  file,
  find,
  replace,
  suspects: { ...NONE, ...s },
});
const MOVES: Partial<Suspects> = { goldens: ['move/'], ops: ['add', 'permute', 'slice', 'pad', 'concat'], graphs: 20 };
const FLAGS: Partial<Suspects> = { goldens: ['arithmetic/mul'], kernels: ['gather', 'finish'], graphs: 40 };

const print = (find: string, replace: string, s: Partial<Suspects>) =>
  mutant('sdk/engine/webgpu/print.ts', find, replace, s);
const lower = (find: string, replace: string, s: Partial<Suspects>) =>
  mutant('sdk/engine/webgpu/lower.ts', find, replace, s);
const scatter = (find: string, replace: string) =>
  mutant('sdk/engine/webgpu/scatter.ts', find, replace, {
    goldens: ['scatterAdd/'],
    kernels: ['scatterFew', 'scatterSorted', 'scatterStarts', 'scatterLong'],
    ops: ['scatterAdd'],
  });
const shader = (find: string, replace: string, s: Partial<Suspects>) =>
  mutant('sdk/engine/webgpu/shader.ts', find, replace, s);
const op = (find: string, replace: string, golden: string) =>
  mutant('wgsl/functions/index.ts', find, replace, { goldens: [golden] });

const SUM: Partial<Suspects> = { goldens: ['sum/'], kernels: ['sumF32'], ops: ['sum'], graphs: 20 };
const MAX: Partial<Suspects> = { goldens: ['max/', 'argmax/'], kernels: ['max'], ops: ['max', 'argmax'] };
const PACKED: Partial<Suspects> = {
  goldens: ['matmul/packed'],
  kernels: ['matmulPacked', 'pack'],
  ops: ['matmul'],
  graphs: 0,
};
const MATMUL: Partial<Suspects> = {
  goldens: ['matmul/'],
  kernels: ['matmul', 'matmulWide', 'parts'],
  ops: ['matmul'],
  graphs: 20,
};

export const LOWERING_MUTANTS: readonly LoweringMutant[] = [
  print('a.strides.every((s) => s === 0)) return base;', 'a.strides.some((s) => s === 0)) return base;', MOVES),
  print('a.dims.length === 1 && a.strides[0] === 1)', 'a.dims.length === 1)', MOVES),
  print('for (let d = a.dims.length - 1; d >= 0; d--)', 'for (let d = 0; d < a.dims.length; d++)', MOVES),
  print('param(word(a.strides[d]))', 'param(word(a.strides[d] + 1))', MOVES),
  print('param(word(a.dims[d]))', 'param(word(a.dims[d] + 1))', MOVES),
  print('param({ buffer: a.buffer, offset: a.offset })', 'param({ buffer: a.buffer, offset: 0 })', MOVES),
  print('`  let o${k} = C(v${s.value});`', '`  let o${k} = v${s.value};`', {
    goldens: ['arithmetic/', 'NaN/', 'guard/'],
  }),
  print('raise(${FLAG.nonfinite}u)', 'raise(${FLAG.index}u)', FLAGS),
  print('bits.setFloat32(0, v.value)', 'bits.setFloat32(0, v.value, true)', {
    ops: ['add', 'mul', 'clamp'],
    graphs: 20,
  }),
  print('[v.draw.seedLo, v.draw.seedHi, v.draw.stream]', '[v.draw.seedHi, v.draw.seedLo, v.draw.stream]', {
    goldens: ['random/'],
  }),
  print('v.args.map((x) => `v${x}`)', 'v.args.map((x) => `v${x}`).reverse()', {
    goldens: ['arithmetic/sub', 'compare/lt'],
  }),
  print('mem[${param(extra.to)} + i] = v${extra.value}', 'mem[${param(extra.to)} + i] = v0', {
    goldens: ['sum/with prologue', 'max/'],
  }),
  lower('const CHUNK = 2048;', 'const CHUNK = 1024;', MAX),
  lower('[source, n, inner, leaves] = [to, chunks, 1, 0];', '[source, n, inner, leaves] = [to, chunks, 1, 1];', SUM),
  lower(
    '[source, n, inner, leaves] = [to, chunks, 1, 0];',
    '[source, n, inner, leaves] = [to, chunks, inner, 0];',
    SUM,
  ),
  lower(
    'let [source, n, inner, leaves] = [from, k.n, k.inner, 1];',
    'let [source, n, inner, leaves] = [from, k.n, k.inner, 0];',
    SUM,
  ),
  lower(
    "if (k.epilogue) program(k.epilogue);\n        return;\n      }\n      case 'matmul'",
    "return;\n      }\n      case 'matmul'",
    { ...SUM, ops: ['sum', 'softmax'] },
  ),
  lower("k.dtype === 'f32' ? KERNELS.sumF32 : KERNELS.sumInt", 'KERNELS.sumInt', SUM),
  lower("word(k.dtype === 'f32' ? 0 : k.dtype === 'i32' ? 1 : 2)", "word(k.dtype === 'f32' ? 0 : 1)", MAX),
  lower("last && k.op === 'max' ? at(k.out)", "last && k.op !== 'max' ? at(k.out)", MAX),
  lower('word(indices ? 1 : 0)', 'word(0)', MAX),
  lower(
    '[source, indices, n, inner] = [values, places, chunks, 1];',
    '[source, indices, n, inner] = [values, values, chunks, 1];',
    MAX,
  ),
  lower('[a.row, a.column].map', '[a.column, a.row].map', MATMUL),
  lower('column: rows, batch', 'column: k.m, batch', PACKED),
  lower(
    'lineOf(k.k, k.b.row), columns: lineOf(k.n, k.b.column)',
    'lineOf(k.k, k.b.column), columns: lineOf(k.n, k.b.row)',
    MATMUL,
  ),
  lower(
    '...axes(a.batch),\n              ...axes(b.batch)',
    '...axes(b.batch),\n              ...axes(a.batch)',
    MATMUL,
  ),
  lower(
    'Math.ceil(Math.min(columns, k.n - column) / groupX)',
    'Math.floor(Math.min(columns, k.n - column) / groupX)',
    MATMUL,
  ),
  lower('Math.ceil(Math.min(rows, k.m - row) / groupY)', 'Math.floor(Math.min(rows, k.m - row) / groupY)', MATMUL),
  lower('[tile << log, tile << (6 - log)]', '[tile << log, tile << log]', MATMUL),
  lower('batch: [shared ? 0 : rows * k.k]', 'batch: [rows * k.k]', PACKED),
  lower('side(k.b, k.n, right.columns, right.terms)', 'side(k.b, k.n, right.terms, right.columns)', PACKED),
  lower('Math.ceil(k.k / RUN)', 'Math.floor(k.k / RUN)', PACKED),
  lower('[k.batch.length, first]', '[1, first]', MATMUL),
  lower('batches * parts - first', 'batches - first', MATMUL),
  lower('[log, round]', '[log, 0]', PACKED),
  lower('Math.ceil(k.k / TERMS)', 'Math.floor(k.k / TERMS)', MATMUL),
  lower('[middle, inner, ...', '[inner, middle, ...', { ...MATMUL, goldens: ['matmul/wide'], kernels: ['matmulWide'] }),
  lower('if (k.prologue) program(k.prologue);', '', MATMUL),
  lower('[k.index.outer, k.index.axis, k.index.inner]', '[k.index.outer, k.index.inner, k.index.axis]', {
    goldens: ['gather/'],
    ops: ['gather'],
  }),
  lower('isFloat(k.dtype) ? NAN[k.dtype] : 0', '0', { goldens: ['gather/'], ops: ['gather'] }),
  scatter('at(k.base, k.baseOffset)', 'at(k.out)'),
  scatter('index.outer === 0 ? 1 : k.outer', '1'),
  scatter('slabs > 1 ? columns : 0', '0'),
  scatter('columns > 1 ? 1 : 0', '0'),
  scatter("dtype: 'u32', descending: false", "dtype: 'i32', descending: false"),
  lower('scratchTop += roomFor(elements);', '', { ...MAX, graphs: 20 }),
  lower('arena: plan.arena + scratchHigh', 'arena: plan.arena', {
    ...SUM,
    kernels: ['linear', 'sumF32', 'max'],
    graphs: 30,
  }),
  lower('dispatch(KERNELS.finish, [word(k.size)', 'dispatch(KERNELS.finish, [word(k.size - 1)', FLAGS),
  shader('i >= ${parameter(0)}', 'i > ${parameter(0)}', { kernels: ['gather', 'sumF32'] }),
  shader('* 64u + lane', '* 63u + lane', { goldens: ['arithmetic/'] }),
  shader('(group.y * groups.x) + group.x', 'group.x', { kernels: ['linear'] }),
  shader('gz = state.zero;\n  let i', 'gz = 1u;\n  let i', { goldens: ['arithmetic/'] }),
  shader('Math.ceil(n / 64)', 'Math.floor(n / 64)', { kernels: ['gather', 'sumF32'] }),
  shader('atomicOr(&state.flags, flag)', 'atomicAnd(&state.flags, flag)', { kernels: ['gather', 'finish'] }),
  op('(${a} & 0x7fffffffu)`', '(${a} & 0x7fffffffu & 0xfffffffeu)`', 'sign/abs'),
  op('!= 0x7f800000u`)', '!= 0x7fc00000u`)', 'sign/isFinite'),
  op('neg_i: inline((a) => `(0u - ${a})`)', 'neg_i: inline((a) => `(1u - ${a})`)', 'i32/neg'),
  op('0u - ${a}, ${a} >= 0x80000000u)`),\n  sign_s', '0u - ${a}, ${a} > 0x80000001u)`),\n  sign_s', 'i32/abs'),
  op('${signed(a)} > ${signed(b)})`', '${a} > ${b})`', 'i32/max'),
  op('${signed(a)} < ${signed(b)})`),\n  max_u', '${a} < ${b})`),\n  max_u', 'i32/min'),
  op(
    'max_u: inline((a, b) => `select(${b}, ${a}, ${a} > ${b})`)',
    'max_u: inline((a, b) => `select(${b}, ${a}, ${signed(a)} > ${signed(b)})`)',
    'u32/max',
  ),
  op("lt_s: testSigned('<')", "lt_s: test('<')", 'i32/lt'),
  op("le_u: test('<=')", "le_u: test('<')", 'u32/le'),
  op("xor: infix('^')", "xor: infix('|')", 'bool/xor'),
  op('not: inline((a) => bool(`${a} == 0u`))', 'not: inline((a) => `(1u ^ (${a} << 1u))`)', 'bool/not'),
  op(
    'where: inline((c, a, b) => `select(${b}, ${a}, ${c} != 0u)`)',
    'where: inline((c, a, b) => `select(${a}, ${b}, ${c} != 0u)`)',
    'bool/where',
  ),
];
