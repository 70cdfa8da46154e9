/**
 * Captured programs: `fn` runs once a signature on placeholders, what it built becomes one plan, and calls replay it.
 *
 * Arguments are written to the plan's own places or bound by address; outputs and new Variable values get places of their
 * own, so a call that fails has assigned nothing, and no later call overwrites an output.
 *
 * On a device that answers later, a call that lets the next read throw assigns at once and does not wait for its flags; one
 * that may reject assigns when they have come, and keeps all that follows in line (order.ts).
 */

import type { DType } from '../core/dtype.ts';
import { CaptureError, DataError, type NumericError, OptionError } from '../core/errors.ts';
import type { Held, Node } from '../core/node.ts';
import { CONSTANT, PLACEHOLDER, placeholder } from '../core/ops/leaf.ts';
import type { Arg, Captured, CaptureOptions, Out } from '../core/runtime.ts';
import type { Shape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import type { Compiled, Flags } from './device.ts';
import { numericError } from './diagnose.ts';
import { collect, type Exprs } from './expr.ts';
import { makePlan } from './plan.ts';
import type { EngineRuntime } from './runtime.ts';
import { kept, type Leaf, read, type Signature, walk } from './signature.ts';
import { checkDType, checkElements, nonFiniteData } from './upload.ts';

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

type Source = { kind: 'arg'; index: number } | { kind: 'variable'; variable: Variable } | { kind: 'value'; node: Node };

interface Entry {
  readonly exprs: Exprs;
  readonly compiled: Compiled;
  readonly sources: readonly Source[];
  readonly variables: readonly Variable[];
  /** Places that host arguments are written to, by argument. */
  readonly slots: (Held | undefined)[];
  readonly assigned: readonly { variable: Variable; output: number }[];
  readonly outputSizes: readonly number[];
  /** Builds the result around the outputs. */
  result(tensor: (output: number, shape: Shape, dtype: DType) => Tensor): unknown;
}

export function makeCaptured<P extends readonly Arg[], R extends Out>(
  rt: EngineRuntime,
  fn: (...a: P) => R,
  o: CaptureOptions,
): Captured<P, R> {
  const entries = new Map<string, Entry>();
  let calls = 0;
  let disposed = false;

  const call = (args: readonly unknown[]): R | Promise<R> => {
    if (disposed)
      throw new CaptureError('E_CAPTURE', 'a captured function was called after dispose()', {
        hint: 'Capture it again.',
      });
    const signature = read(args);
    let entry = entries.get(signature.key);
    if (!entry) {
      entry = trace(rt, fn, args, signature);
      entries.set(signature.key, entry);
    } else if (rt.debug) {
      compare(entry.exprs, build(rt, fn, args, signature).exprs);
    }
    const number = ++calls;
    if (!rt.order.busy) return execute(entry, signature.leaves, number);
    const { leaves, release } = kept(signature.leaves);
    const now = entry;
    const done = rt.order.run(() => execute(now, leaves, number));
    void Promise.resolve(done).then(release, release);
    return done;
  };

  const execute = (entry: Entry, leaves: readonly Leaf[], number: number): R | Promise<R> => {
    const inputs = bind(rt, entry, leaves);
    const outputs = entry.outputSizes.map((size) => rt.device.allocate(size));
    const flags = rt.device.run(entry.compiled, inputs, outputs);
    const run: Run = { rt, entry, inputs, outputs, number };
    const strict = o.onNonFinite === 'reject';
    if (!(flags instanceof Promise)) {
      if (raised(flags)) {
        if (strict) return refuse(run, flags);
        note(run, flags);
      }
      return assign(run) as R;
    }
    // Until the flags are known the inputs may be wanted for the message.
    const held = inputs.map((h) => h.retain());
    const end = (): void => letGo(held);
    if (strict) {
      const done = flags.then((f) => (raised(f) ? refuse(run, f) : (assign(run) as R)));
      done.then(end, end);
      rt.order.hold(done);
      return done;
    }
    const told = flags.then((f) => {
      if (raised(f)) note(run, f);
      return f;
    });
    told.then(end, end);
    const ahead = rt.watch(told);
    const result = assign(run) as R;
    return ahead ? ahead.then(() => result) : result;
  };

  const inline = (...args: P): R => fn(...args);
  const captured = (...args: readonly unknown[]): Promise<R> => {
    try {
      return Promise.resolve(rt.trace ? inline(...(args as unknown as P)) : call(args));
    } catch (e) {
      return Promise.reject(e);
    }
  };
  const dispose = (): void => {
    disposed = true;
    void rt.order.run(() => {
      for (const e of entries.values()) {
        e.compiled.dispose();
        for (const h of e.slots) h?.release();
      }
      entries.clear();
    });
  };
  return Object.defineProperty(Object.assign(captured, { inline, dispose, [Symbol.dispose]: dispose }), 'plans', {
    get: () => entries.size,
  }) as unknown as Captured<P, R>;
}

/** One call that the device has taken. */
interface Run {
  readonly rt: EngineRuntime;
  readonly entry: Entry;
  readonly inputs: readonly Held[];
  readonly outputs: readonly Held[];
  readonly number: number;
}

const raised = (f: Flags): boolean => f.nonfinite || f.index;

function letGo(held: readonly Held[]): void {
  for (const h of held) h.release();
}

/** Gives the variables their new values, and what the call answers. */
function assign({ rt, entry, outputs }: Run): unknown {
  for (const { variable, output } of entry.assigned) {
    if (variable.current) rt.install(variable, outputs[output].retain());
  }
  const result = entry.result((output, shape, dtype) => new Tensor(rt.leafOf(outputs[output].retain(), shape, dtype)));
  letGo(outputs);
  return result;
}

/** The error of a run that raised flags; `held` are its inputs, held until then. */
function explain(run: Run, flags: Flags, held: readonly Held[]): Promise<NumericError> {
  const { rt, entry, inputs, number } = run;
  const leafAt = new Map(entry.exprs.leaves.map((e, i) => [e.node, inputs[i]]));
  const where = `call ${number} of a captured function`;
  return numericError(rt.device, entry.exprs.list, (n) => leafAt.get(n)!, flags, where).finally(() => letGo(held));
}

/** Rejects: nothing is assigned. */
async function refuse(run: Run, flags: Flags): Promise<never> {
  const held = run.inputs.map((h) => h.retain());
  letGo(run.outputs);
  throw await explain(run, flags, held);
}

/** Leaves it to the next read to throw. */
function note(run: Run, flags: Flags): void {
  const held = run.inputs.map((h) => h.retain());
  run.rt.fault = () => explain(run, flags, held);
}

interface Built {
  readonly exprs: Exprs;
  readonly args: ReadonlyMap<Node, number>;
  readonly trace: Trace;
  readonly outputs: readonly Node[];
  readonly shape: unknown;
}

/** Marks the place of an output in the shape of a result. */
class Hole {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** Runs `fn` on placeholders. */
function build(rt: EngineRuntime, fn: (...a: never) => unknown, args: readonly unknown[], signature: Signature): Built {
  const outer = rt.trace;
  const t = new Trace(rt);
  const places = new Map<Node, number>();
  rt.trace = t;
  let returned: unknown;
  try {
    const feeds = args.map((a, i) =>
      walk(
        a,
        `${i}`,
        (x) => {
          const [shape, dtype] =
            typeof x === 'number' ? [[], 'f32' as const] : [x.shape, checkDType('capture', x.dtype)];
          const n = placeholder(rt, places.size, shape, dtype);
          places.set(n, places.size);
          return new Tensor(n);
        },
        () => {},
      ),
    );
    returned = (fn as (...a: unknown[]) => unknown)(...feeds);
  } finally {
    rt.trace = outer;
  }
  if (returned instanceof Promise) {
    throw new CaptureError('E_IMPURE', 'capture: the function is asynchronous', {
      hint: 'A captured function only builds and assigns; await before or after the call.',
    });
  }
  const outputs: Node[] = [];
  const shape = outline(returned, outputs);
  const roots = [...outputs, ...t.assigned.values()];
  // What was built before the trace is a value of its own, not part of the program.
  const before = (n: Node) => n.id < t.start && n.op !== CONSTANT && n.op !== PLACEHOLDER;
  const exprs = collect(roots, before);
  if (places.size !== signature.leaves.length)
    throw new CaptureError('E_CAPTURE', 'capture: the arguments changed during the trace');
  return { exprs, args: places, trace: t, outputs, shape };
}

function outline(x: unknown, outputs: Node[]): unknown {
  if (x instanceof Tensor) {
    outputs.push(x.node);
    return new Hole(outputs.length - 1);
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

function fill(shape: unknown, hole: (index: number) => unknown): unknown {
  if (shape instanceof Hole) return hole(shape.index);
  if (Array.isArray(shape)) return shape.map((v) => fill(v, hole));
  if (shape instanceof Map) return new Map([...shape].map(([k, v]) => [k, fill(v, hole)]));
  if (typeof shape === 'object' && shape !== null) {
    const out: Record<string, unknown> = {};
    for (const k of Object.keys(shape)) out[k] = fill((shape as Record<string, unknown>)[k], hole);
    return out;
  }
  return shape;
}

function trace(rt: EngineRuntime, fn: (...a: never) => unknown, args: readonly unknown[], signature: Signature): Entry {
  const built = build(rt, fn, args, signature);
  const { exprs, trace: t } = built;
  const variableAt = new Map([...t.reads].map(([v, n]) => [n, v]));
  const sources = exprs.leaves.map(({ node }): Source => {
    const index = built.args.get(node);
    if (index !== undefined) return { kind: 'arg', index };
    const variable = variableAt.get(node);
    if (variable) return { kind: 'variable', variable };
    if (node.op === PLACEHOLDER) {
      throw new CaptureError('E_CAPTURE', 'capture: the function used a tensor of another trace', {
        hint: 'Return values from captured functions; do not keep what they build.',
      });
    }
    return { kind: 'value', node };
  });
  const planned = makePlan(exprs, rt.planOptions);
  const outputCount = built.outputs.length;
  return {
    exprs,
    compiled: rt.device.compile(planned.plan),
    sources,
    variables: sources.flatMap((s) => (s.kind === 'variable' ? [s.variable] : [])),
    slots: [],
    assigned: [...t.assigned.keys()].map((variable, i) => ({ variable, output: planned.rootOutput[outputCount + i] })),
    outputSizes: planned.plan.outputs.map((out) => out.size),
    result: (tensor) =>
      fill(built.shape, (i) => tensor(planned.rootOutput[i], built.outputs[i].shape, built.outputs[i].dtype)),
  };
}

/** The values of a plan's inputs for one call; all checks come before anything is written that a later call could see. */
function bind(rt: EngineRuntime, entry: Entry, leaves: readonly Leaf[]): Held[] {
  rt.watch(rt.settle(entry.variables));
  const inputs = new Array<Held>(entry.sources.length);
  for (let i = 0; i < inputs.length; i++) {
    const s = entry.sources[i];
    if (s.kind === 'arg') inputs[i] = feed(rt, entry, s.index, leaves[s.index]);
    else if (s.kind === 'value') inputs[i] = computed(rt, s.node);
    else if (s.variable.current) inputs[i] = rt.heldOf(s.variable.current);
    else throw new CaptureError('E_CAPTURE', 'capture: a variable was disposed', { hint: 'Capture again.' });
  }
  return inputs;
}

/** The value of a node, computed if it is not there yet. */
function computed(rt: EngineRuntime, n: Node): Held {
  if (!n.held) rt.watch(rt.realise([n]));
  return rt.heldOf(n);
}

function feed(rt: EngineRuntime, entry: Entry, index: number, x: Leaf): Held {
  if (x instanceof Tensor) {
    if (x.node.graph !== rt) {
      throw new OptionError(`capture: argument ${index} belongs to another runtime`, {
        hint: 'Upload it to this runtime.',
      });
    }
    return computed(rt, x.node);
  }
  if (typeof x === 'number') {
    if (!Number.isFinite(Math.fround(x))) {
      throw new DataError(`capture: argument ${index} is ${x}, which is not finite in f32`, {
        hint: 'Check the schedule or the data.',
      });
    }
    const slot = slotFor(rt, entry, index, 1);
    rt.device.upload(slot, [x], 'f32');
    return slot;
  }
  // Shape and dtype belong to the signature: the trace has checked them.
  const { dtype } = x;
  checkElements('capture', x.data, x.shape, dtype);
  const slot = slotFor(rt, entry, index, x.data.length);
  if (rt.device.upload(slot, x.data, dtype)) throw nonFiniteData(`capture: argument ${index}`, x.data, dtype);
  return slot;
}

/** The place of a host argument: made at its first call, and kept. */
function slotFor(rt: EngineRuntime, entry: Entry, index: number, elements: number): Held {
  const slot = entry.slots[index] ?? rt.device.allocate(elements);
  entry.slots[index] = slot;
  return slot;
}

function compare(before: Exprs, now: Exprs): void {
  if (before.key === now.key) return;
  const [a, b] = [before.key.split(';'), now.key.split(';')];
  const i = a.findIndex((k, at) => k !== b[at]);
  throw new CaptureError(
    'E_IMPURE',
    `capture: traced again, the function built another program: ${b[i] ?? 'fewer ops'} in place of ${a[i] ?? 'nothing'}`,
    {
      hint: 'Closed-over values are frozen at the trace; pass what changes as an argument.',
      details: { index: i },
    },
  );
}
