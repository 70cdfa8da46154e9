/**
 * Fusion: which expressions run in one kernel.
 *
 * Elementwise expressions of one size that read each other element by element form a group: one program over a flat index (a
 * reshape is free). A group may then ride on a reduction or a matmul: as the prologue that makes its (left) input, or as the
 * epilogue of its result. Since every scalar row is rounded by itself (N0), none of this can change a bit.
 */

import { constantValue, type Expr, isBound } from './expr.ts';
import { Reach } from './reach.ts';
import { isFlatIdentity, stretch, type View } from './view.ts';

/** Programs are kept to what the block registers can hold without spilling. */
const MAX_VALUES = 44;
/** Column reductions evaluate their prologue a row piece at a time, which pays from this many columns. */
const MIN_COLUMNS = 64;

/** One kernel to be: an anchor (anything that is no elementwise code) with its groups, or a group alone. */
export interface Unit {
  anchor: Expr | null;
  /** Elementwise code before the anchor, or alone. */
  group: Expr[];
  /** Elementwise code on the anchor's result. */
  epilogue: Expr[];
}

export interface Fusion {
  readonly units: readonly Unit[];
  /** Expressions whose value goes to memory. */
  readonly stored: ReadonlySet<Expr>;
}

/** The views that an expression reads its inputs through. */
export type Operands = (e: Expr) => readonly View[];

/** Elementwise code: what a program's row can make. */
export const isElementwise = (e: Expr): boolean =>
  e.op.kind === 'map' || e.op.kind === 'random' || e.op.name === 'iota';

/** Rows and constants that an expression adds to a program, at most. */
function weight(e: Expr): number {
  if (!e.op.scalar) return 1;
  let n = 0;
  const count = () => n++;
  e.op.scalar(
    { row: count, constant: count },
    e.inputs.map(() => 0),
    e.attrs,
    e.inputs.map((x) => x.dtype),
  );
  return n + e.inputs.length;
}

/** Kernels for the expressions of `order` (inputs first); `roots` go to memory. Without `enabled`, one kernel an op. */
export function fuse(order: readonly Expr[], operands: Operands, roots: ReadonlySet<Expr>, enabled: boolean): Fusion {
  const unitOf = new Map<Expr, Unit>();
  const sizes = new Map<Unit, number>();
  const position = new Map<Expr, number>();
  order.forEach((e, i) => position.set(e, i));

  const all = (u: Unit): Expr[] => [...u.group, ...(u.anchor ? [u.anchor] : []), ...u.epilogue];
  /** What an expression reads from memory or from its own group. */
  const reads = (e: Expr): View[] => operands(e).filter((v) => constantValue(v.base) === null);
  const deps = (u: Unit, of = all(u)): Set<Unit> => {
    const out = new Set<Unit>();
    for (const e of of) {
      for (const { base } of reads(e)) {
        const d = unitOf.get(base);
        if (d && d !== u) out.add(d);
      }
    }
    return out;
  };
  const reach = new Reach<Unit>(order.length);
  const leadsTo = (from: Iterable<Unit>, target: Unit): boolean => {
    for (const u of from) if (reach.needs(u, target)) return true;
    return false;
  };

  // 1. Groups of elementwise code.
  const units: Unit[] = [];
  for (const e of order) {
    if (isBound(e) || e.op.kind === 'view' || constantValue(e) !== null) continue;
    if (!isElementwise(e)) {
      const u: Unit = { anchor: e, group: [], epilogue: [] };
      units.push(u);
      reach.add(u);
      reach.wait(u, deps(u));
      unitOf.set(e, u);
      continue;
    }
    const outside = new Set<Unit>();
    const candidates = new Set<Unit>();
    const strided = new Set<Unit>();
    for (const read of reads(e)) {
      const v = fitted(read, e);
      const u = unitOf.get(v.base);
      if (!u) continue;
      if (enabled && !u.anchor && v.base.size === e.size && inRegister(v, e)) candidates.add(u);
      else strided.add(u);
      outside.add(u);
    }
    const w = weight(e);
    let home: Unit | null = null;
    for (const c of [...candidates].reverse()) {
      if (strided.has(c)) continue;
      const rest = [...outside].filter((u) => u !== c);
      if (!home) {
        if (sizes.get(c)! + w > MAX_VALUES || leadsTo(rest, c)) continue;
        home = c;
      } else {
        // Two groups meet in this expression: one program serves both if neither waits for the other.
        const others = rest.filter((u) => u !== home);
        if (reach.needs(home, c) || reach.needs(c, home) || leadsTo(others, c)) continue;
        if (sizes.get(home)! + sizes.get(c)! + w > MAX_VALUES) continue;
        for (const m of c.group) unitOf.set(m, home);
        reach.merge(home, c);
        home.group = [...home.group, ...c.group].sort((a, b) => position.get(a)! - position.get(b)!);
        sizes.set(home, sizes.get(home)! + sizes.get(c)!);
        units.splice(units.indexOf(c), 1);
      }
    }
    if (!home) {
      home = { anchor: null, group: [], epilogue: [] };
      units.push(home);
      reach.add(home);
      sizes.set(home, 0);
    }
    home.group.push(e);
    unitOf.set(e, home);
    reach.wait(home, deps(home, [e]));
    sizes.set(home, sizes.get(home)! + w);
  }

  // 2. Groups ride on anchors.
  if (enabled) {
    for (const u of [...units]) {
      if (u.anchor?.op.kind === 'matmul' || u.anchor?.op.kind === 'reduce') attachEpilogue(u);
    }
    for (const u of [...units]) {
      if (u.anchor?.op.kind === 'matmul' || u.anchor?.op.kind === 'reduce') attachPrologue(u);
    }
  }

  function attachEpilogue(u: Unit): void {
    const result = u.anchor!;
    const group = units.find(
      (g) =>
        !g.anchor && g.group[0].size === result.size && g.group.some((e) => reads(e).some((v) => takes(e, v, result))),
    );
    if (!group) return;
    // Every other way it reads the result would see rows that are not made yet.
    if (group.group.some((e) => reads(e).some((v) => v.base === result && !takes(e, v, result)))) return;
    if (
      leadsTo(
        [...deps(group)].filter((d) => d !== u),
        u,
      )
    )
      return;
    u.epilogue = group.group;
    for (const e of group.group) unitOf.set(e, u);
    reach.merge(u, group);
    units.splice(units.indexOf(group), 1);
  }

  function attachPrologue(u: Unit): void {
    const anchor = u.anchor!;
    const v = operands(anchor)[0];
    const group = unitOf.get(v.base);
    if (!group || group.anchor || !isFlatIdentity(v)) return;
    if (anchor.op.kind === 'reduce' ? !reducesInOrder(anchor) : !packsInOrder(anchor, group)) return;
    // The epilogue may wait for another unit, and that unit for the group: as one, they would wait for each other.
    const others = [...deps(u)].filter((d) => d !== group);
    if (leadsTo(others, group)) return;
    u.group = group.group;
    for (const e of group.group) unitOf.set(e, u);
    reach.merge(u, group);
    units.splice(units.indexOf(group), 1);
  }

  /** A reduction that meets its elements in memory order, in pieces that are worth a program each. */
  function reducesInOrder(r: Expr): boolean {
    const split = splitAxes(r);
    return split !== null && (split.inner === 1 || split.inner >= MIN_COLUMNS);
  }

  /**
   * A matmul whose left side is packed row by row just as the group makes it, and whose rows are all of the left side. Nothing
   * else in the unit may read the group: it would see rows that are not made yet.
   */
  function packsInOrder(m: Expr, group: Unit): boolean {
    const [a, b] = operands(m);
    const shared = b.shape.slice(0, -2).every((d) => d === 1);
    // An empty result has no kernel to ride on, though its left side may be read elsewhere.
    if (m.attrs.transposeA === true || !shared || a.base.size === 0 || m.size === 0) return false;
    const inGroup = (v: View) => group.group.includes(v.base);
    return !inGroup(b) && !unitOf.get(m)!.epilogue.some((e) => reads(e).some(inGroup));
  }

  // 3. What goes to memory: roots, what anchors read other than through their own prologue, what other units read.
  const stored = new Set<Expr>(roots);
  for (const u of units) {
    for (const e of [...u.group, ...u.epilogue]) {
      for (const read of reads(e)) {
        const v = fitted(read, e);
        const inGroup =
          (u.group.includes(e) && u.group.includes(v.base)) || (u.epilogue.includes(e) && u.epilogue.includes(v.base));
        if (!inGroup || !inRegister(v, e)) stored.add(v.base);
      }
    }
    if (u.anchor) {
      stored.add(u.anchor);
      // A reduction takes its prologue's value from a register; a matmul packs from memory.
      const fed = (e: Expr) => u.anchor!.op.kind === 'reduce' && u.group.includes(e);
      for (const { base } of reads(u.anchor)) if (!fed(base)) stored.add(base);
    }
  }
  for (const e of [...stored]) if (isBound(e) || e.op.kind === 'view') stored.delete(e);

  return { units: sortUnits(units, deps), stored };
}

/** A view in the shape of the expression that reads it. */
export const fitted = (v: View, e: Expr): View => stretch(v, e.shape);

/** Element by element, so that a register can hold it. A draw's step is read from memory, even by a draw of one element. */
const inRegister = (v: View, e: Expr): boolean => e.op.kind !== 'random' && isFlatIdentity(v);

/** Whether an expression takes a base's elements as they are made. */
const takes = (e: Expr, v: View, base: Expr): boolean =>
  v.base === base && base.size > 0 && inRegister(fitted(v, e), e);

/** [outer, n, inner] of a reduction whose axes lie side by side; null where they do not. */
export function splitAxes(r: Expr): { outer: number; n: number; inner: number } | null {
  const axes = r.attrs.axes as readonly number[];
  const shape = r.inputs[0].shape;
  const first = axes.findIndex((a) => shape[a] !== 1);
  const used = axes.filter((a) => shape[a] !== 1);
  if (first < 0) return { outer: r.inputs[0].size, n: 1, inner: 1 };
  const lo = used[0];
  const hi = used[used.length - 1];
  for (let a = lo; a <= hi; a++) if (!used.includes(a) && shape[a] !== 1) return null;
  const product = (from: number, to: number) => shape.slice(from, to).reduce((p, d) => p * d, 1);
  return { outer: product(0, lo), n: product(lo, hi + 1), inner: product(hi + 1, shape.length) };
}

/** Units in an order that makes every value before it is read; stable, so plans are deterministic. */
function sortUnits(units: readonly Unit[], deps: (u: Unit) => Set<Unit>): Unit[] {
  const out: Unit[] = [];
  const state = new Map<Unit, 1 | 2>();
  for (const root of units) {
    const stack = [root];
    while (stack.length > 0) {
      const u = stack[stack.length - 1];
      if (state.get(u) === 2) {
        stack.pop();
        continue;
      }
      const open = [...deps(u)].filter((d) => state.get(d) !== 2);
      if (state.get(u) === 1 && open.length > 0) throw new Error('fuse: units depend on each other in a ring');
      if (open.length > 0) {
        state.set(u, 1);
        stack.push(...open);
        // A unit waiting for its inputs is met again after them.
        if (open.some((d) => state.get(d) === 1)) throw new Error('fuse: units depend on each other in a ring');
        continue;
      }
      state.set(u, 2);
      out.push(u);
      stack.pop();
    }
  }
  return out;
}
