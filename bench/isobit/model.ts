/** The nets as modules of isobit/nn, with the given first parameters. */

import type { Runtime } from '../../sdk/index.ts';
import {
  Embedding,
  type Layer,
  LayerNorm,
  Linear,
  type Module,
  PositionalEmbedding,
  relu,
  Sequential,
  TransformerBlock,
} from '../../sdk/nn/index.ts';
import { type Net, parametersOf } from '../nets.ts';

export function modelOf(rt: Runtime, net: Net): Module {
  const model = make(net).init(rt);
  const given = parametersOf(net);
  const variables = [...model.parameters().values()];
  if (variables.length !== given.length) {
    throw new Error(`bench: ${net.name} has ${given.length} parameters, its model ${variables.length}`);
  }
  given.forEach(({ data, shape }, i) => {
    variables[i].assign(rt.tensor(data, shape));
  });
  return model;
}

function make(net: Net): Module {
  if (net.kind === 'mlp') {
    const linear = net.widths.slice(1).map((outputs, i) => new Linear(net.widths[i], outputs));
    return new Sequential(...linear.flatMap((l, i): Layer[] => (i > 0 ? [relu, l] : [l])));
  }
  if (net.kind === 'transformer') {
    const { layers, width, heads, sequence, vocabulary } = net;
    return new Sequential(
      new Embedding(vocabulary, width),
      new PositionalEmbedding(sequence, width),
      ...Array.from({ length: layers }, () => new TransformerBlock(width, heads, { causal: true })),
      new LayerNorm(width),
      new Linear(width, vocabulary),
    );
  }
  throw new Error(`isobit/nn has no layers yet for ${net.name}`);
}
