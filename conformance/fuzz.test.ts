/** A short run of the fuzzer, and the fuzzer itself: it is deterministic, finds a wrong bit, and makes it small. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../sdk/core/tensor.ts';
import { check, expectedOf, type Judged, leaf, runtimesOf } from './fuzz/check.ts';
import { caseOf, type Program, print } from './fuzz/program.ts';
import { fuzz, programOf } from './fuzz/run.ts';
import { shrink } from './fuzz/shrink.ts';

test('300 random programs agree with the reference to the bit', async () => {
  const outcome = await fuzz({ seed: 20, graphs: 300, runtimes: await runtimesOf('node-wasm'), failures: 1 });
  assert.deepEqual(outcome.failures, []);
  assert.ok(outcome.comparisons > 5000);
});

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
