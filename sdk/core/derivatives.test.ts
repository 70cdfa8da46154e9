/**
 * Derivatives of first to third order, in every mix of reverse and forward, against Taylor series in doubles.
 *
 * phi(x) = sum of weight * op(x); its derivatives along a direction v are k! times the coefficients of phi(x + t v), which the
 * oracle computes with truncated series from closed forms, sharing nothing with the rules under test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DERIVATIVES } from '../../conformance/derivatives.ts';
import { ReferenceGraph } from '../../conformance/reference/graph.ts';
import { flat, type Series, times } from '../../conformance/series.ts';
import { scatter } from '../../conformance/slice.ts';
import { grad } from './grad.ts';
import { jvp } from './jvp.ts';
import { sizeOf } from './shape.ts';
import type { Tensor } from './tensor.ts';

type F32 = Tensor<'f32'>;
const f = Math.fround;

/** The derivative along v of a scalar made from xs, by one of the two modes. */
function along(phi: F32, xs: readonly F32[], vs: readonly F32[], mode: string): F32 {
  if (mode === 'forward') return jvp(phi, xs, vs);
  const shares = grad(phi, xs, { unused: 'zero' }).map((g, i) => g.mul(vs[i]).sum());
  return shares.reduce((a, b) => a.add(b));
}

/** Largest error, in units of 2^-23 of the sum of |weight * coefficient|; the largest seen is 3. */
const UNITS = 4;
const MODES = ['reverse', 'forward'];

for (const c of DERIVATIVES) {
  test(`${c.name}: derivatives to third order, in all mixes`, () => {
    const next = scatter(c.name.length * 7919 + c.name.charCodeAt(0));
    const draw = (low: number, high: number) => f(low + ((high - low) * next()) / 2 ** 32);
    const xs = c.shapes.map((s) => Array.from({ length: sizeOf(s) }, () => draw(...c.range)));
    const vs = c.shapes.map((s) => Array.from({ length: sizeOf(s) }, () => draw(0.25, 1)));
    const y = c.oracle(...xs.map((x, i) => x.map((v, j): Series => [v, vs[i][j], 0, 0])));
    const weights = y.map(() => draw(0.25, 1));
    const terms = y.map((a, i) => times(flat(weights[i]), c.cube ? times(a, times(a, a)) : a));

    const g = new ReferenceGraph();
    const tensors = xs.map((x, i) => g.tensor(x, c.shapes[i]));
    const tangents = vs.map((v, i) => g.tensor(v, c.shapes[i]));
    const out = c.y(...tensors);
    assert.equal(sizeOf(out.shape), y.length);
    const phi = (c.cube ? out.mul(out.mul(out)) : out).mul(g.tensor(weights, out.shape)).sum();
    const check = (t: F32, order: number, what: string) => {
      const factor = [1, 1, 2, 6][order];
      const exact = terms.reduce((s, a) => s + a[order] * factor, 0);
      // Cancellation inside a rule is measured against all lower orders too.
      const size = terms.reduce((s, a) => s + Math.max(...a.slice(0, order + 1).map((v) => Math.abs(v))) * factor, 0);
      const got = g.value(t).data[0];
      const units = Math.abs(got - exact) / (size * 2 ** -23);
      assert.ok(
        units <= UNITS + 8 * (c.coarse ?? 0) * 2 ** 23 || got === exact,
        `${what}: ${got}, expected ${exact} (${units} units)`,
      );
    };
    check(phi, 0, 'value');
    for (const first of MODES) {
      const d1 = along(phi, tensors, tangents, first);
      check(d1, 1, first);
      for (const second of MODES) {
        const d2 = along(d1, tensors, tangents, second);
        check(d2, 2, `${second} over ${first}`);
        for (const third of MODES)
          check(along(d2, tensors, tangents, third), 3, `${third} over ${second} over ${first}`);
      }
    }
  });
}

test('every f32 op of the table with a derivative has a case', async () => {
  const graph = new ReferenceGraph();
  const seen = new Set<string>();
  for (const c of DERIVATIVES) {
    const stack = [c.y(...c.shapes.map((s) => graph.tensor(new Array(sizeOf(s)).fill(1), s))).node];
    for (let n = stack.pop(); n; n = stack.pop()) {
      seen.add(n.op.name);
      stack.push(...n.inputs);
    }
  }
  const families = [
    'arithmetic',
    'compare',
    'composite',
    'conv',
    'functions',
    'gather',
    'matmul',
    'move',
    'pool',
    'random',
    'reduce',
    'select',
  ];
  for (const family of families) {
    const module: Record<string, unknown> = await import(`./ops/${family}.ts`);
    for (const op of Object.values(module)) {
      if (typeof op === 'object' && op && 'name' in op && ('vjp' in op || 'jvp' in op)) {
        assert.ok('vjp' in op && 'jvp' in op, `${op.name} has one rule of two`);
        assert.ok(seen.has(String(op.name)), `${op.name} has no case`);
      }
    }
  }
});

test('reverse and forward agree: u . jvp(v) = grad(u) . v', () => {
  const next = scatter(3);
  const draw = (n: number) => Array.from({ length: n }, () => f(next() / 2 ** 31 - 1));
  for (const c of DERIVATIVES) {
    const g = new ReferenceGraph();
    const xs = c.shapes.map((s) =>
      g.tensor(
        draw(sizeOf(s)).map((v) => c.range[0] + ((v + 1) / 2) * (c.range[1] - c.range[0])),
        s,
      ),
    );
    const vs = c.shapes.map((s) => g.tensor(draw(sizeOf(s)), s));
    const y = c.y(...xs);
    const u = g.tensor(draw(y.size), y.shape);
    const dot = (a: F32, b: F32) => [...g.value(a).data].map((v, i) => v * g.value(b).data[i]);
    const left = dot(u, jvp(y, xs, vs));
    const right = grad(y, xs, { seed: u, unused: 'zero' }).flatMap((d, i) => dot(d, vs[i]));
    const sum = (l: number[]) => l.reduce((a, b) => a + b, 0);
    const size = sum([...left, ...right].map(Math.abs));
    assert.ok(Math.abs(sum(left) - sum(right)) <= (16 * 2 ** -23 + 4 * (c.coarse ?? 0)) * size, c.name);
  }
});
