/**
 * Tensors with their frames, put together in rooms that are used again: fresh memory costs more than copying does, many small
 * pieces more than a few, and what is in a room of ours can go to the thread that hashes.
 */

import type { IO } from '../core/host.ts';
import type { Part } from './digests.ts';
import { frameBytes, type Layout, LEAF, type Placed } from './layout.ts';
import { arrayOf, blank, rawBytes, type TensorSource } from './tensor.ts';

/** Tensors are read so many bytes at a time: a device then answers once for many. */
const READ = 16 * LEAF;

/** Frames and whole leaves, as they lie in the file. */
export interface Stretch {
  readonly bytes: Uint8Array;
  /** Its leaves, the first of which has that number in the file. */
  readonly parts: readonly Part[];
  readonly leaf: number;
}

/** The multiple of 8 before; files are longer than the integers of bitwise operators. */
export const aligned = (at: number): number => at - (at % 8);

/** The leaves of a tensor whose first byte is there. */
export const leavesOf = ({ leaves, bytes }: Placed, at: number): Part[] =>
  Array.from({ length: leaves }, (_, i) => [at + i * LEAF, Math.min(LEAF, bytes - i * LEAF)]);

/**
 * All from the first tensor's frame to the seal. `take` gives a room, of two leaves or more and at a multiple of 8; it is asked again
 * once the stretch before has been given.
 */
export async function* stretchesOf(
  { tensors }: Layout,
  sources: ReadonlyMap<string, TensorSource>,
  io: IO,
  take: () => Uint8Array,
): AsyncGenerator<Stretch> {
  let room = take();
  let end = tensors[0]?.frame ?? 0;
  /** Where the stretch begins in the file, and where the room does: data must lie in it at multiples of 8, as there. */
  let [from, base] = [end, aligned(end)];
  let parts: Part[] = [];
  let leaf = 0;
  let reading: Promise<void>[] = [];
  let asked = 0;
  /** Whether sources fill memory that they are handed. Until that is known, and where they do not, they are asked one at a time. */
  let fills: boolean | undefined;
  /** For tensors that no room holds. */
  let stage: Uint8Array | undefined;

  const fits = (n: number) => end - base + n <= room.length;
  const lazy = (t: Placed) => !('data' in sources.get(t.name)!);
  const put = (bytes: Uint8Array) => {
    room.set(bytes, end - base);
    end += bytes.length;
  };
  const read = async (t: Placed, into?: Uint8Array): Promise<Uint8Array> => {
    const source = sources.get(t.name)!;
    if ('data' in source) return rawBytes(t, source.data);
    const data = await source.read({ signal: io.signal, into: into && arrayOf(t, into).data });
    fills = data.buffer === into?.buffer;
    return rawBytes(t, data);
  };
  const copy = async (t: Placed, into: Uint8Array) => {
    const bytes = await read(t, into);
    if (bytes.buffer !== into.buffer) into.set(bytes);
  };
  const settle = async () => {
    await Promise.all(reading);
    [reading, asked] = [[], 0];
  };
  const stretch = async (): Promise<Stretch> => {
    await settle();
    io.signal?.throwIfAborted();
    return { bytes: room.subarray(from - base, end - base), parts, leaf };
  };
  const enter = () => {
    room = take();
    leaf += parts.length;
    [from, base, parts] = [end, aligned(end), []];
  };

  for (const t of tensors) {
    const frame = frameBytes(t);
    // What fills memory goes into a room itself, where one is large enough.
    const whole = frame.length + t.bytes;
    const direct = fills !== false && lazy(t) && whole <= room.length - 8;
    if (!fits(direct ? whole : frame.length)) {
      yield await stretch();
      enter();
    }
    put(frame);
    if (fits(t.bytes)) {
      parts.push(...leavesOf(t, end - from));
      reading.push(copy(t, room.subarray(end - base)));
      end += t.bytes;
      asked += t.bytes;
      if (!fills || asked >= READ) await settle();
      continue;
    }
    await settle();
    if (fills === false) stage = undefined;
    else if (lazy(t)) stage ??= blank(tensors.reduce((n, other) => (lazy(other) ? Math.max(n, other.bytes) : n), 0));
    const bytes = await read(t, stage);
    for (const [at, n] of leavesOf(t, 0)) {
      if (!fits(n)) {
        yield await stretch();
        enter();
      }
      parts.push([end - from, n]);
      put(bytes.subarray(at, at + n));
    }
  }
  yield await stretch();
}
