/**
 * One call of a captured program: its arguments are checked and uploaded, the plan runs, and Variables take what it made.
 *
 * A call that may be rejected runs under a guard on a device that answers later: where a flag is raised, the device itself puts
 * the old values into the places of the new ones. So Variables are bound at once, nothing waits for the flags, and whatever
 * comes after a rejected call sees the old values.
 */

import type { DType } from '../core/dtype.ts';
import { CaptureError, DataError, OptionError } from '../core/errors.ts';
import { type Held, Node } from '../core/node.ts';
import type { Shape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { CLEAN, type Compiled, type Flags, type Guard, type Pending } from './device.ts';
import { numericError } from './diagnose.ts';
import type { Exprs } from './expr.ts';
import { Fault, noteOrigin, Origin } from './origin.ts';
import type { EngineRuntime } from './runtime.ts';
import type { Form, Leaf } from './signature.ts';
import { checkElements, nonFiniteData } from './upload.ts';

export type Source =
  | { kind: 'arg'; index: number }
  | { kind: 'variable'; variable: Variable }
  | { kind: 'value'; node: Node };

/** A captured program of one signature. */
export interface Entry {
  readonly form: Form;
  readonly exprs: Exprs;
  readonly compiled: Compiled;
  readonly sources: readonly Source[];
  /** Read or assigned. */
  readonly variables: readonly Variable[];
  readonly assigned: readonly { variable: Variable; output: number }[];
  readonly outputSizes: readonly number[];
  /** Inputs that are Variables which a call assigns, with the outputs that they get. */
  readonly carried: readonly { input: number; output: number }[];
  /** True where all that a call returns is f32 scalars. */
  readonly scalars: boolean;
  /** Places of host arguments, on a device that has read them when a run returns. */
  readonly places: (Held | undefined)[];
  /** Inputs and outputs of the call under way, there: nothing runs between two calls that would need them. */
  readonly inputs: Held[];
  readonly outputs: Held[];
  /** The result, with a Hole for each tensor. */
  readonly result: unknown;
  /** Which output of the plan fills a hole. */
  readonly outputOf: readonly number[];
}

/** The place of a tensor in a result. */
export class Hole {
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;
  constructor(index: number, shape: Shape, dtype: DType) {
    this.index = index;
    this.shape = shape;
    this.dtype = dtype;
  }
}

/** What the calls of one captured function share. */
export class Verdicts {
  readonly #rt: EngineRuntime;
  /** With 'stop': set on the device by a call that raised a flag. */
  readonly halt: Held | null = null;
  readonly strict: boolean;
  /** Of the call that set it. */
  #fault: Fault | null = null;
  #halted = false;

  constructor(rt: EngineRuntime, onNonFinite: 'flag' | 'reject' | 'stop') {
    this.#rt = rt;
    this.strict = onNonFinite !== 'flag';
    if (onNonFinite !== 'stop') return;
    this.halt = rt.device.allocate(1);
    rt.device.upload(this.halt, [0], 'u32');
  }

  /** The fault of a call: its own, or that of the call before it which stopped it. */
  of(flags: Flags, own: () => Fault): Fault {
    if (flags.halted && this.#fault) return this.#fault;
    const fault = own();
    if (this.halt) {
      this.#fault = fault;
      this.#halted = true;
    }
    return fault;
  }

  /** A rejection is about to be thrown: calls from now on run again, those before it do not. */
  thrown(): void {
    if (!this.#halted || !this.halt) return;
    this.#halted = false;
    this.#rt.device.upload(this.halt, [0], 'u32');
  }
  dispose(): void {
    this.halt?.release();
  }
}

/** A call that the device has taken. */
export interface Started {
  readonly result: unknown;
  /** Rejects where the call assigned nothing; null where that is known not to be so. */
  readonly verdict: (() => Promise<void>) | null;
  /** What a caller that is too far ahead waits for. */
  readonly wait: Promise<unknown> | null;
  /** True where the verdict is known already, and there is no result. */
  readonly refused: boolean;
}

export const raised = (f: Flags): boolean => f.nonfinite || f.index || f.halted;

export function letGo(held: readonly Held[]): void {
  for (const h of held) h.release();
}

/** @throws what the arguments are refused for, and DeviceError; nothing is assigned then. */
export function start(
  rt: EngineRuntime,
  entry: Entry,
  leaves: readonly Leaf[],
  number: number,
  verdicts: Verdicts,
): Started {
  const { device } = rt;
  const inputs = device.late ? [] : entry.inputs;
  const parents = bind(rt, entry, leaves, inputs);
  const outputs = device.late ? [] : entry.outputs;
  let guard: Guard | undefined;
  let answer: Flags | Pending;
  const { outputSizes } = entry;
  let n = 0;
  try {
    for (; n < outputSizes.length; n++) outputs[n] = device.allocate(outputSizes[n]);
    if (entry.compiled.plan.keeps) guard = guardOf(rt, entry, outputs, verdicts);
    answer = device.run(entry.compiled, inputs, outputs, guard);
  } catch (e) {
    if (device.late) letGo(inputs);
    letGo(outputs.slice(0, n));
    if (guard) letGo(guard.to);
    throw e;
  }
  const targets = guard ? guard.to : null;
  if (answer === CLEAN && parents === NONE) {
    if (device.late) letGo(inputs);
    const result = assign(rt, entry, outputs, targets, null, null);
    return result === undefined ? NOTHING : started(result);
  }
  const own = device.late ? inputs : leave(entry);
  const run: Run = { rt, entry, inputs: own, outputs, targets, number, verdicts, parents };
  return 'ask' in answer ? later(run, answer) : now(run, answer);
}

/** The inputs of a call for whoever may still ask what went wrong in it: the next call takes other places for its arguments. */
export function leave(entry: Entry): readonly Held[] {
  const inputs = entry.inputs.map((held) => held.retain());
  for (const place of entry.places.splice(0)) place?.release();
  return inputs;
}

const started = (
  result: unknown,
  verdict: Started['verdict'] = null,
  wait: Started['wait'] = null,
  refused = false,
): Started => ({ result, verdict, wait, refused });
const NOTHING: Started = { result: undefined, verdict: null, wait: null, refused: false };

/** A run whose flags are known. */
function now(run: Run, flags: Flags): Started {
  const { rt, entry, outputs, targets, verdicts, parents } = run;
  const fault = faultOf(run, flags);
  if (fault && verdicts.strict) {
    letGo(outputs);
    if (targets) letGo(targets);
    return started(undefined, () => refuse(fault, verdicts), null, true);
  }
  const results = new Origin(null, parents);
  results.settle(fault);
  return started(assign(rt, entry, outputs, targets, results, results));
}

/** A run that goes on as if nothing were wrong: if it is, the device has kept the old values by then. */
function later(run: Run, answer: Pending): Started {
  const { rt, entry, inputs, outputs, targets, verdicts, parents } = run;
  const results = new Origin(answer, parents);
  // A refused call's variables have their old values, whose faults are those of the inputs.
  const values = !verdicts.strict ? results : parents.length > 0 ? new Origin(answer, parents) : null;
  let fault: Fault | null = null;
  answer.flags.then(
    (flags) => {
      fault = faultOf(run, flags);
      if (values !== results) values?.settle(null);
      results.settle(fault);
    },
    () => letGo(inputs),
  );
  const bytes = outputs.reduce((n, h) => n + h.bytes, 0);
  const wait = rt.watch(answer, bytes);
  const result = assign(rt, entry, outputs, targets, results, values);
  if (!verdicts.strict) return started(result, null, wait);
  const verdict = async (): Promise<void> => {
    await answer.ask();
    if (fault) await refuse(fault, verdicts);
  };
  return started(result, verdict, wait);
}

/** A run of a call. */
export interface Run {
  readonly rt: EngineRuntime;
  readonly entry: Entry;
  /** Until the flags are known they may be wanted for the message. */
  readonly inputs: readonly Held[];
  readonly outputs: readonly Held[];
  /** Where new values of Variables are; null where that is in the outputs. */
  readonly targets: readonly Held[] | null;
  readonly number: number;
  readonly verdicts: Verdicts;
  readonly parents: readonly Origin[];
}

/** What a run raised, once its flags are known; lets go of the inputs where they are not wanted any more. */
export function faultOf(run: Omit<Run, 'outputs' | 'targets'>, flags: Flags): Fault | null {
  const { rt, entry, inputs, number, verdicts, parents } = run;
  let mine: Fault | null = null;
  const own = (): Fault => {
    const leafAt = new Map(entry.exprs.leaves.map((e, i) => [e.node, inputs[i]]));
    const where = `call ${number} of a captured function`;
    const explain = () => numericError(rt.device, entry.exprs.list, (n) => leafAt.get(n)!, flags, where);
    const token = {};
    mine = new Fault(verdicts.strict, explain, () => {
      rt.faults.unregister(token);
      letGo(inputs);
    });
    rt.faults.register(mine, inputs, token);
    return mine;
  };
  // What comes of a fault that nobody has been told of is no second one.
  const inherited = verdicts.strict ? null : (parents.find((p) => p.fault)?.fault ?? null);
  const fault = raised(flags) ? (inherited ?? verdicts.of(flags, own)) : null;
  if (!mine) letGo(inputs);
  return fault;
}

export async function refuse(fault: Fault, verdicts: Verdicts): Promise<never> {
  const error = await fault.error();
  verdicts.thrown();
  throw error;
}

/** Where new values go, and the old ones that the device keeps there if a flag is raised. */
function guardOf(rt: EngineRuntime, entry: Entry, outputs: readonly Held[], verdicts: Verdicts): Guard {
  const used = new Set<number>();
  const to = entry.assigned.map(({ output }) => {
    // Variables that get one value have different old ones: each but the first needs a place of its own.
    if (used.has(output)) return rt.device.allocate(entry.outputSizes[output]);
    used.add(output);
    return outputs[output].retain();
  });
  const old = entry.assigned.map(({ variable }, i) => (variable.current ? rt.heldOf(variable.current) : to[i]));
  return { old, to, halt: verdicts.halt };
}

/** Gives the variables their new values, and what the call answers. */
function assign(
  rt: EngineRuntime,
  entry: Entry,
  outputs: readonly Held[],
  targets: readonly Held[] | null,
  results: Origin | null,
  values: Origin | null,
): unknown {
  const { assigned } = entry;
  for (let i = 0; i < assigned.length; i++) {
    const { variable, output } = assigned[i];
    const held = targets ? targets[i] : outputs[output].retain();
    if (variable.current) rt.install(variable, held, values);
    else held.release();
  }
  const result = entry.result && resultOf(rt, entry, outputs, results);
  letGo(outputs);
  return result;
}

/** The result of a call, of tensors that hold its outputs. */
const resultOf = (rt: EngineRuntime, entry: Entry, outputs: readonly Held[], results: Origin | null): unknown =>
  fill(entry.result, ({ index, shape, dtype }) => {
    const leaf = rt.leafOf(outputs[entry.outputOf[index]].retain(), shape, dtype, true);
    leaf.origin = results;
    return new Tensor(leaf);
  });

/** A result, its holes filled. */
export function fill(x: unknown, of: (hole: Hole) => unknown): unknown {
  if (x instanceof Hole) return of(x);
  if (typeof x !== 'object' || x === null) return x;
  if (Array.isArray(x)) return x.map((v) => fill(v, of));
  if (x instanceof Map) return new Map([...x].map(([k, v]) => [k, fill(v, of)]));
  const out: Record<string, unknown> = {};
  for (const k of Object.keys(x)) out[k] = fill((x as Readonly<Record<string, unknown>>)[k], of);
  return out;
}

/**
 * Puts the values of a plan's inputs for one call into `inputs`, and gives the origins among them that are open; all checks come
 * before anything is written that a later call could see. On a device that answers later each is held for the call. With `again`
 * only what may be otherwise than at the call before: the arguments.
 */
export function bind(
  rt: EngineRuntime,
  entry: Entry,
  leaves: readonly Leaf[],
  inputs: Held[],
  again = false,
): readonly Origin[] {
  const { sources } = entry;
  const { late } = rt.device;
  if (rt.unsettled && !again) rt.watch(rt.settle(entry.variables));
  let parents: readonly Origin[] = NONE;
  let i = 0;
  try {
    for (; i < sources.length; i++) {
      const s = sources[i];
      if (again && s.kind !== 'arg') continue;
      const x = s.kind === 'arg' ? leaves[s.index] : s.kind === 'variable' ? s.variable.current : s.node;
      if (x === null)
        throw new CaptureError('E_CAPTURE', 'capture: a variable was disposed', { hint: 'Capture again.' });
      const index = s.kind === 'arg' ? s.index : -1;
      const n = x instanceof Tensor ? ownNode(rt, x, index) : x;
      if (!(n instanceof Node)) {
        inputs[i] = upload(rt, n, index, late ? undefined : entry);
        continue;
      }
      if (n.origin !== null) parents = noteOrigin(n, parents);
      if (!n.held) rt.watch(rt.realise([n]));
      const held = rt.heldOf(n);
      inputs[i] = late ? held.retain() : held;
    }
    return parents;
  } catch (e) {
    if (late) letGo(inputs.slice(0, i));
    throw e;
  }
}

function ownNode(rt: EngineRuntime, x: Tensor, index: number): Node {
  if (x.node.graph === rt) return x.node;
  throw new OptionError(`capture: argument ${index} belongs to another runtime`, {
    hint: 'Read it and upload it to this runtime.',
  });
}

/**
 * Host data in a place: one of its own where runs before this one may still read what was given to them, else that of the
 * program.
 */
function upload(rt: EngineRuntime, x: Exclude<Leaf, Tensor>, index: number, entry: Entry | undefined): Held {
  const { device } = rt;
  let data: ArrayLike<number>;
  let dtype: DType = 'f32';
  if (typeof x === 'number') {
    number[0] = x;
    if (!Number.isFinite(number[0])) {
      throw new DataError(`capture: argument ${index} is ${x}, which is not finite in f32`, {
        hint: 'Check the schedule or the data.',
      });
    }
    data = number;
  } else {
    // Shape and dtype belong to the signature: the trace has checked them.
    ({ data, dtype } = x);
    checkElements('capture', data, x.shape, dtype);
  }
  const held = entry?.places[index] ?? device.allocate(data.length);
  if (entry) entry.places[index] = held;
  if (!device.upload(held, data, dtype)) return held;
  if (!entry) held.release();
  throw nonFiniteData(`capture: argument ${index}`, data, dtype);
}

const number = new Float32Array(1);
export const NONE: readonly Origin[] = [];
