/**
 * Between Burn's layout and PyTorch's, which is isobit's: Burn keeps a Linear's weight as [in, out], and calls a norm's parameters
 * gamma and beta.
 */

import type { Archive } from './archive.ts';
import { holdsState } from './content.ts';
import type { Remapped } from './remap.ts';
import { along, distinct } from './routes.ts';

export interface BurnLayout {
  /**
   * True for the weights of Linear layers, which are transposed. By default every matrix named `weight`, but for those with
   * `embed` in their path: an Embedding's weight is a matrix too, and the same in both.
   */
  readonly linear?: (name: string) => boolean;
}

const isLinear = (name: string): boolean => /(^|\.)weight$/.test(name) && !/embed/i.test(name);

/**
 * Matrices of Linear layers turned, and every tensor under the name that `rename` gives it. A checkpoint, which Burn cannot load
 * anyway, keeps its names: it must come back with them, and may have a gamma of its own.
 */
function turn<A extends Archive>(a: A, o: BurnLayout, rename: (name: string) => string): Remapped<A> {
  const linear = o.linear ?? isLinear;
  const isMatrix = (name: string): boolean => a.tensors.get(name)?.shape.length === 2 && linear(name);
  const kept = holdsState(a);
  const route = (name: string) => ({ to: kept ? name : rename(name), turned: isMatrix(name) ? [name] : [] });
  return along(a, distinct(a.tensors.keys(), route));
}

/**
 * An archive of Burn's (`readBurnpack`, `readMpk`) with the names and layouts of PyTorch and isobit.
 *
 * @example
 *   const { archive } = fromBurn(readBurnpack(bytes));
 */
export const fromBurn = <A extends Archive>(a: A, o: BurnLayout = {}): Remapped<A> =>
  turn(a, o, (name) => name.replace(/(^|\.)gamma$/, '$1weight').replace(/(^|\.)beta$/, '$1bias'));

/** The way back, for `writeBurnpack`. A norm's parameters are those of the modules that `norms` names. */
export function toBurn<A extends Archive>(a: A, o: BurnLayout & { readonly norms?: RegExp } = {}): Remapped<A> {
  const norms = o.norms ?? /norm[^.]*$/i;
  return turn(a, o, (name) => {
    const [, path, leaf] = /^(?:(.*)\.)?(weight|bias)$/.exec(name) ?? [];
    if (path === undefined || path.search(norms) < 0) return name;
    return `${path}.${leaf === 'weight' ? 'gamma' : 'beta'}`;
  });
}
