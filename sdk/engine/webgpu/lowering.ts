/** What a kernel's lowering writes with. */

import type { BufferId } from '../kernel.ts';
import type { Parameter } from './print.ts';

/** A scratch buffer in place of a plan's: negative ids count from -1. */
export type Place = Extract<Parameter, { readonly buffer: number }>;
/** Or the place of something that is bound behind inputs and outputs. */
export type Word = Parameter | { readonly binding: number };

/** What an adapter takes in one dispatch. */
export interface DispatchLimits {
  /** Workgroups along an axis. */
  readonly groups: number;
  /** Multiplications, or elements looked at: drivers end a dispatch that takes seconds. */
  readonly work: number;
}

export interface Lowering {
  readonly limits: DispatchLimits;
  /** Memory for the kernel that is being lowered. */
  scratch(elements: number): Place;
  /** The place of an element of a buffer. */
  at(buffer: BufferId, offset?: number): Place;
  word(w: number): Parameter;
  /** Workgroups for so many elements. */
  linear(elements: number): [number, number, number];
  dispatch(code: string, parameters: readonly Word[], groups: readonly [number, number, number]): void;
}
