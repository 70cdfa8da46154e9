/** Which errors mean that bytes are bad, so that an earlier commit may do: not a store that is busy or forbidden. */

import type { Store } from '../../adapters/store.ts';
import { type CheckpointError, isIsobitError } from '../core/errors.ts';

const DAMAGE: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'E_MAGIC',
  'E_VERSION',
  'E_REQUIRES',
  'E_TRUNCATED',
  'E_TRAILING',
  'E_NONCANONICAL',
  'E_LAYOUT',
  'E_SCHEMA',
  'E_DTYPE',
  'E_LIMIT',
  'E_INTEGRITY',
  'E_NOT_FOUND',
  'E_RANGE',
]);

/**
 * Where a store cannot list, records outlive the states that retention removes: behind a newer one that is whole, a state that is
 * missing is no damage.
 */
export async function isRetired(e: { readonly code: string }, store: Store, newer: boolean): Promise<boolean> {
  return newer && e.code === 'E_NOT_FOUND' && !(await store.caps()).list;
}

export function isDamage(e: unknown): e is CheckpointError {
  return isIsobitError(e) && DAMAGE.has(e.code);
}
