/** One program on runtimes, eager and captured, against the reference. */

import { type Data, isFloat } from '../../sdk/core/dtype.ts';
import { NumericError } from '../../sdk/core/errors.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { castOf } from '../../sdk/core/scalar/index.ts';
import { sameShape } from '../../sdk/core/shape.ts';
import type { Tensor } from '../../sdk/core/tensor.ts';
import { difference } from '../compare.ts';
import { ReferenceGraph } from '../reference/graph.ts';
import type { Value } from '../reference/value.ts';
import type { Case } from './program.ts';

export interface Judged {
  readonly name: string;
  readonly rt: Runtime;
  /** Reads each output by itself too, not only as one program. */
  readonly eager: boolean;
  /** Changes what was read: for tests of the fuzzer itself. */
  readonly tamper?: (t: Tensor, data: Data[keyof Data]) => Data[keyof Data];
}

/** What one call of a case gives by the reference. */
interface Pass {
  readonly outputs: readonly Value[];
  /** The leaves of the next call. */
  readonly leaves: readonly Value[];
  readonly assigns: readonly (readonly [leaf: number, value: Value])[];
  /** Some index may be out of range. */
  readonly indexed: boolean;
}

function reference(c: Case, leaves: readonly Value[]): Pass {
  const g = new ReferenceGraph();
  const built = c.build(leaves.map((v) => g.tensor(v.data, v.shape, v.dtype)));
  const assigns = built.assigns.map(([i, t]) => {
    if (t.dtype !== leaves[i].dtype || !sameShape(t.shape, leaves[i].shape))
      throw new RangeError(`leaf ${i} cannot take that`);
    return [i, g.value(t)] as const;
  });
  const next = [...leaves];
  for (const [i, v] of assigns) next[i] = v;
  const outputs = built.outputs.map((t) => g.value(t));
  // The graph's values are all its nodes by now.
  const indexed = [...g.values.keys()].some((n) => n.op.name === 'gather');
  return { outputs, leaves: next, assigns, indexed };
}

/** Two calls, one after the other. Throws where the program itself is ill-formed. */
export function expectedOf(c: Case): [Pass, Pass] {
  const first = reference(c, c.leaves);
  return [first, first.assigns.length > 0 ? reference(c, first.leaves) : first];
}

const upload = (rt: Runtime, v: Value): Tensor => rt.tensor(v, undefined, undefined, { nonfinite: 'keep' });

async function compare(
  { tamper }: Judged,
  tensors: readonly Tensor[],
  expected: readonly Value[],
  what: string,
): Promise<string | null> {
  for (let i = 0; i < tensors.length; i++) {
    const data = await tensors[i].data({ nonfinite: 'keep' });
    const wrong = difference(expected[i], tamper?.(tensors[i], data) ?? data);
    if (wrong) return `${what}, output ${i}: ${wrong}`;
  }
  return null;
}

async function eager(judged: Judged, c: Case, expected: Pass): Promise<string | null> {
  const { name, rt } = judged;
  const x = c.leaves.map((v) => upload(rt, v));
  const { outputs } = c.build(x);
  const wrong = await compare(judged, outputs, expected.outputs, name);
  for (const t of [...x, ...outputs]) t.dispose();
  return wrong;
}

/** Two calls of one plan, with Variables that change between them, then a third on the first call's operands. */
async function captured(judged: Judged, c: Case, passes: readonly Pass[]): Promise<string | null> {
  const { name, rt } = judged;
  const places = [...new Set(passes[0].assigns.map(([i]) => i))];
  const variables = new Map(places.map((i) => [i, rt.variable(upload(rt, c.leaves[i]))]));
  const program = rt.capture((args: readonly Tensor[]) => {
    const x = args.map((t, i) => variables.get(i)?.value() ?? t);
    const { outputs, assigns } = c.build(x);
    for (const [i, t] of assigns) variables.get(i)?.assign(t);
    return outputs;
  });
  const args = c.leaves.map((v) => upload(rt, v));
  const kept: (readonly Tensor[])[] = [];
  let wrong: string | null = null;
  for (let k = 0; k < passes.length && !wrong; k++) {
    const outputs = await program(args);
    kept.push(outputs);
    wrong = await compare(judged, outputs, passes[k].outputs, `${name}, captured call ${k + 1}`);
    for (const [i, v] of variables) {
      if (wrong) break;
      const value = v.value();
      wrong = await compare(judged, [value], [passes[k].leaves[i]], `${name}, variable ${i} after call ${k + 1}`);
      value.dispose();
    }
  }
  // What the first call gave must have outlived the second.
  wrong ??= await compare(judged, kept[0], passes[0].outputs, `${name}, outputs of call 1 after call ${kept.length}`);
  program.dispose();
  for (const t of [...args, ...kept.flat()]) t.dispose();
  for (const v of variables.values()) v.dispose();
  return wrong;
}

/** A call must be rejected when, and only when, an output is Inf or NaN (N0). */
async function rejected({ name, rt }: Judged, c: Case, { outputs, indexed }: Pass): Promise<string | null> {
  const expected = outputs.some(
    (v) => isFloat(v.dtype) && v.data.some((x: number) => !Number.isFinite(castOf(x, v.dtype, 'f32'))),
  );
  const program = rt.capture((args: readonly Tensor[]) => c.build(args).outputs, { onNonFinite: 'reject' });
  const args = c.leaves.map((v) => upload(rt, v));
  let got = false;
  try {
    for (const t of await program(args)) t.dispose();
  } catch (e) {
    if (!(e instanceof NumericError)) throw e;
    got = true;
  }
  program.dispose();
  for (const t of args) t.dispose();
  if (got === expected || (got && indexed)) return null;
  return `${name}: the call was ${got ? 'rejected, but all outputs are finite' : 'accepted, but an output is Inf or NaN'}`;
}

/** Null where all agree to the bit, else the first thing that does not. An exception of a runtime counts as one. */
export async function check(c: Case, runtimes: readonly Judged[], passes = expectedOf(c)): Promise<string | null> {
  for (const judged of runtimes) {
    try {
      // The flag's rule is the same in every program: a quarter of them is enough.
      const flagged = judged.eager && c.leaves.length % 4 === 0;
      const wrong =
        (judged.eager ? await eager(judged, c, passes[0]) : null) ??
        (await captured(judged, c, passes)) ??
        (flagged ? await rejected(judged, c, passes[0]) : null);
      if (wrong) return wrong;
    } catch (e) {
      return `${judged.name} threw ${e instanceof Error ? e.stack : e}`;
    }
  }
  return null;
}
