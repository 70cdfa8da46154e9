/** A short run of the fuzzer, and the fuzzer itself: it is deterministic, finds a wrong bit, and makes it small. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grad } from '../sdk/core/grad.ts';
import type { Tensor } from '../sdk/core/tensor.ts';
import { check, expectedOf, type Judged } from './fuzz/check.ts';
import { type Case, caseOf, type Program, print } from './fuzz/program.ts';
import { fuzz, programOf } from './fuzz/run.ts';
import { leaf, runtimesOf } from './fuzz/runtimes.ts';
import { shrink } from './fuzz/shrink.ts';

type F32 = Tensor<'f32'>;

test('300 random programs agree with the reference to the bit', async () => {
  const outcome = await fuzz({ seed: 20, graphs: 300, runtimes: await runtimesOf('node-wasm'), failures: 1 });
  assert.deepEqual(outcome.failures, []);
  assert.ok(outcome.comparisons > 5000);
});

/** Programs in which one kernel too many, or one too few, shows. */
const TRICKY: readonly [name: string, c: Case][] = [
  [
    'a constant that was read is an operand like any other',
    {
      leaves: [leaf('f32', [2], [0, 0x3f800000])],
      build([x]) {
        const [zero] = grad((x as F32).detach().sum(), [x as F32], { unused: 'zero' });
        return { outputs: [zero, zero.neg(), x.mul(zero)], assigns: [] };
      },
    },
  ],
  [
    'a maximum and its position read one value, and the gradient both',
    {
      leaves: [leaf('f32', [], [0x40000000]), leaf('f32', [], [0x3f800000])],
      build([x, seed]) {
        const y = (x as F32).mul(3).max([]).sqrt();
        return { outputs: grad(y, [x as F32], { seed: seed as F32 }), assigns: [] };
      },
    },
  ],
  [
    'an empty product computes its left side where that is read',
    {
      leaves: [leaf('f32', [1, 2], [0x3f800000, 0x40000000]), leaf('f32', [2, 0], [])],
      build([a, b]) {
        const left = a.exp();
        return { outputs: [left.matmul(b)], assigns: [[0, left]] };
      },
    },
  ],
];

for (const [name, c] of TRICKY) {
  test(name, async () => {
    assert.equal(await check(c, await runtimesOf('node-wasm')), null);
  });
}

test('a seed gives the same programs, another seed others', () => {
  const show = (seed: number) => JSON.stringify([0, 1, 2].map((k) => print(programOf(seed, k), '')));
  assert.equal(show(5), show(5));
  assert.notEqual(show(5), show(6));
});

/** A runtime that is wrong wherever a sine is read. */
function broken(honest: Judged): Judged {
  const wrong = (t: Tensor): boolean => {
    const stack = [t.node];
    for (let n = stack.pop(); n; n = stack.pop()) {
      if (n.op.name === 'sin') return true;
      stack.push(...n.inputs);
    }
    return false;
  };
  return { ...honest, name: 'broken', tamper: (t, data) => (wrong(t) ? data.fill(1) : data) };
}

test('a wrong bit is found, shrunk and printed', async () => {
  const [honest] = await runtimesOf('node-wasm');
  const program: Program = {
    leaves: [leaf('f32', [3, 4], new Array(12).fill(0x3f000000)), leaf('f32', [4], [0, 0x3f800000, 0, 0])],
    steps: [
      { call: 'exp', args: [{ ref: 0 }], results: 1 },
      { call: 'add', args: [{ ref: 2 }, { ref: 1 }], results: 1 },
      { call: 'sin', args: [{ ref: 3 }], results: 1 },
      { call: 'sum', args: [{ ref: 4 }, [0], false], results: 1 },
      { call: 'mul', args: [{ ref: 2 }, 3], results: 1 },
    ],
    outputs: [5, 6],
    assigns: [],
  };
  const judged = [broken(honest)];
  assert.match((await check(caseOf(program), judged)) ?? '', /output 0: element 0 of \[4\] is 3f800000/);
  const small = await shrink(program, async (p) => (await check(caseOf(p), judged)) !== null);
  assert.deepEqual(
    small.steps.map((s) => s.call),
    ['sin'],
  );
  assert.equal(small.outputs.length, 1);
  assert.ok(small.leaves.every((v) => v.data.length <= 1));
  const text = print(small, 'why');
  assert.match(text, /^\/\/ why/);
  assert.match(text, /const t1 = x0\.sin\(\);/);
  assert.match(print(small, 'why', 'node-webgpu'), /^}, 'node-webgpu'\);$/m);
  assert.equal(await check(caseOf(program), [honest]), null);
});

test('an ill-formed program is no failure', () => {
  const p: Program = {
    leaves: [leaf('f32', [2], [0, 0])],
    steps: [{ call: 'sum', args: [{ ref: 0 }], results: 1 }],
    outputs: [1],
    assigns: [[0, 1]],
  };
  assert.throws(() => expectedOf(caseOf(p)), RangeError);
});
