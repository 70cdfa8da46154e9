/**
 * NumPy's .npz, a zip archive of .npy files, one a tensor, and a single .npy. Written stored and without dates, so that the same
 * arrays give the same bytes. Metadata, for which NumPy has no place, are JSON in a member of bytes, as other formats name theirs.
 */

import { zipSync } from 'fflate';
import { IsobitError, OptionError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { parseNpy, writeNpy } from '../data/npy.ts';
import {
  type Archive,
  fault,
  isDeep,
  isRecord,
  type Narrowed,
  type ReadArchive,
  type ReadArchiveOptions,
} from './archive.ts';
import { unzipped } from './zip.ts';

const FORMAT = 'npz';
/** The earliest date that a zip archive can say. */
const EPOCH = '1980-01-01T00:00:00';
/** Most that a byte of deflate can stand for: what claims more is a lie, and would be allocated. */
const MOST = 1032;
const METADATA = '__metadata__';

/**
 * Reads what numpy.savez and numpy.savez_compressed write. The names are those of the members, without `.npy`.
 *
 * @throws DataError (E_FORMAT) on what is malformed, or of a dtype that we do not have
 */
export function readNpz(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  const nameOf = (member: string) => member.replace(/\.npy$/, '');
  if (bytes.length < 22) throw fault(FORMAT, `${bytes.length} bytes are too few for a zip archive`);
  const members = unzipped(FORMAT, bytes, ({ name, size, originalSize }) => {
    if (originalSize > MOST * Math.min(size, bytes.length))
      throw fault(FORMAT, `claims ${originalSize} bytes`, { tensor: name });
    return nameOf(name) === METADATA || (o.only?.(nameOf(name)) ?? true);
  });
  const tensors = new Map<string, HostArray>();
  const narrowed: Narrowed[] = [];
  let metadata: Archive['metadata'] = {};
  for (const [member, body] of Object.entries(members)) {
    if (!member.endsWith('.npy')) throw fault(FORMAT, `holds ${JSON.stringify(member)}, which is no .npy`);
    const name = nameOf(member);
    const { array, from } = named(FORMAT, name, () => parseNpy(body, o));
    if (name === METADATA) {
      metadata = metadataOf(array);
      continue;
    }
    if (from) narrowed.push({ name, from, to: array.dtype });
    tensors.set(name, array);
  }
  return { tensors, metadata, narrowed };
}

/**
 * Writes a .npz that numpy.load reads; metadata, where there are any, as JSON in bytes: `json.loads(bytes(a['__metadata__']))`.
 *
 * @throws DataError (E_FORMAT) for bf16, which has no NumPy type
 */
export function writeNpz(a: Archive): Uint8Array {
  if (a.tensors.has(METADATA)) {
    throw fault(FORMAT, 'that name is for metadata', { tensor: METADATA, hint: 'Rename it.' });
  }
  const members = [...a.tensors].map(([name, t]) => [`${name}.npy`, named(FORMAT, name, () => writeNpy(t))] as const);
  const keys = Object.keys(a.metadata).sort();
  if (keys.length > 0) {
    const data = new TextEncoder().encode(JSON.stringify(Object.fromEntries(keys.map((k) => [k, a.metadata[k]]))));
    members.push([`${METADATA}.npy`, writeNpy({ data, shape: [data.length], dtype: 'u8' })]);
  }
  return zipSync(Object.fromEntries(members), { level: 0, mtime: EPOCH });
}

/**
 * Reads a .npy as an archive of one tensor, which is called `name` (by default `array`): the file has no name for it.
 *
 * @throws DataError (E_FORMAT) on what is malformed, or of a dtype that we do not have
 */
export function readNpyArchive(
  bytes: Uint8Array,
  { name = 'array', ...o }: ReadArchiveOptions & { readonly name?: string } = {},
): ReadArchive {
  if (!(o.only?.(name) ?? true)) return { tensors: new Map(), metadata: {}, narrowed: [] };
  const { array, from } = named('npy', name, () => parseNpy(bytes, o));
  return {
    tensors: new Map([[name, array]]),
    metadata: {},
    narrowed: from ? [{ name, from, to: array.dtype }] : [],
  };
}

/**
 * Writes the only tensor of an archive as a .npy, without its name and without metadata.
 *
 * @throws OptionError where there is none, or more than one; DataError (E_FORMAT) for bf16
 */
export function writeNpyArchive(a: Archive): Uint8Array {
  const [first, ...more] = a.tensors;
  if (!first || more.length > 0) {
    throw new OptionError(`npy: ${a.tensors.size} tensors, and a .npy holds one`, {
      hint: 'Choose one of them (convert: --include), or write .npz.',
      details: { tensors: a.tensors.size },
    });
  }
  const [name, t] = first;
  return named('npy', name, () => writeNpy(t));
}

/** An error about an array says which one it is. */
function named<T>(format: string, tensor: string, work: () => T): T {
  try {
    return work();
  } catch (e) {
    if (!(e instanceof IsobitError)) throw e;
    throw fault(format, e.message.replace(/^\.npy: /, ''), { tensor, hint: e.hint || undefined, details: e.details });
  }
}

function metadataOf({ data, dtype }: HostArray): Archive['metadata'] {
  try {
    const said: unknown = dtype === 'u8' ? JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)) : null;
    if (isRecord(said) && !isDeep(said)) return said as Archive['metadata'];
  } catch {} // the same as what is no object
  throw fault(FORMAT, 'is not the bytes of a JSON object', {
    tensor: METADATA,
    hint: 'That name is for metadata here: give the array another one.',
  });
}
