/** Every cell of the coverage matrix on the WASM runtime, to the bit. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Op } from '../sdk/core/op.ts';
import type { Runtime } from '../sdk/core/runtime.ts';
import { createRuntime } from '../sdk/index.ts';
import { DTYPES, SHAPE_CLASSES } from './cases.ts';
import { matrix, runTrials } from './matrix.ts';
import { SUBJECTS } from './subjects.ts';

const whole = matrix();
let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm' });
});
after(() => rt.dispose());

test('every op of the primitive table is in the matrix', async () => {
  const known = new Set(SUBJECTS.map((s) => s.op));
  const names = SUBJECTS.map((s) => s.op.name);
  assert.equal(new Set(names).size, names.length);
  const families = [
    'arithmetic',
    'compare',
    'composite',
    'conv',
    'functions',
    'gather',
    'leaf',
    'matmul',
    'move',
    'pool',
    'random',
    'reduce',
    'select',
    'windows',
  ];
  for (const family of families) {
    const module: Record<string, unknown> = await import(`../sdk/core/ops/${family}.ts`);
    for (const op of Object.values(module)) {
      if (typeof op === 'object' && op !== null && 'infer' in op)
        assert.ok(known.has(op as Op), `${(op as Op).name} has no case`);
    }
  }
});

test('no cell is empty: each is tried, or impossible for a reason', () => {
  for (const { op } of SUBJECTS) {
    for (const dtype of DTYPES) {
      for (const shape of SHAPE_CLASSES) {
        const cells = [...whole.cells.values()].filter((c) => c.name.startsWith(`${op.name} ${dtype} ${shape} `));
        for (const what of ['value', 'vjp', 'jvp']) {
          const own = cells.filter((c) => c.name.split(' ')[3] === what);
          assert.ok(own.length > 0, `${op.name} ${dtype} ${shape} ${what} is missing`);
          for (const c of own) assert.ok(c.trials > 0 || c.impossible, `${c.name} is empty`);
        }
      }
    }
  }
});

test('what is impossible is refused with its typed error', () => {
  for (const r of whole.refusals) assert.equal(r.run(rt), null);
});

for (const { op } of SUBJECTS) {
  const own = whole.trials.filter((t) => t.op === op.name);
  if (own.length === 0) continue;
  test(`${op.name}: ${own.length} programs`, async () => {
    const { mismatches } = await runTrials(rt, own);
    assert.deepEqual(mismatches.slice(0, 5), []);
  });
}

test('count', (t) => {
  const all = [...whole.cells.values()];
  const tried = all.filter((c) => c.trials > 0).length;
  t.diagnostic(
    `${all.length} cells: ${tried} tried by ${whole.trials.length} programs, ${all.length - tried} impossible with a reason; ${whole.refusals.length} refusals checked`,
  );
});
