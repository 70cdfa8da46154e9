/** `model/`: parameters and buffers, and the description that the model can be rebuilt from. */

import type { HostArray, Json } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Variable } from '../core/variable.ts';
import type { Module } from '../nn/module.ts';
import type { Component, Saved } from './component.ts';
import { canonicalJson } from './json.ts';
import { foreign, matching } from './variables.ts';

/** All Variables of a model by name. */
export const variablesOf = (model: Module): Map<string, Variable> =>
  new Map<string, Variable>([...(model.parameters() as Map<string, Variable>), ...model.buffers()]);

export function modelState(model: Module, rt: Runtime): Component {
  return {
    root: 'model',
    version: 1,
    save: () => ({ state: model.describe(), tensors: variablesOf(model) }),
    load({ state, tensors }: Saved<HostArray>) {
      checkModel(model, state);
      return matching('E_MODEL', 'the checkpoint is of another model', variablesOf(model), tensors, rt);
    },
  };
}

/** A model of one's own has no description; its tensors still have to fit. */
export function checkModel(model: Module, state: Json): void {
  const mine = model.describe();
  if (mine === null || state === null || canonicalJson(mine) === canonicalJson(state)) return;
  throw foreign('E_MODEL', `the checkpoint is of another model: ${canonicalJson(state)}, not ${canonicalJson(mine)}`, {
    expected: mine,
    actual: state,
  });
}
