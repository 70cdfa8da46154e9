/** Device: what the engine asks of a backend. Nothing above this interface knows which one runs. */

import type { DType } from '../core/dtype.ts';
import type { DeviceError } from '../core/errors.ts';
import type { Held } from '../core/node.ts';
import type { Plan } from './kernel.ts';

/** What a run raised: program outputs with Inf or NaN, and gather indices out of range. */
export interface Flags {
  readonly nonfinite: boolean;
  readonly index: boolean;
  /** The run changed nothing, because one before it raised a flag (Guard). */
  readonly halted: boolean;
}

export const CLEAN: Flags = Object.freeze({ nonfinite: false, index: false, halted: false });

/**
 * Flags of a run on a device that answers later. Reading them back costs the device a round trip, so it does that for many runs
 * at once: with the next download, or when one of them is asked for.
 */
export interface Pending {
  readonly flags: Promise<Flags>;
  /** Asks for the flags of this run and of all before it. */
  ask(): Promise<Flags>;
}

/** The flags, asked for where they have not come. */
export function told(flags: Flags | Pending): Flags | Promise<Flags> {
  return 'ask' in flags ? flags.ask() : flags;
}

/**
 * What a run that raises a flag leaves as it was: `to[i]` gets output `plan.keeps[i]`, or `old[i]` where a flag was raised. So
 * what comes after such a run sees the old values before anyone has read the flags.
 */
export interface Guard {
  readonly old: readonly Held[];
  readonly to: readonly Held[];
  /** A u32 that such a run sets; while it is not zero, no run that has it changes anything. */
  readonly halt: Held | null;
}

/** A plan compiled for a device. */
export interface Compiled {
  readonly plan: Plan;
  dispose(): void;
}

export interface Device {
  readonly backend: 'wasm' | 'webgpu';
  readonly adapter: string;
  /** Threads at work, where there can be more than one. */
  readonly threads?: number;
  /** True where runs answer later (Pending): then calls that may be rejected run under a guard. */
  readonly late: boolean;
  /** Settles when the device is lost. */
  readonly lost?: Promise<DeviceError>;
  /** A buffer for so many 4-byte elements. Throws DeviceError E_OOM. */
  allocate(elements: number): Held;
  /** Copies elements in; f32 is made canonical. True when an element is Inf or NaN. */
  upload(to: Held, data: ArrayLike<number>, dtype: DType): boolean;
  /** Copies elements out: f32, i32, u32 as they are, bool as 0 and 1 in 32 bits. */
  download(from: Held, elements: number, into?: Uint32Array): Promise<Uint32Array>;
  /** The f32 of one element, where a run has ended when it returns. */
  peek?(from: Held): number;
  /** A copy in a GPUBuffer of its own, where there are such. */
  share?(from: Held, elements: number): Promise<{ destroy(): void }>;
  compile(plan: Plan): Compiled;
  /** A plan with `keeps` is given a guard. */
  run(compiled: Compiled, inputs: readonly Held[], outputs: readonly Held[], guard?: Guard): Flags | Pending;
  memory(): { live: number; peak: number; limit: number };
  dispose(): void;
}
