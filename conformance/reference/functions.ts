/** exp log sqrt rsqrt tanh sigmoid softplus sin cos erf pow powi (N5) · floor ceil trunc round (N3). */

import { attrNumber } from '../../sdk/core/op.ts';
import * as s from '../../sdk/core/scalar/index.ts';
import type { Family } from './elementwise.ts';

export const FUNCTIONS: Family = {
  exp: ([x]) => s.exp(x),
  log: ([x]) => s.log(x),
  sqrt: ([x]) => s.sqrt(x),
  rsqrt: ([x]) => s.rsqrt(x),
  tanh: ([x]) => s.tanh(x),
  sigmoid: ([x]) => s.sigmoid(x),
  softplus: ([x]) => s.softplus(x),
  sin: ([x]) => s.sin(x),
  cos: ([x]) => s.cos(x),
  erf: ([x]) => s.erf(x),
  pow: ([a, b]) => s.pow(a, b),
  powi: ([x], _, attrs) => s.powi(x, attrNumber(attrs, 'n')),
  floor: ([x]) => s.floor(x),
  ceil: ([x]) => s.ceil(x),
  trunc: ([x]) => s.trunc(x),
  round: ([x]) => s.round(x),
};
