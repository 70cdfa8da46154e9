/** From a Plan to the words of layout.ts: records, then the programs and patterns they point to. */

import { EXPONENT, isFloat, NAN } from '../../core/dtype.ts';
import { OPCODE } from '../../core/scalar/ir.ts';
import type { Access, BufferId, Kernel, Plan, Program } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { BASE, Words } from '../words.ts';
import {
  BLOCK_OP,
  ELEMENTS,
  PROGRAM_HEAD,
  RECORDS,
  REGISTER_STRIDE,
  REGISTERS,
  ROW_WORDS,
  ROWS,
  STEP,
} from './layout.ts';
import { select } from './select.ts';

const RECORD = Object.fromEntries(RECORDS.map((name, i) => [name, i])) as Record<(typeof RECORDS)[number], number>;

export interface Lowered {
  readonly words: Words;
  /** Arena bytes: the plan's temps, and scratch behind them. */
  readonly arena: number;
}

/** Elements of B that are packed at once, at most; and what the scratch tells of them (wasm/packed.ts). */
const PACKED = 2 ** 18;
const PACKED_HEAD = 64;

const up = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** Columns of B that are packed for all rows at once; 0 where each block of rows does it, or there is only one. */
function packedColumns(k: Extract<Kernel, { kind: 'matmul' }>): number {
  if (k.m <= ROWS || k.n < 8 || k.k === 0 || k.b.walk || k.mode === 'int8') return 0;
  return Math.min(Math.floor(PACKED / up(k.k, 4) / 16) * 16, up(k.n, 8));
}

/** Elements that any of the kernels of a row unit goes through, at most. */
const widest = (kernels: readonly Kernel[]): number =>
  Math.max(...kernels.map((k) => (k.kind === 'map' ? k.program.total : k.kind === 'reduce' ? k.outer * k.n : 0)));

const bits = new DataView(new ArrayBuffer(4));

/** A constant as the 32 bits that a register holds. */
function wordOf(value: number, dtype: string): number {
  if (dtype === 'f32') {
    bits.setFloat32(0, value);
    return bits.getUint32(0);
  }
  return value >>> 0;
}

/** @param threads how many may run it */
export function lowerPlan(plan: Plan, threads = 1): Lowered {
  const w = new Words();
  const later: (() => void)[] = [];
  let scratch = 0;

  const base = (b: BufferId): { base: number; at: number } => {
    const info = plan.buffers[b];
    if (info.kind === 'temp') return { base: BASE.arena, at: info.offset };
    return { base: info.kind === 'input' ? info.slot : plan.inputs + info.slot, at: 0 };
  };
  const pointer = (b: BufferId, offset = 0): void => {
    const { base: from, at } = base(b);
    w.address(from, at + offset * 4);
  };
  /** A word that will point to a program, or 0. Answers where the program's result is, for reductions. */
  const program = (p: Program | null, result?: number, windowed?: boolean): void => {
    if (!p) {
      w.push(0);
      return;
    }
    const point = w.forward();
    later.push(() => point(writeProgram(p, result, windowed)));
  };

  const writePattern = (a: Access): number => {
    const at = w.data.length;
    w.push(a.dims.length, ...a.dims, ...a.strides.map((s) => s >>> 0));
    return at;
  };

  const writeProgram = (p: Program, result?: number, windowed?: boolean): number => {
    const { setup, rows } = programRows(p, base, result, windowed);
    const at = w.data.length;
    w.push(p.total, setup.length, rows.length, 0);
    const patterns: (() => void)[] = [];
    for (const row of [...setup, ...rows]) {
      w.push(row.op);
      for (const o of [row.dst, row.a, row.b, row.c]) {
        if ('base' in o) w.address(o.base, o.at);
        else w.push(o.word);
        w.push(o.step);
      }
      if (row.pattern) {
        const point = w.forward();
        const access = row.pattern;
        patterns.push(() => point(writePattern(access)));
      } else {
        w.push(0);
      }
    }
    if (w.data.length - at !== PROGRAM_HEAD + (setup.length + rows.length) * ROW_WORDS)
      throw new Error('lower: a row has another width');
    for (const write of patterns) write();
    return at;
  };

  const record = (kind: keyof typeof RECORD, body: () => void): void => {
    const at = w.data.length;
    w.push(RECORD[kind], 0);
    body();
    w.data[at + 1] = w.data.length - at;
  };
  const elem = (dtype: string): number =>
    dtype === 'f32' ? ELEMENTS.f32 : dtype === 'i32' ? ELEMENTS.i32 : ELEMENTS.u32;

  const lower = (k: Kernel): void => {
    switch (k.kind) {
      case 'map':
        record('map', () => program(k.program));
        break;
      case 'reduce':
        record(k.op, () => {
          w.push(elem(k.dtype));
          if ('program' in k.input) {
            program(k.input.program, k.input.value, k.op === 'sum' && k.dtype === 'f32');
            w.address(BASE.registers, RESULT_REGISTER * REGISTER_STRIDE);
          } else {
            w.push(0);
            pointer(k.input.buffer, k.input.offset);
          }
          w.push(k.outer, k.n, k.inner);
          pointer(k.out);
          program(k.epilogue);
        });
        break;
      case 'rows':
        record('rows', () => {
          w.push(k.rows, widest(k.kernels) / k.rows);
          for (const one of k.kernels) lower(one);
        });
        break;
      case 'matmul':
        record(k.b.walk ? 'walked' : k.mode === 'int8' ? 'matmulInt8' : 'matmul', () => {
          w.push(k.m, k.n, k.k);
          for (const side of [k.a, k.b]) {
            pointer(side.buffer, side.offset);
            w.push(side.row, side.column);
          }
          pointer(k.out);
          w.push(k.n);
          program(k.prologue);
          program(k.epilogue);
          const columns = packedColumns(k);
          if (columns) w.address(BASE.arena, plan.arena);
          else w.push(0);
          w.push(columns);
          scratch = Math.max(scratch, columns && PACKED_HEAD + roomFor(columns * up(k.k, 4)));
          const c = k.batch.map((_, i) => k.batch.slice(i + 1).reduce((p, d) => p * d, k.m * k.n));
          w.push(k.batch.length, ...k.batch, ...k.a.batch.map((s) => s >>> 0), ...k.b.batch.map((s) => s >>> 0), ...c);
          if (!k.b.walk) return;
          const { terms, columns: across } = k.b.walk;
          w.push(terms.dims.length, across.dims.length);
          for (const list of [terms.dims, terms.strides, across.dims, across.strides])
            w.push(...list.map((x) => x >>> 0));
        });
        break;
      case 'gather':
        record('gather', () => {
          w.push(isFloat(k.dtype) ? NAN[k.dtype] : 0, k.outer, k.v, k.n, k.inner);
          pointer(k.source, k.sourceOffset);
          pointer(k.index.buffer, k.index.offset);
          w.push(k.index.outer >>> 0, k.index.axis >>> 0, k.index.inner >>> 0);
          pointer(k.out);
        });
        break;
      case 'scatterAdd':
        scratch = Math.max(scratch, roomFor(k.v + 2 * k.n));
        record('scatterAdd', () => {
          w.push(elem(k.dtype), k.outer, k.v, k.n, k.inner);
          pointer(k.base, k.baseOffset);
          pointer(k.source, k.sourceOffset);
          pointer(k.index.buffer, k.index.offset);
          w.push(k.index.outer >>> 0, k.index.axis >>> 0, k.index.inner >>> 0);
          pointer(k.out);
          w.address(BASE.arena, plan.arena);
        });
        break;
      case 'cumsum':
        record('cumsum', () => {
          w.push(elem(k.dtype), k.outer, k.n, k.inner);
          pointer(k.source, k.sourceOffset);
          w.push(k.slab >>> 0, k.step >>> 0);
          pointer(k.out);
        });
        break;
      case 'argsort': {
        const pitch = roomFor(4 * k.n);
        scratch = Math.max(scratch, pitch * (k.outer * k.inner > 1 ? threads : 1));
        record('argsort', () => {
          w.push(elem(k.dtype), k.descending ? 1 : 0, k.outer, k.n, k.inner);
          pointer(k.source.buffer, k.source.offset);
          w.push(k.source.outer >>> 0, k.source.axis >>> 0, k.source.inner >>> 0);
          pointer(k.out);
          w.address(BASE.arena, plan.arena);
          w.push(pitch);
        });
        break;
      }
      case 'finish':
        record(k.dtype === 'f32' ? 'finish' : 'check', () => {
          pointer(k.buffer);
          w.push(k.size);
          if (k.dtype !== 'f32') w.push(EXPONENT[k.dtype]);
        });
        break;
      default:
        k satisfies never;
    }
  };
  for (const k of plan.kernels) lower(k);
  w.push(RECORD.end);
  for (const write of later) write();
  return { words: w, arena: plan.arena + scratch };
}

/** An operand of a row: an address with its step, or a plain word. */
type Slot = { base: number; at: number; step: number } | { word: number; step: number };

interface Row {
  op: number;
  dst: Slot;
  a: Slot;
  b: Slot;
  c: Slot;
  pattern?: Access;
}

const NONE: Slot = { word: 0, step: STEP.none };
/** The register that a reduction reads its program's value from. */
const RESULT_REGISTER = 0;
const register = (i: number): Slot => ({ base: BASE.registers, at: i * REGISTER_STRIDE, step: STEP.register });

const isStream = (a: Access, total: number): boolean =>
  total === 1 || (a.dims.length === 1 && a.strides[0] === 1 && a.dims[0] === total);

/** Interpreter rows of a program: loads become streams, splats or strided loads; values get registers by liveness. */
function programRows(
  p: Program,
  base: (b: BufferId) => { base: number; at: number },
  result?: number,
  windowed?: boolean,
): { setup: Row[]; rows: Row[] } {
  const selected = select(p, result, windowed);
  const setup: Row[] = [];
  const rows: Row[] = [];
  const place: Slot[] = new Array(p.values.length);
  const lastUse = new Array<number>(p.values.length).fill(-1);
  selected.forEach((instruction, i) => {
    for (const a of instruction?.args ?? []) lastUse[a] = i;
  });
  const forever = p.values.length;
  for (const s of p.stores) if (p.values[s.value].kind !== 'row') lastUse[s.value] = forever;
  if (result !== undefined) lastUse[result] = forever;

  const free: number[] = [];
  for (let i = REGISTERS - 1; i >= 0; i--) if (i !== RESULT_REGISTER || result === undefined) free.push(i);
  const owner = new Map<number, number>();
  const take = (value: number): Slot => {
    if (value === result) return register(RESULT_REGISTER);
    const r = free.pop();
    if (r === undefined) throw new Error('lower: a program needs more block registers than there are');
    owner.set(value, r);
    return register(r);
  };
  const memory = (buffer: BufferId, offset: number): Slot => {
    const { base: from, at } = base(buffer);
    return { base: from, at: at + offset * 4, step: STEP.stream };
  };
  const fixed = (s: Slot): Slot => ({ ...s, step: STEP.none });
  const put = (s: Program['stores'][number], from: Slot): void => {
    if (isStream(s.access, p.total)) {
      const dst = memory(s.access.buffer, s.access.offset);
      if (!sameSlot(dst, from)) rows.push({ op: OPCODE.copy, dst, a: from, b: NONE, c: NONE });
      if (s.output) rows.push({ op: BLOCK_OP.out, dst: NONE, a: dst, b: NONE, c: NONE });
      return;
    }
    if (s.output) rows.push({ op: BLOCK_OP.out, dst: NONE, a: from, b: NONE, c: NONE });
    rows.push({
      op: BLOCK_OP.store,
      dst: fixed(memory(s.access.buffer, s.access.offset)),
      a: from,
      b: NONE,
      c: NONE,
      pattern: s.access,
    });
  };

  // Setup runs before every row, so what it fills must keep a register of its own.
  p.values.forEach((v, i) => {
    const a: Slot | null =
      v.kind === 'constant'
        ? { word: wordOf(v.value, v.dtype), step: STEP.none }
        : v.kind === 'load' && !isStream(v.access, p.total) && v.access.strides.every((s) => s === 0)
          ? fixed(memory(v.access.buffer, v.access.offset))
          : null;
    if (!a) return;
    place[i] = take(i);
    lastUse[i] = forever;
    setup.push({ op: v.kind === 'constant' ? BLOCK_OP.fill : BLOCK_OP.splat, dst: place[i], a, b: NONE, c: NONE });
  });

  p.values.forEach((v, i) => {
    const release = () => {
      owner.forEach((r, value) => {
        if (lastUse[value] > i) return;
        owner.delete(value);
        free.push(r);
      });
    };
    if (place[i] || v.kind === 'constant') return;
    if (v.kind === 'load') {
      const from = memory(v.access.buffer, v.access.offset);
      if (isStream(v.access, p.total)) {
        place[i] = from;
        if (i === result) {
          place[i] = take(i);
          rows.push({ op: OPCODE.copy, dst: place[i], a: from, b: NONE, c: NONE });
        }
      } else {
        place[i] = take(i);
        rows.push({ op: BLOCK_OP.load, dst: place[i], a: fixed(from), b: NONE, c: NONE, pattern: v.access });
      }
      return;
    }
    const instruction = selected[i];
    if (!instruction) return;
    const { op } = instruction;
    const stores = p.stores.filter((s) => s.value === i);
    const direct = i === result ? undefined : stores.find((s) => isStream(s.access, p.total));
    // Registers that die here may hold the result: rows read their operands before they write.
    const [a = NONE, b = NONE, c = NONE] = instruction.args.map((x) => place[x]);
    release();
    place[i] = direct ? memory(direct.access.buffer, direct.access.offset) : take(i);
    if (v.draw) {
      const step = memory(v.draw.step.buffer, v.draw.step.offset);
      rows.push({
        op,
        dst: place[i],
        a: fixed(step),
        b: { word: v.draw.seedLo, step: v.draw.seedHi },
        c: { word: v.draw.stream, step: STEP.none },
      });
    } else {
      rows.push({ op, dst: place[i], a, b, c });
    }
    for (const s of stores) put(s, place[i]);
  });
  for (const s of p.stores) if (p.values[s.value].kind !== 'row') put(s, place[s.value]);
  return { setup, rows };
}

const sameSlot = (x: Slot, y: Slot): boolean =>
  'base' in x && 'base' in y && x.base === y.base && x.at === y.at && x.step === y.step;
