/** A random program as data: it can be built on any graph, cut smaller, and printed as TypeScript. */

import { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../../sdk/core/convolution.ts';
import {
  argmin,
  argsort,
  concat,
  cumsum,
  logSoftmax,
  logSumExp,
  mean,
  min,
  softmax,
  sort,
  stack,
  topK,
  where,
} from '../../sdk/core/functions.ts';
import { grad } from '../../sdk/core/grad.ts';
import { jvp } from '../../sdk/core/jvp.ts';
import { bceWithLogits } from '../../sdk/core/ops/composite.ts';
import { normal, philox, unit } from '../../sdk/core/ops/random.ts';
import { avgPool1d, avgPool2d, maxPool1d, maxPool2d } from '../../sdk/core/pooling.ts';
import { streamOf } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { Tensor } from '../../sdk/core/tensor.ts';
import { bitsAt, type Value } from '../reference/value.ts';

/** `{ ref }` is a value of the program: its leaves first, then the results of its steps in order. */
export type Argument =
  | number
  | string
  | boolean
  | null
  | undefined
  | { readonly ref: number }
  | readonly Argument[]
  | { readonly [name: string]: Argument };

/** A call of a function of FUNCTIONS, or else of a method of the first argument. */
export interface Step {
  readonly call: string;
  readonly args: readonly Argument[];
  /** Tensors it gives. */
  readonly results: number;
}

export interface Program {
  readonly leaves: readonly Value[];
  readonly steps: readonly Step[];
  /** Values to read. */
  readonly outputs: readonly number[];
  /** When captured, these leaves are Variables that take these values at the end of each call. */
  readonly assigns: readonly (readonly [leaf: number, value: number])[];
}

/** What a case builds from its leaves. */
export interface Built {
  readonly outputs: readonly Tensor[];
  readonly assigns: readonly (readonly [leaf: number, value: Tensor])[];
}

export interface Case {
  readonly leaves: readonly Value[];
  readonly build: (x: readonly Tensor[]) => Built;
}

/** Random draws as a function of the step; key and stream are fixed. */
export function draw(kind: 'bits' | 'uniform' | 'normal', step: Tensor<'u32'>, name: string, shape: Shape): Tensor {
  const d = { seedLo: 0x01234567, seedHi: 0x89abcdef, stream: streamOf(name) };
  if (kind === 'normal') return new Tensor(normal(step.node, d, shape));
  const words = philox(step.node, d, shape);
  return new Tensor(kind === 'bits' ? words : unit(words));
}

/** Elementwise cross-entropy of logits and targets. */
export const bce = (x: Tensor<'f32'>, t: Tensor<'f32'>): Tensor<'f32'> => new Tensor(bceWithLogits(x.node, t.node));

/** The values and positions of topK. */
export function top(x: Tensor<'f32'>, k: number, axis: number, o: { largest?: boolean }): Tensor[] {
  const { values, indices } = topK(x, k, axis, o);
  return [values, indices];
}

type Callable = (...args: unknown[]) => Tensor | readonly Tensor[];
const FUNCTIONS = {
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  maxPool1d,
  maxPool2d,
  avgPool1d,
  avgPool2d,
  where,
  concat,
  stack,
  mean,
  softmax,
  logSoftmax,
  logSumExp,
  min,
  argmin,
  cumsum,
  sort,
  argsort,
  top,
  grad,
  jvp,
  draw,
  bce,
} as unknown as Readonly<Record<string, Callable>>;

export const isRef = (a: Argument): a is { readonly ref: number } =>
  typeof a === 'object' && a !== null && 'ref' in a && typeof a.ref === 'number';

/** Rewrites every reference of an argument. */
export function mapRefs(a: Argument, f: (ref: number) => number): Argument {
  if (isRef(a)) return { ref: f(a.ref) };
  if (Array.isArray(a)) return a.map((x: Argument) => mapRefs(x, f));
  if (typeof a === 'object' && a !== null) {
    return Object.fromEntries(Object.entries(a).map(([k, v]) => [k, mapRefs(v as Argument, f)]));
  }
  return a;
}

export function refsOf(step: Step): number[] {
  const out: number[] = [];
  mapRefs(step.args, (r) => {
    out.push(r);
    return r;
  });
  return out;
}

function resolve(a: Argument, values: readonly Tensor[]): unknown {
  if (isRef(a)) return values[a.ref];
  if (Array.isArray(a)) return a.map((x: Argument) => resolve(x, values));
  if (typeof a === 'object' && a !== null) {
    return Object.fromEntries(Object.entries(a).map(([k, v]) => [k, resolve(v as Argument, values)]));
  }
  return a;
}

/** Performs one step on the values so far. */
export function perform(step: Step, values: readonly Tensor[]): readonly Tensor[] {
  const args = step.args.map((a) => resolve(a, values));
  const f = FUNCTIONS[step.call];
  if (f) {
    const out = f(...args);
    return out instanceof Tensor ? [out] : out;
  }
  const [self, ...rest] = args as [Tensor, ...unknown[]];
  const method = (self as unknown as Record<string, (...a: unknown[]) => Tensor>)[step.call];
  return [method.apply(self, rest)];
}

export const caseOf = (p: Program): Case => ({
  leaves: p.leaves,
  build(x) {
    const values = [...x];
    for (const step of p.steps) values.push(...perform(step, values));
    return {
      outputs: p.outputs.map((i) => values[i]),
      assigns: p.assigns.map(([leaf, value]) => [leaf, values[value]] as const),
    };
  },
});

/** Functions that this file defines for programs. */
const OWN: readonly string[] = ['draw', 'bce', 'top'];

/** A program as a file that runs by itself, on a runtime of its process. */
export function print(p: Program, note: string, runtime = 'node-wasm'): string {
  const name = (i: number) => (i < p.leaves.length ? `x${i}` : `t${i}`);
  const show = (a: Argument): string => {
    if (isRef(a)) return name(a.ref);
    if (Array.isArray(a)) return `[${a.map(show).join(', ')}]`;
    if (typeof a === 'object' && a !== null) {
      return `{ ${Object.entries(a)
        .map(([k, v]) => `${k}: ${show(v as Argument)}`)
        .join(', ')} }`;
    }
    return typeof a === 'string' ? `'${a}'` : String(a);
  };
  let next = p.leaves.length;
  const lines = p.steps.map((s) => {
    const made = Array.from({ length: s.results }, () => name(next++));
    const [self, ...rest] = s.args.map(show);
    const call =
      s.call in FUNCTIONS ? `${s.call}(${[self, ...rest].join(', ')})` : `${self}.${s.call}(${rest.join(', ')})`;
    return `    const ${s.results > 1 || s.call === 'grad' ? `[${made.join(', ')}]` : made[0]} = ${call};`;
  });
  const used = [...new Set(p.steps.map((s) => s.call))].filter((c) => c in FUNCTIONS);
  const own = used.filter((c) => OWN.includes(c));
  const sdk = used.filter((c) => !OWN.includes(c));
  const leaves = p.leaves.map((v) => {
    const bits = Array.from(v.data, (_, i) => `0x${bitsAt(v, i).toString(16)}`);
    return `    leaf('${v.dtype}', [${v.shape}], [${bits.join(', ')}]),`;
  });
  return [
    `// ${note}`,
    '// Run in the project root: node --import tsx <this file>',
    "import { leaf, report } from './conformance/fuzz/runtimes.ts';",
    ...(own.length > 0 ? [`import { ${own.join(', ')} } from './conformance/fuzz/program.ts';`] : []),
    ...(sdk.length > 0 ? [`import { ${sdk.join(', ')} } from './sdk/index.ts';`] : []),
    '',
    'await report({',
    '  leaves: [',
    ...leaves,
    '  ],',
    `  build([${p.leaves.map((_, i) => name(i)).join(', ')}]) {`,
    ...lines,
    `    return { outputs: [${p.outputs.map(name).join(', ')}], assigns: [${p.assigns.map(([l, v]) => `[${l}, ${name(v)}]`).join(', ')}] };`,
    '  },',
    runtime === 'node-wasm' ? '});' : `}, '${runtime}');`,
    '',
  ].join('\n');
}
