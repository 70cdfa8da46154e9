/** SHA-256 of bytes in parts, and hexadecimal. */

import { IsobitError } from './errors.ts';

type NodeCrypto = typeof import('node:crypto');

/** The platform's own module, without an import that a bundler would follow; missing in browsers. */
function nodeCrypto(): NodeCrypto | undefined {
  const get = (globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }).process?.getBuiltinModule;
  return get?.('node:crypto') as NodeCrypto | undefined;
}

/**
 * SHA-256 of the parts one after the other: 32 bytes. WebCrypto has no incremental digest, so there several parts are joined
 * first. Throws E_UNSUPPORTED where the platform has no SHA-256 (a page that is not served securely).
 */
export async function sha256(...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const node = nodeCrypto();
  if (node) {
    const hash = node.createHash('sha256');
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  }
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (!subtle) {
    throw new IsobitError('E_UNSUPPORTED', 'SHA-256 is not available: crypto.subtle is missing', {
      hint: 'Serve the page over https or from localhost.',
    });
  }
  return new Uint8Array(await subtle.digest('SHA-256', joined(parts)));
}

/** Bytes from which it pays to let others have a turn, or to ask another thread. */
const ASIDE = 1 << 18;

let queue: Promise<unknown> = Promise.resolve();

/**
 * SHA-256 of a large part, to be asked for several at once: in browsers WebCrypto takes them to threads of its own. Node's would
 * copy each first, which takes as long as hashing does; there they are hashed here, one a turn of the event loop, so that the
 * disk is kept busy meanwhile. The bytes must stay as they are until it resolves.
 */
export async function sha256Aside(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (bytes.length < ASIDE) return sha256(bytes);
  if (nodeCrypto()) {
    queue = queue.then(() => new Promise((done) => setImmediate(done)));
    await queue;
    return sha256(bytes);
  }
  return subtle ? new Uint8Array(await subtle.digest('SHA-256', joined([bytes]))) : sha256(bytes);
}

/** The parts as one array of its own: WebCrypto refuses shared memory. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (parts.length === 1 && only.buffer instanceof ArrayBuffer) return only as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
