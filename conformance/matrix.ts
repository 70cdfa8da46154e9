/** The coverage matrix: op x dtype x shape class x {value, each derivative}, run on any Runtime and compared with the reference. */

import type { DType } from '../sdk/core/dtype.ts';
import { OptionError } from '../sdk/core/errors.ts';
import { grad } from '../sdk/core/grad.ts';
import { jvp } from '../sdk/core/jvp.ts';
import type { Graph } from '../sdk/core/node.ts';
import type { Runtime } from '../sdk/core/runtime.ts';
import { streamOf } from '../sdk/core/scalar/index.ts';
import { type Shape, sizeOf } from '../sdk/core/shape.ts';
import { Tensor } from '../sdk/core/tensor.ts';
import { DTYPES, SHAPE_CLASSES, type ShapeClass, type Subject, type Variant } from './cases.ts';
import { difference } from './compare.ts';
import { ReferenceGraph } from './reference/graph.ts';
import type { Value } from './reference/value.ts';
import { SUBJECTS } from './subjects.ts';
import { PROFILES, type Profile, positions, Random, values } from './values.ts';

type F32 = Tensor<'f32'>;
/** Puts host data on a device. */
type Upload = (v: Value) => Tensor;

/** One field of the matrix: filled by trials, or impossible for a reason. */
export interface Cell {
  readonly name: string;
  trials: number;
  impossible: string | null;
}

/** One program with one set of operands; `expected` are the quantities it shows. */
export interface Trial {
  readonly op: string;
  readonly label: string;
  /** What each quantity must be, by the reference; computed once. */
  expected(): ReadonlyMap<string, Value>;
  /** Mismatches on a runtime; only the value if asked. */
  run(rt: Runtime, onlyValue?: boolean): Promise<string[]>;
}

/** A program that must be refused when it is built. */
export interface RefusalTrial {
  readonly label: string;
  run(rt: Runtime): string | null;
}

export interface Matrix {
  readonly cells: ReadonlyMap<string, Cell>;
  readonly trials: readonly Trial[];
  readonly refusals: readonly RefusalTrial[];
}

/** The operands whose adjoints are asked for; none where the op has no derivative in this dtype. */
function differentiable({ op }: Subject, variant: Variant, dtype: DType): readonly number[] {
  if (dtype !== 'f32' || (!op.vjp && op.name !== 'data')) return [];
  return variant.inputs.flatMap((x, i) => (x.dtype === 'f32' ? [i] : []));
}

/** Profiles that only some ops are tried with. */
const SPECIAL: Partial<Record<Profile, ReadonlySet<string>>> = {
  positive: new Set(['log', 'sqrt', 'rsqrt', 'pow', 'matmul', 'conv', 'matmulNarrow']),
  raw: new Set(['data']),
  edge: new Set([
    'add',
    'sub',
    'mul',
    'div',
    'sum',
    'cumsum',
    'scatterAdd',
    'matmul',
    'conv',
    'matmulNarrow',
    'poolSum',
    'poolSpread',
  ]),
};

/** What a variant is tried with; without f32 operands there is one profile. */
function profilesOf(op: string, variant: Variant): readonly Profile[] {
  if (!variant.inputs.some((x) => x.dtype === 'f32')) return ['tame'];
  return PROFILES.filter((p) => SPECIAL[p]?.has(op) ?? true);
}

const random = (label: string) => new Random(streamOf(label));

function operands(label: string, variant: Variant, profile: Profile): Value[] {
  const r = random(label);
  const made: Value[] = [];
  for (const { shape, dtype, positions: axis } of variant.inputs) {
    const n = sizeOf(shape);
    const indexed = axis !== undefined && (dtype === 'i32' || dtype === 'u32');
    const data = indexed ? positions(r, n, dtype, axis) : values(r, n, dtype, profile);
    // Ties between operands: some elements are those of an earlier one.
    const twin = made.find((v) => !indexed && v.dtype === dtype && v.data.length === n);
    if (twin) for (let i = 0; i < n; i++) if (r.chance(0.2)) data[i] = twin.data[i];
    made.push({ data, shape, dtype });
  }
  return made;
}

const like = (label: string, shape: Shape, profile: Profile): Value => ({
  data: values(random(label), sizeOf(shape), 'f32', profile),
  shape,
  dtype: 'f32',
});

/** Builds a variant's value and derivatives from uploads. */
function quantities(
  variant: Variant,
  by: readonly number[],
  host: readonly Value[],
  label: string,
  profile: Profile,
  upload: Upload,
  graph: Graph,
): Map<string, Tensor> {
  const x = host.map(upload);
  const seen = x.map((t, i) => variant.inputs[i].view?.(t.node) ?? t.node);
  const y = new Tensor(variant.make(seen, graph));
  const out = new Map([['value', y]]);
  if (by.length === 0) return out;
  const wrt = by.map((i) => x[i] as F32);
  const seed = upload(like(`${label} seed`, y.shape, profile)) as F32;
  // powi(x, 0) and the like have a derivative that no path carries.
  grad(y as F32, wrt, { seed, unused: 'zero' }).forEach((g, k) => out.set(`vjp ${by[k]}`, g));
  const tangents = by.map((i) => upload(like(`${label} tangent ${i}`, x[i].shape, profile)) as F32);
  out.set('jvp', jvp(y as F32, wrt, tangents));
  return out;
}

function trial(label: string, op: string, variant: Variant, by: readonly number[], profile: Profile): Trial {
  let memo: Map<string, Value> | null = null;
  const host = () => operands(label, variant, profile);
  const expected = () => {
    if (memo) return memo;
    const g = new ReferenceGraph();
    const all = quantities(variant, by, host(), label, profile, (v) => g.tensor(v.data, v.shape, v.dtype), g);
    memo = new Map([...all].map(([what, t]) => [what, g.value(t)]));
    return memo;
  };
  return {
    op,
    label,
    expected,
    async run(rt, onlyValue = false) {
      const held: Tensor[] = [];
      const upload: Upload = (v) => {
        const t = rt.tensor(v, undefined, undefined, { nonfinite: 'keep' });
        held.push(t);
        return t;
      };
      const anchor = rt.scalar(0);
      held.push(anchor);
      const all = quantities(variant, onlyValue ? [] : by, host(), label, profile, upload, anchor.node.graph);
      const found: string[] = [];
      // Asked for in one turn, so that a GPU answers once.
      const got = await Promise.all([...all.values()].map((t) => t.data({ nonfinite: 'keep' })));
      for (const [i, what] of [...all.keys()].entries()) {
        const wrong = difference(expected().get(what)!, got[i]);
        if (wrong) found.push(`${label}, ${what}: ${wrong}`);
      }
      for (const t of all.values()) t.dispose();
      for (const t of held) t.dispose();
      return found;
    },
  };
}

/** What must be thrown: by the op, or (for an op without derivative) by grad. */
function refusal(
  label: string,
  variant: Variant,
  error: new (...a: never[]) => Error,
  differentiate: boolean,
): RefusalTrial {
  return {
    label,
    run(rt) {
      const x = operands(label, variant, 'tame').map((v) => rt.tensor(v, undefined, undefined, { nonfinite: 'keep' }));
      const anchor = rt.scalar(0);
      try {
        const y = new Tensor(
          variant.make(
            x.map((t, i) => variant.inputs[i].view?.(t.node) ?? t.node),
            anchor.node.graph,
          ),
        );
        if (differentiate) {
          const seed = rt.tensor(new Array(sizeOf(y.shape)).fill(1), y.shape);
          grad(y as F32, x as F32[], { seed });
        }
        return `${label}: nothing was thrown, expected ${error.name}`;
      } catch (e) {
        return e instanceof error ? null : `${label}: expected ${error.name}, got ${e}`;
      } finally {
        for (const t of [...x, anchor]) t.dispose();
      }
    },
  };
}

/** The whole matrix, or that of some ops and shape classes. */
export function matrix(keep: (op: string, shape: ShapeClass) => boolean = () => true): Matrix {
  const cells = new Map<string, Cell>();
  const trials: Trial[] = [];
  const refusals: RefusalTrial[] = [];
  const cell = (name: string): Cell => {
    const c = cells.get(name) ?? { name, trials: 0, impossible: null };
    cells.set(name, c);
    return c;
  };
  for (const subject of SUBJECTS) {
    const { op } = subject;
    for (const dtype of DTYPES) {
      for (const shape of SHAPE_CLASSES) {
        if (!keep(op.name, shape)) continue;
        const at = `${op.name} ${dtype} ${shape}`;
        const variants = subject.variants(dtype, shape);
        if (typeof variants === 'string') {
          for (const what of ['value', 'vjp', 'jvp']) cell(`${at} ${what}`).impossible = variants;
          continue;
        }
        variants.forEach((variant, v) => {
          const label = `${at}${variant.note && ` (${variant.note})`} #${v}`;
          const by = differentiable(subject, variant, dtype);
          const derivatives = by.length > 0 ? [...by.map((i) => `vjp ${i}`), 'jvp'] : ['vjp', 'jvp'];
          if (variant.refusal) {
            refusals.push(refusal(label, variant, variant.refusal.error, false));
            for (const what of ['value', ...derivatives]) cell(`${at} ${what}`).impossible ??= variant.refusal.reason;
            return;
          }
          for (const profile of profilesOf(op.name, variant)) {
            trials.push(trial(`${label} ${profile}`, op.name, variant, by, profile));
            for (const what of ['value', ...(by.length > 0 ? derivatives : [])]) cell(`${at} ${what}`).trials++;
          }
          if (by.length > 0) return;
          const reason =
            dtype !== 'f32'
              ? 'only f32 has derivatives'
              : variant.inputs.length === 0
                ? 'has no operands'
                : 'N12 gives it no derivative';
          for (const what of derivatives) cell(`${at} ${what}`).impossible = reason;
          if (variant.inputs.length > 0) refusals.push(refusal(`${label} grad`, variant, OptionError, true));
        });
      }
    }
  }
  return { cells, trials, refusals };
}

export interface Outcome {
  readonly trials: number;
  readonly comparisons: number;
  readonly mismatches: readonly string[];
}

/** Runs trials on a runtime; stops at the first mismatch if asked. */
export async function runTrials(
  rt: Runtime,
  trials: readonly Trial[],
  o: { onlyValue?: boolean; stop?: boolean } = {},
): Promise<Outcome> {
  const mismatches: string[] = [];
  let comparisons = 0;
  let ran = 0;
  for (const t of trials) {
    ran++;
    comparisons += o.onlyValue ? 1 : t.expected().size;
    mismatches.push(...(await t.run(rt, o.onlyValue)));
    if (o.stop && mismatches.length > 0) break;
  }
  return { trials: ran, comparisons, mismatches };
}
