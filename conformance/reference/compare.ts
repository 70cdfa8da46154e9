/** eq ne lt le gt ge · and or xor not · isFinite (N3). */

import * as s from '../../sdk/core/scalar/index.ts';
import type { Family } from './elementwise.ts';

export const COMPARE: Family = {
  eq: ([a, b]) => s.eq(a, b),
  ne: ([a, b]) => s.ne(a, b),
  lt: ([a, b]) => s.lt(a, b),
  le: ([a, b]) => s.le(a, b),
  gt: ([a, b]) => s.gt(a, b),
  ge: ([a, b]) => s.ge(a, b),
  and: ([a, b]) => s.and(a, b),
  or: ([a, b]) => s.or(a, b),
  xor: ([a, b]) => s.xor(a, b),
  not: ([x]) => s.not(x),
  isFinite: ([x]) => s.isFinite32(x),
};
