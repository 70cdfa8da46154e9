/**
 * Writing a file: all sizes are known before any data, so it is one pass that hashes what it hands on. The seal comes
 * last, so an unfinished file never verifies.
 */

import type { StoreBody } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import { hex, sha256 } from '../core/sha256.ts';
import { concatBytes, sameBytes } from './bytes.ts';
import { digestsOf, WORTH } from './digests.ts';
import { Hashing, leavesOf, TOGETHER } from './hashing.ts';
import {
  DIGEST,
  frameBytes,
  type Layout,
  LEAF,
  layOut,
  type Placed,
  PREFIX,
  prologueBytes,
  sealHead,
  tensorsHead,
} from './layout.ts';
import { type Limits, limitsOf } from './limits.ts';
import { checkManifest, encodeManifest, type Manifest, type Schema, type State, sortByName } from './manifest.ts';
import { fingerprintOfLeaves, rootOf } from './seal.ts';
import { arrayOf, rawBytes, type TensorSource } from './tensor.ts';

/** What a file holds. `kind` is 'train' for a training state, 'weights' for a model alone. */
export interface CheckpointContent {
  readonly kind: string;
  /** One version number a component; changing what a component stores raises its number. */
  readonly schema?: Schema;
  readonly state: State;
  /** In any order; names are `/`-separated, such as 'model/fc1.weight'. */
  readonly tensors: ReadonlyMap<string, TensorSource>;
}

/** The identities of a file, in hexadecimal. */
export interface Seal {
  /** Content address: these bytes. */
  readonly root: string;
  /** The same state, whatever the layout. */
  readonly fingerprint: string;
}

/** A file that is laid out but not yet hashed. */
export interface CheckpointDraft {
  readonly size: number;
  /** Can be streamed again; every pass must find the same tensors (E_INTEGRITY where they changed). */
  readonly body: StoreBody;
  /** The seal, once `body` has been streamed to its end or `seal()` was awaited. */
  sealed(): Seal;
  /** Hashes without writing, unless that is done. */
  seal(o?: IO): Promise<Seal>;
  /** Of a draft with an image: where its memory is now, which goes to the thread that hashes and comes back. */
  readonly image?: Uint8Array<ArrayBuffer>;
}

export interface EncodedCheckpoint extends Seal {
  readonly size: number;
  readonly body: StoreBody;
  /** The whole file in memory. */
  bytes(o?: IO): Promise<Uint8Array>;
}

export interface EncodeOptions extends IO {
  limits?: Partial<Limits>;
  /**
   * Memory of so many bytes or more, a multiple of 8 from its buffer's beginning, and the draft's from then on, with its whole
   * buffer: the whole state is copied into it before the draft is there, laid out as the file, and streamed from it without
   * another copy.
   */
  image?: (bytes: number) => Uint8Array<ArrayBuffer>;
}

/** Small pieces are handed on together, so that a store is not given thousands of tiny chunks. */
const GATHER = LEAF;
/** Tensors that are copied into an image are read so many bytes at a time: a device then answers once for many. */
const READ = 16 * LEAF;

/**
 * Checks the content and lays it out; hashes nothing yet. Stores that publish under a late name stream `body` once and
 * ask `sealed()` for the name.
 * @throws CheckpointError E_ENCODE (with the path of the value), E_DTYPE, E_SHAPE, E_LIMIT.
 */
export async function draftCheckpoint(content: CheckpointContent, o: EncodeOptions = {}): Promise<CheckpointDraft> {
  const limits = limitsOf(o.limits);
  const specs = [...content.tensors].map(([name, t]) => ({ name, dtype: t.dtype, shape: [...t.shape] }));
  const manifest: Manifest = {
    kind: content.kind,
    requires: [],
    schema: { ...content.schema },
    state: content.state,
    tensors: sortByName(specs),
  };
  checkManifest(manifest, limits, 'E_ENCODE');
  const index = encodeManifest(manifest, limits);
  const layout = layOut(index.length, manifest.tensors, limits);
  const prologue = prologueBytes(layout, await sha256(index));
  for (const t of layout.tensors) {
    const source = content.tensors.get(t.name)!;
    if ('data' in source) rawBytes(t, source.data);
  }

  const top = concatBytes([PREFIX, prologue, index, tensorsHead(layout)]);
  let image = o.image?.(layout.fileLen);
  if (image) {
    image.set(top);
    await copyInto(image, layout, content.tensors, o);
  }

  let leaves: Uint8Array | undefined;
  let root: Uint8Array | undefined;
  let seal: Seal | undefined;
  const finish = async (found: Uint8Array): Promise<Uint8Array> => {
    if (leaves && !sameBytes(leaves, found)) throw changed(layout, leaves, found);
    leaves = found;
    root ??= await rootOf(prologue, leaves);
    seal ??= { root: hex(root), fingerprint: await fingerprintOfLeaves(manifest, layout, leaves) };
    return concatBytes([sealHead(layout), found, root]);
  };

  let hashed: Promise<void> | undefined;
  /** Nobody else writes to an image, so it is hashed once. */
  const hash = async (memory: Uint8Array): Promise<void> => {
    const parts = layout.tensors.flatMap((t) => leavesOf(t.offset, t.bytes));
    const found = await digestsOf(memory, parts, layout.fileLen >= WORTH);
    image = found.memory as Uint8Array<ArrayBuffer>;
    image.set(await finish(found.digests), layout.sealOff);
  };

  async function* slices(io: IO): AsyncIterable<Uint8Array> {
    hashed ??= hash(image!);
    await hashed;
    const piece = 2 * TOGETHER * LEAF;
    for (let at = 0; at < layout.fileLen; at += piece) {
      io.signal?.throwIfAborted();
      yield image!.subarray(at, Math.min(at + piece, layout.fileLen));
    }
  }

  async function* chunks(io: IO): AsyncIterable<Uint8Array> {
    const hashing = new Hashing(layout);
    let pieces = [top];
    let held = 0;
    for (const t of layout.tensors) {
      pieces.push(frameBytes(t));
      for await (const { bytes, leaf } of piecesOf(t, content.tensors.get(t.name)!, io)) {
        // The store writes while the platform hashes.
        await hashing.add(bytes, leaf);
        held += bytes.length;
        const large = bytes.length >= GATHER;
        if (!large) pieces.push(bytes);
        if (held < GATHER) continue;
        if (pieces.length > 0) yield concatBytes(pieces);
        if (large) yield bytes;
        [pieces, held] = [[], 0];
      }
    }
    pieces.push(await finish(await hashing.end()));
    yield concatBytes(pieces);
  }

  const stream = image ? slices : chunks;
  return {
    size: layout.fileLen,
    body: { size: layout.fileLen, chunks: () => stream({ signal: o.signal }) },
    sealed() {
      if (!seal)
        throw new CheckpointError('E_BUSY', 'the checkpoint is not hashed yet', { hint: 'await seal() first' });
      return seal;
    },
    async seal(io = {}) {
      if (!seal) for await (const _ of stream(io)); // all there is to do is done on the way
      return seal!;
    },
    get image() {
      return image;
    },
  };
}

/** Copies all tensors to their places in an image of the file, with what is between them. */
async function copyInto(
  image: Uint8Array<ArrayBuffer>,
  layout: Layout,
  sources: CheckpointContent['tensors'],
  io: IO,
): Promise<void> {
  let reading: Promise<void>[] = [];
  let bytes = 0;
  for (const t of layout.tensors) {
    const source = sources.get(t.name)!;
    const into = arrayOf(t, image.subarray(t.offset)).data;
    image.set(frameBytes(t), t.frame);
    const copy = async () => {
      const data = 'data' in source ? source.data : await source.read({ signal: io.signal, into });
      rawBytes(t, data);
      if (data.buffer !== image.buffer) into.set(data);
    };
    reading.push(copy());
    bytes += t.bytes;
    if (bytes < READ) continue;
    await Promise.all(reading);
    [reading, bytes] = [[], 0];
  }
  await Promise.all(reading);
}

/** A tensor in pieces of whole leaves, each with the number of its first one. */
async function* piecesOf(t: Placed, source: TensorSource, io: IO): AsyncIterable<{ bytes: Uint8Array; leaf: number }> {
  io.signal?.throwIfAborted();
  const raw = rawBytes(t, 'data' in source ? source.data : await source.read(io));
  for (let i = 0; i < t.leaves; i += TOGETHER) {
    io.signal?.throwIfAborted();
    const part = raw.subarray(i * LEAF, (i + TOGETHER) * LEAF);
    // What is hashed and stored are the same bytes, whoever else writes to shared memory.
    yield { bytes: part.buffer instanceof ArrayBuffer ? part : new Uint8Array(part), leaf: t.leaf + i };
  }
}

function changed(l: Layout, before: Uint8Array, after: Uint8Array): CheckpointError {
  let leaf = 0;
  while (
    sameBytes(before.subarray(leaf * DIGEST, (leaf + 1) * DIGEST), after.subarray(leaf * DIGEST, (leaf + 1) * DIGEST))
  ) {
    leaf++;
  }
  const name = l.tensors.find((t) => leaf < t.leaf + t.leaves)?.name;
  return new CheckpointError('E_INTEGRITY', `tensor '${name}': changed while the checkpoint was being written`, {
    tensor: name,
    hint: 'save between steps, or give it a copy',
  });
}

/**
 * A checkpoint file, hashed and ready to be written: the same content gives the same bytes on every runtime.
 *
 * @example
 *   const file = await encodeCheckpoint({ kind: 'weights', state: {}, tensors: new Map([['model/w', w]]) });
 *   await store.put(`${file.root}.cbor`, file.body, { ifAbsent: true });
 * @throws CheckpointError E_ENCODE, E_DTYPE, E_SHAPE, E_LIMIT.
 */
export async function encodeCheckpoint(content: CheckpointContent, o: EncodeOptions = {}): Promise<EncodedCheckpoint> {
  const draft = await draftCheckpoint(content, o);
  const seal = await draft.seal(o);
  return {
    ...seal,
    size: draft.size,
    body: draft.body,
    async bytes() {
      const parts: Uint8Array[] = [];
      // a chunk may be a view of a tensor: joining them copies
      for await (const chunk of draft.body.chunks()) parts.push(chunk);
      return concatBytes(parts);
    },
  };
}

/** The fingerprint of a state without writing it: 64 hexadecimal digits, equal for equal states on every runtime. */
export async function fingerprintOf(content: CheckpointContent, o: EncodeOptions = {}): Promise<string> {
  return (await (await draftCheckpoint(content, o)).seal(o)).fingerprint;
}
