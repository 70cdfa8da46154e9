/** Elementwise families: each op as a function of one element of each operand; operands broadcast by the NumPy rule (N3). */

import type { DType } from '../../sdk/core/dtype.ts';
import type { Attrs } from '../../sdk/core/node.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { build, stretched, type Value } from './value.ts';

/** One element; `dtype` is that of the first operand. */
export type Element = (x: readonly number[], dtype: DType, attrs: Attrs) => number;
export type Family = Readonly<Record<string, Element>>;

export function elementwise(
  element: Element,
  inputs: readonly Value[],
  attrs: Attrs,
  shape: Shape,
  dtype: DType,
): Value {
  return build(shape, dtype, (at) =>
    element(
      inputs.map((x) => stretched(x, at)),
      inputs[0].dtype,
      attrs,
    ),
  );
}
