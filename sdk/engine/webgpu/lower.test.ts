/** From a plan to dispatches: where a reduction makes its elements itself. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../../core/tensor.ts';
import { createWasmRuntime } from '../create.ts';
import { collect } from '../expr.ts';
import { makePlan } from '../plan.ts';
import { KERNELS } from './kernels.ts';
import { lowerPlan } from './lower.ts';

const rt = await createWasmRuntime();

/** Kernels by name in order, those that were printed as `printed`, or `fused` where a reduction is printed. */
function dispatches(shape: readonly number[], build: (x: Tensor<'f32'>) => Tensor): string[] {
  const x = rt.tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
  const names = new Map<string, string>(Object.entries(KERNELS).map(([name, code]) => [code, name]));
  const { dispatches } = lowerPlan(makePlan(collect([build(x).node])).plan);
  return dispatches.map(({ code }) => names.get(code) ?? (code.includes('fn element(') ? 'fused' : 'printed'));
}

test('a reduction makes its elements itself where they are few, or many invocations make them', () => {
  const product = (x: Tensor<'f32'>) => x.mul(x).sum(1);
  assert.deepEqual(dispatches([3, 70], product), ['fused', 'finish']);
  assert.deepEqual(dispatches([1024, 17], product), ['fused', 'finish']);
  assert.deepEqual(dispatches([1023, 17], product), ['printed', 'sumF32', 'finish']);
  assert.deepEqual(dispatches([2, 8192], product), ['fused', 'sumF32', 'finish']);
  assert.deepEqual(dispatches([2, 8193], product), ['printed', 'sumF32', 'sumF32', 'finish']);
  assert.deepEqual(
    dispatches([3, 70], (x) => x.neg().max(1)),
    ['fused', 'finish'],
  );
  assert.deepEqual(
    dispatches([3, 70], (x) => x.sum(1)),
    ['sumF32', 'finish'],
  );
});
