/** Writes a program: values in single assignment order, loads and constants shared. */

import type { DType } from '../core/dtype.ts';
import type { Emit } from '../core/op.ts';
import type { ScalarOp } from '../core/scalar/ir.ts';
import type { Program, ProgramStore, ProgramValue } from './kernel.ts';

export class ProgramBuilder implements Emit {
  readonly #values: ProgramValue[] = [];
  readonly #known = new Map<string, number>();

  push(v: ProgramValue): number {
    if (v.kind === 'row') return this.#values.push(v) - 1;
    const key = JSON.stringify(v);
    let at = this.#known.get(key);
    if (at === undefined) {
      at = this.#values.push(v) - 1;
      this.#known.set(key, at);
    }
    return at;
  }
  row(op: ScalarOp, ...args: number[]): number {
    return this.push({ kind: 'row', op, args });
  }
  constant(value: number, dtype: DType): number {
    return this.push({ kind: 'constant', value, dtype });
  }
  build(total: number, stores: readonly ProgramStore[]): Program {
    return { total, values: this.#values, stores };
  }
}
