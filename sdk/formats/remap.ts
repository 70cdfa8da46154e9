/** Other names and layouts for the tensors of an archive, by ordered rules. */

import type { Archive } from './archive.ts';
import { along, routesOf } from './routes.ts';

export interface Rule {
  /** Names that the rule is for: a text is a whole name, a RegExp matches a part, with `y` one at the start. */
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
 * Applies rules to an archive.
 *
 * @example
 *   remap(readPyTorch(bytes), [{ match: /^module\./, rename: '' }]).archive
 * @throws OptionError where two tensors would have one name; DataError (E_FORMAT) where one to be transposed is no matrix
 */
export function remap<A extends Archive>(a: A, rules: readonly Rule[]): Remapped<A> {
  return along(a, routesOf(a.tensors.keys(), rules));
}
