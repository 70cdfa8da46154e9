/** `isobit convert`: between checkpoints and the files of other programs, by the ends of their names. */

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { type CheckpointFile, encodeCheckpoint, openCheckpoint, type State } from '../checkpoint/index.ts';
import { ARRAY, type DType, isFloat } from '../core/dtype.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import { castOf } from '../core/scalar/cast.ts';
import type { Archive, ReadArchive, ReadArchiveOptions } from '../formats/archive.ts';
import { fromBurn, toBurn } from '../formats/burn.ts';
import { readBurnpack, writeBurnpack } from '../formats/burnpack.ts';
import { readJson, writeJson } from '../formats/json.ts';
import { readMpk } from '../formats/mpk.ts';
import { readNpz, writeNpz } from '../formats/npz.ts';
import { readPyTorch } from '../formats/pytorch.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import type { ConvertOptions } from './options.ts';
import { openAt, placeOf } from './place.ts';
import type { Terminal } from './program.ts';

type Read = (bytes: Uint8Array, o: ReadArchiveOptions) => ReadArchive;

const burn =
  (read: Read): Read =>
  (bytes, o) =>
    fromBurn(read(bytes, o)).archive;

const READERS: Readonly<Record<string, Read>> = {
  '.safetensors': readSafetensors,
  '.npz': readNpz,
  '.json': readJson,
  '.pt': readPyTorch,
  '.pth': readPyTorch,
  '.bpk': burn(readBurnpack),
  '.mpk': burn(readMpk),
};

const WRITERS: Readonly<Record<string, (a: Archive) => Uint8Array>> = {
  '.safetensors': writeSafetensors,
  '.npz': (a) => writeNpz({ ...a, metadata: {} }),
  '.json': writeJson,
  '.bpk': (a) => writeBurnpack(toBurn(a).archive),
};

const CHECKPOINT = '.cbor';
const MODEL = 'model/';
/** Where another format keeps what only a checkpoint has a place for. */
const STATE = 'isobit';

/** What goes from one file to the other: a checkpoint's names and state, whatever it came from. */
interface Content {
  readonly kind: string;
  readonly schema: Readonly<Record<string, number>>;
  readonly state: State;
  readonly tensors: Map<string, HostArray>;
  readonly metadata: Readonly<Record<string, Json>>;
}

export async function convert(from: string, to: string, o: ConvertOptions, t: Terminal): Promise<void> {
  const end = extname(to).toLowerCase();
  if (end !== CHECKPOINT && !WRITERS[end]) throw unknown(to, [CHECKPOINT, ...Object.keys(WRITERS)], 'written');
  const there = await stat(to).catch(() => null);
  if (there && !o.force) {
    throw new OptionError(`convert: ${to} is there already`, { hint: 'Give another name, or --force to replace it.' });
  }
  const { content, narrowed } = await load(from, o);
  const kept = o.forInference ? forInference(content) : content;
  const chosen = select(kept, o.include);
  const { content: out, cast } = o.cast ? castTo(chosen, o.cast) : { content: chosen, cast: [] };
  const bytes = end === CHECKPOINT ? await checkpointOf(out) : WRITERS[end](archiveOf(out, o.forInference === true));
  // A store publishes whole files only, so that a kill leaves the old one or the new one.
  await fsStore(dirname(resolve(to))).put(basename(to), bytes);
  const report = { from, to, tensors: out.tensors.size, bytes: bytes.length, narrowed, cast };
  if (o.json) t.out(`${JSON.stringify(report)}\n`);
  else {
    for (const n of narrowed) t.out(`${n.name}: ${n.from} to ${n.to}\n`);
    if (cast.length > 0) t.out(`${cast.length} tensors to ${o.cast}\n`);
    t.out(`${to}: ${out.tensors.size} tensors, ${bytes.length} bytes\n`);
  }
}

const unknown = (path: string, ends: readonly string[], done: string): OptionError =>
  new OptionError(`convert: ${path}: what is no ${ends.join(', ')} is not ${done}`, {
    hint: `Give a name that ends in one of ${ends.join(' ')}.`,
  });

async function load(from: string, o: ConvertOptions): Promise<{ content: Content; narrowed: ReadArchive['narrowed'] }> {
  const read = READERS[extname(from).toLowerCase()];
  if (!read) {
    const place = await placeOf(from);
    if (place.kind === 'file' && extname(from).toLowerCase() !== CHECKPOINT) {
      throw unknown(from, [CHECKPOINT, ...Object.keys(READERS)], 'read');
    }
    return { content: await contentOf((await openAt(place)).file), narrowed: [] };
  }
  const bytes = await readFile(from).catch((cause: { code?: string }) => {
    throw new CheckpointError('E_NOT_FOUND', `${from}: cannot be read (${cause.code})`, {
      path: from,
      hint: 'Check the name; only checkpoints are read from addresses.',
    });
  });
  const archive = read(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), { cast: o.round });
  return { content: fromArchive(archive), narrowed: archive.narrowed };
}

async function contentOf(file: CheckpointFile): Promise<Content> {
  const { kind, schema, state } = file;
  return { kind, schema, state, tensors: await file.readAll(), metadata: {} };
}

/** A file that we wrote holds the state it came with; of any other the tensors are a model's weights. */
function fromArchive({ tensors, metadata, architecture }: ReadArchive): Content {
  const { [STATE]: kept, ...rest } = metadata;
  if (kept !== undefined) {
    const { kind, schema, state } = (typeof kept === 'string' ? JSON.parse(kept) : kept) as Content;
    return { kind, schema, state, tensors: new Map(tensors), metadata: rest };
  }
  const renamed = new Map([...tensors].map(([name, t]) => [MODEL + name, t]));
  const user: State = Object.keys(rest).length > 0 ? { user: rest } : {};
  return {
    kind: 'weights',
    schema: { model: 1 },
    state: { model: architecture ?? null, ...user },
    tensors: renamed,
    metadata: {},
  };
}

/** The model alone: parameters, buffers and description. */
function forInference(c: Content): Content {
  const tensors = new Map([...c.tensors].filter(([name]) => name.startsWith(MODEL)));
  const { model = null, user } = c.state;
  const schema = Object.fromEntries(Object.entries(c.schema).filter(([k]) => k === 'model' || k === 'numerics'));
  const state: State = user === undefined ? { model } : { model, user };
  return { ...c, kind: 'weights', schema, state, tensors };
}

/** Tensors whose names match one of the patterns, in which * stands for anything. */
function select(c: Content, patterns: readonly string[] | undefined): Content {
  if (!patterns) return c;
  const tests = patterns.map(
    (p) => new RegExp(`^(?:${MODEL})?${p.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`),
  );
  const tensors = new Map([...c.tensors].filter(([name]) => tests.some((x) => x.test(name))));
  if (tensors.size > 0) return { ...c, tensors };
  const some = [...c.tensors.keys()].slice(0, 8).join(', ');
  throw new OptionError(`convert: no tensor's name fits --include ${patterns.join(' --include ')}`, {
    hint: `There are ${c.tensors.size}: ${some}${c.tensors.size > 8 ? ', …' : ''}`,
  });
}

/** Float tensors of the model in another dtype, half to even (N9). */
function castTo(c: Content, dtype: 'f32' | 'f16' | 'bf16'): { content: Content; cast: string[] } {
  const cast: string[] = [];
  const tensors = new Map<string, HostArray>();
  for (const [name, t] of c.tensors) {
    const change = name.startsWith(MODEL) && isFloat(t.dtype) && t.dtype !== dtype;
    if (change) cast.push(name);
    tensors.set(name, change ? { ...t, ...elements(t, dtype) } : t);
  }
  return { content: { ...c, tensors }, cast };
}

function elements(t: HostArray, dtype: DType): Pick<HostArray, 'data' | 'dtype'> {
  const data = new ARRAY[dtype](t.data.length);
  for (let i = 0; i < data.length; i++) data[i] = castOf(t.data[i], t.dtype, dtype);
  return { data, dtype };
}

async function checkpointOf({ kind, schema, state, tensors }: Content): Promise<Uint8Array> {
  const encoded = await encodeCheckpoint({ kind, schema, state, tensors });
  const bytes = await encoded.bytes();
  await openCheckpoint(bytes);
  return bytes;
}

/** For inference under the parameters' own names; else with all that is needed to come back as the same checkpoint. */
function archiveOf({ kind, schema, state, tensors, metadata }: Content, plain: boolean): Archive {
  if (!plain)
    return {
      tensors,
      metadata: { ...metadata, [STATE]: JSON.stringify({ kind, schema, state }) },
      architecture: state.model ?? null,
    };
  const user = state.user as Readonly<Record<string, Json>> | undefined;
  const named = new Map([...tensors].map(([name, t]) => [name.slice(MODEL.length), t]));
  return { tensors: named, metadata: { ...user, ...metadata }, architecture: state.model ?? null };
}
