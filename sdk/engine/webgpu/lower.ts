/** From a Plan to dispatches: which shader, how many workgroups, and the words of its parameters. */

import { EXPONENT, isFloat, NAN } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import { sizeOf } from '../../core/shape.ts';
import type { BufferId, Kernel, Matrix, Plan, Program, Walk } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { BASE, Words } from '../words.ts';
import { lowerCumsum } from './cumsum.ts';
import { BATCH_AXES, KEEP, KEEP_HEAD, KEEP_LANES, KERNELS, RUN, reductionOf, TILE, WALK_DIMS } from './kernels.ts';
import type { DispatchLimits, Lowering, Place, Word } from './lowering.ts';
import { type Parameter, printElement, printProgram } from './print.ts';
import { lowerScatterAdd } from './scatter.ts';
import { groupsFor, PARAMETER_WORDS } from './shader.ts';
import { lowerArgsort } from './sort.ts';

export interface Dispatch {
  readonly code: string;
  /** First word of its parameters. */
  readonly parameters: number;
  readonly groups: readonly [number, number, number];
}

export interface Lowered {
  readonly words: Words;
  readonly dispatches: readonly Dispatch[];
  /** Bytes of temps and scratch. */
  readonly arena: number;
}

/** A uniform block starts at a multiple of 256 bytes. */
const BLOCK_WORDS = 64;
/** Words of the table of one keep(). */
const KEEP_TABLE = PARAMETER_WORDS - KEEP_HEAD;
/** Elements of one chunk of R. */
const CHUNK = 2048;
/** Those that every adapter has. */
export const DISPATCH_LIMITS: DispatchLimits = { groups: 65535, work: 2 ** 32 };

export function lowerPlan(plan: Plan, limits: DispatchLimits = DISPATCH_LIMITS): Lowered {
  const words = new Words();
  const dispatches: Dispatch[] = [];
  let scratchTop = 0;
  let scratchHigh = 0;

  const scratch = (elements: number): Place => {
    const at = plan.arena + scratchTop;
    scratchTop += roomFor(elements);
    scratchHigh = Math.max(scratchHigh, scratchTop);
    return { buffer: SCRATCH, offset: at / 4 };
  };
  const linear = (elements: number) => groupsFor(elements, limits.groups);
  const at = (buffer: BufferId, offset = 0): Place => ({ buffer, offset });
  const word = (w: number): Parameter => ({ word: w >>> 0 });

  const dispatch = (code: string, parameters: readonly Word[], groups: readonly [number, number, number]): void => {
    if (parameters.length > PARAMETER_WORDS) {
      throw new DeviceError('E_DEVICE', `webgpu: an expression reads too much at once (${parameters.length} words)`, {
        hint: 'Read it in parts.',
      });
    }
    const first = words.data.length;
    for (const x of parameters) {
      if ('word' in x) words.push(x.word);
      else if ('binding' in x) words.address(x.binding, 0);
      else if (x.buffer === SCRATCH) words.address(BASE.arena, x.offset * 4);
      else {
        const info = plan.buffers[x.buffer];
        if (info.kind === 'temp') words.address(BASE.arena, info.offset + x.offset * 4);
        else words.address(info.kind === 'input' ? info.slot : plan.inputs + info.slot, x.offset * 4);
      }
    }
    while (words.data.length % BLOCK_WORDS !== 0) words.push(0);
    dispatches.push({ code, parameters: first, groups });
  };

  const tools: Lowering = { limits, scratch, at, word, linear, dispatch };

  const program = (p: Program, extra?: { value: number; to: Parameter }): void => {
    const { code, parameters } = printProgram(p, extra);
    dispatch(code, parameters, linear(p.total));
  };

  const lower = (k: Kernel): void => {
    scratchTop = 0;
    switch (k.kind) {
      case 'map':
        program(k.program);
        return;
      case 'rows':
        for (const one of k.kernels) lower(one);
        return;
      case 'reduce': {
        const total = k.outer * k.n * k.inner;
        let source: Place | Made;
        if (!('program' in k.input)) source = at(k.input.buffer, k.input.offset);
        else if (total > 0 && (total <= SHORT || k.outer * k.inner * chunksOf(k.n) >= MANY)) source = k.input;
        else {
          source = scratch(total);
          if (total > 0) program(k.input.program, { value: k.input.value, to: source });
        }
        if (k.op === 'sum') sum(k, source);
        else max(k, source);
        if (k.epilogue) program(k.epilogue);
        return;
      }
      case 'matmul':
        if (k.prologue) program(k.prologue);
        product(k);
        if (k.epilogue) program(k.epilogue);
        return;
      case 'gather': {
        const total = k.outer * k.n * k.inner;
        const params = [
          ...[total, k.v, k.n, k.inner].map(word),
          at(k.source, k.sourceOffset),
          at(k.index.buffer, k.index.offset),
          ...[k.index.outer, k.index.axis, k.index.inner].map(word),
          at(k.out),
          word(isFloat(k.dtype) ? NAN[k.dtype] : 0),
        ];
        dispatch(KERNELS.gather, params, linear(total));
        return;
      }
      case 'scatterAdd':
        lowerScatterAdd(tools, k);
        return;
      case 'cumsum':
        lowerCumsum(tools, k);
        return;
      case 'argsort':
        lowerArgsort(tools, k);
        return;
      case 'finish':
        dispatch(KERNELS.finish, [word(k.size), at(k.buffer), word(EXPONENT[k.dtype])], linear(k.size));
        return;
      default:
        k satisfies never;
    }
  };

  const product = (k: Product): void => {
    const batches = sizeOf(k.batch);
    const { kernel, parts, rounds } = shapeOf(k, batches);
    const packed = kernel.startsWith('matmulPacked');
    const right = k.b.walk ?? { terms: lineOf(k.k, k.b.row), columns: lineOf(k.n, k.b.column) };
    const side = (m: Matrix, ...walks: [number, Walk, Walk]): Side =>
      packed ? pack(k, m, ...walks) : { ...m, at: at(m.buffer, m.offset) };
    const a = side(k.a, k.m, lineOf(k.m, k.a.row), lineOf(k.k, k.a.column));
    const b = side(k.b, k.n, right.columns, right.terms);
    const to = parts > 1 ? scratch(parts * batches * k.m * k.n) : at(k.out);
    const depth = Math.max(k.mode === 'int8' ? k.k : Math.min(TERMS, k.k), 1);
    const tile = TILE[kernel];
    // A workgroup's 64 tiles make a square, or as wide and flat a rectangle as there are tiles.
    const [high, wide] = [k.m, k.n].map((side) => Math.min(3, Math.ceil(Math.log2(Math.ceil(side / tile)))));
    const log = wide < 3 ? wide : 6 - high;
    const [groupX, groupY] = [tile << log, tile << (6 - log)];
    /** Rows or columns that do so much work, in whole squares of tiles. */
    const tiles = (rows: number): number =>
      Math.min(limits.groups * tile, Math.max(1, Math.floor(rows / tile / 8)) * tile * 8);
    // Rows first, whose whole length is the least that is read twice.
    const rows = tiles(limits.work / (k.n * depth));
    const columns = tiles(limits.work / (Math.min(rows, k.m) * depth));
    const deep = Math.min(limits.groups, Math.max(1, Math.floor(limits.work / (k.m * k.n * depth))));
    for (let round = 0; round < rounds; round++) {
      for (let first = 0; first < batches * parts; first += deep) {
        for (let row = 0; row < k.m; row += rows) {
          for (let column = 0; column < k.n; column += columns) {
            const params = [
              ...[Math.min(k.m, row + rows), Math.min(k.n, column + columns), k.k].map(word),
              a.at,
              ...[a.row, a.column].map(word),
              b.at,
              ...[b.column, 0].map(word),
              to,
              ...[k.batch.length, first].map(word),
              ...axes(k.batch),
              ...axes(a.batch),
              ...axes(b.batch),
              ...[row, column, k.m, k.n, parts].map(word),
              ...walkWords(right.columns),
              ...walkWords(right.terms),
              ...[log, round].map(word),
            ];
            const x = Math.ceil(Math.min(columns, k.n - column) / groupX);
            const y = Math.ceil(Math.min(rows, k.m - row) / groupY);
            dispatch(KERNELS[kernel], params, [x, y, Math.min(deep, batches * parts - first)]);
          }
        }
      }
    }
    if (parts === 1) return;
    const total = batches * k.m * k.n;
    dispatch(KERNELS.parts, [...[total, k.m * k.n, parts].map(word), to, at(k.out)], linear(total));
  };

  /** Puts one side of a product into scratch as PACK lays it; a side that all batches share is packed once. */
  const pack = (k: Product, from: Matrix, rows: number, side: Walk, terms: Walk): Side => {
    const shared = from.batch.every((s) => s === 0);
    const batches = shared ? 1 : sizeOf(k.batch);
    const to = scratch(rows * k.k * batches);
    const total = rows * Math.ceil(k.k / RUN) * batches;
    const params = [
      ...[total, rows, k.k].map(word),
      at(from.buffer, from.offset),
      to,
      word(k.batch.length),
      ...walkWords(side),
      ...walkWords(terms),
      ...axes(k.batch),
      ...axes(from.batch),
    ];
    dispatch(KERNELS.pack, params, linear(total));
    return { at: to, row: 1, column: rows, batch: [shared ? 0 : rows * k.k] };
  };

  /** One level of a reduction; the first may make its elements itself, which spares them the way through memory. */
  const reduce = (
    kernel: 'sumF32' | 'sumInt' | 'max',
    from: Place | Made,
    params: Parameter[],
    total: number,
  ): void => {
    if ('program' in from) {
      const code = reductionOf(kernel, printElement(from.program, from.value, params));
      dispatch(code, params, linear(total));
    } else dispatch(KERNELS[kernel], params, linear(total));
  };

  /** Levels of R: chunk results, and their results, until one is left for each output. */
  const sum = (k: Reduction, from: Place | Made): void => {
    const outputs = k.outer * k.inner;
    let [source, n, inner, leaves] = [from, k.n, k.inner, 1];
    for (;;) {
      const chunks = chunksOf(n);
      const to = chunks === 1 ? at(k.out) : scratch(outputs * chunks);
      const params = [...[outputs * chunks, n, chunks, inner].map(word), placeOf(source), to, word(leaves)];
      reduce(k.dtype === 'f32' ? 'sumF32' : 'sumInt', source, params, outputs * chunks);
      if (chunks === 1) return;
      [source, n, inner, leaves] = [to, chunks, 1, 0];
    }
  };

  const max = (k: Reduction, from: Place | Made): void => {
    const outputs = k.outer * k.inner;
    const elem = word(k.dtype === 'f32' ? 0 : k.dtype === 'i32' ? 1 : 2);
    let [source, n, inner] = [from, k.n, k.inner];
    let indices: Place | null = null;
    for (;;) {
      const chunks = chunksOf(n);
      const last = chunks === 1;
      const values = last && k.op === 'max' ? at(k.out) : scratch(outputs * chunks);
      const places = last && k.op === 'argmax' ? at(k.out) : scratch(outputs * chunks);
      const params = [
        ...[outputs * chunks, n, chunks, inner].map(word),
        placeOf(source),
        values,
        places,
        word(indices ? 1 : 0),
        indices ?? word(0),
        elem,
      ];
      reduce('max', source, params, outputs * chunks);
      if (last) return;
      [source, indices, n, inner] = [values, places, chunks, 1];
    }
  };

  /** Bound behind inputs and outputs: the halt, then the old place and the destination of each value that is kept. */
  const keep = (outputs: readonly number[]): void => {
    const halt = plan.inputs + plan.outputs.length;
    const table = outputs.flatMap((output, i): Word[] => [
      word(plan.outputs[output].size),
      { binding: plan.inputs + output },
      { binding: halt + 1 + 2 * i },
      { binding: halt + 2 + 2 * i },
    ]);
    for (let first = 0; first < table.length; first += KEEP_TABLE) {
      const some = table.slice(first, first + KEEP_TABLE);
      const halts = (plan.halts ? 1 : 0) + (first === 0 ? 2 : 0);
      dispatch(
        KEEP,
        [...[KEEP_LANES, some.length / 4].map(word), { binding: halt }, word(halts), ...some],
        linear(KEEP_LANES),
      );
    }
  };

  for (const k of plan.kernels) lower(k);
  if (plan.keeps) keep(plan.keeps);
  return { words, dispatches, arena: plan.arena + scratchHigh };
}

const SCRATCH: BufferId = -1;

type Reduction = Extract<Kernel, { kind: 'reduce' }>;
/** Elements that a program makes, by their flat place. */
type Made = Extract<Reduction['input'], { program: Program }>;
const placeOf = (from: Place | Made): Parameter => ('program' in from ? { word: 0 } : from);
/** A reduction makes its elements itself where they are few, or those that make them are many: each makes up to 2048 in turn. */
const SHORT = 2 ** 14;
const MANY = 1024;
const chunksOf = (n: number): number => Math.max(1, Math.ceil(n / CHUNK));

type Product = Extract<Kernel, { kind: 'matmul' }>;
type Contraction = keyof typeof TILE;

/** A side of a product, as it lies or packed: its place, and its steps from row to row and from column to column. */
interface Side {
  readonly at: Place;
  readonly row: number;
  readonly column: number;
  readonly batch: readonly number[];
}

/** Terms of one chunk of a contraction (N6). */
const TERMS = 256;
/** Rows and columns from which each side is read by so many tiles that windowing it once, apart, is less than at every load. */
const PACKED = 128;
/** Rows and columns from which tiles are large, and outputs. */
const WIDE = { side: 5, outputs: 2048 };
/** Invocations that keep a GPU busy: with fewer, three chunks or more are made at once; and the most that they may hold. */
const BUSY = 4096;
const MOST_PARTS = 1 << 22;

/** By shape alone: the kernel, and how many chunks are made at once, or in turn. */
function shapeOf(k: Product, batches: number): { kernel: Contraction; parts: number; rounds: number } {
  const side = Math.min(k.m, k.n);
  const exact = k.mode === 'exact' ? 'Exact' : '';
  const kernel: Contraction =
    k.mode === 'int8'
      ? 'matmulInt8'
      : side >= PACKED && k.k > 0
        ? `matmulPacked${exact}`
        : side >= WIDE.side && k.m * k.n * batches >= WIDE.outputs
          ? `matmulWide${exact}`
          : `matmul${exact}`;
  const chunks = k.mode === 'int8' ? 1 : Math.max(1, Math.ceil(k.k / TERMS));
  const tiles = Math.ceil(k.m / TILE[kernel]) * Math.ceil(k.n / TILE[kernel]) * batches;
  const atOnce = chunks > 2 && tiles < BUSY && chunks * k.m * k.n * batches <= MOST_PARTS;
  return atOnce ? { kernel, parts: chunks, rounds: 1 } : { kernel, parts: 1, rounds: chunks };
}

const lineOf = (n: number, stride: number): Walk => ({ dims: [n], strides: [stride] });
/** The parameters of a walk: sizes of the two inner dims, and three strides. */
function walkWords({ dims, strides }: Walk): { word: number }[] {
  const pad = WALK_DIMS - dims.length;
  const [, middle, inner] = [...Array<number>(pad).fill(1), ...dims];
  return [middle, inner, ...Array<number>(pad).fill(0), ...strides].map((w) => ({ word: w >>> 0 }));
}
const axes = (list: readonly number[]): { word: number }[] =>
  Array.from({ length: BATCH_AXES }, (_, i) => ({ word: (list[i] ?? 0) >>> 0 }));
