/**
 * Which runs a value comes from, as long as that matters: until their flags are known, and after that if one was raised and
 * nobody has been told. A fault belongs to the values that were made of it, so that users of one runtime do not meet each
 * other's errors.
 */

import type { NumericError } from '../core/errors.ts';
import type { Node } from '../core/node.ts';
import type { Flags, Pending } from './device.ts';

/** What a run raised: the next read of a value that comes from it throws, once; that of a rejected call always. */
export class Fault {
  readonly rejected: boolean;
  readonly #explain: () => Promise<NumericError>;
  readonly #release: () => void;
  #error: Promise<NumericError> | null = null;
  #open = true;

  /** `release` lets go of what `explain` needs. */
  constructor(rejected: boolean, explain: () => Promise<NumericError>, release: () => void) {
    this.rejected = rejected;
    this.#explain = explain;
    this.#release = release;
  }

  /** True while a read is to throw it. */
  get open(): boolean {
    return this.#open || this.rejected;
  }
  /** The error, found out at the first call. From then on it is told. */
  error(): Promise<NumericError> {
    this.#open = false;
    this.#error ??= this.#explain().finally(this.#release);
    return this.#error;
  }
  /** Told without being thrown. */
  waive(): void {
    this.#open = false;
    if (!this.#error) this.#release();
  }
}

export class Origin {
  /** The run whose flags are not known yet. */
  #pending: Pending | null;
  #parents: readonly Origin[];
  #fault: Fault | null = null;

  constructor(pending: Pending | null, parents: readonly Origin[]) {
    this.#pending = pending;
    this.#parents = parents;
  }

  /** Once: what the run raised, or the first of its inputs' faults. Runs settle in the order in which they were made. */
  settle(own: Fault | null): void {
    this.#fault = own ?? this.#parents.find((p) => p.fault)?.fault ?? null;
    this.#pending = null;
    this.#parents = [];
  }
  get fault(): Fault | null {
    return this.#fault?.open ? this.#fault : null;
  }
  /** True while a value of it may yet be refused. */
  get open(): boolean {
    return this.#pending !== null || this.fault !== null;
  }
  /** Resolves when it is settled. */
  asked(): Promise<Flags> | undefined {
    return this.#pending?.ask();
  }
}

export const originOf = (n: Node): Origin | null => n.origin as Origin | null;

/** Adds the origin of a node to those found, where it is open and not among them. */
export function noteOrigin(n: Node, found: readonly Origin[]): readonly Origin[] {
  const o = originOf(n);
  if (!o || found.includes(o)) return found;
  if (o.open) return [...found, o];
  n.origin = null;
  return found;
}

/** The origins of nodes that are open. */
export const openOrigins = (nodes: readonly Node[]): readonly Origin[] =>
  nodes.reduce<readonly Origin[]>((found, n) => noteOrigin(n, found), []);
