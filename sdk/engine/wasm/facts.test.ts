/** Facts hold, and what is left out by them changes no bit: random programs, evaluated one Math.fround an operation. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalOf, edgy, noise, toFloat } from '../../../wasm/harness.ts';
import type { Program, ProgramValue } from '../kernel.ts';
import { factOfConstant, factsOf } from './facts.ts';
import { BLOCK_OP } from './layout.ts';
import { select } from './select.ts';

/** By definition, without the snap. */
const OPS: Readonly<Record<string, (a: number, b: number) => number>> = {
  copy: (a) => a,
  neg_f: (a) => 0 - a,
  abs_f: Math.abs,
  sqrt: (a) => Math.sqrt(a),
  add_f: (a, b) => a + b,
  sub_f: (a, b) => a - b,
  mul_f: (a, b) => a * b,
  div_f: (a, b) => a / b,
  max_f: Math.max,
  min_f: Math.min,
  sign_f: Math.sign,
  floor: Math.floor,
};
const UNARY = ['copy', 'neg_f', 'abs_f', 'sqrt', 'sign_f', 'floor'];
const CONSTANTS = [0, 1, -1, 0.5, -3, 1e-8, 2 ** -101, 2 ** -102, -(2 ** -102), 3e38, 2 ** -125, 2 ** 64];
const access = { buffer: 0, offset: 0, dims: [1], strides: [1] };
const load: ProgramValue = { kind: 'load', access };
const row = (op: string, ...args: number[]) => ({ kind: 'row', op, args }) as ProgramValue;
const constant = (value: number): ProgramValue => ({ kind: 'constant', value, dtype: 'f32' });
const program = (values: readonly ProgramValue[], stored: readonly number[] = []): Program => ({
  total: 1,
  values,
  stores: stored.map((value) => ({ value, access, output: false })),
});

/** Operands near those that matter: the least numbers, those that nearly cancel, and any. */
function operands(count: number, seed: number): number[] {
  const next = noise(seed);
  const any = edgy(count, seed);
  const first = next();
  return Array.from({ length: count }, (_, i) => {
    const kind = next() % 4;
    const bits = kind === 0 ? first ^ (next() & 0x80000003) : kind === 1 ? (next() & 0x80ffffff) + 0x01000000 : any[i];
    return toFloat(canonicalOf(toFloat(bits >>> 0)));
  });
}

test('facts of random programs hold for adversarial operands', () => {
  const next = noise(5);
  let left = 0;
  for (let turn = 0; turn < 3000; turn++) {
    const values: ProgramValue[] = [load, load, load, constant(CONSTANTS[next() % CONSTANTS.length])];
    const names = Object.keys(OPS);
    while (values.length < 12) {
      const op = names[next() % names.length];
      const [a, b] = [next() % values.length, next() % values.length];
      values.push(UNARY.includes(op) ? row(op, a) : row(op, a, b));
    }
    const facts = factsOf(values);
    const chosen = select(program(values, [...values.keys()]));
    for (let n = 0; n < 20; n++) {
      const given = operands(3, turn * 20 + n);
      const at: number[] = [];
      values.forEach((v, i) => {
        const raw =
          v.kind === 'row'
            ? Math.fround(OPS[v.op](at[v.args[0]], at[v.args[1]]))
            : v.kind === 'constant'
              ? Math.fround(v.value)
              : given[i];
        const x = v.kind === 'row' ? toFloat(canonicalOf(raw)) : raw;
        at.push(x);
        const { least, sign } = facts[i];
        const where = `turn ${turn}, value ${i}: ${x} of ${JSON.stringify(values)}`;
        if (x !== 0 && Number.isFinite(x)) assert.ok(Math.abs(x) >= 2 ** least, where);
        if (sign !== 'any') assert.ok(!(x < 0), where);
        if (sign === 'positive') assert.ok(x !== 0, where);
        const op = chosen[i]?.op;
        if (op !== BLOCK_OP.addRaw && op !== BLOCK_OP.subRaw && op !== BLOCK_OP.mulRaw) return;
        left++;
        assert.ok(Object.is(raw, x), where);
      });
    }
  }
  assert.ok(left > 1000, `only ${left} snaps were left out`);
});

test('the least constants that make a snap needless', () => {
  const op = (values: ProgramValue[]) => select(program(values, [2]))[2]?.op;
  assert.equal(op([load, constant(2 ** -101), row('add_f', 0, 1)]), BLOCK_OP.addRaw);
  assert.notEqual(op([load, constant(1.9 * 2 ** -102), row('add_f', 0, 1)]), BLOCK_OP.addRaw);
  assert.equal(op([load, constant(1), row('mul_f', 0, 1)]), BLOCK_OP.mulRaw);
  assert.notEqual(op([load, constant(0.99), row('mul_f', 0, 1)]), BLOCK_OP.mulRaw);
  // 0 * -2 is -0.
  assert.notEqual(op([load, constant(-2), row('mul_f', 0, 1)]), BLOCK_OP.mulRaw);
  assert.deepEqual(factOfConstant(0.75), { least: -1, sign: 'positive' });
});

test('a sum takes in one product that nobody else reads, and that no store comes between', () => {
  const values = [load, load, row('mul_f', 0, 1), row('add_f', 2, 0)];
  const ops = (p: Program, result?: number) => select(p, result).map((i) => i?.op ?? null);
  const { mulAdd, mulSub, subMul } = BLOCK_OP;
  assert.deepEqual(ops(program(values, [3])).slice(2), [null, mulAdd]);
  assert.deepEqual(ops(program([...values.slice(0, 3), row('sub_f', 2, 0)], [3])).slice(2), [null, mulSub]);
  assert.deepEqual(ops(program([...values.slice(0, 3), row('sub_f', 0, 2)], [3])).slice(2), [null, subMul]);
  for (const p of [
    program(values, [2, 3]),
    program([...values, row('neg_f', 2)], [3, 4]),
    program([load, load, row('mul_f', 0, 1), row('neg_f', 1), row('add_f', 2, 3)], [3, 4]),
    program([load, load, row('mul_f', 0, 1), row('add_f', 2, 2)], [3]),
  ]) {
    assert.ok(!ops(p).includes(mulAdd));
  }
  assert.ok(!ops(program(values, [3]), 2).includes(mulAdd), 'a product that a reduction takes');
});

test('what a sum zeroes when it reads needs no snap, unless it is stored too', () => {
  const values = [load, load, row('mul_f', 0, 1)];
  assert.equal(select(program(values), 2, true)[2]?.op, BLOCK_OP.mulRaw);
  assert.notEqual(select(program(values), 2, false)[2]?.op, BLOCK_OP.mulRaw);
  assert.notEqual(select(program(values, [2]), 2, true)[2]?.op, BLOCK_OP.mulRaw);
});
