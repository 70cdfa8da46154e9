/** Weights alone: a model without its training, out of and into a checkpoint. */

import type { CheckpointContent, CheckpointFile, RunStore, TensorSource } from '../checkpoint/index.ts';
import type { DType } from '../core/dtype.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { checkOptions, flag, type Rule as OptionRule, type OptionTable, object, oneOf } from '../core/options.ts';
import { canonicalOf } from '../core/scalar/cast.ts';
import type { Shape } from '../core/shape.ts';
import type { Variable } from '../core/variable.ts';
import type { Archive } from '../formats/archive.ts';
import { fromArchive } from '../formats/content.ts';
import {
  castArray,
  dequantizeRows,
  isScaleOf,
  quantizeRows,
  SCALE,
  scaleShape,
  storedAs,
  WEIGHT_DTYPES,
  type WeightDType,
} from '../formats/narrow.ts';
import type { Rule } from '../formats/remap.ts';
import { type Route, routesOf, turn, turnedShape } from '../formats/routes.ts';
import { type Module, runtimeOf } from '../nn/module.ts';
import { EMA_SLOT } from '../optim/ema.ts';
import { Arithmetic } from './arithmetic-state.ts';
import { field, isCount, lazily, type Migrated } from './component.ts';
import { type Metadata, marksOf } from './metadata.ts';
import { migrate } from './migrate.ts';
import { checkModel, modelState, variablesOf } from './model-state.ts';
import { assigning, checkFinite, compare, type Difference, refuse } from './variables.ts';

const ROOT = 'model/';
const AVERAGES = `optim/${EMA_SLOT}/`;

export interface WeightsOptions {
  /**
   * What floats are stored as; default as they are. `'f16'` and `'bf16'` round half to even; `'i8'` stores parameters of two axes
   * and more as integers with a scale for each output channel, and the others as f32.
   */
  dtype?: WeightDType;
  /** Said in the file, under `user`. */
  metadata?: Metadata;
}

export const WEIGHTS_OPTIONS: OptionTable<WeightsOptions> = {
  dtype: /* @__PURE__ */ oneOf(...WEIGHT_DTYPES),
  metadata: /* @__PURE__ */ object('an object of JSON values'),
};

/**
 * What a file of weights holds: parameters, buffers, the model's description, and metadata under `user`. Write it at once: it
 * reads the model when it is written.
 *
 * @example
 * const file = await encodeCheckpoint(weightsOf(model, { dtype: 'bf16' }));
 */
export function weightsOf(model: Module, o: WeightsOptions = {}): CheckpointContent {
  checkOptions('weightsOf', WEIGHTS_OPTIONS, o);
  const variables = variablesOf(model);
  const [first] = variables.values();
  const marks = first && new Arithmetic(runtimeOf(first)).save();
  const user = marksOf(o.metadata);
  return {
    kind: 'weights',
    schema: { model: 1, ...(first && { numerics: runtimeOf(first).contract }), ...marks?.schema, ...user.schema },
    state: { model: model.describe(), ...marks?.state, ...user.state },
    tensors: new Map([...variables].flatMap(([name, v]) => sourcesOf(ROOT + name, v, o.dtype))),
  };
}

/** A Variable as it is stored: by itself, or as integers and their scales. */
function sourcesOf(name: string, v: Variable, as: WeightDType | undefined): [string, TensorSource][] {
  const { source } = lazily(v);
  const dtype = as === undefined ? v.dtype : storedAs(v, as);
  if (dtype === v.dtype) return [[name, source]];
  const read = async (io?: IO): Promise<HostArray> => {
    const data = 'data' in source ? source.data : await source.read(io);
    return { data, shape: v.shape, dtype: v.dtype };
  };
  if (dtype !== 'i8') {
    return [[name, { dtype, shape: v.shape, read: async (io) => castArray(await read(io), dtype).data }]];
  }
  const rows = async (io?: IO) => quantizeRows(castArray(await read(io), 'f32'));
  return [
    [name, { dtype, shape: v.shape, read: async (io) => (await rows(io)).values.data }],
    [name + SCALE, { dtype: 'f32', shape: scaleShape(v.shape), read: async (io) => (await rows(io)).scale.data }],
  ];
}

export interface LoadWeightsOptions extends IO {
  /** Of a RunStore: 'latest' (the default), 'best', a tag, 'step:N', or the first digits of a root. */
  ref?: string;
  /** Takes the parameters' averages (`ema` of isobit/optim) in place of the parameters. Default false. */
  average?: boolean;
  /** Ordered rules that make of the file's names the model's, and turn matrices. */
  rename?: readonly Rule[];
  /** Which of the model's names are loaded: a prefix, such as `'encoder.'`, a list of names, or a function. Default all. */
  only?: string | readonly string[] | ((name: string) => boolean);
  /**
   * Gives values the model's dtype where the file's is another: half to even to f32 and halves, exact from them. i8 is multiplied
   * by the scales beside it, where there are. Default false: another dtype does not fit.
   */
  cast?: boolean;
  /** Throws where anything does not fit, with the report as details. Default true; else what fits is loaded. */
  strict?: boolean;
}

const selection: OptionRule = {
  expects: 'a prefix, a list of names, or a function of a name',
  ok: (v) => typeof v === 'string' || typeof v === 'function' || Array.isArray(v),
};

export const LOAD_OPTIONS: OptionTable<LoadWeightsOptions> = {
  ref: { expects: 'a reference such as step:100', ok: (v) => typeof v === 'string' },
  average: flag,
  rename: { expects: 'a list of rules', ok: Array.isArray },
  only: selection,
  cast: flag,
  strict: flag,
  signal: /* @__PURE__ */ object('an AbortSignal'),
};

/** What became of every tensor, under the model's names. */
export interface LoadReport extends Difference {
  readonly loaded: readonly string[];
  /** Of those loaded: whose values were given another dtype. */
  readonly cast: readonly { readonly name: string; readonly from: DType; readonly to: DType }[];
  readonly renamed: readonly (readonly [from: string, to: string])[];
  /** Elements that were -0 or tinier than the arithmetic holds, and became 0. */
  readonly flushed: number;
  /** Versions of what was stored that migrations were needed for. */
  readonly migrated: readonly Migrated[];
}

/** A tensor that a source has, before it is read. */
interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Wherever weights come from: what is there, and how it is read. */
interface Source extends Pick<CheckpointFile, 'source' | 'schema' | 'state'> {
  readonly tensors: readonly Entry[];
  read(only: (t: Entry) => boolean, io: IO): Promise<ReadonlyMap<string, HostArray>>;
}

/** One of the model's names, and what of the source it is made of. */
interface Taken extends Entry {
  readonly from: string;
  /** Before it was renamed. */
  readonly base: string;
  readonly scale: string | undefined;
  readonly route: Route;
}

/**
 * Gives a model weights: of a checkpoint, of kind 'train' or 'weights', of a run, or of another program's file, as the readers of
 * isobit/formats give them. The model must be initialised. Everything is checked before anything is read, and read before
 * anything is assigned. Only what is loaded is read of a file that was opened with `verify: 'lazy'`.
 *
 * @example
 * const file = await openCheckpoint({ store, key });
 * const model = build(file.state.model).init(rt);
 * await loadWeights(model, file);
 * await loadWeights(other, readSafetensors(bytes), { rename: [{ match: /^module\./, rename: '' }], only: 'encoder.' });
 * @throws CheckpointError E_MODEL, naming every tensor that does not fit, and with the LoadReport as its details; E_MISSING where
 *   averages are asked for and there are none; E_MIGRATION. DataError for Inf and NaN. The model is then as it was.
 */
export async function loadWeights(
  model: Module,
  from: CheckpointFile | RunStore | Archive,
  o: LoadWeightsOptions = {},
): Promise<LoadReport> {
  checkOptions('loadWeights', LOAD_OPTIONS, o);
  const variables = variablesOf(model);
  const [first] = variables.values();
  if (!first) {
    throw new OptionError('loadWeights: the model has no Variables yet', { hint: 'Call model.init(rt) first.' });
  }
  const migrated: Migrated[] = [];
  const source = await current(await sourceOf(from, o), model, migrated, o);
  const strict = o.strict ?? true;
  if (strict && o.only === undefined && o.rename === undefined) checkModel(model, source.state.model);

  const chosen = chooser(o.only);
  const found = new Map(takenOf(source, o).flatMap((t) => (chosen(t.name) ? [[t.name, t] as const] : [])));
  const wanted = new Map<string, Variable | Entry>([...variables].filter(([name]) => chosen(name)));
  if (found.size + wanted.size === 0) {
    throw new OptionError('loadWeights: nothing has a name that `only` picks', {
      hint: `The model's names begin with ${[...variables.keys()].slice(0, 4).join(', ')}.`,
    });
  }
  const difference = compare(wanted, found);
  // A name that was asked for is missed, also where the model does not know it.
  const typos = Array.isArray(o.only) ? (o.only as string[]).filter((n) => !wanted.has(n) && !found.has(n)) : [];
  const fits = [...found.values()].filter(({ name }) => {
    const other = (m: { name: string }) => m.name === name;
    const { shapeMismatch, dtypeMismatch } = difference;
    return wanted.has(name) && !shapeMismatch.some(other) && (o.cast || !dtypeMismatch.some(other));
  });
  const plan: Difference = {
    ...difference,
    missing: [...difference.missing, ...typos],
    dtypeMismatch: o.cast ? [] : difference.dtypeMismatch,
  };
  const report = (loaded: readonly Taken[], flushed: number): LoadReport => ({
    loaded: loaded.map((t) => t.name),
    ...plan,
    cast: loaded.flatMap(({ name, dtype }) => {
      const to = (variables.get(name) as Variable).dtype;
      return dtype === to ? [] : [{ name, from: dtype, to }];
    }),
    renamed: [...found.values()].flatMap(({ base, name }) => (base === name ? [] : [[base, name] as const])),
    flushed,
    migrated,
  });
  if (strict) {
    const hint = `Pass { strict: false } to load what fits, \`only\` or \`rename\`${plan.dtypeMismatch.length > 0 ? ', { cast: true } for other dtypes' : ''}.`;
    refuse('E_MODEL', `${source.source}: the weights are of another model`, report([], 0), hint);
  }
  const needed = new Set(fits.flatMap((t) => [t.from, t.scale]));
  const read = await source.read((t) => needed.has(t.name), { signal: o.signal });
  const tensors = new Map(fits.map((t) => [t.name, madeOf(t, read, (variables.get(t.name) as Variable).dtype)]));
  checkFinite(`${source.source}:`, tensors);
  let flushed = 0;
  for (const { data, dtype } of tensors.values()) {
    for (let i = 0; i < data.length; i++) if (!Object.is(canonicalOf(data[i], dtype), data[i])) flushed++;
  }
  assigning(variables, tensors, runtimeOf(first))();
  return report(fits, flushed);
}

async function sourceOf(from: CheckpointFile | RunStore | Archive, o: LoadWeightsOptions): Promise<Source> {
  if (o.ref !== undefined && !('commits' in from)) {
    throw new OptionError('loadWeights: ref is about runs', { hint: 'Give a RunStore, or leave it out.' });
  }
  if ('commits' in from) {
    const opened = await from.open(o.ref, { signal: o.signal });
    if (opened) return sourceOf(opened.file, { signal: o.signal });
    throw new CheckpointError('E_NOT_FOUND', 'loadWeights: the run has no commits', { hint: 'Train it first.' });
  }
  if (!('readAll' in from)) {
    const { schema, state, tensors } = fromArchive(from);
    return held({ source: 'archive', schema, state, tensors });
  }
  if (!('model' in from.state)) {
    throw new CheckpointError('E_MODEL', `${from.source}: holds no model`, {
      path: from.source,
      hint: 'Give a checkpoint of a Trainer, or of weightsOf().',
    });
  }
  const { source, schema, state, tensors } = from;
  return { source, schema, state, tensors, read: (only, io) => from.readAll({ ...io, only }) };
}

/** A source whose tensors are in memory. */
const held = (of: Omit<Source, 'tensors' | 'read'> & { tensors: ReadonlyMap<string, HostArray> }): Source => ({
  ...of,
  tensors: [...of.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  read: async () => of.tensors,
});

/** A source as this version of the model stores it. */
async function current(source: Source, model: Module, done: Migrated[], o: IO): Promise<Source> {
  const [first] = variablesOf(model).values();
  const component = modelState(model, runtimeOf(first));
  const version = source.schema.model ?? component.version;
  if (version === component.version) return source;
  const own = (name: string) => name.startsWith(ROOT);
  const read = await source.read((t) => own(t.name), o);
  const tensors = new Map([...read].flatMap(([n, t]) => (own(n) ? [[n.slice(ROOT.length), t] as const] : [])));
  const next = migrate(component, version, { state: source.state.model, tensors }, done);
  const { state } = source;
  const named = new Map([...next.tensors].map(([n, t]) => [ROOT + n, t]));
  return held({ ...source, state: { ...state, model: next.state }, tensors: named });
}

/** Everything of a source that may go into a model, under the model's names. */
function takenOf(source: Source, o: LoadWeightsOptions): Taken[] {
  const averages = o.average ? averagesOf(source) : new Map<string, string>();
  // What has an average is not read twice.
  const replaced = new Set(averages.values());
  const all = new Map(source.tensors.map((t) => [t.name, t]));
  const bases = new Map<string, Entry>();
  for (const t of source.tensors) {
    const base = t.name.slice(ROOT.length);
    const average = averages.get(t.name);
    if (average !== undefined) bases.set(average, t);
    else if (t.name.startsWith(ROOT) && !replaced.has(base)) bases.set(base, t);
  }
  const scales = new Map(
    [...bases].flatMap(([base, t]) => (isScaleOf(all.get(t.name + SCALE), t) ? [[base + SCALE, base] as const] : [])),
  );
  const names = [...bases.keys()].filter((base) => !scales.has(base));
  return [...routesOf(names, o.rename ?? [])].map(([base, route]) => {
    const { name: from, dtype, shape } = bases.get(base) as Entry;
    const scale = scales.has(base + SCALE) ? from + SCALE : undefined;
    return { base, name: route.to, from, scale, route, dtype, shape: turnedShape(route, shape) };
  });
}

/** A tensor as the model takes it. */
function madeOf(t: Taken, read: ReadonlyMap<string, HostArray>, dtype: DType): HostArray {
  const stored = read.get(t.from) as HostArray;
  const whole = t.scale === undefined ? stored : dequantizeRows(stored, read.get(t.scale) as HostArray);
  return turn(t.route, whole.dtype === dtype ? whole : castArray(whole, dtype));
}

function chooser(only: LoadWeightsOptions['only']): (name: string) => boolean {
  if (only === undefined) return () => true;
  if (typeof only === 'function') return only;
  if (typeof only === 'string') return (name) => name.startsWith(only);
  const names = new Set(only);
  return (name) => names.has(name);
}

/** The averages that a training state holds: their names in the file, and the parameters'. */
function averagesOf(file: Source): Map<string, string> {
  const missing = (why: string) =>
    new CheckpointError('E_MISSING', `${file.source}: ${why}`, {
      path: file.source,
      hint: 'Train with ema(optimizer, { decay }) and give a checkpoint of the Trainer, or leave out `average`.',
    });
  const names = file.tensors.map((t) => t.name).filter((name) => name.startsWith(AVERAGES));
  if (names.length === 0) throw missing('holds no averages');
  const { train = null } = file.state;
  const applied =
    field('train', train, 'step', isCount, 'a count') - field('train', train, 'skipped', isCount, 'a count');
  if (applied === 0) throw missing('no step was averaged yet');
  return new Map(names.map((name) => [name, name.slice(AVERAGES.length)]));
}
