/** Arguments of a captured call: the tensors among them in order, and everything else as the key of a plan. */

import { CaptureError, OptionError } from '../core/errors.ts';
import { type HostArray, isHostArray } from '../core/host.ts';
import { Tensor } from '../core/tensor.ts';
import { Variable } from '../core/variable.ts';

export type Leaf = Tensor | HostArray | number;
/** The tensors among the arguments, in order, and everything else as a key. */
export interface Signature {
  readonly leaves: Leaf[];
  key: string;
}

/** Walks arguments, in order: `leaf` is called for each tensor, `note` for the rest of the signature. */
export function walk(arg: unknown, path: string, leaf: (x: Leaf) => unknown, note: (text: string) => void): unknown {
  if (typeof arg === 'number' || arg instanceof Tensor || isHostArray(arg)) return leaf(arg);
  if (arg instanceof Variable) {
    throw new CaptureError('E_CAPTURE', `capture: argument ${path} is a Variable`, {
      hint: 'Close over variables: the function reads them at each call.',
    });
  }
  if (arg === null || typeof arg === 'string' || typeof arg === 'boolean') {
    note(JSON.stringify(arg));
    return arg;
  }
  if (Array.isArray(arg)) {
    note('[');
    const out = arg.map((x, i) => walk(x, `${path}[${i}]`, leaf, note));
    note(']');
    return out;
  }
  if (typeof arg === 'object') {
    const out: Record<string, unknown> = {};
    note('{');
    for (const [k, v] of Object.entries(arg)) {
      note(`${k}:`);
      out[k] = walk(v, `${path}.${k}`, leaf, note);
    }
    note('}');
    return out;
  }
  throw new OptionError(`capture: argument ${path} is a ${typeof arg}`, {
    hint: 'Arguments are tensors, host arrays, numbers, strings, booleans, null, and lists or objects of these.',
  });
}

export function read(args: readonly unknown[]): Signature {
  const s: Signature = { leaves: [], key: '' };
  args.forEach((a, i) => {
    walk(
      a,
      `${i}`,
      (x) => {
        s.leaves.push(x);
        s.key += typeof x === 'number' ? 'f32[],' : `${x.dtype}[${x.shape}],`;
      },
      (text) => {
        s.key += text;
      },
    );
  });
  return s;
}
