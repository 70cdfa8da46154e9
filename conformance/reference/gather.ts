/** gather and scatterAdd (N7). The index has the tensor's sizes, or 1, on the axes other than `axis`. */

import { isFloat, NAN } from '../../sdk/core/dtype.ts';
import type { Attrs } from '../../sdk/core/node.ts';
import { attrNumber } from '../../sdk/core/op.ts';
import { add, addI32, addU32 } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { R } from './reduce.ts';
import { build, coordinates, flatOf, get, stretched, type Value } from './value.ts';

const put = (at: readonly number[], axis: number, p: number): number[] => at.map((q, i) => (i === axis ? p : q));

export function gather(x: Value, index: Value, attrs: Attrs, shape: Shape): Value {
  const axis = attrNumber(attrs, 'axis');
  return build(shape, x.dtype, (at) => {
    const p = stretched(index, at);
    if (p < 0 || p >= x.shape[axis]) return x.dtype === 'f32' ? Number.NaN : isFloat(x.dtype) ? NAN[x.dtype] : 0;
    return get(x, put(at, axis, p));
  });
}

export function scatterAdd(base: Value, index: Value, source: Value, attrs: Attrs): Value {
  const axis = attrNumber(attrs, 'axis');
  const found = new Map<number, number[]>();
  // Row-major, so that the sources of one destination come by ascending position along the axis.
  for (let i = 0; i < source.data.length; i++) {
    const at = coordinates(i, source.shape);
    const p = stretched(index, at);
    if (p < 0 || p >= base.shape[axis]) continue;
    const to = flatOf(put(at, axis, p), base.shape);
    const list = found.get(to);
    if (list) list.push(source.data[i]);
    else found.set(to, [source.data[i]]);
  }
  return build(base.shape, base.dtype, (at) => {
    const b = get(base, at);
    const list = found.get(flatOf(at, base.shape));
    if (!list) return b;
    if (base.dtype === 'f32') return add(b, R(list));
    return list.reduce(base.dtype === 'i32' ? addI32 : addU32, b);
  });
}
