/**
 * One call of a captured program: its arguments are checked and uploaded, the plan runs, and Variables take what it made.
 *
 * A call that may be rejected runs under a guard on a device that answers later: where a flag is raised, the device itself puts
 * the old values into the places of the new ones. So Variables are bound at once, nothing waits for the flags, and whatever
 * comes after a rejected call sees the old values.
 */

import type { DType } from '../core/dtype.ts';
import { CaptureError, DataError, OptionError } from '../core/errors.ts';
import type { Held, Node } from '../core/node.ts';
import type { Shape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Variable } from '../core/variable.ts';
import { CLEAN, type Compiled, type Flags, type Guard, type Pending } from './device.ts';
import { numericError } from './diagnose.ts';
import type { Exprs } from './expr.ts';
import { Fault, Origin, openOrigins } from './origin.ts';
import type { EngineRuntime } from './runtime.ts';
import type { Leaf } from './signature.ts';
import { checkElements, nonFiniteData } from './upload.ts';

export type Source =
  | { kind: 'arg'; index: number }
  | { kind: 'variable'; variable: Variable }
  | { kind: 'value'; node: Node };

/** A captured program of one signature. */
export interface Entry {
  readonly exprs: Exprs;
  readonly compiled: Compiled;
  readonly sources: readonly Source[];
  /** Read or assigned. */
  readonly variables: readonly Variable[];
  readonly assigned: readonly { variable: Variable; output: number }[];
  readonly outputSizes: readonly number[];
  /** Builds the result around the outputs. */
  result(tensor: (output: number, shape: Shape, dtype: DType) => Tensor): unknown;
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

const raised = (f: Flags): boolean => f.nonfinite || f.index || f.halted;

function letGo(held: readonly Held[]): void {
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
  const { inputs, nodes } = bind(rt, entry, leaves);
  const outputs: Held[] = [];
  let targets: readonly Held[] = [];
  let answer: Flags | Pending;
  try {
    for (const size of entry.outputSizes) outputs.push(rt.device.allocate(size));
    const guard = entry.compiled.plan.keeps ? guardOf(rt, entry, outputs, verdicts) : undefined;
    targets = guard ? guard.to : entry.assigned.map(({ output }) => outputs[output].retain());
    answer = rt.device.run(entry.compiled, inputs, outputs, guard);
  } catch (e) {
    for (const held of [inputs, outputs, targets]) letGo(held);
    throw e;
  }
  const parents = openOrigins(nodes);
  if (answer === CLEAN && parents.length === 0) {
    letGo(inputs);
    return started(assign(rt, entry, outputs, targets, null, null));
  }
  const run: Run = { rt, entry, inputs, outputs, targets, number, verdicts, parents };
  return 'ask' in answer ? later(run, answer) : now(run, answer);
}

const started = (result: unknown, o: Partial<Started> = {}): Started => ({
  result,
  verdict: o.verdict ?? null,
  wait: o.wait ?? null,
  refused: o.refused ?? false,
});

/** A run whose flags are known. */
function now(run: Run, flags: Flags): Started {
  const { rt, entry, outputs, targets, verdicts, parents } = run;
  const fault = faultOf(run, flags);
  if (fault && verdicts.strict) {
    letGo(outputs);
    letGo(targets);
    return started(undefined, { verdict: () => refuse(fault, verdicts), refused: true });
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
  if (!verdicts.strict) return started(result, { wait });
  const verdict = async (): Promise<void> => {
    await answer.ask();
    if (fault) await refuse(fault, verdicts);
  };
  return started(result, { wait, verdict });
}

/** A run of a call. */
interface Run {
  readonly rt: EngineRuntime;
  readonly entry: Entry;
  /** Until the flags are known they may be wanted for the message. */
  readonly inputs: readonly Held[];
  readonly outputs: readonly Held[];
  /** Where new values of Variables are. */
  readonly targets: readonly Held[];
  readonly number: number;
  readonly verdicts: Verdicts;
  readonly parents: readonly Origin[];
}

/** What a run raised, once its flags are known; lets go of the inputs where they are not wanted any more. */
function faultOf(run: Run, flags: Flags): Fault | null {
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

async function refuse(fault: Fault, verdicts: Verdicts): Promise<never> {
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
  targets: readonly Held[],
  results: Origin | null,
  values: Origin | null,
): unknown {
  entry.assigned.forEach(({ variable }, i) => {
    if (variable.current) rt.install(variable, targets[i], values);
    else targets[i].release();
  });
  const result = entry.result((output, shape, dtype) => {
    const leaf = rt.leafOf(outputs[output].retain(), shape, dtype);
    leaf.origin = results;
    return new Tensor(leaf);
  });
  letGo(outputs);
  return result;
}

/**
 * The values of a plan's inputs for one call, each held for it, and the nodes that they are of; all checks come before anything
 * is written that a later call could see.
 */
function bind(rt: EngineRuntime, entry: Entry, leaves: readonly Leaf[]): { inputs: Held[]; nodes: Node[] } {
  rt.watch(rt.settle(entry.variables));
  const inputs: Held[] = [];
  const nodes: Node[] = [];
  const take = (n: Node): Held => {
    nodes.push(n);
    if (!n.held) rt.watch(rt.realise([n]));
    return rt.heldOf(n).retain();
  };
  try {
    for (const s of entry.sources) {
      if (s.kind === 'value') inputs.push(take(s.node));
      else if (s.kind === 'arg') {
        const x = leaves[s.index];
        inputs.push(x instanceof Tensor ? take(ownNode(rt, x, s.index)) : upload(rt, x, s.index));
      } else if (s.variable.current) inputs.push(take(s.variable.current));
      else throw new CaptureError('E_CAPTURE', 'capture: a variable was disposed', { hint: 'Capture again.' });
    }
    return { inputs, nodes };
  } catch (e) {
    letGo(inputs);
    throw e;
  }
}

function ownNode(rt: EngineRuntime, x: Tensor, index: number): Node {
  if (x.node.graph === rt) return x.node;
  throw new OptionError(`capture: argument ${index} belongs to another runtime`, {
    hint: 'Upload it to this runtime.',
  });
}

/** Host data in a place of its own: runs before this one may still read what was given to them. */
function upload(rt: EngineRuntime, x: Exclude<Leaf, Tensor>, index: number): Held {
  if (typeof x === 'number') {
    if (!Number.isFinite(Math.fround(x))) {
      throw new DataError(`capture: argument ${index} is ${x}, which is not finite in f32`, {
        hint: 'Check the schedule or the data.',
      });
    }
    const held = rt.device.allocate(1);
    rt.device.upload(held, [x], 'f32');
    return held;
  }
  // Shape and dtype belong to the signature: the trace has checked them.
  const dtype = x.dtype;
  checkElements('capture', x.data, x.shape, dtype);
  const held = rt.device.allocate(x.data.length);
  if (!rt.device.upload(held, x.data, dtype)) return held;
  held.release();
  throw nonFiniteData(`capture: argument ${index}`, x.data, dtype);
}
