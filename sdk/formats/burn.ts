/**
 * Between Burn's layout and PyTorch's, which is isobit's: Burn keeps a Linear's weight as [in, out], and calls a norm's parameters
 * gamma and beta.
 */

import type { Archive } from './archive.ts';
import { type Remapped, type Rule, remap } from './remap.ts';

export interface BurnLayout {
  /**
   * True for the weights of Linear layers, which are transposed. By default every matrix named `weight`, but for those with
   * `embed` in their path: an Embedding's weight is a matrix too, and the same in both.
   */
  readonly linear?: (name: string) => boolean;
}

const isLinear = (name: string): boolean => /(^|\.)weight$/.test(name) && !/embed/i.test(name);

function turn<A extends Archive>(a: A, o: BurnLayout, names: readonly Rule[]): Remapped<A> {
  const linear = o.linear ?? isLinear;
  const matrices = [...a.tensors].filter(([name, t]) => t.shape.length === 2 && linear(name));
  return remap(a, [...matrices.map(([match]): Rule => ({ match, transpose: true })), ...names]);
}

/**
 * An archive of Burn's (`readBurnpack`, `readMpk`) with the names and layouts of PyTorch and isobit.
 *
 * @example
 *   const { archive } = fromBurn(readBurnpack(bytes));
 */
export const fromBurn = <A extends Archive>(a: A, o: BurnLayout = {}): Remapped<A> =>
  turn(a, o, [
    { match: /(^|\.)gamma$/, rename: '$1weight' },
    { match: /(^|\.)beta$/, rename: '$1bias' },
  ]);

/** The way back, for `writeBurnpack`. A norm's parameters are those of the modules that `norms` names. */
export const toBurn = <A extends Archive>(a: A, o: BurnLayout & { readonly norms?: RegExp } = {}): Remapped<A> =>
  turn(a, o, normsOf(a, o.norms ?? /norm[^.]*$/i));

function normsOf(a: Archive, norms: RegExp): Rule[] {
  return [...a.tensors.keys()].flatMap((name): Rule[] => {
    const [, path, leaf] = /^(?:(.*)\.)?(weight|bias)$/.exec(name) ?? [];
    if (path === undefined || !norms.test(path)) return [];
    return [{ match: name, rename: `${path}.${leaf === 'weight' ? 'gamma' : 'beta'}` }];
  });
}
