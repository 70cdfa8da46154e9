/** NumPy's .npz: a zip archive of .npy files, one a tensor. Written stored and without dates, so that the same arrays give the same bytes. */

import { zipSync } from 'fflate';
import type { HostArray } from '../core/host.ts';
import { npyDescriptor, readNpy, writeNpy } from '../data/npy.ts';
import { type Archive, fault, type Narrowed, type ReadArchive, type ReadArchiveOptions } from './archive.ts';
import { unzipped } from './zip.ts';

const FORMAT = 'npz';
/** The earliest date that a zip archive can say. */
const EPOCH = '1980-01-01T00:00:00';
/** Most that a byte of deflate can stand for: what claims more is a lie, and would be allocated. */
const MOST = 1032;

/**
 * Reads what numpy.savez and numpy.savez_compressed write. The names are those of the members, without `.npy`.
 *
 * @throws DataError (E_FORMAT, or E_NPY for a member) on what is malformed, or of a dtype that we do not have
 */
export function readNpz(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  const nameOf = (member: string) => member.replace(/\.npy$/, '');
  if (bytes.length < 22) throw fault(FORMAT, `${bytes.length} bytes are too few for a zip archive`);
  const members = unzipped(FORMAT, bytes, ({ name, size, originalSize }) => {
    if (originalSize > MOST * Math.min(size, bytes.length))
      throw fault(FORMAT, `claims ${originalSize} bytes`, { tensor: name });
    return o.only?.(nameOf(name)) ?? true;
  });
  const tensors = new Map<string, HostArray>();
  const narrowed: Narrowed[] = [];
  for (const [member, body] of Object.entries(members)) {
    if (!member.endsWith('.npy')) throw fault(FORMAT, `holds ${JSON.stringify(member)}, which is no .npy`);
    const name = nameOf(member);
    const a = readNpy(body, { cast: o.cast });
    const from = npyDescriptor(body);
    if (from === '<f8' || from === '<i8') narrowed.push({ name, from, to: a.dtype });
    tensors.set(name, a);
  }
  return { tensors, metadata: {}, narrowed };
}

/** Writes a .npz that numpy.load reads. bf16 has no NumPy type, and metadata no place: both are refused or left out by the caller. */
export function writeNpz(a: Archive): Uint8Array {
  const members = [...a.tensors].map(([name, t]) => [`${name}.npy`, writeNpy(t)] as const);
  return zipSync(Object.fromEntries(members), { level: 0, mtime: EPOCH });
}
