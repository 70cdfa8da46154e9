/** Other names and layouts for the tensors of an archive, by ordered rules. */

import { ARRAY } from '../core/dtype.ts';
import { OptionError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { type Archive, fault } from './archive.ts';

export interface Rule {
  /** Names that the rule is for: a text is a whole name, a RegExp matches a part. */
  readonly match: string | RegExp;
  /** What the match becomes, as in String.replace ($1 and so on for groups). */
  readonly rename?: string;
  /** Turns a matrix into its transpose: Burn keeps a Linear's weight as [in, out], PyTorch and isobit as [out, in]. */
  readonly transpose?: boolean;
}

/** An archive under other names, and what was renamed. */
export interface Remapped<A extends Archive> {
  readonly archive: A;
  readonly renamed: readonly (readonly [from: string, to: string])[];
  readonly transposed: readonly string[];
}

/**
 * Applies every rule that matches, in order, each to the name that the ones before have made.
 *
 * @example
 *   remap(readPyTorch(bytes), [{ match: /^module\./, rename: '' }]).archive
 * @throws OptionError where two tensors would have one name; DataError (E_FORMAT) where one to be transposed is no matrix
 */
export function remap<A extends Archive>(a: A, rules: readonly Rule[]): Remapped<A> {
  const tensors = new Map<string, HostArray>();
  const renamed: [string, string][] = [];
  const transposed: string[] = [];
  for (const [name, t] of a.tensors) {
    let to = name;
    let turned = t;
    for (const { match, rename, transpose } of rules) {
      if (
        typeof match === 'string' ? match !== to : !new RegExp(match.source, match.flags.replace(/[gy]/g, '')).test(to)
      )
        continue;
      if (transpose) {
        turned = transposeOf(to, turned);
        transposed.push(to);
      }
      if (rename !== undefined) to = to.replace(match, rename);
    }
    if (tensors.has(to)) {
      throw new OptionError(`remap: ${JSON.stringify(name)} would become a second ${JSON.stringify(to)}`, {
        hint: 'Let each tensor keep a name of its own.',
        details: { from: name, to },
      });
    }
    if (to !== name) renamed.push([name, to]);
    tensors.set(to, turned);
  }
  return { archive: { ...a, tensors }, renamed, transposed };
}

function transposeOf(name: string, t: HostArray): HostArray {
  if (t.shape.length !== 2) {
    throw fault('remap', `[${t.shape}] is no matrix to transpose`, {
      tensor: name,
      hint: 'Let the rule match matrices only.',
    });
  }
  const [rows, columns] = t.shape;
  const data = new ARRAY[t.dtype](t.data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) data[c * rows + r] = t.data[r * columns + c];
  return { data, shape: [columns, rows], dtype: t.dtype };
}
