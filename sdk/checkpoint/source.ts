/** Where a file's bytes come from: memory, or ranges of an object in a store. */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';

export interface ReadOptions extends IO {
  /** What came before was damaged: not from a copy. */
  fresh?: boolean;
  /** At least as long as what is read: the answer may be a view of it. */
  into?: Uint8Array;
}

export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** Exactly these bytes. The caller stays within `size`. */
  read(offset: number, length: number, o: ReadOptions): Promise<Uint8Array>;
}

export function bytesSource(given: Uint8Array, name = 'checkpoint'): ByteSource {
  const bytes = plain(given);
  return { name, size: bytes.length, read: async (at, n) => bytes.subarray(at, at + n) };
}

/** The same bytes as nothing more than an Uint8Array: the slice() of Node's Buffer copies nothing. */
const plain = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, length);

/** Files up to this size that will be read whole are fetched once: what is verified is then what is read. */
export const WHOLE = 64 * 2 ** 20;

/** E_NOT_FOUND where the key is missing, E_RANGE where the store gives another length than asked for. */
export async function storeSource(store: Store, key: string, whole: boolean, o: ReadOptions): Promise<ByteSource> {
  const name = `${store.name}/${key}`;
  const found = await store.head(key, { signal: o.signal });
  if (!found) {
    throw new CheckpointError('E_NOT_FOUND', `${name}: not there`, {
      path: name,
      hint: 'list the store to see its keys',
    });
  }
  const read = async (offset: number, length: number, io: ReadOptions): Promise<Uint8Array> => {
    const { signal, into } = io;
    const bytes = await store.get(key, { offset, length, signal, into, fresh: o.fresh || io.fresh });
    if (bytes.length !== length) {
      throw new CheckpointError('E_RANGE', `${name}: asked for ${length} bytes at ${offset}, got ${bytes.length}`, {
        path: name,
        offset,
        expected: length,
        actual: bytes.length,
        retryable: true,
        hint: 'the object changed, or the server ignores ranges',
      });
    }
    return plain(bytes);
  };
  const { size } = found;
  return whole && size <= WHOLE ? bytesSource(await read(0, size, o), name) : { name, size, read };
}
