/** From expressions to a Plan: kernels over buffers, in order, with every intermediate placed in one arena. */

import { attrNumber, attrNumbers } from '../core/op.ts';
import { type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import { constantValue, type Expr, type Exprs } from './expr.ts';
import { fitted, fuse, splitAxes, type Unit } from './fuse.ts';
import type { Access, BufferId, BufferInfo, Kernel, Matrix, Plan, Program } from './kernel.ts';
import { placeTemps } from './memory.ts';
import { indexStrides, resolve } from './operands.ts';
import { ProgramBuilder } from './program.ts';
import { inRows } from './rows.ts';
import { collapse, isContiguous, isFlatIdentity, stretch, type View, whole } from './view.ts';

export interface PlanOptions {
  /** False keeps one kernel an op: the same bits, for tests and for finding the op behind a NaN. */
  fuse?: boolean;
}

export interface Planned {
  readonly plan: Plan;
  /** The output that holds each root. */
  readonly rootOutput: readonly number[];
}

export function makePlan(exprs: Exprs, o: PlanOptions = {}): Planned {
  const { order, roots, operands } = resolve(exprs);
  const outputs = [...new Set(roots)];
  const { units, stored } = fuse(order, operands, new Set(outputs), o.fuse ?? true);

  const buffers: BufferInfo[] = [];
  const bufferOf = new Map<Expr, BufferId>();
  const add = (e: Expr, kind: BufferInfo['kind'], slot: number) => {
    bufferOf.set(e, buffers.length);
    buffers.push({ kind, slot, size: e.size, offset: 0 });
  };
  exprs.leaves.forEach((e, i) => add(e, 'input', i));
  outputs.forEach((e, i) => add(e, 'output', i));
  for (const e of order) if (stored.has(e) && !bufferOf.has(e)) add(e, 'temp', -1);

  const kernels: Kernel[] = [];
  const isOutput = (e: Expr) => buffers[bufferOf.get(e)!].kind === 'output' && e.dtype === 'f32';

  const access = (v: View): Access => {
    const { dims, steps } = collapse(v.shape, v.strides);
    return { buffer: bufferOf.get(v.base)!, offset: v.offset, dims, strides: steps };
  };
  /** A program for elementwise expressions, and where each one's value is in it. */
  const programOf = (group: readonly Expr[]): { program: Program; valueAt: Map<Expr, number> } => {
    const b = new ProgramBuilder();
    const valueAt = new Map<Expr, number>();
    for (const e of group) {
      const args = operands(e).map((read) => {
        const known = constantValue(read.base);
        if (known !== null) return b.push({ kind: 'constant', value: known, dtype: read.base.dtype });
        if (e.op.kind === 'random') return -1;
        const v = fitted(read, e);
        const inside = valueAt.get(v.base);
        return inside !== undefined && isFlatIdentity(v) ? inside : b.push({ kind: 'load', access: access(v) });
      });
      valueAt.set(e, emit(b, e, args));
    }
    const stores = group
      .filter((e) => stored.has(e))
      .map((e) => ({ value: valueAt.get(e)!, access: access(whole(e)), output: isOutput(e) }));
    return { program: b.build(group[0].size, stores), valueAt };
  };
  const emit = (b: ProgramBuilder, e: Expr, args: readonly number[]): number => {
    if (e.op.name === 'iota') return b.push({ kind: 'row', op: 'iota', args: [] });
    if (e.op.kind === 'random') {
      const step = operands(e)[0];
      return b.push({
        kind: 'row',
        op: e.op.name === 'normal' ? 'normal' : 'philox',
        args: [],
        draw: {
          step: { buffer: bufferOf.get(step.base)!, offset: step.offset },
          seedLo: attrNumber(e.attrs, 'seedLo'),
          seedHi: attrNumber(e.attrs, 'seedHi'),
          stream: attrNumber(e.attrs, 'stream'),
        },
      });
    }
    return e.op.scalar!(
      b,
      args,
      e.attrs,
      operands(e).map((v) => v.base.dtype),
    );
  };
  const epilogueOf = (u: Unit): Program | null => (u.epilogue.length > 0 ? programOf(u.epilogue).program : null);

  const lower = (u: Unit): void => {
    const e = u.anchor;
    if (!e) {
      kernels.push({ kind: 'map', program: programOf(u.group).program });
      return;
    }
    const out = bufferOf.get(e)!;
    switch (e.op.kind) {
      case 'reduce': {
        kernels.push({ ...reduction(u, e), out, epilogue: epilogueOf(u) });
        break;
      }
      case 'matmul': {
        const [a, b] = operands(e);
        const prologue = u.group.length > 0 ? programOf(u.group).program : null;
        kernels.push({ ...contraction(e, a, b), out, prologue, epilogue: epilogueOf(u) });
        break;
      }
      case 'gather':
      case 'scatterAdd': {
        const axis = attrNumber(e.attrs, 'axis');
        const [x, index, source = x] = operands(e);
        const n = e.inputs[1].shape[axis];
        const full = x.shape.map((d, i) => (i === axis ? n : d));
        const common = {
          dtype: e.dtype,
          outer: sizeOf(x.shape.slice(0, axis)),
          v: x.shape[axis],
          n,
          inner: sizeOf(x.shape.slice(axis + 1)),
          source: bufferOf.get(source.base)!,
          sourceOffset: source.offset,
          index: {
            buffer: bufferOf.get(index.base)!,
            offset: index.offset,
            ...indexStrides(stretch(index, full), axis)!,
          },
          out,
        };
        kernels.push(
          e.op.kind === 'gather'
            ? { kind: 'gather', ...common }
            : { kind: 'scatterAdd', ...common, base: bufferOf.get(x.base)!, baseOffset: x.offset },
        );
        break;
      }
      case 'cumsum': {
        const axis = attrNumber(e.attrs, 'axis');
        const [x] = operands(e);
        const strides = indexStrides(x, axis)!;
        kernels.push({
          kind: 'cumsum',
          dtype: e.dtype,
          outer: sizeOf(e.shape.slice(0, axis)),
          n: e.shape[axis],
          inner: sizeOf(e.shape.slice(axis + 1)),
          source: bufferOf.get(x.base)!,
          sourceOffset: x.offset,
          slab: strides.outer,
          step: strides.axis,
          out,
        });
        break;
      }
      case 'argsort': {
        const axis = attrNumber(e.attrs, 'axis');
        const [x] = operands(e);
        kernels.push({
          kind: 'argsort',
          dtype: x.base.dtype,
          descending: e.attrs.descending === true,
          outer: sizeOf(e.shape.slice(0, axis)),
          n: e.shape[axis],
          inner: sizeOf(e.shape.slice(axis + 1)),
          source: { buffer: bufferOf.get(x.base)!, offset: x.offset, ...indexStrides(x, axis)! },
          out,
        });
        break;
      }
      case 'pad':
        kernels.push({ kind: 'map', program: filled(e, attrNumber(e.attrs, 'value')) });
        kernels.push({ kind: 'map', program: placed(e, operands(e)[0], ...interior(e)) });
        return;
      case 'concat': {
        const axis = attrNumber(e.attrs, 'axis');
        const strides = stridesOf(e.shape);
        let from = 0;
        for (const part of operands(e)) {
          kernels.push({ kind: 'map', program: placed(e, part, from * strides[axis], strides) });
          from += part.shape[axis];
        }
        return;
      }
      default:
        throw new Error(`plan: no kernel for ${e.op.name}`);
    }
    if (isOutput(e)) kernels.push({ kind: 'finish', buffer: out, size: e.size, dtype: 'f32' });
  };

  const reduction = (u: Unit, e: Expr) => {
    const [v] = operands(e);
    const common = { kind: 'reduce', op: e.op.name as 'sum' | 'max' | 'argmax', dtype: v.base.dtype } as const;
    const split = splitAxes(e);
    if (u.group.length > 0) {
      const { program, valueAt } = programOf(u.group);
      return { ...common, ...split!, input: { program, value: valueAt.get(v.base)! } };
    }
    if (split && isContiguous(v)) {
      return { ...common, ...split, input: { buffer: bufferOf.get(v.base)!, offset: v.offset } };
    }
    // Kept axes first, then the reduced ones in ascending order: the logical order of N7 whatever the strides.
    const axes = attrNumbers(e.attrs, 'axes');
    const kept = v.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const turned = [...kept, ...axes];
    const b = new ProgramBuilder();
    const value = b.push({
      kind: 'load',
      access: access({ ...v, shape: turned.map((i) => v.shape[i]), strides: turned.map((i) => v.strides[i]) }),
    });
    return {
      ...common,
      outer: sizeOf(kept.map((i) => v.shape[i])),
      n: sizeOf(axes.map((i) => v.shape[i])),
      inner: 1,
      input: { program: b.build(sizeOf(v.shape), []), value },
    };
  };

  const contraction = (e: Expr, a: View, b: View) => {
    const rank = e.shape.length;
    const lead = e.shape.slice(0, rank - 2);
    const side = (v: View, transposed: unknown): Matrix => {
      const full = stretch(v, [...lead, ...v.shape.slice(-2)]);
      const [row, column] = full.strides.slice(-2);
      const [rows, columns] = full.shape.slice(-2);
      const [r, c] = [rows === 1 && column !== 1 ? 1 : row, columns === 1 && row !== 1 ? 1 : column];
      return {
        buffer: bufferOf.get(v.base)!,
        offset: v.offset,
        row: transposed ? c : r,
        column: transposed ? r : c,
        batch: full.strides.slice(0, rank - 2),
        ...(v.walks && { row: 0, column: 0, walk: turned(v.walks, transposed) }),
      };
    };
    const [m, n] = e.shape.slice(-2);
    const k = a.shape[a.shape.length - (e.attrs.transposeA ? 2 : 1)];
    const mode = e.dtype === 'i32' ? 'int8' : e.attrs.exact ? 'exact' : 'f32';
    return foldBatch({ mode, m, n, k, a: side(a, e.attrs.transposeA), b: side(b, e.attrs.transposeB), batch: lead });
  };

  const filled = (e: Expr, value: number): Program => {
    const b = new ProgramBuilder();
    const v = b.push({ kind: 'constant', value, dtype: e.dtype });
    return b.build(e.size, [{ value: v, access: access(whole(e)), output: false }]);
  };
  /** Copies a part to its place, given by strides, in the elements of `e`. */
  const placed = (e: Expr, part: View, offset: number, strides: readonly number[]): Program => {
    const b = new ProgramBuilder();
    const known = constantValue(part.base);
    const value = b.push(
      known === null
        ? { kind: 'load', access: access(part) }
        : { kind: 'constant', value: known, dtype: part.base.dtype },
    );
    const to: View = { base: e, offset, shape: part.shape, strides };
    return b.build(sizeOf(part.shape), [{ value, access: access(to), output: isOutput(e) }]);
  };

  for (const u of units) lower(u);
  for (const e of outputs) {
    if (e.dtype !== 'f16' && e.dtype !== 'bf16') continue;
    kernels.push({ kind: 'finish', buffer: bufferOf.get(e)!, size: e.size, dtype: e.dtype });
  }
  const some = kernels.filter(works);
  const live = o.fuse === false ? some : inRows(some, buffers);
  return {
    plan: {
      buffers,
      kernels: live,
      inputs: exprs.leaves.length,
      outputs: outputs.map((e) => ({ size: e.size, dtype: e.dtype })),
      arena: placeTemps(buffers, live),
    },
    rootOutput: roots.map((e) => outputs.indexOf(e)),
  };
}

/** Offset and strides of a pad's input inside its output. */
function interior(e: Expr): [offset: number, strides: number[]] {
  const strides = stridesOf(e.shape);
  const low = attrNumbers(e.attrs, 'low');
  const gap = attrNumbers(e.attrs, 'interior');
  return [low.reduce((n, l, i) => n + l * strides[i], 0), strides.map((s, i) => s * (gap[i] + 1))];
}

const turned = ([rows, columns]: NonNullable<View['walks']>, transposed: unknown) =>
  transposed ? { terms: columns, columns: rows } : { terms: rows, columns };

type Contraction = {
  mode: 'f32' | 'exact' | 'int8';
  m: number;
  n: number;
  k: number;
  a: Matrix;
  b: Matrix;
  batch: Shape;
};

/** Batch axes merged where both sides walk them with one stride; into the rows where the right side is shared. */
function foldBatch(c: Contraction) {
  const batch: number[] = [];
  const sa: number[] = [];
  const sb: number[] = [];
  c.batch.forEach((d, i) => {
    if (d === 1) return;
    const last = batch.length - 1;
    const [a, b] = [c.a.batch[i], c.b.batch[i]];
    if (last >= 0 && sa[last] === a * d && sb[last] === b * d) {
      batch[last] *= d;
      sa[last] = a;
      sb[last] = b;
    } else {
      batch.push(d);
      sa.push(a);
      sb.push(b);
    }
  });
  const inRows = batch.length === 1 && sb[0] === 0 && sa[0] === c.m * c.a.row && c.a.column === 1;
  return {
    kind: 'matmul' as const,
    mode: c.mode,
    m: inRows ? c.m * batch[0] : c.m,
    n: c.n,
    k: c.k,
    a: { ...c.a, batch: inRows ? [] : sa },
    b: { ...c.b, batch: inRows ? [] : sb },
    batch: inRows ? [] : batch,
  };
}

/** False for a kernel without elements. */
function works(k: Kernel): boolean {
  switch (k.kind) {
    case 'map':
      return k.program.total > 0;
    case 'reduce':
      return k.outer * k.inner > 0;
    case 'rows':
      return true;
    case 'matmul':
      return k.m * k.n * sizeOf(k.batch) > 0;
    case 'gather':
      return k.outer * k.n * k.inner > 0;
    case 'scatterAdd':
      return k.outer * k.v * k.inner > 0;
    case 'cumsum':
    case 'argsort':
      return k.outer * k.n * k.inner > 0;
    default:
      return k.size > 0;
  }
}
