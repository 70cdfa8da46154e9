/** From a Plan to dispatches: which shader, how many workgroups, and the words of its parameters. */

import { EXPONENT, isFloat, NAN } from '../../core/dtype.ts';
import type { BufferId, Kernel, Plan, Program } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { BASE, Words } from '../words.ts';
import { BATCH_AXES, KERNELS, TILE_GROUP } from './kernels.ts';
import { type Parameter, printProgram } from './print.ts';
import { groupsFor, PARAMETER_WORDS } from './shader.ts';

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
/** Elements of one chunk of R. */
const CHUNK = 2048;
/** A scratch buffer in place of a plan's: negative ids count from -1. */
type Place = Parameter;

export function lowerPlan(plan: Plan): Lowered {
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
  const at = (buffer: BufferId, offset = 0): Place => ({ buffer, offset });
  const word = (w: number): Parameter => ({ word: w >>> 0 });

  const dispatch = (
    code: string,
    parameters: readonly Parameter[],
    groups: readonly [number, number, number],
  ): void => {
    if (parameters.length > PARAMETER_WORDS)
      throw new Error('webgpu: a kernel needs more parameters than its block holds');
    const first = words.data.length;
    for (const x of parameters) {
      if ('word' in x) words.push(x.word);
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

  const program = (p: Program, extra?: { value: number; to: Parameter }): void => {
    const { code, parameters } = printProgram(p, extra);
    dispatch(code, parameters, groupsFor(p.total));
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
        const pad = (list: readonly number[]) => Array.from({ length: BATCH_AXES }, (_, i) => word(list[i] ?? 0));
        const batches = k.batch.reduce((n, d) => n * d, 1);
        const [x, y] = [Math.ceil(k.n / TILE_GROUP), Math.ceil(k.m / TILE_GROUP)];
        for (let first = 0; first < batches; first += 65535) {
          const params = [
            ...[k.m, k.n, k.k].map(word),
            at(k.a.buffer, k.a.offset),
            word(k.a.row),
            word(k.a.column),
            at(k.b.buffer, k.b.offset),
            word(k.b.row),
            word(k.b.column),
            at(k.out),
            word(k.batch.length),
            word(first),
            ...pad(k.batch),
            ...pad(k.a.batch),
            ...pad(k.b.batch),
          ];
          dispatch(KERNELS.matmul, params, [x, y, Math.min(65535, batches - first)]);
        }
        if (k.epilogue) program(k.epilogue);
        return;
      }
      case 'gather':
      case 'scatterAdd': {
        const total = k.outer * (k.kind === 'gather' ? k.n : k.v) * k.inner;
        const common = [
          ...[total, k.v, k.n, k.inner].map(word),
          at(k.source, k.sourceOffset),
          at(k.index.buffer, k.index.offset),
          ...[k.index.outer, k.index.axis, k.index.inner].map(word),
          at(k.out),
        ];
        if (k.kind === 'gather') {
          dispatch(KERNELS.gather, [...common, word(isFloat(k.dtype) ? NAN[k.dtype] : 0)], groupsFor(total));
        } else {
          const code = k.dtype === 'f32' ? KERNELS.scatterAddF32 : KERNELS.scatterAddInt;
          dispatch(code, [...common, at(k.base, k.baseOffset)], groupsFor(total));
        }
        return;
      }
      case 'finish':
        dispatch(KERNELS.finish, [word(k.size), at(k.buffer), word(EXPONENT[k.dtype])], groupsFor(k.size));
        return;
      default:
        k satisfies never;
    }
  };

  /** Levels of R: chunk results, and their results, until one is left for each output. */
  const sum = (k: Extract<Kernel, { kind: 'reduce' }>, from: Place): void => {
    const outputs = k.outer * k.inner;
    let [source, n, inner, leaves] = [from, k.n, k.inner, 1];
    for (;;) {
      const chunks = Math.max(1, Math.ceil(n / CHUNK));
      const to = chunks === 1 ? at(k.out) : scratch(outputs * chunks);
      const params = [...[outputs * chunks, n, chunks, inner].map(word), source, to, word(leaves)];
      dispatch(k.dtype === 'f32' ? KERNELS.sumF32 : KERNELS.sumInt, params, groupsFor(outputs * chunks));
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
      dispatch(KERNELS.max, params, groupsFor(outputs * chunks));
      if (last) return;
      [source, indices, n, inner] = [values, places, chunks, 1];
    }
  };

  for (const k of plan.kernels) lower(k);
  return { words, dispatches, arena: plan.arena + scratchHigh };
}

const SCRATCH: BufferId = -1;
