/**
 * Rows that few programs have, apart from the loop over rows (interpreter.ts): with them there it is 17 KB, on which V8's
 * optimising compiler spends 40 ms as soon as a first training step has run it.
 */
import {
  OP_ABS_S, OP_ADD_I, OP_AND, OP_BF2F, OP_CEIL, OP_EQ_F, OP_EQ_I, OP_F2B, OP_F2BF, OP_F2H, OP_F2I, OP_F2U, OP_FLOOR, OP_H2F, OP_I2B, OP_I2F,
  OP_ISFINITE, OP_LE_F, OP_LE_S, OP_LE_U, OP_LT_S, OP_LT_U, OP_MAX_S, OP_MAX_U, OP_MIN_S, OP_MIN_U, OP_MUL_I, OP_NARROW, OP_NEG_I, OP_NE_F, OP_NE_I,
  OP_NOT, OP_OR, OP_ROUND, OP_SIGN_F, OP_SIGN_S, OP_SIGN_U, OP_SUB_I, OP_TRUNC, OP_U2F, OP_UNIT, OP_XOR,
} from './build/opcodes';
import { each1, each2 } from './ops';
import { second } from './own';

/** Of integers and booleans. */
export function integers(op: i32, row: usize, d: usize, a: usize, e0: usize, bytes: usize): void {
  switch (op) {
    case OP_NEG_I: each1(OP_NEG_I, d, a, bytes); break;
    case OP_ABS_S: each1(OP_ABS_S, d, a, bytes); break;
    case OP_SIGN_S: each1(OP_SIGN_S, d, a, bytes); break;
    case OP_SIGN_U: each1(OP_SIGN_U, d, a, bytes); break;
    case OP_NOT: each1(OP_NOT, d, a, bytes); break;
    case OP_ADD_I: each2(OP_ADD_I, d, a, second(row, e0), bytes); break;
    case OP_SUB_I: each2(OP_SUB_I, d, a, second(row, e0), bytes); break;
    case OP_MUL_I: each2(OP_MUL_I, d, a, second(row, e0), bytes); break;
    case OP_MAX_S: each2(OP_MAX_S, d, a, second(row, e0), bytes); break;
    case OP_MIN_S: each2(OP_MIN_S, d, a, second(row, e0), bytes); break;
    case OP_MAX_U: each2(OP_MAX_U, d, a, second(row, e0), bytes); break;
    case OP_MIN_U: each2(OP_MIN_U, d, a, second(row, e0), bytes); break;
    case OP_EQ_I: each2(OP_EQ_I, d, a, second(row, e0), bytes); break;
    case OP_NE_I: each2(OP_NE_I, d, a, second(row, e0), bytes); break;
    case OP_LT_S: each2(OP_LT_S, d, a, second(row, e0), bytes); break;
    case OP_LE_S: each2(OP_LE_S, d, a, second(row, e0), bytes); break;
    case OP_LT_U: each2(OP_LT_U, d, a, second(row, e0), bytes); break;
    case OP_LE_U: each2(OP_LE_U, d, a, second(row, e0), bytes); break;
    case OP_AND: each2(OP_AND, d, a, second(row, e0), bytes); break;
    case OP_OR: each2(OP_OR, d, a, second(row, e0), bytes); break;
    case OP_XOR: each2(OP_XOR, d, a, second(row, e0), bytes); break;
    default: unreachable();
  }
}

/** From one dtype to another, and what else floats have. */
export function conversions(op: i32, row: usize, d: usize, a: usize, e0: usize, bytes: usize): void {
  switch (op) {
    case OP_SIGN_F: each1(OP_SIGN_F, d, a, bytes); break;
    case OP_FLOOR: each1(OP_FLOOR, d, a, bytes); break;
    case OP_CEIL: each1(OP_CEIL, d, a, bytes); break;
    case OP_TRUNC: each1(OP_TRUNC, d, a, bytes); break;
    case OP_ROUND: each1(OP_ROUND, d, a, bytes); break;
    case OP_ISFINITE: each1(OP_ISFINITE, d, a, bytes); break;
    case OP_F2I: each1(OP_F2I, d, a, bytes); break;
    case OP_F2U: each1(OP_F2U, d, a, bytes); break;
    case OP_I2F: each1(OP_I2F, d, a, bytes); break;
    case OP_U2F: each1(OP_U2F, d, a, bytes); break;
    case OP_F2B: each1(OP_F2B, d, a, bytes); break;
    case OP_I2B: each1(OP_I2B, d, a, bytes); break;
    case OP_F2H: each1(OP_F2H, d, a, bytes); break;
    case OP_H2F: each1(OP_H2F, d, a, bytes); break;
    case OP_F2BF: each1(OP_F2BF, d, a, bytes); break;
    case OP_BF2F: each1(OP_BF2F, d, a, bytes); break;
    case OP_UNIT: each1(OP_UNIT, d, a, bytes); break;
    case OP_EQ_F: each2(OP_EQ_F, d, a, second(row, e0), bytes); break;
    case OP_NE_F: each2(OP_NE_F, d, a, second(row, e0), bytes); break;
    case OP_LE_F: each2(OP_LE_F, d, a, second(row, e0), bytes); break;
    case OP_NARROW: each2(OP_NARROW, d, a, second(row, e0), bytes); break;
    default: unreachable();
  }
}
