/** Memory planning: each temp lives from the kernel that writes it to the last that reads it; places are used again. */

import type { BufferId, BufferInfo, Kernel, Program } from './kernel.ts';

/** Bytes between buffers: a cache line, which is also the slack that kernels may read behind a buffer. */
export const ALIGN = 64;

export const roomFor = (elements: number): number => Math.ceil((elements * 4 + ALIGN) / ALIGN) * ALIGN;

/** Gives every temp its offset and returns the arena's bytes. */
export function placeTemps(buffers: readonly BufferInfo[], kernels: readonly Kernel[]): number {
  const lastUse = new Map<BufferId, number>();
  kernels.forEach((k, i) => {
    const { reads, writes } = touches(k);
    for (const b of [...reads, ...writes]) lastUse.set(b, i);
  });
  const arena = new Arena();
  const placed = new Set<BufferId>();
  const isTemp = (b: BufferId) => buffers[b].kind === 'temp';
  kernels.forEach((k, i) => {
    const { reads, writes } = touches(k);
    const dying = new Set([...reads, ...writes].filter((b) => isTemp(b) && lastUse.get(b) === i));
    for (const [out, input] of inPlace(k, dying, buffers)) {
      if (placed.has(out) || !placed.has(input) || !isTemp(out)) continue;
      buffers[out].offset = buffers[input].offset;
      placed.add(out);
      dying.delete(input);
      if (lastUse.get(out) === i) dying.add(out);
    }
    for (const b of writes) {
      if (!isTemp(b) || placed.has(b)) continue;
      buffers[b].offset = arena.take(roomFor(buffers[b].size));
      placed.add(b);
    }
    for (const b of dying) if (placed.has(b)) arena.give(buffers[b].offset, roomFor(buffers[b].size));
  });
  return arena.high;
}

/** Pairs (output, input) of a program that may share a place: same elements, and the input is read for the last time before. */
function inPlace(k: Kernel, dying: ReadonlySet<BufferId>, buffers: readonly BufferInfo[]): [BufferId, BufferId][] {
  // Sources are added to the base where it lies; it is their place alone.
  if (k.kind === 'scatterAdd') {
    const alone = k.base !== k.source && k.base !== k.index.buffer && buffers[k.base].size === buffers[k.out].size;
    return alone && dying.has(k.base) ? [[k.out, k.base]] : [];
  }
  const program = k.kind === 'map' ? k.program : k.kind === 'matmul' ? k.epilogue : null;
  if (!program) return [];
  const outside = new Set<BufferId>();
  if (k.kind === 'matmul') {
    const before = touchesOf(k.prologue);
    for (const b of [k.a.buffer, k.b.buffer, ...before.reads, ...before.writes]) outside.add(b);
  }
  const lastRead = new Map<BufferId, number>();
  const strided = new Set<BufferId>(outside);
  const streams = (a: { offset: number; dims: readonly number[]; strides: readonly number[] }, size: number) =>
    a.offset === 0 && a.dims.length === 1 && a.strides[0] === 1 && a.dims[0] === size;
  program.values.forEach((v, at) => {
    if (v.kind === 'load' && !streams(v.access, buffers[v.access.buffer].size)) strided.add(v.access.buffer);
    if (v.kind !== 'row') return;
    if (v.draw) strided.add(v.draw.step.buffer);
    for (const arg of v.args) {
      const source = program.values[arg];
      if (source.kind === 'load') lastRead.set(source.access.buffer, at);
    }
  });
  // A load that is stored as it is is read when its store runs, at the end.
  for (const s of program.stores) {
    const v = program.values[s.value];
    if (v.kind === 'load') strided.add(v.access.buffer);
  }
  const pairs: [BufferId, BufferId][] = [];
  const used = new Set<BufferId>();
  for (const s of program.stores) {
    const out = s.access.buffer;
    if (!streams(s.access, buffers[out].size)) continue;
    for (const b of dying) {
      if (used.has(b) || strided.has(b) || !lastRead.has(b) || b === out) continue;
      if (buffers[b].size !== buffers[out].size || lastRead.get(b)! > s.value) continue;
      pairs.push([out, b]);
      used.add(b);
      break;
    }
  }
  return pairs;
}

function touchesOf(p: Program | null): { reads: BufferId[]; writes: BufferId[] } {
  if (!p) return { reads: [], writes: [] };
  return {
    reads: p.values.flatMap((v) =>
      v.kind === 'load' ? [v.access.buffer] : v.kind === 'row' && v.draw ? [v.draw.step.buffer] : [],
    ),
    writes: p.stores.map((s) => s.access.buffer),
  };
}

/** Buffers that a kernel reads and writes. */
export function touches(k: Kernel): { reads: BufferId[]; writes: BufferId[] } {
  const epilogue = touchesOf('epilogue' in k ? k.epilogue : null);
  switch (k.kind) {
    case 'map':
      return touchesOf(k.program);
    case 'reduce': {
      const input = 'program' in k.input ? touchesOf(k.input.program) : { reads: [k.input.buffer], writes: [] };
      return { reads: [...input.reads, ...epilogue.reads], writes: [...input.writes, k.out, ...epilogue.writes] };
    }
    case 'matmul': {
      const prologue = touchesOf(k.prologue);
      return {
        reads: [...prologue.reads, k.a.buffer, k.b.buffer, ...epilogue.reads],
        writes: [...prologue.writes, k.out, ...epilogue.writes],
      };
    }
    case 'gather':
      return { reads: [k.source, k.index.buffer], writes: [k.out] };
    case 'scatterAdd':
      return { reads: [k.base, k.source, k.index.buffer], writes: [k.out] };
    case 'cumsum':
      return { reads: [k.source], writes: [k.out] };
    case 'argsort':
      return { reads: [k.source.buffer], writes: [k.out] };
    case 'rows': {
      const all = k.kernels.map(touches);
      return { reads: all.flatMap((t) => t.reads), writes: all.flatMap((t) => t.writes) };
    }
    case 'finish':
      return { reads: [k.buffer], writes: [] };
  }
}

/** Best-fit places with merging of free neighbours. */
class Arena {
  high = 0;
  #free: { at: number; bytes: number }[] = [];

  take(bytes: number): number {
    let best = -1;
    this.#free.forEach((f, i) => {
      if (f.bytes >= bytes && (best < 0 || f.bytes < this.#free[best].bytes)) best = i;
    });
    if (best < 0) {
      // The last free place may reach the end: grow it rather than leave a hole.
      const tail = this.#free.at(-1);
      const at = tail && tail.at + tail.bytes === this.high ? tail.at : this.high;
      if (tail && at === tail.at) this.#free.pop();
      this.high = at + bytes;
      return at;
    }
    const f = this.#free[best];
    const at = f.at;
    if (f.bytes === bytes) this.#free.splice(best, 1);
    else this.#free[best] = { at: at + bytes, bytes: f.bytes - bytes };
    return at;
  }

  give(at: number, bytes: number): void {
    const i = this.#free.findIndex((f) => f.at > at);
    const place = i < 0 ? this.#free.length : i;
    this.#free.splice(place, 0, { at, bytes });
    this.#merge(place);
    if (place > 0) this.#merge(place - 1);
  }

  #merge(i: number): void {
    const [a, b] = [this.#free[i], this.#free[i + 1]];
    if (!b || a.at + a.bytes !== b.at) return;
    a.bytes += b.bytes;
    this.#free.splice(i + 1, 1);
  }
}
