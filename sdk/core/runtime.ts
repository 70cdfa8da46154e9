/** Runtime: what owns a device and makes tensors. Declared here, implemented by the engine; core never imports a device. */

import type { DType, Precision } from './dtype.ts';
import type { DeviceError } from './errors.ts';
import type { HostArray, IO } from './host.ts';
import type { Rng } from './rng.ts';
import type { Shape } from './shape.ts';
import type { Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** What a captured function is written against. */
export type Arg = Tensor | string | boolean | null | readonly Arg[] | { readonly [k: string]: Arg };

/** What a captured function returns. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that only assigns returns nothing.
export type Out = Tensor | null | undefined | void | readonly Out[] | { readonly [k: string]: Out };

/** What a call accepts for an argument: tensors, host arrays, and numbers for f32 scalars. */
export type Feed<T> =
  T extends Tensor<infer D>
    ? Tensor<D> | HostArray<D> | (D extends 'f32' ? number : never)
    : T extends string | boolean | null
      ? T
      : { readonly [K in keyof T]: Feed<T[K]> };

/** A result with a number in the place of each tensor. */
export type Numbers<T> = T extends Tensor ? number : T extends object ? { readonly [K in keyof T]: Numbers<T[K]> } : T;

/** Calls that were made as one. */
export interface Series<R> {
  /** What each would have returned, as numbers. Calls behind these were not made. */
  readonly rows: readonly Numbers<R>[];
  /** Rejects with why the call behind the rows was refused: it has assigned nothing. Null where it was not tried. */
  readonly refused: (() => Promise<never>) | null;
}

export interface Captured<P extends readonly unknown[], R> extends Disposable {
  (...args: { [K in keyof P]: Feed<P[K]> }): Promise<R>;
  /**
   * A call that does not wait for its verdict: resolves when the device has taken it, so that a loop can run ahead of a device
   * which tells flags late. Rejects where the verdict is known at once.
   */
  ahead(...args: { [K in keyof P]: Feed<P[K]> }): Promise<Ahead<R>>;
  /**
   * Calls one after the other as one, with the same bits, for loops that read nothing in between: results come as numbers, and
   * Variables take their values once, behind the last call. It makes as many as it can, and none where that is no gain or cannot
   * be: on a device that tells flags late, with `onNonFinite: 'flag'`, for results that are not all f32 scalars.
   */
  series(calls: readonly Readonly<{ [K in keyof P]: Feed<P[K]> }>[]): Promise<Series<R>>;
  /** Inside another trace: builds in place, and gives the result at once. */
  inline(...args: P): R;
  /** Plans made so far: one for each signature of arguments. */
  readonly plans: number;
  dispose(): void;
}

/** A call that the device has taken. */
export interface Ahead<R> {
  readonly result: R;
  /**
   * Asks for the verdict: rejects with what the call would have rejected with, which then has assigned nothing. Null where
   * there is nothing to wait for: the device has answered, or the call is one that is never rejected.
   */
  readonly done: (() => Promise<void>) | null;
}

export interface CaptureOptions {
  /**
   * What a call does when an output or a new Variable value is Inf or NaN, or an index was out of range: `'flag'` (the
   * default) keeps the results and lets the next read throw; `'reject'` rejects the call with a NumericError that names the
   * op, and assigns nothing; what comes after it sees the old values. `'stop'` rejects as well, and with it the calls made
   * since, until one of these rejections has been thrown.
   */
  onNonFinite?: 'flag' | 'reject' | 'stop';
}

export interface TensorOptions {
  /** `'throw'` (the default) refuses Inf and NaN in host data. */
  nonfinite?: 'throw' | 'keep';
}

export interface Runtime extends AsyncDisposable {
  readonly backend: 'webgpu' | 'wasm';
  readonly adapter: string;
  /** Why this backend was chosen. */
  readonly why: string;
  /** Version of the arithmetic contract. */
  readonly contract: 1;
  readonly exactness: 'bitwise' | 'unverified';
  /** What operands of contractions are rounded to, where a call does not say (N6). */
  readonly precision: Precision;
  readonly threads: number;
  readonly rng: Rng;
  readonly lost: Promise<DeviceError>;
  /** Copies host data to a tensor; -0 and subnormals become +0. Throws DataError on Inf and NaN unless kept, ShapeError. */
  tensor<D extends DType = 'f32'>(
    data: HostArray<D> | ArrayLike<number>,
    shape?: Shape,
    dtype?: D,
    o?: TensorOptions,
  ): Tensor<D>;
  scalar<D extends DType = 'f32'>(v: number, dtype?: D): Tensor<D>;
  /** A value that changes from step to step: a parameter, an optimiser slot, a counter. */
  variable<D extends DType>(init: Tensor<D>, o?: { trainable?: boolean }): Variable<D>;
  /** Traces `fn` once a signature, and replays it as one program (api 5). */
  capture<P extends readonly Arg[], R extends Out>(fn: (...a: P) => R, o?: CaptureOptions): Captured<P, R>;
  /** Runs what is assigned but not computed yet. */
  flush(o?: IO): Promise<void>;
  /** Bytes on the device: live values, the most there ever were, and the limit. */
  memory(): { live: number; peak: number; limit: number };
  dispose(): Promise<void>;
}
