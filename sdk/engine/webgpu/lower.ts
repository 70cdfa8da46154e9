/** From a Plan to dispatches: which shader, how many workgroups, and the words of its parameters. */

import { EXPONENT, isFloat, NAN } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import type { BufferId, Kernel, Matrix, Plan, Program, ProgramValue } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { BASE, Words } from '../words.ts';
import { lowerCumsum } from './cumsum.ts';
import { BATCH_AXES, KEEP, KEEP_HEAD, KEEP_LANES, KERNELS, RUN, SIDE, TILE } from './kernels.ts';
import type { DispatchLimits, Lowering, Place, Word } from './lowering.ts';
import { type Parameter, printProgram } from './print.ts';
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
      case 'reduce': {
        let source: Place;
        if ('program' in k.input) {
          source = scratch(k.outer * k.n * k.inner);
          if (k.input.program.total > 0) program(k.input.program, { value: k.input.value, to: source });
        } else {
          source = at(k.input.buffer, k.input.offset);
        }
        if (k.op === 'sum') sum(k, source);
        else max(k, source);
        if (k.epilogue) program(k.epilogue);
        return;
      }
      case 'matmul': {
        if (k.prologue) program(k.prologue);
        const right = k.b.walk ? flat(k, k.b.walk) : k.b;
        const packed = isPacked(k);
        const kernel = contraction(k.mode, packed);
        const [a, b] = packed
          ? [pack(k, { ...k.a, rows: k.m }), pack(k, { ...right, rows: k.n, row: right.column, column: right.row })]
          : [
              { at: at(k.a.buffer, k.a.offset), row: k.a.row, line: k.a.column, batch: k.a.batch },
              { at: at(right.buffer, right.offset), row: right.column, line: right.row, batch: right.batch },
            ];
        if (isSplit(k)) split(k, kernel, a, b);
        else multiply(k, kernel, a, b, at(k.out));
        if (k.epilogue) program(k.epilogue);
        return;
      }
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

  /** Dispatches of a contraction, each of no more work than one may take. */
  const multiply = (k: Sizes, kernel: Contraction, a: Side, b: Side, to: Place): void => {
    const batches = k.batch.reduce((n, d) => n * d, 1);
    const group = TILE[kernel.startsWith('matmulPacked') ? 'packed' : 'strided'] * SIDE;
    /** Rows or columns that do so much work, in whole tiles. */
    const tiles = (rows: number, most: number): number => Math.min(most, Math.max(1, Math.floor(rows / group)) * group);
    // Rows first, whose whole length is the least that is read twice.
    const most = limits.groups * group;
    const rows = tiles(limits.work / (k.n * Math.max(k.k, 1)), most);
    const columns = tiles(limits.work / (Math.min(rows, k.m) * Math.max(k.k, 1)), most);
    const deep = Math.min(limits.groups, Math.max(1, Math.floor(limits.work / (k.m * k.n * Math.max(k.k, 1)))));
    for (let first = 0; first < batches; first += deep) {
      for (let row = 0; row < k.m; row += rows) {
        for (let column = 0; column < k.n; column += columns) {
          const params = [
            ...[Math.min(k.m, row + rows), Math.min(k.n, column + columns), k.k].map(word),
            a.at,
            word(a.row),
            word(a.line),
            b.at,
            word(b.line),
            word(b.row),
            to,
            word(k.batch.length),
            word(first),
            ...axes(k.batch),
            ...axes(a.batch),
            ...axes(b.batch),
            ...[row, column, k.m, k.n].map(word),
          ];
          const x = Math.ceil(Math.min(columns, k.n - column) / group);
          const y = Math.ceil(Math.min(rows, k.m - row) / group);
          dispatch(KERNELS[kernel], params, [x, y, Math.min(deep, batches - first)]);
        }
      }
    }
  };

  /**
   * A product of few outputs and many terms, which would leave a GPU idle: its chunks of 256 terms are a batch axis, and their
   * results are added from left to right, as N6 says. Snapping them in between changes nothing but the sign of a zero.
   */
  const split = (k: Product, kernel: Contraction, a: Side, b: Side): void => {
    const [outputs, batches] = [k.m * k.n, k.batch.reduce((n, d) => n * d, 1)];
    const values: ProgramValue[] = [];
    const part = (first: number, chunks: number, terms: number): void => {
      if (chunks === 0) return;
      const from = (side: Side): Side => ({
        ...side,
        at: { ...side.at, offset: side.at.offset + first * TERMS * side.line },
        batch: [...side.batch, TERMS * side.line],
      });
      const to = scratch(batches * chunks * outputs);
      const sizes = { ...k, k: terms, batch: [...k.batch, chunks] };
      multiply(sizes, kernel, from(a), from(b), to);
      for (let c = 0; c < chunks; c++) {
        const access = {
          buffer: to.buffer,
          offset: to.offset + c * outputs,
          dims: [batches, outputs],
          strides: [chunks * outputs, 1],
        };
        const at = values.push({ kind: 'load', access }) - 1;
        if (at > 0) values.push({ kind: 'row', op: 'add_f', args: [at - 1, at] });
      }
    };
    const whole = Math.floor(k.k / TERMS);
    part(0, whole, TERMS);
    part(whole, k.k % TERMS === 0 ? 0 : 1, k.k % TERMS);
    const total = batches * outputs;
    const access = { buffer: k.out, offset: 0, dims: [total], strides: [1] };
    program({ total, values, stores: [{ value: values.length - 1, access, output: false }] });
  };

  /** Puts a right side that no two strides walk into scratch as a matrix; one that all batches share is put there once. */
  const flat = (k: Product, { terms, columns }: NonNullable<Matrix['walk']>): Matrix => {
    const shared = k.b.batch.every((s) => s === 0);
    const [batch, strides] = shared ? [[], []] : [k.batch, k.b.batch];
    const dims = [...batch, ...terms.dims, ...columns.dims];
    const total = dims.reduce((n, d) => n * d, 1);
    const to = scratch(total);
    const access = {
      buffer: k.b.buffer,
      offset: k.b.offset,
      dims,
      strides: [...strides, ...terms.strides, ...columns.strides],
    };
    program({ total, values: [{ kind: 'load', access }], stores: [] }, { value: 0, to });
    const steps = k.batch.map((_, i) => (shared ? 0 : k.batch.slice(i + 1).reduce((n, d) => n * d, k.k * k.n)));
    return { buffer: to.buffer, offset: to.offset, row: k.n, column: 1, batch: steps };
  };

  /** Puts one side of a product into scratch as PACK lays it; a side that all batches share is packed once. */
  const pack = (k: Product, from: Matrix & { rows: number }): Side => {
    const shared = from.batch.every((s) => s === 0);
    const size = from.rows * k.k;
    const batches = shared ? 1 : k.batch.reduce((n, d) => n * d, 1);
    const to = scratch(size * batches);
    const total = from.rows * Math.ceil(k.k / RUN) * batches;
    const params = [
      ...[total, from.rows, k.k].map(word),
      at(from.buffer, from.offset),
      ...[from.row, from.column].map(word),
      to,
      word(k.batch.length),
      ...axes(k.batch),
      ...axes(from.batch),
    ];
    dispatch(KERNELS.pack, params, linear(total));
    return { at: to, row: 1, line: from.rows, batch: [shared ? 0 : size] };
  };

  /** Levels of R: chunk results, and their results, until one is left for each output. */
  const sum = (k: Extract<Kernel, { kind: 'reduce' }>, from: Place): void => {
    const outputs = k.outer * k.inner;
    let [source, n, inner, leaves] = [from, k.n, k.inner, 1];
    for (;;) {
      const chunks = Math.max(1, Math.ceil(n / CHUNK));
      const to = chunks === 1 ? at(k.out) : scratch(outputs * chunks);
      const params = [...[outputs * chunks, n, chunks, inner].map(word), source, to, word(leaves)];
      dispatch(k.dtype === 'f32' ? KERNELS.sumF32 : KERNELS.sumInt, params, linear(outputs * chunks));
      if (chunks === 1) return;
      [source, n, inner, leaves] = [to, chunks, 1, 0];
    }
  };

  const max = (k: Extract<Kernel, { kind: 'reduce' }>, from: Place): void => {
    const outputs = k.outer * k.inner;
    const elem = word(k.dtype === 'f32' ? 0 : k.dtype === 'i32' ? 1 : 2);
    let [source, n, inner] = [from, k.n, k.inner];
    let indices: Place | null = null;
    for (;;) {
      const chunks = Math.ceil(n / CHUNK);
      const last = chunks === 1;
      const values = last && k.op === 'max' ? at(k.out) : scratch(outputs * chunks);
      const places = last && k.op === 'argmax' ? at(k.out) : scratch(outputs * chunks);
      const params = [
        ...[outputs * chunks, n, chunks, inner].map(word),
        source,
        values,
        places,
        word(indices ? 1 : 0),
        indices ?? word(0),
        elem,
      ];
      dispatch(KERNELS.max, params, linear(outputs * chunks));
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

type Product = Extract<Kernel, { kind: 'matmul' }>;
type Sizes = Pick<Product, 'm' | 'n' | 'k' | 'batch'>;
type Contraction = keyof typeof KERNELS & `matmul${string}`;

/** A side of a product: where it is, and its steps from row to row (of B: column to column) and from k to k. */
interface Side {
  readonly at: Place;
  readonly row: number;
  readonly line: number;
  readonly batch: readonly number[];
}

/** By shape alone: each side is then read by so many tiles that windowing it once is less than at every load. */
const isPacked = (k: Product): boolean => k.mode !== 'int8' && k.m >= PACKED && k.n >= PACKED && k.k > 0;
/** By shape alone: few rows or columns, and chunks enough to be worth another dispatch (a program holds so many). */
const isSplit = (k: Product): boolean =>
  k.mode !== 'int8' &&
  Math.min(k.m, k.n) < SKINNY &&
  k.k >= 2 * TERMS &&
  k.k <= MOST_CHUNKS * TERMS &&
  k.batch.length < BATCH_AXES;
const SKINNY = 16;
/** Terms of one chunk of a contraction (N6). */
const TERMS = 256;
const MOST_CHUNKS = 20;
const contraction = (mode: Product['mode'], packed: boolean): Contraction =>
  mode === 'int8'
    ? 'matmulInt8'
    : mode === 'exact'
      ? packed
        ? 'matmulPackedExact'
        : 'matmulExact'
      : packed
        ? 'matmulPacked'
        : 'matmul';
const PACKED = 64;

const axes = (list: readonly number[]): { word: number }[] =>
  Array.from({ length: BATCH_AXES }, (_, i) => ({ word: (list[i] ?? 0) >>> 0 }));
