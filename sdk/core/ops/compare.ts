/** eq ne lt le gt ge (N3: false, ne true, when either is NaN) · and or xor not on bool · isFinite. */

import type { ComputeDType } from '../dtype.ts';
import type { Op } from '../op.ts';
import type { ScalarOp } from '../scalar/ir.ts';
import { binary, mapOp, same, unary } from './elementwise.ts';

/** A comparison; gt and ge are lt and le with the operands swapped. */
function comparison(name: string, table: Partial<Record<ComputeDType, ScalarOp>>, swap = false): Op {
  const allowed = Object.keys(table) as ComputeDType[];
  return mapOp(name, same(name, allowed, 'bool'), (e, [a, b], _, [dtype]) =>
    swap ? e.row(table[dtype as ComputeDType]!, b, a) : e.row(table[dtype as ComputeDType]!, a, b),
  );
}

const LT = { f32: 'lt_f', i32: 'lt_s', u32: 'lt_u' } as const;
const LE = { f32: 'le_f', i32: 'le_s', u32: 'le_u' } as const;

export const EQ = comparison('eq', { f32: 'eq_f', i32: 'eq_i', u32: 'eq_i', bool: 'eq_i' });
export const NE = comparison('ne', { f32: 'ne_f', i32: 'ne_i', u32: 'ne_i', bool: 'ne_i' });
export const LESS = comparison('lt', LT);
export const LESS_EQUAL = comparison('le', LE);
export const GREATER = comparison('gt', LT, true);
export const GREATER_EQUAL = comparison('ge', LE, true);

const logical = (name: 'and' | 'or' | 'xor'): Op => mapOp(name, same(name, ['bool']), (e, [a, b]) => e.row(name, a, b));
export const AND = logical('and');
export const OR = logical('or');
export const XOR = logical('xor');
export const NOT = mapOp('not', same('not', ['bool']), (e, [x]) => e.row('not', x));
export const IS_FINITE = mapOp('isFinite', same('isFinite', ['f32'], 'bool'), (e, [x]) => e.row('isFinite', x));

export const eq = binary(EQ);
export const ne = binary(NE);
export const lt = binary(LESS);
export const le = binary(LESS_EQUAL);
export const gt = binary(GREATER);
export const ge = binary(GREATER_EQUAL);
export const and = binary(AND);
export const or = binary(OR);
export const xor = binary(XOR);
export const not = unary(NOT);
export const finite = unary(IS_FINITE);
