/** The digests that identify a file: root (its bytes) and fingerprint (its state). */

import { hex, sha256 } from '../core/sha256.ts';
import { concatBytes, utf8 } from './bytes.ts';
import { encodeForDigest } from './cbor.ts';
import { DIGEST, type Layout } from './layout.ts';
import type { Manifest } from './manifest.ts';

const ROOT_DOMAIN = 'isobit/1 root\0';

/** The content address of a file: SHA-256 over the prologue, which holds the index's digest, and all leaves. */
export function rootOf(prologue: Uint8Array, leaves: Uint8Array): Promise<Uint8Array> {
  return sha256(concatBytes([utf8(ROOT_DOMAIN), prologue, leaves]));
}

/** Free of layout: equal for two files that hold the same state, in whatever minor version they were written. */
export async function fingerprintOfLeaves(m: Manifest, l: Layout, leaves: Uint8Array): Promise<string> {
  const tensors = l.tensors.map((t) => [
    t.name,
    t.dtype,
    [...t.shape],
    Array.from({ length: t.leaves }, (_, i) => leaves.subarray((t.leaf + i) * DIGEST, (t.leaf + i + 1) * DIGEST)),
  ]);
  return hex(await sha256(encodeForDigest([m.kind, m.schema, m.state, tensors], 'fingerprint')));
}
