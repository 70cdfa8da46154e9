/** JSON with sorted keys, so that equal values give equal text. */

import type { Json } from '../core/host.ts';

export function canonicalJson(v: Json): string {
  if (typeof v !== 'object' || v === null) return JSON.stringify(v);
  if (Array.isArray(v)) return `[${(v as readonly Json[]).map(canonicalJson).join(', ')}]`;
  const entries = Object.entries(v as { readonly [k: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, x]) => `${JSON.stringify(k)}: ${canonicalJson(x)}`).join(', ')}}`;
}
