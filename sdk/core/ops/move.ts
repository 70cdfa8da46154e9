/** reshape permute broadcast slice (views) · pad concat: moves of elements. Each one's derivative is the inverse move (N12). */

import { apply } from '../build.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import type { Attrs, Node } from '../node.ts';
import { attrNumber, attrNumbers, type Op } from '../op.ts';
import { axisOf, type Shape, sameShape, showShape, sizeOf, tryBroadcast } from '../shape.ts';
import { constant } from './leaf.ts';

export const RESHAPE: Op = {
  name: 'reshape',
  kind: 'view',
  infer: ([x], attrs) => ({ shape: attrNumbers(attrs, 'shape'), dtype: x.dtype }),
  vjp: (g, { inputs: [x] }) => reshape(g, x.shape),
  jvp: (t, { y }) => reshape(t, y.shape),
};

/** The same elements in row-major order under another shape; one dimension may be -1. */
export function reshape(x: Node, shape: Shape): Node {
  const size = sizeOf(x.shape);
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const holes = shape.filter((d) => d === -1).length;
  const full = shape.map((d) => (d === -1 ? size / known : d));
  if (holes > 1 || full.some((d) => !Number.isInteger(d)) || sizeOf(full) !== size) {
    throw new ShapeError(`reshape: ${showShape(x.shape)} (${size} elements) does not fit ${showShape(shape)}`, {
      hint: 'Sizes must be equal; one dimension may be -1.',
      details: { op: 'reshape', from: x.shape, to: shape },
    });
  }
  return sameShape(full, x.shape) ? x : apply(RESHAPE, [x], { shape: full });
}

export const PERMUTE: Op = {
  name: 'permute',
  kind: 'view',
  infer: ([x], attrs) => ({ shape: attrNumbers(attrs, 'axes').map((a) => x.shape[a]), dtype: x.dtype }),
  vjp: (g, { attrs }) => {
    const axes = attrNumbers(attrs, 'axes');
    return permute(
      g,
      axes.map((_, i) => axes.indexOf(i)),
    );
  },
  jvp: (t, { attrs }) => permute(t, attrNumbers(attrs, 'axes')),
};

/** Axes in another order: result axis i is input axis axes[i]. */
export function permute(x: Node, axes: readonly number[]): Node {
  const rank = x.shape.length;
  const order = axes.map((a) => axisOf('permute', a, rank));
  if (order.length !== rank || new Set(order).size !== rank) {
    throw new ShapeError(
      `permute: [${axes.join(', ')}] is no permutation of the ${rank} axes of ${showShape(x.shape)}`,
      {
        hint: 'Name each axis once.',
        details: { op: 'permute', axes, shape: x.shape },
      },
    );
  }
  return order.every((a, i) => a === i) ? x : apply(PERMUTE, [x], { axes: order });
}

export const BROADCAST: Op = {
  name: 'broadcast',
  kind: 'view',
  infer: ([x], attrs) => ({ shape: attrNumbers(attrs, 'shape'), dtype: x.dtype }),
  vjp: (g) => g,
  jvp: (t, { y }) => broadcast(t, y.shape),
};

/** Stretches dimensions of 1, and adds leading ones, by the NumPy rule. */
export function broadcast(x: Node, shape: Shape): Node {
  const out = tryBroadcast([x.shape, shape]);
  if (!out || !sameShape(out, shape)) {
    throw new ShapeError(`broadcast: ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`, {
      hint: 'Dimensions are aligned from the right and must be equal or 1.',
      details: { op: 'broadcast', from: x.shape, to: shape },
    });
  }
  return sameShape(x.shape, shape) ? x : apply(BROADCAST, [x], { shape });
}

/** A tensor of zeros in the dtype of `like`. */
export const zeros = (like: Node, shape: Shape): Node => broadcast(constant(like.graph, 0, like.dtype), shape);

/** A range of one axis as in NumPy: negative positions count from the end; `null` takes the whole axis. */
export type Range = readonly [start?: number | null, end?: number | null, step?: number] | null;

export const SLICE: Op = {
  name: 'slice',
  kind: 'view',
  infer: ([x], attrs) => ({ shape: attrNumbers(attrs, 'counts'), dtype: x.dtype }),
  vjp: (g, { inputs: [x], attrs }) => {
    const [starts, steps, counts] = ['starts', 'steps', 'counts'].map((k) => attrNumbers(attrs, k));
    // Elements lie in ascending order of position after a reversal of the axes with a negative step.
    const back = g.shape.map((_, i) => steps[i] < 0);
    const ascending = back.some(Boolean) ? reverse(g, back) : g;
    const pads = x.shape.map((d, i): PadSpec => {
      const gap = Math.abs(steps[i]);
      if (counts[i] === 0) return [d, 0, 0];
      const first = steps[i] > 0 ? starts[i] : starts[i] + (counts[i] - 1) * steps[i];
      return [first, d - 1 - (first + (counts[i] - 1) * gap), gap - 1];
    });
    return pad(ascending, pads, 0);
  },
  jvp: (t, { attrs }) => apply(SLICE, [t], attrs),
};

/** Backwards along the axes that are marked. */
export const reverse = (x: Node, which: readonly boolean[]): Node =>
  slice(
    x,
    which.map((r) => (r ? [null, null, -1] : null)),
  );

/** NumPy slicing, one range an axis from the first; axes that are not named stay whole. */
export function slice(x: Node, ranges: readonly Range[]): Node {
  if (ranges.length > x.shape.length) {
    throw new ShapeError(`slice: ${ranges.length} ranges for a tensor of rank ${x.shape.length}`, {
      hint: 'Give at most one range an axis.',
      details: { op: 'slice', shape: x.shape },
    });
  }
  const starts: number[] = [];
  const steps: number[] = [];
  const counts: number[] = [];
  x.shape.forEach((d, i) => {
    const [start, end, step = 1] = ranges[i] ?? [];
    if (!Number.isInteger(step) || step === 0 || ![start ?? 0, end ?? 0].every(Number.isInteger)) {
      throw new ShapeError(`slice: the range of axis ${i} must be integers with a step that is not 0`, {
        details: { op: 'slice', axis: i, start, end, step },
      });
    }
    const at = (v: number | null | undefined, other: number): number =>
      v === null || v === undefined
        ? other
        : Math.max(step > 0 ? 0 : -1, Math.min(step > 0 ? d : d - 1, v < 0 ? v + d : v));
    const from = at(start, step > 0 ? 0 : d - 1);
    const to = at(end, step > 0 ? d : -1);
    const count = Math.max(0, Math.ceil((to - from) / step));
    starts.push(count === 0 ? 0 : from);
    steps.push(step);
    counts.push(count);
  });
  const whole = x.shape.every((d, i) => counts[i] === d && steps[i] === 1);
  return whole ? x : apply(SLICE, [x], { starts, steps, counts });
}

/** Zeros (or `value`) to put before, behind and between the elements of an axis. */
export type PadSpec = readonly [low: number, high: number, interior?: number];

export const PAD: Op = {
  name: 'pad',
  kind: 'pad',
  infer([x], attrs) {
    const [low, high, interior] = ['low', 'high', 'interior'].map((k) => attrNumbers(attrs, k));
    return { shape: x.shape.map((d, i) => low[i] + d + Math.max(0, d - 1) * interior[i] + high[i]), dtype: x.dtype };
  },
  vjp: (g, { inputs: [x], attrs }) => {
    const [low, interior] = ['low', 'interior'].map((k) => attrNumbers(attrs, k));
    return slice(
      g,
      x.shape.map((d, i) => [low[i], low[i] + (d === 0 ? 0 : (d - 1) * (interior[i] + 1) + 1), interior[i] + 1]),
    );
  },
  jvp: (t, { attrs }) => apply(PAD, [t], { ...attrs, value: 0 }),
};

/** Surrounds, and with `interior` spreads, the elements with a value. */
export function pad(x: Node, spec: readonly PadSpec[], value = 0): Node {
  if (
    spec.length !== x.shape.length ||
    spec.some((s) => [s[0], s[1], s[2] ?? 0].some((n) => !Number.isInteger(n) || n < 0))
  ) {
    throw new ShapeError(
      `pad: needs one [low, high, interior?] of integers >= 0 for each axis of ${showShape(x.shape)}`,
      {
        hint: 'To remove elements use slice().',
        details: { op: 'pad', shape: x.shape, spec },
      },
    );
  }
  if (spec.every((s) => s[0] === 0 && s[1] === 0 && (s[2] ?? 0) === 0)) return x;
  // The number goes through the same checks as any constant of the dtype.
  const fill = attrNumber(constant(x.graph, value, x.dtype, 'pad').attrs, 'value');
  return apply(PAD, [x], {
    low: spec.map((s) => s[0]),
    high: spec.map((s) => s[1]),
    interior: spec.map((s) => s[2] ?? 0),
    value: fill,
  });
}

export const CONCAT: Op = {
  name: 'concat',
  kind: 'concat',
  infer(inputs, attrs) {
    const axis = attrNumber(attrs, 'axis');
    const [first] = inputs;
    for (const n of inputs) {
      if (n.dtype !== first.dtype) {
        throw new DTypeError(`concat: parts are ${first.dtype} and ${n.dtype}; nothing is promoted`, {
          hint: `Cast one of them: .cast('${first.dtype}').`,
        });
      }
      if (n.shape.length !== first.shape.length || n.shape.some((d, i) => i !== axis && d !== first.shape[i])) {
        throw new ShapeError(
          `concat: ${showShape(first.shape)} and ${showShape(n.shape)} differ on an axis other than ${axis}`,
          {
            hint: 'Only the joined axis may differ.',
            details: { op: 'concat', shapes: inputs.map((x) => x.shape), axis },
          },
        );
      }
    }
    return {
      shape: first.shape.map((d, i) => (i === axis ? inputs.reduce((n, x) => n + x.shape[axis], 0) : d)),
      dtype: first.dtype,
    };
  },
  vjp: (g, { inputs, attrs }, i) => {
    const [axis, from] = place(inputs, attrs, i);
    return slice(
      g,
      g.shape.map((_, d) => (d === axis ? [from, from + inputs[i].shape[axis]] : null)),
    );
  },
  jvp: (t, { inputs, attrs, y }, i) => {
    const [axis, from] = place(inputs, attrs, i);
    const after = y.shape[axis] - from - t.shape[axis];
    return pad(
      t,
      t.shape.map((_, d): PadSpec => (d === axis ? [from, after] : [0, 0])),
    );
  },
};

function place(inputs: readonly Node[], attrs: Attrs, i: number): [axis: number, from: number] {
  const axis = attrNumber(attrs, 'axis');
  let from = 0;
  for (let k = 0; k < i; k++) from += inputs[k].shape[axis];
  return [axis, from];
}

/** Joins tensors along an axis. */
export function concat(parts: readonly Node[], axis: number): Node {
  if (parts.length === 0)
    throw new ShapeError('concat: needs at least one tensor', { hint: 'Give a list of tensors.' });
  return parts.length === 1 ? parts[0] : apply(CONCAT, parts, { axis: axisOf('concat', axis, parts[0].shape.length) });
}
