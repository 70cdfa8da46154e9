/**
 * Reading a file, where nothing is believed before it is checked: magic and version, the prologue's numbers against the
 * real size, the index's digest and spelling, what it says, the derived layout against the prologue, the root over all
 * leaves, then every leaf and every byte between. Nothing is allocated that the real size does not bear out.
 */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { hex, sha256 } from '../core/sha256.ts';
import { concatBytes, sameBytes } from './bytes.ts';
import {
  checkLayout,
  DIGEST,
  frameBytes,
  INDEX_OFF,
  type Layout,
  LEAF,
  layOut,
  type Placed,
  PREFIX,
  readPrologue,
  sealHead,
  tensorsHead,
} from './layout.ts';
import { type Limits, limitsOf } from './limits.ts';
import { decodeManifest, type Manifest, type Schema, type State } from './manifest.ts';
import { fingerprintOfLeaves, rootOf } from './seal.ts';
import { fetchAll, type Place, type Segment, twice } from './segments.ts';
import { type ByteSource, bytesSource, storeSource, WHOLE } from './source.ts';
import { arrayOf, blank } from './tensor.ts';

/** One tensor of an open file. */
export type TensorInfo = Readonly<Pick<Placed, 'name' | 'dtype' | 'shape' | 'offset' | 'bytes'>>;

export interface OpenOptions extends IO {
  /**
   * 'full' (the default) checks every byte before it answers. 'lazy' checks prologue, index and the root over all leaves,
   * and each tensor when it is read: for loading a part of a file over a network. 'keep' is 'full' for who will read all of a
   * large file: what was verified stays in memory, and is given to the first who reads it, so that nothing is read twice.
   * 'fresh' is 'full', of what lies where it was put: a store that keeps copies reads it anew.
   */
  verify?: 'full' | 'lazy' | 'keep' | 'fresh';
  limits?: Partial<Limits>;
}

/** An open file. What it gives has been verified. */
export interface CheckpointFile {
  /** Where it came from, for messages. */
  readonly source: string;
  readonly size: number;
  readonly kind: string;
  readonly schema: Schema;
  readonly state: State;
  /** Ascending by the UTF-8 bytes of their names. */
  readonly tensors: readonly TensorInfo[];
  readonly root: string;
  readonly fingerprint: string;
  has(name: string): boolean;
  /** A fresh array. E_MISSING names what is there; E_INTEGRITY where the bytes changed since. */
  read(name: string, o?: IO): Promise<HostArray>;
  /** All tensors, or those that `only` picks, with neighbours fetched together. */
  readAll(o?: IO & { only?: (t: TensorInfo) => boolean }): Promise<Map<string, HostArray>>;
  /** Checks every byte of the file. */
  verify(o?: IO): Promise<void>;
}

/** The first fetch: enough for the index of an ordinary model. */
const FIRST = 64 * 1024;

/**
 * Opens a checkpoint from bytes or from a store.
 *
 * @example
 *   const file = await openCheckpoint(await readFile('model.cbor'));
 *   const w = await file.read('model/fc1.weight');
 * @throws CheckpointError E_MAGIC, E_VERSION, E_REQUIRES, E_TRUNCATED, E_TRAILING, E_NONCANONICAL, E_LAYOUT, E_SCHEMA,
 *   E_LIMIT, E_INTEGRITY; from a store also E_NOT_FOUND and what the store throws. OptionError for a source that is neither.
 */
export async function openCheckpoint(
  source: Uint8Array | { readonly store: Store; readonly key: string },
  o: OpenOptions = {},
): Promise<CheckpointFile> {
  const limits = limitsOf(o.limits);
  if (!(source instanceof Uint8Array || source?.store)) {
    throw new OptionError('openCheckpoint: no bytes and no store', { hint: 'give bytes(), or { store, key }' });
  }
  const { signal, verify } = o;
  const attempt = async (again: boolean): Promise<CheckpointFile> => {
    const fresh = again || verify === 'fresh';
    const from =
      source instanceof Uint8Array
        ? bytesSource(source)
        : await storeSource(source.store, source.key, verify !== 'lazy', { signal, fresh });
    try {
      return await open(from, limits, o);
    } catch (e) {
      throw located(e, from.name);
    }
  };
  return source instanceof Uint8Array ? attempt(false) : twice(attempt);
}

/** Adds where the file lies to an error that does not say. */
function located(e: unknown, name: string): unknown {
  if (!(e instanceof CheckpointError) || e.message.startsWith(name)) return e;
  const { code, hint, details, path = name, tensor, offset, expected, actual, retryable, cause } = e;
  const info = { hint, details, path, tensor, offset, expected, actual, retryable, cause };
  return new CheckpointError(code, `${name}: ${e.message}`, info);
}

async function open(from: ByteSource, limits: Limits, o: OpenOptions): Promise<CheckpointFile> {
  const first = await from.read(0, Math.min(FIRST, from.size), o);
  const prologue = readPrologue(first, from.size, limits);
  const indexEnd = INDEX_OFF + prologue.indexLen;
  const index =
    indexEnd <= first.length
      ? first.subarray(INDEX_OFF, indexEnd)
      : concatBytes([first.subarray(INDEX_OFF), await from.read(first.length, indexEnd - first.length, o)]);
  if (!sameBytes(await sha256(index), prologue.digest)) {
    throw damaged('the index does not match its digest', { offset: INDEX_OFF });
  }
  const manifest = decodeManifest(index, limits, prologue.minor);
  const layout = layOut(index.length, manifest.tensors, limits);
  checkLayout(prologue, layout);

  const seal = await from.read(layout.sealOff, layout.fileLen - layout.sealOff, o);
  const headLen = layout.leavesOff - layout.sealOff;
  if (!sameBytes(seal.subarray(0, headLen), sealHead(layout))) throw between(layout.sealOff);
  const leaves = seal.slice(headLen, -DIGEST);
  const root = await rootOf(first.subarray(PREFIX.length, INDEX_OFF), leaves);
  if (!sameBytes(root, seal.subarray(-DIGEST))) {
    throw damaged('the root does not match', { offset: layout.fileLen - DIGEST });
  }
  const fingerprint = await fingerprintOfLeaves(manifest, layout, leaves);
  return OpenFile.verified(new OpenFile(from, manifest, layout, leaves, hex(root), fingerprint), o);
}

function damaged(why: string, info: { offset: number; tensor?: string }): CheckpointError {
  return new CheckpointError('E_INTEGRITY', why, {
    ...info,
    hint: 'the bytes are damaged; restore an earlier checkpoint',
  });
}

function between(offset: number): CheckpointError {
  return new CheckpointError('E_LAYOUT', `wrong bytes between tensors, near byte ${offset}`, {
    offset,
    hint: 'the bytes are damaged; restore an earlier checkpoint',
  });
}

class OpenFile implements CheckpointFile {
  readonly source: string;
  readonly size: number;
  readonly kind: string;
  readonly schema: Schema;
  readonly state: State;
  readonly tensors: readonly TensorInfo[];
  readonly root: string;
  readonly fingerprint: string;
  readonly #from: ByteSource;
  readonly #layout: Layout;
  readonly #leaves: Uint8Array;
  readonly #byName: ReadonlyMap<string, Placed>;
  /** Verified, and not given to anybody yet. */
  readonly #kept = new Map<string, Uint8Array>();

  constructor(from: ByteSource, m: Manifest, l: Layout, leaves: Uint8Array, root: string, fingerprint: string) {
    this.source = from.name;
    this.size = l.fileLen;
    this.kind = m.kind;
    this.schema = m.schema;
    this.state = m.state;
    this.tensors = l.tensors;
    this.root = root;
    this.fingerprint = fingerprint;
    this.#from = from;
    this.#layout = l;
    this.#leaves = leaves;
    this.#byName = new Map(l.tensors.map((t) => [t.name, t]));
  }

  static async verified(file: OpenFile, o: OpenOptions): Promise<OpenFile> {
    // A source in memory can be read again for nothing.
    if (o.verify !== 'lazy') await file.#verify(o, o.verify === 'keep' && file.size > WHOLE);
    return file;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  async read(name: string, o: IO = {}): Promise<HostArray> {
    const t = this.#byName.get(name);
    if (!t) {
      const some = this.tensors.slice(0, 8).map((e) => e.name);
      throw new CheckpointError('E_MISSING', `${this.source}: no tensor '${name}'`, {
        path: this.source,
        tensor: name,
        actual: some,
        hint: `it holds ${this.tensors.length} tensors: ${some.join(', ')}${this.tensors.length > 8 ? ', …' : ''}`,
      });
    }
    return (await this.#load([t], o)).get(name)!;
  }

  readAll(o: IO & { only?: (t: TensorInfo) => boolean } = {}): Promise<Map<string, HostArray>> {
    return this.#load(o.only ? this.#layout.tensors.filter(o.only) : this.#layout.tensors, o);
  }

  verify(o: IO = {}): Promise<void> {
    return this.#verify(o, false);
  }

  async #verify(o: IO, keep: boolean): Promise<void> {
    const l = this.#layout;
    const exact = (offset: number, want: Uint8Array): Segment => ({
      offset,
      length: want.length,
      check: (got) => {
        if (!sameBytes(got, want)) throw between(offset);
      },
    });
    const places = this.#places(keep ? l.tensors : []);
    const segments = function* (file: OpenFile): Iterable<Segment> {
      yield exact(l.tensorsOff, tensorsHead(l));
      for (const t of l.tensors) {
        yield exact(t.frame, frameBytes(t));
        yield* file.#leafSegments(t, places.get(t));
      }
    };
    await fetchAll(this.#from, segments(this), o);
    for (const [t, { memory }] of places) this.#kept.set(t.name, memory);
  }

  async #load(tensors: readonly Placed[], o: IO): Promise<Map<string, HostArray>> {
    const places = this.#places(tensors);
    const segments = function* (file: OpenFile): Iterable<Segment> {
      for (const [t, place] of places) if (!file.#kept.has(t.name)) yield* file.#leafSegments(t, place);
    };
    await fetchAll(this.#from, segments(this), o);
    const out = new Map<string, HostArray>();
    for (const [t, { memory }] of places) {
      out.set(t.name, arrayOf(t, memory));
      this.#kept.delete(t.name); // each array is given once
    }
    return out;
  }

  /**
   * Memory for each tensor: what is kept of it, or new, all of that at once. The garbage collector looks around at every few MiB of
   * new arrays, and takes longer the more threads have something to do.
   */
  #places(tensors: readonly Placed[]): Map<Placed, Place> {
    return new Map(tensors.map((t) => [t, { memory: this.#kept.get(t.name) ?? blank(t.bytes) }]));
  }

  /** The leaves of a tensor; those that verify are then in `place`. */
  *#leafSegments(t: Placed, place?: Place): Iterable<Segment> {
    for (let i = 0; i < t.leaves; i++) {
      const at = i * LEAF;
      const want = this.#leaves.subarray((t.leaf + i) * DIGEST, (t.leaf + i + 1) * DIGEST);
      yield {
        offset: t.offset + at,
        length: Math.min(LEAF, t.bytes - at),
        leaf: true,
        place,
        at,
        check: (got, digest) => {
          if (!sameBytes(digest, want)) {
            throw damaged(`tensor '${t.name}' does not match its digest`, { offset: t.offset + at, tensor: t.name });
          }
          if (t.dtype === 'bool' && got.some((v) => v > 1)) {
            throw new CheckpointError('E_NONCANONICAL', `tensor '${t.name}': bool holds a value other than 0 and 1`, {
              tensor: t.name,
              hint: 'the file was not written by isobit',
            });
          }
        },
      };
    }
  }
}
