/** `isobit convert`: between checkpoints and the files of other programs, by the ends of their names. */

import { basename, extname } from 'node:path';
import { encodeCheckpoint, openCheckpoint } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';
import { DataError, OptionError } from '../core/errors.ts';
import type { Archive, ReadArchive, ReadArchiveOptions } from '../formats/archive.ts';
import { fromBurn, toBurn } from '../formats/burn.ts';
import { readBurnpack, writeBurnpack } from '../formats/burnpack.ts';
import { type Content, forInference, fromArchive, MODEL, toArchive } from '../formats/content.ts';
import { readJson, writeJson } from '../formats/json.ts';
import { readMpk } from '../formats/mpk.ts';
import { castWeights, SCALE } from '../formats/narrow.ts';
import { readNpyArchive, readNpz, writeNpyArchive, writeNpz } from '../formats/npz.ts';
import { readPyTorch } from '../formats/pytorch.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import type { ConvertOptions } from './options.ts';
import { bytesAt, endOf, openAt, placeOf, targetAt } from './place.ts';
import type { Terminal } from './program.ts';

type Read = (bytes: Uint8Array, o: ReadArchiveOptions & { name?: string }) => ReadArchive;

/** Patterns are of the names that a file's tensors get here; a checkpoint's own stay as they are. */
const burn =
  (read: Read): Read =>
  (bytes, { only, ...o }) =>
    fromBurn(read(bytes, { ...o, only: only && ((name) => only(renamed(name)) || only(name)) })).archive;

function renamed(name: string): string {
  const one = {
    tensors: new Map([[name, { data: new Uint8Array(), shape: [0], dtype: 'u8' } as const]]),
    metadata: {},
  };
  return [...fromBurn(one).archive.tensors.keys()][0];
}

const READERS: Readonly<Record<string, Read>> = {
  '.safetensors': readSafetensors,
  '.npz': readNpz,
  '.npy': readNpyArchive,
  '.json': readJson,
  '.pt': readPyTorch,
  '.pth': readPyTorch,
  '.bpk': burn(readBurnpack),
  '.mpk': burn(readMpk),
};

const WRITERS: Readonly<Record<string, (a: Archive) => Uint8Array>> = {
  '.safetensors': writeSafetensors,
  '.npz': writeNpz,
  '.npy': writeNpyArchive,
  '.json': writeJson,
  '.bpk': (a) => writeBurnpack(toBurn(a).archive),
};

const CHECKPOINT = '.cbor';
/** How the readers' hint begins where float64 needs to be asked for. */
const CAST = 'Pass { cast: true }';

export async function convert(from: string, to: string, o: ConvertOptions, t: Terminal): Promise<void> {
  const end = endOf(to);
  if (end !== CHECKPOINT && !WRITERS[end]) throw unknown(to, [CHECKPOINT, ...Object.keys(WRITERS)], 'written');
  const { store, key, there } = await targetAt(to);
  if (there && !o.force) {
    throw new OptionError(`convert: ${to} is there already`, { hint: 'Give another name, or --force to replace it.' });
  }
  const { content, narrowed } = await load(from, o);
  const chosen = o.forInference ? forInference(content) : content;
  if (o.include && chosen.tensors.size === 0) throw none(o.include, [...content.tensors.keys()], ' of the model');
  const { tensors, cast } = o.cast
    ? castWeights(chosen.tensors, o.cast, (name) => name.startsWith(MODEL))
    : { tensors: chosen.tensors, cast: [] };
  const out = { ...chosen, tensors };
  const bytes = end === CHECKPOINT ? await checkpointOf(out) : WRITERS[end](toArchive(out, o.forInference === true));
  // A store publishes whole files only, so that a kill leaves the old one or the new one.
  await store.put(key, bytes);
  const report = { from, to, tensors: out.tensors.size, bytes: bytes.length, narrowed, cast };
  if (o.json) t.out(`${JSON.stringify(report)}\n`);
  else {
    for (const n of narrowed) t.out(`${safe(n.name)}: ${n.from} to ${n.to}\n`);
    if (cast.length > 0) t.out(`${cast.length} tensors to ${o.cast}\n`);
    t.out(`${to}: ${out.tensors.size} tensors, ${bytes.length} bytes\n`);
  }
}

const unknown = (path: string, ends: readonly string[], done: string): OptionError =>
  new OptionError(`convert: ${path}: what is no ${ends.join(', ')} is not ${done}`, {
    hint: `Give a name that ends in one of ${ends.join(' ')}.`,
  });

async function load(from: string, o: ConvertOptions): Promise<{ content: Content; narrowed: ReadArchive['narrowed'] }> {
  const end = endOf(from);
  const read = READERS[end];
  const wanted = o.include ? matching(o.include) : () => true;
  if (read) {
    const names: string[] = [];
    const only = (name: string): boolean => {
      names.push(name);
      return wanted(name) || wanted(MODEL + name);
    };
    const archive = asked(read, await bytesAt(from), { cast: o.round, only, name: nameOf(from) });
    const content = fromArchive(archive);
    const tensors = new Map([...content.tensors].filter(([name]) => wanted(name)));
    if (o.include && tensors.size === 0) throw none(o.include, names);
    const narrowed = archive.narrowed.filter(({ name }) => tensors.has(name) || tensors.has(MODEL + name));
    return { content: { ...content, tensors }, narrowed };
  }
  const place = await placeOf(from);
  if (place.kind === 'file' && end !== CHECKPOINT) throw unknown(from, [CHECKPOINT, ...Object.keys(READERS)], 'read');
  // Of a part only its own bytes are fetched and verified.
  const { file } = await openAt(place, { lazy: o.include !== undefined });
  const { kind, schema, state } = file;
  const tensors = await file.readAll({ only: (t) => wanted(t.name) });
  if (o.include && tensors.size === 0)
    throw none(
      o.include,
      file.tensors.map((t) => t.name),
    );
  return { content: { kind, schema, state, tensors, metadata: {} }, narrowed: [] };
}

/** A file's own name, for a tensor that has none. */
const nameOf = (from: string): string | undefined => basename(from, extname(from)) || undefined;

/** What a format's reader asks for, by the command's own option. */
function asked(read: Read, bytes: Uint8Array, o: Parameters<Read>[1]): ReadArchive {
  try {
    return read(bytes, o);
  } catch (e) {
    if (!(e instanceof DataError) || !e.hint.includes(CAST)) throw e;
    const { message, code, details } = e;
    throw new DataError(message, { code, details, hint: e.hint.replace(CAST, 'Give --round'), cause: e });
  }
}

/** True for names that match one of the patterns, in which * stands for anything. Scales go with what they scale. */
function matching(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map(
    (p) => new RegExp(`^(?:${MODEL})?${p.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}(?:${SCALE})?$`),
  );
  return (name) => tests.some((x) => x.test(name));
}

const none = (patterns: readonly string[], names: readonly string[], which = ''): OptionError =>
  new OptionError(`convert: no tensor${which} fits --include ${patterns.join(' --include ')}`, {
    hint: `There are ${names.length}: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`,
  });

async function checkpointOf({ kind, schema, state, tensors }: Content): Promise<Uint8Array> {
  const encoded = await encodeCheckpoint({ kind, schema, state, tensors });
  const bytes = await encoded.bytes();
  await openCheckpoint(bytes);
  return bytes;
}
