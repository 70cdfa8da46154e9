/** SHA-256 of whole byte strings. Leaves of at most 1 MiB make this enough: WebCrypto has no incremental digest. */

import { CheckpointError } from '../core/errors.ts';

type NodeCrypto = typeof import('node:crypto');

/** Node, Deno, Bun and edge runtimes hand out their own modules here; elsewhere `process` is missing or a shim. */
function nodeCrypto(): NodeCrypto | undefined {
  const get = (globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }).process?.getBuiltinModule;
  return get?.('node:crypto') as NodeCrypto | undefined;
}

/** 32 bytes. E_UNSUPPORTED where the platform has no SHA-256 (a page that is not served securely). */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const node = nodeCrypto();
  if (node) return new Uint8Array(node.createHash('sha256').update(bytes).digest());
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (!subtle) {
    throw new CheckpointError('E_UNSUPPORTED', 'SHA-256 is not available: crypto.subtle is missing', {
      hint: 'serve the page over https or from localhost',
    });
  }
  // WebCrypto refuses shared memory
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
  return new Uint8Array(await subtle.digest('SHA-256', own));
}
