/**
 * Captured programs: `fn` runs once a signature on placeholders, what it built becomes one plan, and calls replay it
 * (call.ts). Outputs and new Variable values get places of their own, so a call that is rejected has assigned nothing, and no
 * later call overwrites an output.
 */

import { CaptureError } from '../core/errors.ts';
import type { Node } from '../core/node.ts';
import { CONSTANT, PLACEHOLDER, placeholder } from '../core/ops/leaf.ts';
import type { Ahead, Arg, Captured, CaptureOptions, Out, Series } from '../core/runtime.ts';
import { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { type Entry, Hole, type Source, type Started, start, Verdicts } from './call.ts';
import { collect, type Exprs } from './expr.ts';
import { makePlan } from './plan.ts';
import type { EngineRuntime } from './runtime.ts';
import { runSeries } from './series.ts';
import { type Form, fit, type Leaf, read } from './signature.ts';
import { checkDType } from './upload.ts';

/** What a trace collects besides the graph. */
export class Trace {
  readonly start: number;
  readonly reads = new Map<Variable, Node>();
  readonly assigned = new Map<Variable, Node>();
  readonly #rt: EngineRuntime;
  constructor(rt: EngineRuntime) {
    this.#rt = rt;
    this.start = rt.mark;
  }
  read(v: Variable): Node {
    const now = this.assigned.get(v) ?? this.reads.get(v);
    if (now) return now;
    const n = placeholder(this.#rt, -1, v.shape, v.dtype);
    this.reads.set(v, n);
    return n;
  }
}

export function makeCaptured<P extends readonly Arg[], R extends Out>(
  rt: EngineRuntime,
  fn: (...a: P) => R,
  o: CaptureOptions,
): Captured<P, R> {
  /** Those that were called last come first. */
  const entries: Entry[] = [];
  const verdicts = new Verdicts(rt, o.onNonFinite ?? 'flag');
  const leaves: Leaf[] = [];
  /** What calls without a result give. */
  const nothing = Promise.resolve() as Promise<R>;
  let calls = 0;
  let disposed = false;

  const find = (args: readonly unknown[]): Entry | null => {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (fit(entry.form, args, leaves, 0) < 0) continue;
      if (i > 0) {
        entries.splice(i, 1);
        entries.unshift(entry);
      }
      return entry;
    }
    return null;
  };
  const program = (args: readonly unknown[]): Entry => {
    if (disposed)
      throw new CaptureError('E_CAPTURE', 'a captured function was called after dispose()', {
        hint: 'Capture it again.',
      });
    let entry = find(args);
    if (entry === null) {
      entries.unshift(trace(rt, fn, args, verdicts));
      entry = find(args);
      if (entry === null) throw new CaptureError('E_CAPTURE', 'capture: the arguments changed during the trace');
    } else if (rt.debug) {
      compare(entry.exprs, build(rt, fn, args).exprs);
    }
    calls++;
    return entry;
  };
  const begin = (args: readonly unknown[]): Started => start(rt, program(args), leaves, calls, verdicts);
  const call = (args: readonly unknown[]): Promise<R> => {
    const s = begin(args);
    if (s.verdict || s.wait) return judged<R>(s);
    return s.result === undefined ? nothing : Promise.resolve(s.result as R);
  };
  const ahead = async (...args: readonly unknown[]): Promise<Ahead<R>> => {
    if (rt.trace) return { result: inline(...(args as unknown as P)), done: null };
    const { result, verdict, wait, refused } = begin(args);
    if (refused) await verdict?.();
    if (wait) await wait;
    return { result: result as R, done: verdict };
  };

  const series = async (all: readonly (readonly unknown[])[]): Promise<Series<R>> => {
    const alone = rt.trace || rt.debug || rt.device.late || !verdicts.strict;
    return runSeries(rt, alone ? [] : all, program, () => calls, leaves, verdicts) as Series<R>;
  };

  const inline = (...args: P): R => fn(...args);
  const captured = (...args: readonly unknown[]): Promise<R> => {
    try {
      return rt.trace ? Promise.resolve(inline(...(args as unknown as P))) : call(args);
    } catch (e) {
      return Promise.reject(e);
    }
  };
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    for (const e of entries.splice(0)) {
      e.compiled.dispose();
      for (const place of e.places) place?.release();
    }
    leaves.length = 0;
    verdicts.dispose();
  };
  const methods = { ahead, series, inline, dispose, [Symbol.dispose]: dispose };
  return Object.defineProperty(Object.assign(captured, methods), 'plans', {
    get: () => entries.length,
  }) as unknown as Captured<P, R>;
}

/** What a call gives that waits. It stands apart from those that do not: closures cost a call that makes none. */
async function judged<R>({ result, verdict, wait }: Started): Promise<R> {
  try {
    await (verdict ? verdict() : wait);
  } catch (e) {
    if (verdict) free(result);
    throw e;
  }
  return result as R;
}

interface Built {
  readonly form: Form;
  readonly exprs: Exprs;
  readonly args: ReadonlyMap<Node, number>;
  readonly trace: Trace;
  readonly outputs: readonly Node[];
  readonly shape: unknown;
}

/** Runs `fn` on placeholders. */
function build(rt: EngineRuntime, fn: (...a: never) => unknown, args: readonly unknown[]): Built {
  const outer = rt.trace;
  const t = new Trace(rt);
  const places = new Map<Node, number>();
  rt.trace = t;
  let returned: unknown;
  let form: Form;
  try {
    const signature = read(args, (shape, dtype) => {
      const n = placeholder(rt, places.size, shape, checkDType('capture', dtype));
      places.set(n, places.size);
      return new Tensor(n);
    });
    form = signature.form;
    returned = (fn as (...a: unknown[]) => unknown)(...signature.feeds);
  } finally {
    rt.trace = outer;
  }
  if (returned instanceof Promise) {
    throw new CaptureError('E_IMPURE', 'capture: the function is asynchronous', {
      hint: 'A captured function only builds and assigns.',
    });
  }
  const outputs: Node[] = [];
  const shape = outline(returned, outputs);
  const roots = [...outputs, ...t.assigned.values()];
  // What was built before the trace is a value of its own, not part of the program.
  const before = (n: Node) => n.id < t.start && n.op !== CONSTANT && n.op !== PLACEHOLDER;
  const exprs = collect(roots, before);
  return { form, exprs, args: places, trace: t, outputs, shape };
}

function outline(x: unknown, outputs: Node[]): unknown {
  if (x instanceof Tensor) {
    outputs.push(x.node);
    return new Hole(outputs.length - 1, x.shape, x.dtype);
  }
  if (Array.isArray(x)) return x.map((v) => outline(v, outputs));
  if (x instanceof Map) return new Map([...x].map(([k, v]) => [k, outline(v, outputs)]));
  if (typeof x === 'object' && x !== null) {
    return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, outline(v, outputs)]));
  }
  if (x === undefined || x === null) return x;
  throw new CaptureError('E_CAPTURE', `capture: the function returned a ${typeof x}`, {
    hint: 'Return tensors, or lists and objects of tensors.',
  });
}

/** Frees a result that nobody gets. */
function free(result: unknown): void {
  if (result instanceof Tensor) result.dispose();
  else if (typeof result === 'object' && result !== null) {
    for (const x of result instanceof Map ? result.values() : Object.values(result)) free(x);
  }
}

function trace(rt: EngineRuntime, fn: (...a: never) => unknown, args: readonly unknown[], verdicts: Verdicts): Entry {
  const built = build(rt, fn, args);
  const { exprs, trace: t } = built;
  const variableAt = new Map([...t.reads].map(([v, n]) => [n, v]));
  const sources = exprs.leaves.map(({ node }): Source => {
    const index = built.args.get(node);
    if (index !== undefined) return { kind: 'arg', index };
    const variable = variableAt.get(node);
    if (variable) return { kind: 'variable', variable };
    if (node.op === PLACEHOLDER) {
      throw new CaptureError('E_CAPTURE', 'capture: the function used a tensor of another trace', {
        hint: 'Return it from the captured function.',
      });
    }
    return { kind: 'value', node };
  });
  const planned = makePlan(exprs, rt.planOptions);
  const outputCount = built.outputs.length;
  const assigned = [...t.assigned.keys()].map((variable, i) => ({
    variable,
    output: planned.rootOutput[outputCount + i],
  }));
  const guarded = verdicts.strict && rt.device.late && assigned.length > 0;
  const plan = guarded
    ? { ...planned.plan, keeps: assigned.map((a) => a.output), halts: verdicts.halt !== null }
    : planned.plan;
  return {
    form: built.form,
    exprs,
    compiled: rt.device.compile(plan),
    sources,
    variables: [
      ...sources.flatMap((s) => (s.kind === 'variable' ? [s.variable] : [])),
      ...(guarded ? t.assigned.keys() : []),
    ],
    assigned,
    outputSizes: planned.plan.outputs.map((out) => out.size),
    carried: sources.flatMap((s, input) => {
      const to = s.kind === 'variable' && assigned.find((a) => a.variable === s.variable);
      return to ? [{ input, output: to.output }] : [];
    }),
    scalars: built.outputs.every((n) => n.dtype === 'f32' && n.shape.length === 0),
    places: [],
    inputs: [],
    outputs: [],
    result: built.shape,
    outputOf: planned.rootOutput,
  };
}

function compare(before: Exprs, now: Exprs): void {
  if (before.key === now.key) return;
  const [a, b] = [before.key.split(';'), now.key.split(';')];
  const i = a.findIndex((k, at) => k !== b[at]);
  throw new CaptureError(
    'E_IMPURE',
    `capture: traced again, the function built another program: ${b[i] ?? 'fewer ops'} in place of ${a[i] ?? 'nothing'}`,
    {
      hint: 'Pass what changes as an argument.',
      details: { index: i },
    },
  );
}
