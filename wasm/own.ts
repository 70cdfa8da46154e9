/**
 * Scratch that is static data belongs to the caller's thread: every other thread has its own, as far behind as all static data
 * reaches. Whoever uses an address of `memory.data(bytes, align)` says `own(address)`; constants are shared.
 */

import { STEP_REGISTER, STEP_STREAM } from './build/opcodes';
import { word } from './words';

const STREAM: usize = STEP_STREAM;
const REGISTER: usize = STEP_REGISTER;

/** Bytes from this scratch to the thread's own. A global belongs to one instance, and each thread has one. */
let distance: usize = 0;

/** The bytes that static data take, and so one thread's scratch. */
@inline
export function share(): usize {
  return (__heap_base + 63) & ~63;
}

/** From here on this instance's scratch is that of thread `thread`; the caller's is 0. */
export function become(thread: usize): void {
  distance = thread * share();
}

/** This instance's thread. */
@inline
export function thread(): usize {
  return ASC_FEATURE_THREADS ? distance / share() : 0;
}

/** Where element e0 of a program row's operand lies: the address at word i of the row, the step behind it. */
@inline
export function place(row: usize, i: usize, e0: usize): usize {
  const step = word(row, i + 1);
  const at = word(row, i) + e0 * (step & STREAM);
  return ASC_FEATURE_THREADS ? at + (distance & (0 - (step & REGISTER))) : at;
}

/** Where element e0 of a row's second operand lies. */
@inline
export function second(row: usize, e0: usize): usize {
  return place(row, 5, e0);
}

/** Where element e0 of its third operand lies. */
@inline
export function third(row: usize, e0: usize): usize {
  return place(row, 7, e0);
}

/** Where an address of this thread's scratch is in the caller's. */
@inline
export function callers(address: usize): usize {
  return ASC_FEATURE_THREADS ? address - distance : address;
}

/** Where the scratch at `address` lies for this thread. */
@inline
export function own(address: usize): usize {
  return ASC_FEATURE_THREADS ? address + distance : address;
}
