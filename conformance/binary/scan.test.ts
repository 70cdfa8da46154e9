/** The WASM kernels as they are shipped hold no instruction but those of the list; planted ones are found. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import binaryen from 'binaryen';
import base64 from '#kernels';
import { kernels as threads } from '#threads';
import { ATOMIC_OPCODES, FLOAT_OPCODES, isInteger } from './opcodes.ts';
import { scanBinary } from './scan.ts';

const shipped = new Uint8Array(Buffer.from(base64 as string, 'base64'));

test('the shipped kernels: no relaxed SIMD, no float instruction outside the list, no import', (t) => {
  assert.deepEqual(new Uint8Array(readFileSync(new URL('../../wasm/build/kernels.wasm', import.meta.url))), shipped);
  assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(shipped)), []);
  const { functions, findings } = scanBinary(shipped);
  assert.deepEqual(findings, []);
  const instructions = functions.reduce((n, f) => n + f.instructions, 0);
  const floats = functions.flatMap((f) => [...f.floats.values()]).reduce((a, b) => a + b, 0);
  assert.ok(functions.length > 20 && instructions > 10000 && floats > 1000);
  t.diagnostic(`${functions.length} functions, ${instructions} instructions, ${floats} of them float`);
});

test('the kernels for threads: the same float instructions, listed atomics, and of imports the memory', () => {
  const bytes = new Uint8Array(Buffer.from(threads as string, 'base64'));
  assert.deepEqual(new Uint8Array(readFileSync(new URL('../../wasm/build/threads.wasm', import.meta.url))), bytes);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  assert.deepEqual(imports, [{ module: 'env', name: 'memory', kind: 'memory' }]);
  const { functions, findings } = scanBinary(bytes, { shared: true });
  assert.deepEqual(findings, []);
  const used = (of: 'floats' | 'atomics', all: typeof functions) =>
    [...new Set(all.flatMap((f) => [...f[of].keys()]))].sort();
  assert.deepEqual(used('floats', functions), used('floats', scanBinary(shipped).functions));
  assert.deepEqual(used('atomics', functions), Object.keys(ATOMIC_OPCODES).sort());
  // Without leave they are refused, each.
  const refused = scanBinary(bytes).findings.join('\n');
  for (const opcode of ['import', ...Object.keys(ATOMIC_OPCODES)]) assert.ok(refused.includes(opcode), opcode);
});

test('a thread that starts writes constants again, and nothing else: scratch is no part of the binary', () => {
  const bytes = new Uint8Array(Buffer.from(threads as string, 'base64'));
  assert.ok(bytes.length < shipped.length + 10_000);
});

test('the list holds nothing that the kernels do without', () => {
  const used = new Set(scanBinary(shipped).functions.flatMap((f) => [...f.floats.keys()]));
  assert.deepEqual(
    Object.keys(FLOAT_OPCODES).filter((op) => !used.has(op)),
    [],
  );
});

/** A module from its text. */
function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(`(module ${text})`);
  module.setFeatures(binaryen.Features.All);
  assert.ok(module.validate(), text);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}
const findings = (text: string): readonly string[] => scanBinary(assemble(text)).findings;

/** A function of one instruction. */
const one = (opcode: string, result: string, ...operands: string[]): string =>
  `(func (param ${operands.join(' ')}) (result ${result}) (${opcode} ${operands.map((_, i) => `(local.get ${i})`).join(' ')}))`;
const [v, v2, v3] = [['v128'], ['v128', 'v128'], ['v128', 'v128', 'v128']];

const PLANTED: readonly (readonly [opcode: string, result: string, operands: readonly string[]])[] = [
  ...['f32x4.relaxed_madd', 'f32x4.relaxed_nmadd', 'f64x2.relaxed_madd', 'f64x2.relaxed_nmadd'].map(
    (op) => [op, 'v128', v3] as const,
  ),
  ...['f32x4.relaxed_min', 'f32x4.relaxed_max', 'f64x2.relaxed_min', 'f64x2.relaxed_max'].map(
    (op) => [op, 'v128', v2] as const,
  ),
  ...['i8x16', 'i16x8', 'i32x4', 'i64x2'].map((lane) => [`${lane}.relaxed_laneselect`, 'v128', v3] as const),
  ...['i8x16.relaxed_swizzle', 'i16x8.relaxed_q15mulr_s', 'i16x8.relaxed_dot_i8x16_i7x16_s'].map(
    (op) => [op, 'v128', v2] as const,
  ),
  ['i32x4.relaxed_dot_i8x16_i7x16_add_s', 'v128', v3],
  ...['f32x4_s', 'f32x4_u', 'f64x2_s_zero', 'f64x2_u_zero'].map(
    (from) => [`i32x4.relaxed_trunc_${from}`, 'v128', v] as const,
  ),
  ...['min', 'max', 'copysign', 'div', 'sub'].map((op) => [`f32.${op}`, 'f32', ['f32', 'f32']] as const),
  ...['nearest', 'neg', 'sqrt', 'ceil', 'floor', 'trunc'].map((op) => [`f32.${op}`, 'f32', ['f32']] as const),
  ...['add', 'mul', 'div', 'min', 'max', 'copysign'].map((op) => [`f64.${op}`, 'f64', ['f64', 'f64']] as const),
  ...['f32x4.min', 'f32x4.max', 'f64x2.mul', 'f64x2.div', 'f64x2.pmin'].map((op) => [op, 'v128', v2] as const),
  ...['f32x4.neg', 'f64x2.sqrt', 'f32x4.demote_f64x2_zero', 'i32x4.trunc_sat_f64x2_s_zero'].map(
    (op) => [op, 'v128', v] as const,
  ),
  ...['i32.trunc_f32_s', 'i32.trunc_sat_f32_u', 'i32.trunc_f64_u'].map(
    (op) => [op, 'i32', [op.includes('f64') ? 'f64' : 'f32']] as const,
  ),
  ['f32.demote_f64', 'f32', ['f64']],
  ['f64.promote_f32', 'f64', ['f32']],
  ['f32.convert_i64_u', 'f32', ['i64']],
];

test('each planted instruction is found, by its name and function', () => {
  for (const [opcode, result, operands] of PLANTED) {
    const found = findings(`${one('i32.add', 'i32', 'i32', 'i32')} ${one(opcode, result, ...operands)}`);
    assert.deepEqual(found.length, 1, `${opcode}: ${found}`);
    assert.match(found[0], new RegExp(`^1: .*${opcode.replace('.', '\\.')}`));
  }
});

test('imports, tables and a start function are found', () => {
  assert.deepEqual(findings('(import "Math" "exp" (func $exp (param f64) (result f64)))'), ['the module: import']);
  assert.notDeepEqual(findings('(table 1 funcref)'), []);
  assert.notDeepEqual(findings('(func $f) (start $f)'), []);
  assert.deepEqual(findings(one('f32x4.mul', 'v128', 'v128', 'v128')), []);
});

/** Bytes by hand, so that not only what binaryen wrote is read: (v128, v128, v128) -> v128 with one instruction 0xfd … */
const byHand = (...opcode: number[]): Uint8Array => {
  const code = [0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, ...opcode, 0x0b];
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b],
    ...[0x03, 0x02, 0x01, 0x00],
    ...[0x0a, code.length + 2, 0x01, code.length, ...code],
  );
};

test('the opcodes of relaxed SIMD, from bytes', () => {
  // 0xfd 0x105 is f32x4.relaxed_madd, 0xfd 0x52 v128.bitselect.
  assert.deepEqual(scanBinary(byHand(0x85, 0x02)).findings, ['0: f32x4.relaxed_madd']);
  assert.deepEqual(scanBinary(byHand(0x52)).findings, []);
  assert.throws(() => scanBinary(byHand(0xff, 0x7f)));
});

test('what is an integer instruction', () => {
  for (const op of ['i32.add', 'i64.mul', 'i8x16.shuffle', 'v128.load32_splat', 'memory.copy', 'local.get'])
    assert.ok(isInteger(op), op);
  for (const op of ['i8x16.relaxed_swizzle', 'f32.add', 'f16x8.add', 'i32.trunc_f32_s', 'table.get', 'call'])
    assert.ok(!isInteger(op), op);
});
