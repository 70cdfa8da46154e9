/**
 * Row units: reductions of rows, and the elementwise code before and behind them, whose rows read no other row's results. A device
 * may do all of them for some rows while those are in a cache near by, then for the next: softmax, a norm, their gradients. The
 * order within a row stays that of N7, so no bit changes.
 */

import type { Access, BufferId, BufferInfo, Kernel, Program } from './kernel.ts';
import { touches } from './memory.ts';

/** Kernels, those that follow one another in rows as one. */
export function inRows(kernels: readonly Kernel[], buffers: readonly BufferInfo[]): Kernel[] {
  const out: Kernel[] = [];
  for (let i = 0; i < kernels.length; ) {
    const first = kernels[i];
    const rows = first.kind === 'reduce' ? first.outer : 0;
    const made = new Set<BufferId>();
    const unit: Kernel[] = [];
    for (; rows > 1 && i < kernels.length && follows(kernels[i], rows, made, buffers); i++) unit.push(kernels[i]);
    if (unit.length > 1) out.push({ kind: 'rows', rows, kernels: unit });
    else {
      if (unit.length === 0) i++;
      out.push(first);
    }
  }
  return out;
}

/** Whether a kernel has these rows, reads of what the unit has `made` a row for each of its own, and some of it unless it is the first. */
function follows(k: Kernel, rows: number, made: Set<BufferId>, buffers: readonly BufferInfo[]): boolean {
  if (k.kind !== 'map' && (k.kind !== 'reduce' || k.outer !== rows || k.inner !== 1 || k.n === 0)) return false;
  const { reads, writes } = touches(k);
  if (made.size > 0 && !reads.some((b) => made.has(b))) return false;
  const all = new Set([...made, ...writes]);
  /** Row after row, each within its own. */
  const own = (a: Access): boolean => {
    const width = buffers[a.buffer].size / rows;
    const each = a.dims[0] / rows;
    const last = a.dims.reduce((n, d, i) => n + ((i > 0 ? d : each) - 1) * a.strides[i], 0);
    const ascending = a.strides.every((s) => s >= 0) && Number.isInteger(each);
    return a.offset === 0 && ascending && a.strides[0] * each === width && last < width;
  };
  const local = (p: Program): boolean =>
    p.values.every((v) =>
      v.kind === 'load' ? !all.has(v.access.buffer) || own(v.access) : v.kind !== 'row' || !v.draw,
    ) && p.stores.every((s) => own(s.access));
  const programs = k.kind === 'map' ? [k.program] : [k.epilogue, 'program' in k.input ? k.input.program : null];
  if (!programs.every((p) => !p || local(p))) return false;
  if (k.kind === 'reduce' && 'buffer' in k.input && all.has(k.input.buffer)) {
    if (k.input.offset !== 0 || buffers[k.input.buffer].size !== rows * k.n) return false;
  }
  for (const b of writes) made.add(b);
  return true;
}
