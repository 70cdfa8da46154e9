/** Makes a failing program smaller while it fails: fewer results, fewer steps, smaller shapes, plainer numbers. */

import { ARRAY } from '../../sdk/core/dtype.ts';
import { sizeOf } from '../../sdk/core/shape.ts';
import type { Tensor } from '../../sdk/core/tensor.ts';
import { ReferenceGraph } from '../reference/graph.ts';
import type { Value } from '../reference/value.ts';
import { type Argument, mapRefs, type Program, perform, refsOf, type Step } from './program.ts';

/** Drops steps and leaves that nothing needs. */
export function prune(p: Program): Program {
  const needed = new Set([...p.outputs, ...p.assigns.flat()]);
  const first: number[] = [];
  let at = p.leaves.length;
  for (const s of p.steps) {
    first.push(at);
    at += s.results;
  }
  const kept = new Set<number>();
  for (let i = p.steps.length - 1; i >= 0; i--) {
    const s = p.steps[i];
    if (!Array.from({ length: s.results }, (_, k) => first[i] + k).some((r) => needed.has(r))) continue;
    kept.add(i);
    for (const r of refsOf(s)) needed.add(r);
  }
  const renamed = new Map<number, number>();
  const leaves = p.leaves.filter((_, i) => needed.has(i) && renamed.set(i, renamed.size));
  let next = leaves.length;
  const steps = p.steps.filter((s, i) => {
    if (!kept.has(i)) return false;
    for (let k = 0; k < s.results; k++) renamed.set(first[i] + k, next++);
    return true;
  });
  const name = (r: number) => renamed.get(r)!;
  return {
    leaves,
    steps: steps.map((s) => ({ ...s, args: s.args.map((a) => mapRefs(a, name)) })),
    outputs: p.outputs.map(name),
    assigns: p.assigns.map(([l, v]) => [name(l), name(v)] as const),
  };
}

/** Step i gone, its results being leaves that hold what the reference says. */
function cut(p: Program, i: number): Program {
  const g = new ReferenceGraph();
  const all: Tensor[] = p.leaves.map((v) => g.tensor(v.data, v.shape, v.dtype));
  let at = p.leaves.length;
  for (const [k, s] of p.steps.entries()) {
    all.push(...perform(s, all));
    if (k === i) break;
    at += s.results;
  }
  const { results } = p.steps[i];
  const made = all.slice(at, at + results).map((t) => g.value(t));
  const n = p.leaves.length;
  // New leaves go behind the old ones, so everything later moves up, and what the step gave moves down.
  const name = (r: number) => (r < n ? r : r < at ? r + results : r < at + results ? n + (r - at) : r);
  return {
    leaves: [...p.leaves, ...made],
    steps: p.steps.filter((_, k) => k !== i).map((s) => ({ ...s, args: s.args.map((a) => mapRefs(a, name)) })),
    outputs: p.outputs.map(name),
    assigns: p.assigns.map(([l, v]) => [name(l), name(v)] as const),
  };
}

/** Every use of step i's first result replaced by one of its operands. */
function bypass(p: Program, i: number, operand: number): Program {
  const at = p.leaves.length + p.steps.slice(0, i).reduce((n, s) => n + s.results, 0);
  const name = (r: number) => (r === at ? operand : r);
  const steps = p.steps.map((s, k): Step => (k <= i ? s : { ...s, args: s.args.map((a) => mapRefs(a, name)) }));
  return { ...p, steps, outputs: p.outputs.map(name), assigns: p.assigns.map(([l, v]) => [l, name(v)] as const) };
}

/** Axes of one size made smaller, wherever that size is written. */
function resize(p: Program, from: number, to: number): Program {
  const size = (d: number) => (d === from ? to : d);
  const leaves = p.leaves.map((v): Value => {
    const shape = v.shape.map(size);
    const data = new ARRAY[v.dtype](sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = v.data[i];
    return { data, shape, dtype: v.dtype };
  });
  const shapes = (s: Step): Step => {
    if (!['reshape', 'broadcast', 'draw'].includes(s.call)) return s;
    const last = s.args[s.args.length - 1];
    const args = [...s.args.slice(0, -1), (last as number[]).map(size)] as Argument[];
    return { ...s, args };
  };
  return { ...p, leaves, steps: p.steps.map(shapes) };
}

/** A leaf with all elements, or only element i, replaced. */
function plain(p: Program, leaf: number, value: number, only?: number): Program {
  const leaves = p.leaves.map((v, k): Value => {
    if (k !== leaf) return v;
    const data = v.data.slice();
    if (only === undefined) data.fill(value);
    else data[only] = value;
    return { ...v, data };
  });
  return { ...p, leaves };
}

/** Candidates, the most radical first. */
function* candidates(p: Program): Generator<Program> {
  if (p.assigns.length > 0) yield { ...p, assigns: [] };
  for (const [i] of p.assigns.entries()) yield { ...p, assigns: p.assigns.filter((_, k) => k !== i) };
  if (p.outputs.length > 1) {
    for (const o of p.outputs) yield { ...p, outputs: [o] };
    for (const o of p.outputs) yield { ...p, outputs: p.outputs.filter((x) => x !== o) };
  }
  for (let i = p.steps.length - 1; i >= 0; i--) yield cut(p, i);
  for (let i = p.steps.length - 1; i >= 0; i--) for (const r of new Set(refsOf(p.steps[i]))) yield bypass(p, i, r);
  // An output moved to an operand of the step that made it.
  for (const [k] of p.outputs.entries()) {
    for (const s of p.steps)
      for (const r of refsOf(s)) yield { ...p, outputs: p.outputs.map((o, j) => (j === k ? r : o)) };
  }
  const sizes = [...new Set(p.leaves.flatMap((v) => v.shape))].filter((d) => d > 1).sort((a, b) => b - a);
  for (const d of sizes) for (const to of [1, 2, 3, d >> 1, d - 1]) if (to > 0 && to < d) yield resize(p, d, to);
  for (const [k, v] of p.leaves.entries()) {
    for (const value of [0, 1]) if (v.data.some((x) => x !== value)) yield plain(p, k, value);
    if (v.data.length <= 64) for (const [i, x] of v.data.entries()) if (x !== 1 && x !== 0) yield plain(p, k, 1, i);
  }
}

/** Zeros are the plainest elements, then ones. */
function clutter(v: Value): number {
  let n = 5 + v.data.length;
  for (const x of v.data) n += x === 0 ? 0 : x === 1 ? 0.1 : 0.5;
  return n;
}

const weight = (p: Program): number =>
  p.steps.reduce((n, s) => n + 100 + 10 * refsOf(s).length, 0) +
  30 * (p.outputs.length + p.assigns.length) +
  p.leaves.reduce((n, v) => n + clutter(v), 0);

/** The smallest program found that still fails; `fails` is false for programs that are ill-formed. */
export async function shrink(p: Program, fails: (p: Program) => Promise<boolean>, tries = 2000): Promise<Program> {
  let best = prune(p);
  if (!(await fails(best))) return p;
  for (let better = true; better; ) {
    better = false;
    for (const c of safely(candidates(best))) {
      if (tries-- <= 0) return best;
      const next = prune(c);
      if (weight(next) < weight(best) && (await fails(next))) {
        best = next;
        better = true;
        break;
      }
    }
  }
  return best;
}

/** A candidate that cannot even be made is none. */
function* safely(all: Generator<Program>): Generator<Program> {
  for (;;) {
    try {
      const n = all.next();
      if (n.done) return;
      yield n.value;
    } catch {
      return;
    }
  }
}
