/** where (N3: copies bits; a nonzero condition takes the first) and cast (N9). */

import { apply } from '../build.ts';
import { BYTES, type DType, isDType, isFloat } from '../dtype.ts';
import { DTypeError, OptionError } from '../errors.ts';
import { type Node, needDType } from '../node.ts';
import type { Emit, Op, Value } from '../op.ts';
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
    throw new OptionError('where: both branches are numbers', {
      hint: 'Make one a tensor: rt.scalar(value, dtype).',
    });
  }
  return apply(WHERE, [c, operand(a, like, 'where'), operand(b, like, 'where')]);
}

const TO_F32: Record<DType, ScalarOp> = {
  f32: 'copy',
  f16: 'h2f',
  bf16: 'bf2f',
  i32: 'i2f',
  u32: 'u2f',
  bool: 'i2f',
  i8: 'i2f',
  u8: 'i2f',
};

/** f32 to `to`: 8-bit integers saturate at their own ends. */
function fromF32(e: Emit, x: Value, to: DType): Value {
  switch (to) {
    case 'f32':
      return x;
    case 'f16':
      return e.row('f2h', x);
    case 'bf16':
      return e.row('f2bf', x);
    case 'i32':
      return e.row('f2i', x);
    case 'u32':
      return e.row('f2u', x);
    case 'bool':
      return e.row('f2b', x);
    case 'i8':
      return e.row('max_s', e.row('min_s', e.row('f2i', x), e.constant(127, 'i32')), e.constant(-128, 'i32'));
    case 'u8':
      return e.row('min_u', e.row('f2u', x), e.constant(255, 'u32'));
  }
}

/** One integer dtype to another: the low bits; bool is 0 or 1, so it is an integer already. */
function fromInteger(e: Emit, x: Value, from: DType, to: DType): Value {
  if (to === 'bool') return e.row('i2b', x);
  if (from === 'bool' || to === 'i32' || to === 'u32') return e.row('copy', x);
  const low = e.row('and', x, e.constant(255, 'u32'));
  return to === 'u8' ? low : e.row('sub_i', e.row('xor', low, e.constant(128, 'u32')), e.constant(128, 'u32'));
}

export const CAST: Op = {
  name: 'cast',
  kind: 'map',
  infer: ([x], attrs) => ({ shape: x.shape, dtype: attrs.to as DType }),
  scalar(e, [x], attrs, [from]) {
    const to = attrs.to as DType;
    if (!isFloat(from) && !isFloat(to)) return fromInteger(e, x, from, to);
    return fromF32(e, from === 'f32' ? x : e.row(TO_F32[from], x), to);
  },
};

/** N9: f32 to integers truncates toward zero and saturates, integers keep their low bits, narrower floats round to even. */
export function cast(x: Node, to: DType): Node {
  if (!isDType(to)) {
    throw new DTypeError(`cast: unknown dtype ${String(to)}`, { hint: `Use one of ${Object.keys(BYTES).join(', ')}.` });
  }
  return x.dtype === to ? x : apply(CAST, [x], { to });
}
