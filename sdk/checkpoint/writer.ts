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
import { DIGEST, type Layout, LEAF, layOut, PREFIX, prologueBytes, sealHead, tensorsHead } from './layout.ts';
import { type Limits, limitsOf } from './limits.ts';
import { checkManifest, encodeManifest, type Manifest, type Schema, type State, sortByName } from './manifest.ts';
import { fingerprintOfLeaves, rootOf } from './seal.ts';
import { aligned, leavesOf, stretchesOf } from './stretches.ts';
import { blank, rawBytes, type TensorSource } from './tensor.ts';

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

/** Memory that is used again and again: a save may hold 16 MiB and a tensor. */
export const ROOM = 5 * LEAF;
const ROOMS = 3;
/** Bytes of an image that are handed on at once. */
const PIECE = 8 * LEAF;

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
  const start = layout.tensors[0]?.frame ?? 0;
  const copyInto = async (memory: Uint8Array, io: IO) => {
    memory.set(top);
    for await (const _ of stretchesOf(layout, content.tensors, io, () => memory.subarray(aligned(start))));
  };
  let image = o.image?.(layout.fileLen);
  if (image) await copyInto(image, o);

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

  /** One: a save has other work beside, and the program maybe too. */
  const threads = layout.fileLen >= WORTH ? 1 : 0;
  /** Hashes an image, and seals it. */
  const sealInto = async (memory: Uint8Array): Promise<Uint8Array> => {
    const parts = layout.tensors.flatMap((t) => leavesOf(t, t.offset));
    const hashed = await digestsOf(memory, parts, threads);
    hashed.memory.set(await finish(hashed.digests), layout.sealOff);
    return hashed.memory;
  };

  /** One stretch is put together, one hashed and one stored at a time. */
  async function* stretches(io: IO): AsyncIterable<Uint8Array> {
    const found = new Uint8Array(layout.leafCount * DIGEST);
    const free: Uint8Array[] = [];
    const waiting: Promise<Uint8Array>[] = [];
    const first = async function* () {
      const bytes = await waiting.shift()!;
      yield bytes;
      free.push(new Uint8Array(bytes.buffer));
    };
    yield top;
    const take = () => free.pop() ?? blank(ROOM);
    for await (const { bytes, parts, leaf } of stretchesOf(layout, content.tensors, io, take)) {
      const hashed = digestsOf(bytes, parts, threads).then(({ memory, digests }) => {
        found.set(digests, leaf * DIGEST);
        return memory;
      });
      hashed.catch(() => {}); // a store that fails never comes to await it
      if (waiting.push(hashed) === ROOMS) yield* first();
    }
    while (waiting.length > 0) yield* first();
    yield await finish(found);
  }

  let sealed: Promise<Uint8Array> | undefined;
  async function* stream(io: IO): AsyncIterable<Uint8Array> {
    if (image) {
      // Nobody else writes to it, so it is hashed once.
      sealed ??= sealInto(image);
      image = (await sealed) as Uint8Array<ArrayBuffer>;
      for (let at = 0; at < layout.fileLen; at += PIECE) {
        io.signal?.throwIfAborted();
        yield image.subarray(at, Math.min(at + PIECE, layout.fileLen));
      }
    } else if (layout.fileLen > ROOM) yield* stretches(io);
    else {
      io.signal?.throwIfAborted();
      const memory = blank(layout.fileLen);
      await copyInto(memory, io);
      yield sealInto(memory);
    }
  }

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
      const all = blank(draft.size);
      let at = 0;
      for await (const chunk of draft.body.chunks()) {
        all.set(chunk, at);
        at += chunk.length;
      }
      return all;
    },
  };
}

/** The fingerprint of a state without writing it: 64 hexadecimal digits, equal for equal states on every runtime. */
export async function fingerprintOf(content: CheckpointContent, o: EncodeOptions = {}): Promise<string> {
  return (await (await draftCheckpoint(content, o)).seal(o)).fingerprint;
}
