/** where (N3) and cast (N9). */

import type { DType } from '../../sdk/core/dtype.ts';
import * as s from '../../sdk/core/scalar/index.ts';
import type { Family } from './elementwise.ts';

export const SELECT: Family = {
  where: ([c, a, b]) => s.where(c, a, b),
  cast: ([x], from, attrs) => s.castOf(x, from, attrs.to as DType),
  narrow: ([x], _, attrs) => s.narrow(x, attrs.place as number),
};
