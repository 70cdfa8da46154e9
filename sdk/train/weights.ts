/** Weights alone: a model without its training, out of and into a checkpoint. */

import type { CheckpointContent, CheckpointFile } from '../checkpoint/index.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { type Module, runtimeOf } from '../nn/module.ts';
import { EMA_SLOT } from '../optim/ema.ts';
import { Arithmetic } from './arithmetic-state.ts';
import { field, isCount, lazily } from './component.ts';
import { type Metadata, marksOf } from './metadata.ts';
import { modelState, variablesOf } from './model-state.ts';

const ROOT = 'model/';
const AVERAGES = `optim/${EMA_SLOT}/`;

/**
 * What a file of weights holds: parameters, buffers, the model's description, and metadata under `user`. Write it at once: it reads the model when
 * it is written.
 *
 * @example
 * const file = await encodeCheckpoint(weightsOf(model));
 */
export function weightsOf(model: Module, o: { metadata?: Metadata } = {}): CheckpointContent {
  const variables = variablesOf(model);
  const tensors = [...variables].map(([name, v]) => [ROOT + name, lazily(v).source] as const);
  const [first] = variables.values();
  const marks = first && new Arithmetic(runtimeOf(first)).save();
  const user = marksOf(o.metadata);
  return {
    kind: 'weights',
    schema: { model: 1, ...(first && { numerics: runtimeOf(first).contract }), ...marks?.schema, ...user.schema },
    state: { model: model.describe(), ...marks?.state, ...user.state },
    tensors: new Map(tensors),
  };
}

export interface LoadWeightsOptions extends IO {
  /** Takes the parameters' averages (`ema` of isobit/optim) in place of the parameters. Default false. */
  average?: boolean;
}

/**
 * Gives a model the weights of a file, of kind 'train' or 'weights'. The model must be initialised.
 *
 * @example
 * const file = await openCheckpoint({ store, key });
 * const model = build(file.state.model).init(rt);
 * await loadWeights(model, file);
 * @throws CheckpointError E_MODEL, naming every tensor that does not fit; E_MISSING where averages are asked for and there are
 *   none. The model is then as it was.
 */
export async function loadWeights(model: Module, file: CheckpointFile, o: LoadWeightsOptions = {}): Promise<void> {
  const [first] = variablesOf(model).values();
  if (!first) {
    throw new OptionError('loadWeights: the model has no Variables yet', { hint: 'Call model.init(rt) first.' });
  }
  if (!('model' in file.state)) {
    throw new CheckpointError('E_MODEL', `${file.source}: holds no model`, {
      path: file.source,
      hint: 'Give a checkpoint of a Trainer, or of weightsOf().',
    });
  }
  const from = o.average ? averagesOf(file) : new Map<string, string>();
  // What has an average is not read twice.
  const replaced = new Set(from.values());
  for (const { name } of file.tensors) {
    if (name.startsWith(ROOT) && !replaced.has(name.slice(ROOT.length))) from.set(name, name.slice(ROOT.length));
  }
  const found = await file.readAll({ signal: o.signal, only: (t) => from.has(t.name) });
  const tensors = new Map<string, HostArray>([...found].map(([name, t]) => [from.get(name) as string, t]));
  modelState(model, runtimeOf(first)).load({ state: file.state.model, tensors })();
}

/** The averages that a training state holds: their names in the file, and the parameters'. */
function averagesOf(file: CheckpointFile): Map<string, string> {
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
