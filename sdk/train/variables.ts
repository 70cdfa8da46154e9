/** Variables against tensors of a file: both sides compared as a whole, then assigned. */

import type { DType } from '../core/dtype.ts';
import { CheckpointError, DataError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import { castOf } from '../core/scalar/index.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';

/** A tensor that a file and a model have in different forms. */
export interface Mismatch<T> {
  readonly name: string;
  readonly file: T;
  readonly model: T;
}

/** How two lists of named tensors differ. */
export interface Difference {
  /** Wanted, but not in the file. */
  readonly missing: readonly string[];
  /** In the file, but not wanted. */
  readonly unexpected: readonly string[];
  readonly shapeMismatch: readonly Mismatch<Shape>[];
  readonly dtypeMismatch: readonly Mismatch<DType>[];
}

interface Form {
  readonly shape: Shape;
  readonly dtype: DType;
}

export function compare(wanted: ReadonlyMap<string, Form>, found: ReadonlyMap<string, Form>): Difference {
  const shapeMismatch: Mismatch<Shape>[] = [];
  const dtypeMismatch: Mismatch<DType>[] = [];
  for (const [name, model] of wanted) {
    const file = found.get(name) ?? model;
    if (!sameShape(file.shape, model.shape)) shapeMismatch.push({ name, file: file.shape, model: model.shape });
    if (file.dtype !== model.dtype) dtypeMismatch.push({ name, file: file.dtype, model: model.dtype });
  }
  const without = (a: ReadonlyMap<string, Form>, b: ReadonlyMap<string, Form>) =>
    [...a.keys()].filter((k) => !b.has(k));
  return { missing: without(wanted, found), unexpected: without(found, wanted), shapeMismatch, dtypeMismatch };
}

/** @throws CheckpointError with `code`, naming every tensor that differs; its details are `d` */
export function refuse(code: `E_${string}`, what: string, d: Difference, hint?: string): void {
  const told = (m: Mismatch<unknown>, show: (form: never) => string) =>
    `${m.name}: ${show(m.file as never)} in the file, ${show(m.model as never)} wanted`;
  const parts = [
    ...(d.missing.length > 0 ? [`not in it: ${d.missing.join(', ')}`] : []),
    ...(d.unexpected.length > 0 ? [`only in it: ${d.unexpected.join(', ')}`] : []),
    ...d.shapeMismatch.map((m) => told(m, showShape)),
    ...d.dtypeMismatch.map((m) => told(m, String)),
  ];
  if (parts.length > 0) throw foreign(code, `${what}; ${parts.join('; ')}`, { ...d }, hint);
}

/**
 * Checks that the file's tensors are those of the Variables, and returns what assigns them.
 * @throws CheckpointError with `code`, naming every tensor that differs; nothing is changed.
 */
export function matching(
  code: `E_${string}`,
  what: string,
  variables: ReadonlyMap<string, Variable>,
  tensors: ReadonlyMap<string, HostArray>,
  rt: Runtime,
): () => void {
  refuse(code, what, compare(variables, tensors));
  checkFinite("the checkpoint's", tensors);
  return assigning(variables, tensors, rt);
}

/** What the device would refuse, it would refuse when others are assigned already. @throws DataError for Inf and NaN */
export function checkFinite(whose: string, tensors: ReadonlyMap<string, HostArray>): void {
  for (const [name, { data, dtype }] of tensors) {
    if (dtype !== 'f32' && dtype !== 'f16' && dtype !== 'bf16') continue;
    for (let i = 0; i < data.length; i++) {
      const v = dtype === 'f32' ? data[i] : castOf(data[i], dtype, 'f32');
      if (Number.isFinite(v)) continue;
      throw new DataError(`${whose} ${name}: element ${i} is ${v}`, { hint: 'Use an earlier checkpoint.' });
    }
  }
}

/** What gives Variables the tensors of their names. */
export const assigning =
  (variables: ReadonlyMap<string, Variable>, tensors: ReadonlyMap<string, HostArray>, rt: Runtime) => (): void => {
    for (const [name, array] of tensors) {
      const t = rt.tensor(array) as Tensor;
      variables.get(name)?.assign(t);
      t.dispose();
    }
  };

export function foreign(
  code: `E_${string}`,
  message: string,
  details: Record<string, unknown>,
  hint = 'Build those of the checkpoint, or use another store.',
): CheckpointError {
  return new CheckpointError(code, message, { hint, details });
}
