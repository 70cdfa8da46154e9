/** A file's bytes fetched in few ranges, each checked while the next ones are fetched. */

import type { IO } from '../core/host.ts';
import { isDamage } from './damage.ts';
import { digestsOf, type Part, SMALL, WORTH } from './digests.ts';
import { DIGEST, LEAF } from './layout.ts';
import type { ByteSource } from './source.ts';

/** Where a tensor is put together: its bytes, in whatever buffer they are now. */
export interface Place {
  memory: Uint8Array;
}

/** A run of bytes and what must hold for it. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
  /** `check` is given its SHA-256. */
  readonly leaf?: boolean;
  /** Where the bytes are to be in the end. */
  readonly place?: Place;
  readonly at?: number;
  check(bytes: Uint8Array, digest: Uint8Array): void;
}

/** One fetch is at most this long, and skips no more than GAP bytes to join its neighbours. */
const FETCH = 8 * 2 ** 20;
const GAP = 64 * 1024;

/** Hashing is all there is to do beside reading; four keep pace with most disks. */
const THREADS = 4;

/** Under way while another one begins: fetches that take room beside the tensors, and others. */
const ROOMS_AHEAD = 1;
const AHEAD = 10;
/** Those of a source that fills our memory, as a disk does: enough for it and the threads while the garbage collector has ours. */
const DISK_AHEAD = 40;

/**
 * Fetches segments, given in ascending order, in as few ranges as FETCH and GAP allow. The first fault in the order of the file is
 * thrown. A source that fills our memory is given that of a whole tensor itself, else the same room again and again: fresh pages
 * cost more than reading does.
 */
export async function fetchAll(from: ByteSource, segments: Iterable<Segment>, o: IO): Promise<void> {
  const flights: Promise<boolean>[] = [];
  const rooms: Uint8Array[] = [];
  let fills: boolean | undefined;
  for (const group of grouped(segments, () => fills === true)) {
    const place = fills ? wholly(group) : undefined;
    const takesRoom = !place && lengthOf(group) > GAP;
    while (flights.length > (takesRoom ? ROOMS_AHEAD : fills ? DISK_AHEAD : AHEAD)) await flights.shift();
    o.signal?.throwIfAborted();
    const flight = twice((fresh) => fetchOne(from, group, place, rooms, { signal: o.signal, fresh }));
    flight.catch(() => {}); // told behind the faults of those before
    flights.push(flight);
    fills ??= await flight;
  }
  for (const flight of flights) await flight;
}

/** A store that keeps copies may hold a damaged one: once more, and not from those. */
export async function twice<T>(attempt: (fresh: boolean) => Promise<T>): Promise<T> {
  try {
    return await attempt(false);
  } catch (e) {
    if (!isDamage(e) || e.code === 'E_NOT_FOUND') throw e;
    return attempt(true);
  }
}

/** Fetches a group and checks it; true where the source has filled our memory. */
async function fetchOne(
  from: ByteSource,
  group: readonly Segment[],
  whole: Place | undefined,
  rooms: Uint8Array[],
  o: IO & { fresh: boolean },
): Promise<boolean> {
  const start = group[0].offset;
  const length = lengthOf(group);
  let into = whole?.memory ?? rooms.pop();
  if (!into || into.length < length) into = new Uint8Array(length);
  const { buffer }: { buffer: ArrayBufferLike } = into;
  const bytes = await from.read(start, length, { ...o, into });
  const fills = bytes.buffer === buffer;
  const parts = group.filter((s) => s.leaf).map((s): Part => [s.offset - start, s.length]);
  const aside = fills && from.size >= WORTH && length >= SMALL;
  const { memory, digests } = await digestsOf(bytes, parts, aside ? THREADS : 0);
  if (whole) whole.memory = fills ? memory : into;
  else rooms.push(fills ? new Uint8Array(memory.buffer) : into);
  let at = 0;
  for (const s of group) {
    const got = memory.subarray(s.offset - start, s.offset - start + s.length);
    s.check(got, digests.subarray(at, at + DIGEST));
    if (s.leaf) at += DIGEST;
    if (s.place && s.place.memory !== memory) s.place.memory.set(got, s.at);
  }
  return fills;
}

const lengthOf = (group: readonly Segment[]): number => {
  const last = group[group.length - 1];
  return last.offset + last.length - group[0].offset;
};

/** The place of all segments, where they are the whole of it. */
function wholly(group: readonly Segment[]): Place | undefined {
  const [{ place, at }] = group;
  const last = group[group.length - 1];
  return place && at === 0 && last.place === place && last.at! + last.length === place.memory.length
    ? place
    : undefined;
}

/** With `apart`, tensors of a leaf and more go by themselves. */
function* grouped(segments: Iterable<Segment>, apart: () => boolean): Iterable<Segment[]> {
  let group: Segment[] = [];
  let end = 0;
  for (const s of segments) {
    const large = group.length > 0 && s.place !== group[0].place && (isLarge(s) || isLarge(group[0])) && apart();
    if (group.length > 0 && (large || s.offset - end > GAP || s.offset + s.length - group[0].offset > FETCH)) {
      yield group;
      group = [];
    }
    group.push(s);
    end = s.offset + s.length;
  }
  if (group.length > 0) yield group;
}

const isLarge = ({ place }: Segment) => place !== undefined && place.memory.length >= LEAF;
