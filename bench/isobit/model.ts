/** The nets as modules of isobit/nn, with the given first parameters. */

import type { Runtime } from '../../sdk/index.ts';
import {
  Conv2d,
  Embedding,
  Flatten,
  type Layer,
  LayerNorm,
  Linear,
  MaxPool2d,
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
  if (net.kind === 'cnn') {
    const features = [new Conv2d(1, 6, 5, { padding: 2 }), relu, new MaxPool2d(2), new Conv2d(6, 16, 5), relu];
    const head = [new Linear(400, 120), relu, new Linear(120, 84), relu, new Linear(84, 10)];
    return new Sequential(...features, new MaxPool2d(2), new Flatten(), ...head);
  }
  const { layers, width, heads, sequence, vocabulary } = net;
  return new Sequential(
    new Embedding(vocabulary, width),
    new PositionalEmbedding(sequence, width),
    ...Array.from({ length: layers }, () => new TransformerBlock(width, heads, { causal: true })),
    new LayerNorm(width),
    new Linear(width, vocabulary),
  );
}
