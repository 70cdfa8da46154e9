/** SHA-256 of parts of memory, which goes to one of so many threads and comes back. Null where there is none. */
export function hash(
  memory: ArrayBuffer,
  parts: readonly (readonly [at: number, length: number])[],
  threads: number,
): Promise<{ memory: ArrayBuffer; digests: Uint8Array } | null>;
