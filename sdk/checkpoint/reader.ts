/**
 * Reading a file, where nothing is believed before it is checked: magic and version, the prologue's numbers against the
 * real size, the index's digest and spelling, what it says, the derived layout against the prologue, the root over all
 * leaves, then every leaf and every byte between. Nothing is allocated that the real size does not bear out.
 */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { hex, sha256, sha256Aside } from '../core/sha256.ts';
import { concatBytes, sameBytes } from './bytes.ts';
import { isDamage } from './damage.ts';
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
import { type ByteSource, bytesSource, storeSource } from './source.ts';
import { emptyTensor } from './tensor.ts';

/** One tensor of an open file. */
export type TensorInfo = Readonly<Pick<Placed, 'name' | 'dtype' | 'shape' | 'offset' | 'bytes'>>;

export interface OpenOptions extends IO {
  /**
   * 'full' (the default) checks every byte before it answers. 'lazy' checks prologue, index and the root over all leaves,
   * and each tensor when it is read: for loading a part of a file over a network.
   */
  verify?: 'full' | 'lazy';
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

/** A run of bytes and what must hold for it. */
interface Segment {
  readonly offset: number;
  readonly length: number;
  /** Where the bytes are to be in the end. */
  readonly into?: Uint8Array;
  check(bytes: Uint8Array): Promise<void> | void;
}

/** One fetch is at most this long, and skips no more than GAP bytes to join its neighbours. Two are in memory. */
const FETCH = 8 * 2 ** 20;
const GAP = 64 * 1024;
/** The first fetch: enough for the index of an ordinary model. */
const FIRST = 64 * 1024;

/**
 * Opens a checkpoint from bytes or from a store.
 *
 * @example
 *   const file = await openCheckpoint(await readFile('model.cbor'));
 *   const w = await file.read('model/fc1.weight');
 * @throws CheckpointError E_MAGIC, E_VERSION, E_REQUIRES, E_TRUNCATED, E_TRAILING, E_NONCANONICAL, E_LAYOUT, E_SCHEMA,
 *   E_LIMIT, E_INTEGRITY; from a store also E_NOT_FOUND and what the store throws.
 */
export async function openCheckpoint(
  source: Uint8Array | { readonly store: Store; readonly key: string },
  o: OpenOptions = {},
): Promise<CheckpointFile> {
  const limits = limitsOf(o.limits);
  const full = o.verify !== 'lazy';
  const attempt = async (fresh: boolean): Promise<CheckpointFile> => {
    const from =
      source instanceof Uint8Array
        ? bytesSource(source)
        : await storeSource(source.store, source.key, full, { signal: o.signal, fresh });
    try {
      const file = await open(from, limits, o);
      if (full) await file.verify(o);
      return file;
    } catch (e) {
      throw located(e, from.name);
    }
  };
  return source instanceof Uint8Array ? attempt(false) : twice(attempt);
}

/** A store that keeps copies may hold a damaged one: once more, and not from those. */
async function twice<T>(attempt: (fresh: boolean) => Promise<T>): Promise<T> {
  try {
    return await attempt(false);
  } catch (e) {
    if (!isDamage(e) || e.code === 'E_NOT_FOUND') throw e;
    return attempt(true);
  }
}

/** Adds where the file lies to an error that does not say. */
function located(e: unknown, name: string): unknown {
  if (!(e instanceof CheckpointError) || e.message.startsWith(name)) return e;
  const { code, hint, details, path = name, tensor, offset, expected, actual, retryable, cause } = e;
  const info = { hint, details, path, tensor, offset, expected, actual, retryable, cause };
  return new CheckpointError(code, `${name}: ${e.message}`, info);
}

async function open(from: ByteSource, limits: Limits, o: IO): Promise<CheckpointFile> {
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
  return new OpenFile(from, manifest, layout, leaves, hex(root), await fingerprintOfLeaves(manifest, layout, leaves));
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

  async verify(o: IO = {}): Promise<void> {
    const l = this.#layout;
    const exact = (offset: number, want: Uint8Array): Segment => ({
      offset,
      length: want.length,
      check: (got) => {
        if (!sameBytes(got, want)) throw between(offset);
      },
    });
    const segments = function* (file: OpenFile): Iterable<Segment> {
      yield exact(l.tensorsOff, tensorsHead(l));
      for (const t of l.tensors) {
        yield exact(t.frame, frameBytes(t));
        yield* file.#leafSegments(t);
      }
    };
    await this.#run(segments(this), o);
  }

  async #load(tensors: readonly Placed[], o: IO): Promise<Map<string, HostArray>> {
    const out = new Map<string, HostArray>();
    const segments = function* (file: OpenFile): Iterable<Segment> {
      for (const t of tensors) {
        const { array, bytes } = emptyTensor(t);
        out.set(t.name, array);
        yield* file.#leafSegments(t, bytes);
      }
    };
    await this.#run(segments(this), o);
    return out;
  }

  /** The leaves of a tensor; those that verify are copied to `into`. */
  *#leafSegments(t: Placed, into?: Uint8Array): Iterable<Segment> {
    for (let i = 0; i < t.leaves; i++) {
      const at = i * LEAF;
      const want = this.#leaves.subarray((t.leaf + i) * DIGEST, (t.leaf + i + 1) * DIGEST);
      const length = Math.min(LEAF, t.bytes - at);
      const place = into?.subarray(at, at + length);
      yield {
        offset: t.offset + at,
        length,
        into: place,
        check: async (got) => {
          if (!sameBytes(await sha256Aside(got), want)) {
            throw damaged(`tensor '${t.name}' does not match its digest`, { offset: t.offset + at, tensor: t.name });
          }
          if (t.dtype === 'bool' && got.some((v) => v > 1)) {
            throw new CheckpointError('E_NONCANONICAL', `tensor '${t.name}': bool holds a value other than 0 and 1`, {
              tensor: t.name,
              hint: 'the file was not written by isobit',
            });
          }
          if (place && !isThere(got, place)) place.set(got);
        },
      };
    }
  }

  /**
   * Fetches segments, given in ascending order, in as few ranges as FETCH and GAP allow, and checks each; a range is fetched while
   * the one before is checked. The first fault in the order of the file is thrown. A source that fills our memory is given the
   * places themselves where they lie together, else the same room again and again: fresh pages cost more than reading does.
   */
  async #run(segments: Iterable<Segment>, o: IO): Promise<void> {
    let checked: Promise<unknown> = Promise.resolve();
    let [room, other]: (Uint8Array | undefined)[] = [];
    let fills = false;
    for (const group of grouped(segments, () => fills)) {
      o.signal?.throwIfAborted();
      const last = group[group.length - 1];
      const start = group[0].offset;
      const length = last.offset + last.length - start;
      let into: Uint8Array | undefined = fills ? together(group) : undefined;
      if (!into) {
        if (!room || room.length < length) room = new Uint8Array(length);
        into = room;
        [room, other] = [other, room];
      }
      const { buffer }: { buffer: ArrayBufferLike } = into;
      const read = (fresh: boolean): Promise<Uint8Array> =>
        this.#from.read(start, length, { signal: o.signal, fresh, into });
      const fetched = read(false);
      fetched.catch(() => {}); // told behind the faults of the range before
      await checked;
      const bytes = await fetched;
      fills = bytes.buffer === buffer;
      checked = twice(async (fresh) => checkAll(group, fresh ? await read(true) : bytes));
      checked.catch(() => {}); // told before the next range, or at the end
    }
    await checked;
  }
}

const isThere = (a: Uint8Array, b: Uint8Array) => a.buffer === b.buffer && a.byteOffset === b.byteOffset;

/** The places of all segments as one, where they are parts of one tensor's memory. */
function together(group: readonly Segment[]): Uint8Array | undefined {
  const first = group[0].into;
  const last = group[group.length - 1].into;
  if (!first || first.buffer !== last?.buffer) return undefined;
  return new Uint8Array(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset);
}

async function checkAll(group: readonly Segment[], bytes: Uint8Array): Promise<void> {
  const at = (s: Segment) => s.offset - group[0].offset;
  const all = await Promise.allSettled(group.map(async (s) => s.check(bytes.subarray(at(s), at(s) + s.length))));
  for (const r of all) if (r.status === 'rejected') throw r.reason;
}

/** With `apart`, tensors of a leaf and more go by themselves. */
function* grouped(segments: Iterable<Segment>, apart: () => boolean): Iterable<Segment[]> {
  let group: Segment[] = [];
  let end = 0;
  for (const s of segments) {
    const large = group.length > 0 && s.into?.buffer !== group[0].into?.buffer && isLarge(s, group[0]) && apart();
    if (group.length > 0 && (large || s.offset - end > GAP || s.offset + s.length - group[0].offset > FETCH)) {
      yield group;
      group = [];
    }
    group.push(s);
    end = s.offset + s.length;
  }
  if (group.length > 0) yield group;
}

const isLarge = (...some: readonly Segment[]) => some.some((s) => (s.into?.buffer.byteLength ?? 0) >= LEAF);
