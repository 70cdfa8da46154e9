/** Device: what the engine asks of a backend. Nothing above this interface knows which one runs. */

import type { DType } from '../core/dtype.ts';
import type { DeviceError } from '../core/errors.ts';
import type { Held } from '../core/node.ts';
import type { Plan } from './kernel.ts';

/** What a run raised: program outputs with Inf or NaN, and gather indices out of range. */
export interface Flags {
  readonly nonfinite: boolean;
  readonly index: boolean;
}

export const CLEAN: Flags = Object.freeze({ nonfinite: false, index: false });

/** A plan compiled for a device. */
export interface Compiled {
  readonly plan: Plan;
  dispose(): void;
}

export interface Device {
  readonly backend: 'wasm' | 'webgpu';
  readonly adapter: string;
  /** Settles when the device is lost. */
  readonly lost?: Promise<DeviceError>;
  /** A buffer for so many 4-byte elements. Throws DeviceError E_OOM. */
  allocate(elements: number): Held;
  /** Copies elements in; f32 is made canonical. True when an element is Inf or NaN. */
  upload(to: Held, data: ArrayLike<number>, dtype: DType): boolean;
  /** Copies elements out: f32, i32, u32 as they are, bool as 0 and 1 in 32 bits. */
  download(from: Held, elements: number): Promise<Uint32Array>;
  compile(plan: Plan): Compiled;
  run(compiled: Compiled, inputs: readonly Held[], outputs: readonly Held[]): Flags | Promise<Flags>;
  memory(): { live: number; peak: number; limit: number };
  dispose(): void;
}
