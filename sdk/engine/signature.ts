/** Arguments of a captured call: the tensors among them in order, and the form of everything else, which chooses a plan. */

import type { DType } from '../core/dtype.ts';
import { CaptureError, OptionError } from '../core/errors.ts';
import { type HostArray, isHostArray } from '../core/host.ts';
import { type Shape, sameShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { Variable } from '../core/variable.ts';

export type Leaf = Tensor | HostArray | number;

/** What an argument was at the trace: tensors by shape and dtype (a number is a 0-d f32), words by value. */
export type Form =
  | { readonly kind: 'leaf'; readonly shape: Shape; readonly dtype: DType }
  | { readonly kind: 'word'; readonly word: unknown }
  | { readonly kind: 'list' | 'record'; readonly keys: readonly string[]; readonly items: readonly Form[] };

/** The form of a call, and the call itself with `leaf(…)` in the place of each tensor. */
export interface Signature {
  readonly form: Form;
  readonly feeds: readonly unknown[];
}

const SCALAR: Shape = Object.freeze([]);

/** Reads arguments, in order: `leaf` is called for each tensor among them. */
export function read(args: readonly unknown[], leaf: (shape: Shape, dtype: DType) => unknown): Signature {
  const walk = (arg: unknown, path: string): [Form, unknown] => {
    if (typeof arg === 'number') return [{ kind: 'leaf', shape: SCALAR, dtype: 'f32' }, leaf(SCALAR, 'f32')];
    if (arg instanceof Tensor || isHostArray(arg)) {
      const { dtype } = arg;
      const shape = [...arg.shape];
      return [{ kind: 'leaf', shape, dtype }, leaf(shape, dtype)];
    }
    if (arg instanceof Variable) {
      throw new CaptureError('E_CAPTURE', `capture: argument ${path} is a Variable`, {
        hint: 'Close over variables: they are read at each call.',
      });
    }
    if (arg === null || typeof arg === 'string' || typeof arg === 'boolean') return [{ kind: 'word', word: arg }, arg];
    if (typeof arg !== 'object') {
      throw new OptionError(`capture: argument ${path} is a ${typeof arg}`, {
        hint: 'Give tensors, host arrays, plain values, and lists or objects of these.',
      });
    }
    if (Array.isArray(arg)) {
      const items = arg.map((x, i) => walk(x, path === '' ? `${i}` : `${path}[${i}]`));
      return [{ kind: 'list', keys: [], items: items.map(([form]) => form) }, items.map(([, feed]) => feed)];
    }
    const keys = Object.keys(arg);
    const items = keys.map((k) => walk((arg as Readonly<Record<string, unknown>>)[k], `${path}.${k}`));
    const feed = Object.fromEntries(keys.map((k, i) => [k, items[i][1]]));
    return [{ kind: 'record', keys, items: items.map(([form]) => form) }, feed];
  };
  const [form, feeds] = walk(args, '');
  return { form, feeds: feeds as unknown[] };
}

/**
 * Where an argument has this form, its tensors are put into `leaves` from `at` on; gives the place behind them, or -1. This runs at
 * every call, and allocates next to nothing.
 */
export function fit(form: Form, arg: unknown, leaves: Leaf[], at: number): number {
  if (form.kind === 'leaf') {
    if (typeof arg === 'number') {
      if (form.dtype !== 'f32' || form.shape.length !== 0) return -1;
    } else if (!(arg instanceof Tensor || isHostArray(arg))) return -1;
    else if (arg.dtype !== form.dtype || !sameShape(arg.shape, form.shape)) return -1;
    leaves[at] = arg as Leaf;
    return at + 1;
  }
  if (form.kind === 'word') return arg === form.word ? at : -1;
  if (typeof arg !== 'object' || arg === null) return -1;
  const { keys, items } = form;
  let next = at;
  if (form.kind === 'list') {
    if (!Array.isArray(arg) || arg.length !== items.length) return -1;
    for (let i = 0; i < items.length && next >= 0; i++) next = fit(items[i], arg[i], leaves, next);
    return next;
  }
  if (Array.isArray(arg) || arg instanceof Tensor || arg instanceof Variable || isHostArray(arg)) return -1;
  const names = Object.keys(arg);
  if (names.length !== keys.length) return -1;
  for (let i = 0; i < keys.length && next >= 0; i++) {
    if (names[i] !== keys[i]) return -1;
    next = fit(items[i], (arg as Readonly<Record<string, unknown>>)[keys[i]], leaves, next);
  }
  return next;
}
