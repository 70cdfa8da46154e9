/** Weights alone: a model without its training, out of and into a checkpoint. */

import type { CheckpointContent, CheckpointFile } from '../checkpoint/index.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { type Module, runtimeOf } from '../nn/module.ts';
import { lazily } from './component.ts';
import { modelState, variablesOf } from './model-state.ts';

const ROOT = 'model/';

/**
 * What a file of weights holds: parameters, buffers and the model's description. Write it at once: it reads the model when
 * it is written.
 *
 * @example
 * const file = await encodeCheckpoint(weightsOf(model));
 */
export function weightsOf(model: Module): CheckpointContent {
  const variables = variablesOf(model);
  const tensors = [...variables].map(([name, v]) => [ROOT + name, lazily(v).source] as const);
  const [first] = variables.values();
  return {
    kind: 'weights',
    schema: { model: 1, ...(first && { numerics: runtimeOf(first).contract }) },
    state: { model: model.describe() },
    tensors: new Map(tensors),
  };
}

/**
 * Gives a model the weights of a file, of kind 'train' or 'weights'. The model must be initialised.
 *
 * @example
 * const file = await openCheckpoint({ store, key });
 * const model = build(file.state.model).init(rt);
 * await loadWeights(model, file);
 * @throws CheckpointError E_MODEL, naming every tensor that does not fit; the model is then as it was.
 */
export async function loadWeights(model: Module, file: CheckpointFile, o: IO = {}): Promise<void> {
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
  const found = await file.readAll({ ...o, only: (t) => t.name.startsWith(ROOT) });
  const tensors = new Map<string, HostArray>([...found].map(([name, t]) => [name.slice(ROOT.length), t]));
  modelState(model, runtimeOf(first)).load({ state: file.state.model, tensors })();
}
