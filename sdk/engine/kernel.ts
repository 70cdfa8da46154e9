/** What a plan is made of: kernels over numbered buffers, the same for every device. */

import type { DType } from '../core/dtype.ts';
import type { ScalarOp } from '../core/scalar/ir.ts';

/** A buffer's number in its plan. */
export type BufferId = number;

/** Elements of a buffer in the order of a kernel's flat index: collapsed dims, outermost first. */
export interface Access {
  readonly buffer: BufferId;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

/** A value of a program, in single assignment order. */
export type ProgramValue =
  | { readonly kind: 'load'; readonly access: Access }
  | { readonly kind: 'constant'; readonly value: number; readonly dtype: DType }
  | { readonly kind: 'row'; readonly op: ScalarOp; readonly args: readonly number[]; readonly draw?: DrawRow };

/** The static part of a philox or normal row; the step is read from memory. */
export interface DrawRow {
  readonly step: { readonly buffer: BufferId; readonly offset: number };
  readonly seedLo: number;
  readonly seedHi: number;
  readonly stream: number;
}

export interface ProgramStore {
  readonly value: number;
  readonly access: Access;
  /** An f32 value that leaves the plan: NaN is made canonical and Inf and NaN raise the flag (N0). */
  readonly output: boolean;
}

/** Fused elementwise code over a flat index of `total` elements. */
export interface Program {
  readonly total: number;
  readonly values: readonly ProgramValue[];
  readonly stores: readonly ProgramStore[];
}

export type Kernel =
  | { readonly kind: 'map'; readonly program: Program }
  | {
      readonly kind: 'reduce';
      readonly op: 'sum' | 'max' | 'argmax';
      readonly dtype: DType;
      /** Elements [outer, n, inner], reduced over n: either contiguous in memory, or the value of a program. */
      readonly input:
        | { readonly buffer: BufferId; readonly offset: number }
        | { readonly program: Program; readonly value: number };
      readonly outer: number;
      readonly n: number;
      readonly inner: number;
      readonly out: BufferId;
      readonly epilogue: Program | null;
    }
  | {
      readonly kind: 'matmul';
      /** `'exact'`: f32 whose products are exact and below 2^128 (M3 of N6); `'int8'`: i8 with an i32 result. */
      readonly mode: 'f32' | 'exact' | 'int8';
      readonly m: number;
      readonly n: number;
      readonly k: number;
      readonly a: Matrix;
      readonly b: Matrix;
      readonly batch: readonly number[];
      readonly out: BufferId;
      /** Makes the left side, which then is [m, k] in memory order without batch; rows are needed as they are packed. */
      readonly prologue: Program | null;
      readonly epilogue: Program | null;
    }
  | ({ readonly kind: 'gather' } & Indexed)
  | ({ readonly kind: 'scatterAdd'; readonly base: BufferId; readonly baseOffset: number } & Indexed)
  /** Sums along the middle of [outer, n, inner]. The source may be a view: `slab` and `step` lead along outer and n. */
  | {
      readonly kind: 'cumsum';
      readonly dtype: DType;
      readonly outer: number;
      readonly n: number;
      readonly inner: number;
      readonly source: BufferId;
      readonly sourceOffset: number;
      readonly slab: number;
      readonly step: number;
      readonly out: BufferId;
    }
  /** Where the elements along the middle of [outer, n, inner] belong. The source may be any view of one stride a side. */
  | {
      readonly kind: 'argsort';
      readonly dtype: DType;
      readonly descending: boolean;
      readonly outer: number;
      readonly n: number;
      readonly inner: number;
      readonly source: Sides;
      readonly out: BufferId;
    }
  /** Maps and reductions of rows that may be done some rows at a time (rows.ts). */
  | { readonly kind: 'rows'; readonly rows: number; readonly kernels: readonly Kernel[] }
  /** A program output: Inf and NaN raise the flag, and an f32 NaN becomes the one of N0. */
  | {
      readonly kind: 'finish';
      readonly buffer: BufferId;
      readonly size: number;
      readonly dtype: 'f32' | 'f16' | 'bf16';
    };

/**
 * Operand of a contraction: element (r, c) at offset + r*row + c*column, plus the batch's strides. One of `row` and `column`
 * is 1: what has one row or column may be said to have any stride.
 */
export interface Matrix {
  readonly buffer: BufferId;
  readonly offset: number;
  readonly row: number;
  readonly column: number;
  readonly batch: readonly number[];
  /** Of a right side that no two strides walk: how k and how the columns go. `row` and `column` then say nothing. */
  readonly walk?: { readonly terms: Walk; readonly columns: Walk };
}

/** Some dims, outermost first, at least one. */
export interface Walk {
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

/** x is [outer, v, inner]; the index has one entry for each of n places along the axis, by its own strides. */
export interface Indexed {
  readonly dtype: DType;
  readonly outer: number;
  readonly v: number;
  readonly n: number;
  readonly inner: number;
  /** What is read by index, or added from. */
  readonly source: BufferId;
  readonly sourceOffset: number;
  readonly index: Sides;
  readonly out: BufferId;
}

/** Elements [outer, n, inner] of a buffer, by one stride a side. */
export interface Sides {
  readonly buffer: BufferId;
  readonly offset: number;
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

export type BufferKind = 'input' | 'output' | 'temp';

export interface BufferInfo {
  readonly kind: BufferKind;
  /** Binding number of an input or output. */
  readonly slot: number;
  readonly size: number;
  /** Byte offset of a temp in the plan's arena. */
  offset: number;
}

/** Everything a device needs to run a computation again and again. */
export interface Plan {
  readonly buffers: readonly BufferInfo[];
  readonly kernels: readonly Kernel[];
  readonly inputs: number;
  readonly outputs: readonly { readonly size: number; readonly dtype: DType }[];
  /** Bytes of the arena that holds the temps. */
  readonly arena: number;
  /** Outputs that a guard keeps, where the runs of this plan have one. */
  readonly keeps?: readonly number[];
  /** True where the guard has a halt. */
  readonly halts?: boolean;
}
