/** Variables against tensors of a file: both sides compared as a whole, then assigned. */

import { CheckpointError, type IsobitError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import { sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';

/** How two lists of named tensors differ. */
export interface Difference {
  /** Wanted, but not in the file. */
  readonly missing: readonly string[];
  /** In the file, but not wanted. */
  readonly unexpected: readonly string[];
  /** In both, with another shape or dtype: `name: f32 [3, 4] in the file, f32 [3, 5] wanted`. */
  readonly different: readonly string[];
}

function compare(
  wanted: ReadonlyMap<string, { shape: readonly number[]; dtype: string }>,
  found: ReadonlyMap<string, HostArray>,
): Difference {
  const show = (t: { shape: readonly number[]; dtype: string }) => `${t.dtype} ${showShape(t.shape)}`;
  return {
    missing: [...wanted.keys()].filter((k) => !found.has(k)),
    unexpected: [...found.keys()].filter((k) => !wanted.has(k)),
    different: [...wanted].flatMap(([k, v]) => {
      const t = found.get(k);
      return !t || (sameShape(t.shape, v.shape) && t.dtype === v.dtype)
        ? []
        : [`${k}: ${show(t)} in the file, ${show(v)} wanted`];
    }),
  };
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
  const d = compare(variables, tensors);
  const parts = [
    d.missing.length > 0 ? `not in it: ${d.missing.join(', ')}` : '',
    d.unexpected.length > 0 ? `only in it: ${d.unexpected.join(', ')}` : '',
    d.different.length > 0 ? d.different.join('; ') : '',
  ].filter((s) => s !== '');
  if (parts.length > 0) throw foreign(code, `${what}; ${parts.join('; ')}`, { ...d });
  return () => {
    for (const [name, v] of variables) {
      const t = rt.tensor(tensors.get(name) as HostArray) as Tensor;
      v.assign(t);
      t.dispose();
    }
  };
}

export function foreign(code: `E_${string}`, message: string, details: Record<string, unknown>): IsobitError {
  return new CheckpointError(code, message, {
    hint: 'Build the model and optimizer that the checkpoint was made with, or use another store.',
    details,
  });
}
