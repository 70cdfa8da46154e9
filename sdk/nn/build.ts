/** A model from its description. By itself in a file, so that using one layer does not bundle all of them. */

import { OptionError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import * as activations from './activations.ts';
import { Linear } from './linear.ts';
import type { Module } from './module.ts';
import { Normalize } from './normalize.ts';
import { type Layer, Sequential } from './sequential.ts';

type Description = { readonly [k: string]: Json };

const { leakyRelu, ...plain } = activations;
const PLAIN = new Map(Object.values(plain).flatMap((f) => (typeof f === 'function' ? [[f.type, f] as const] : [])));

/**
 * Makes the model that `describe()` told of; its Variables come with `init(rt)`, or with weights that are loaded.
 *
 * @example
 * const copy = build(model.describe()).init(rt);
 * @throws OptionError for null, an unknown type, or options that the type does not take.
 */
export function build(description: Json): Module {
  const layer = layerOf(description);
  if (typeof layer === 'function') return new Sequential(layer);
  return layer;
}

function layerOf(d: Json): Layer {
  if (typeof d !== 'object' || d === null || Array.isArray(d)) throw unknown(d);
  const { type, ...o } = d as Description;
  switch (type) {
    case Linear.type:
      return new Linear(number(d, 'in'), number(d, 'out'), { bias: o.bias as boolean });
    case Normalize.type:
      return new Normalize(number(d, 'features'));
    case Sequential.type:
      if (!Array.isArray(o.layers)) throw unknown(d);
      return new Sequential(...(o.layers as readonly Json[]).map(layerOf));
    case 'leakyRelu':
      return leakyRelu(number(d, 'slope'));
    default: {
      const f = PLAIN.get(type as string);
      if (f) return f;
      throw unknown(d);
    }
  }
}

// Layers check the numbers themselves; here only what is not one is refused.
function number(d: Json, name: string): number {
  const v = (d as Description)[name];
  if (typeof v === 'number') return v;
  throw unknown(d);
}

const unknown = (d: Json): OptionError =>
  new OptionError(`build: cannot make a layer of ${JSON.stringify(d)}`, {
    hint: 'Only models made of the layers of isobit/nn can be rebuilt; make yours in code, then load its weights.',
    details: { description: d },
  });
