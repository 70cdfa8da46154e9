/** where (N3: copies bits; a nonzero condition takes the first) and cast (N9). */

import { apply } from '../build.ts';
import type { ComputeDType } from '../dtype.ts';
import { DTypeError, OptionError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import type { Op } from '../op.ts';
import type { ScalarOp } from '../scalar/ir.ts';
import { broadcastShapes } from '../shape.ts';
import { local, type Operand, operand } from './elementwise.ts';

export const WHERE: Op = {
  name: 'where',
  kind: 'map',
  infer(inputs) {
    const [c, a, b] = inputs;
    needDType('where', c, ['bool']);
    if (a.dtype !== b.dtype) {
      throw new DTypeError(`where: branches are ${a.dtype} and ${b.dtype}; nothing is promoted`, {
        hint: `Cast one of them: .cast('${a.dtype}').`,
        details: { op: 'where', dtypes: [a.dtype, b.dtype] },
      });
    }
    return {
      dtype: a.dtype,
      shape: broadcastShapes(
        'where',
        inputs.map((n) => n.shape),
      ),
    };
  },
  scalar: (e, args) => e.row('where', ...args),
  ...local((g, { inputs: [c] }, i) => (i === 1 ? where(c, g, 0) : where(c, 0, g))),
};

/** Elements of `a` where the condition holds, else of `b`; one branch may be a number. */
export function where(c: Node, a: Operand, b: Operand): Node {
  const like = typeof a === 'number' ? b : a;
  if (typeof like === 'number') {
    throw new OptionError('where: both branches are numbers, so the dtype is unknown', {
      hint: 'Make one of them a tensor: rt.scalar(value, dtype).',
    });
  }
  return apply(WHERE, [c, operand(a, like, 'where'), operand(b, like, 'where')]);
}

/** Rows by (from, to); bool is 0 or 1, so it is an integer already. */
const CASTS: Record<ComputeDType, Partial<Record<ComputeDType, ScalarOp>>> = {
  f32: { i32: 'f2i', u32: 'f2u', bool: 'f2b', f32: 'copy' },
  i32: { f32: 'i2f', u32: 'copy', bool: 'i2b', i32: 'copy' },
  u32: { f32: 'u2f', i32: 'copy', bool: 'i2b', u32: 'copy' },
  bool: { f32: 'i2f', i32: 'copy', u32: 'copy', bool: 'copy' },
};

export const CAST: Op = {
  name: 'cast',
  kind: 'map',
  infer: ([x], attrs) => ({ shape: x.shape, dtype: attrs.to as ComputeDType }),
  scalar: (e, [x], attrs, [from]) => e.row(CASTS[from][attrs.to as ComputeDType]!, x),
};

export function cast(x: Node, to: ComputeDType): Node {
  if (!Object.hasOwn(CASTS, to)) {
    throw new DTypeError(`cast: unknown dtype ${String(to)}`, { hint: `Use one of ${Object.keys(CASTS).join(', ')}.` });
  }
  return x.dtype === to ? x : apply(CAST, [x], { to });
}
