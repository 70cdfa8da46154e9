/** Bounds that are checked before anything is allocated. Raised or lowered only by explicit option. */

import { checkOptions, filled, index, type OptionTable } from '../core/options.ts';

export interface Limits {
  /** Bytes of a file's index. */
  index: number;
  tensors: number;
  rank: number;
  /** Bytes of one tensor. */
  tensor: number;
  /** Bytes of a file. */
  file: number;
  /** UTF-8 bytes of a tensor's name. */
  name: number;
  /** Nested arrays and maps; the outermost counts as 1. */
  depth: number;
  /** CBOR items in an index or a commit record. */
  items: number;
  /** UTF-8 bytes of one text in the state. */
  text: number;
  /** Bytes of a commit record. */
  commit: number;
}

export const LIMITS: Readonly<Limits> = {
  index: 16 * 2 ** 20,
  tensors: 100_000,
  rank: 16,
  tensor: 2 ** 40,
  file: 2 ** 44,
  name: 1024,
  depth: 32,
  items: 4_000_000,
  text: 2 ** 20,
  commit: 64 * 1024,
};

const RULES = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, index])) as OptionTable<Limits>;

/** The default limits with the caller's changes. */
export function limitsOf(o: Partial<Limits> = {}): Limits {
  checkOptions<Partial<Limits>>('limits', RULES, o);
  return filled<Partial<Limits>>(LIMITS, o);
}
