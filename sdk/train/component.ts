/** What a training state is made of: components that save themselves under one root, and check before they load. */

import type { TensorSource } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import { Variable } from '../core/variable.ts';

/** A component's part of a state; tensors go without the root in their names. */
export interface Saved<T = Variable | HostArray> {
  readonly state: Json;
  readonly tensors: ReadonlyMap<string, T>;
}

/** What a version stores as the next one does. It changes nothing that it is given. */
export type Migration = (saved: Saved<HostArray>) => Saved<HostArray>;

/** A component of a file that was of an older version. */
export interface Migrated {
  readonly component: string;
  /** 0 where the file did not have it. */
  readonly from: number;
  readonly to: number;
}

export interface Component {
  /** Names the root under which it lies, in `state` and in the tensors' names; may have two parts. */
  readonly root: string;
  /** Raised when what it stores changes; from 1. */
  readonly version: number;
  /** From version n, its key, to n + 1. 0 is a file without this component: a state of null and no tensors. */
  readonly migrations?: Readonly<Record<number, Migration>>;
  /** What takes them: without it other versions are refused. */
  readonly upgrade?: (c: Component, from: number, saved: Saved<HostArray>, done: Migrated[]) => Saved<HostArray>;
  /** A moment's picture: Variables are named, not read. */
  save(): Saved;
  /**
   * Checks everything, changes nothing, and returns what applies it: a state is checked as a whole before any of it is applied.
   * @throws CheckpointError, OptionError
   */
  load(saved: Saved<HostArray>): () => void;
}

/** A Variable's value at this moment, read when it is written. */
export function lazily(v: Variable | HostArray): { source: TensorSource; release: () => void } {
  if (!(v instanceof Variable)) return { source: v, release: () => {} };
  const value = v.value();
  return {
    source: { dtype: v.dtype, shape: v.shape, read: (o) => value.data(o) },
    release: () => value.dispose(),
  };
}

/** A field of a component's state, with its type checked. */
export function field<T extends Json>(
  root: string,
  state: Json,
  name: string,
  ok: (v: Json) => v is T,
  want: string,
): T {
  const v = isMap(state) ? state[name] : undefined;
  if (v !== undefined && ok(v)) return v;
  throw new CheckpointError(
    'E_SCHEMA',
    `state.${root}.${name}: expected ${want}, got ${JSON.stringify(v) ?? 'nothing'}`,
    {
      path: `state.${root}.${name}`,
      expected: want,
      actual: v,
      hint: 'It was not written by a Trainer.',
    },
  );
}

export const isMap = (v: Json | undefined): v is { readonly [k: string]: Json } =>
  typeof v === 'object' && v !== null && !Array.isArray(v);
export const isText = (v: Json): v is string => typeof v === 'string';
export const isTextOrNull = (v: Json): v is string | null => v === null || typeof v === 'string';
export const isCount = (v: Json): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
