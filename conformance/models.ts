/**
 * Whole models to the bit (N13): the predictions of a step of training with dropout, and the gradients of every parameter, against
 * the plain reference.
 */

import { grad } from '../sdk/core/grad.ts';
import type { Runtime } from '../sdk/core/runtime.ts';
import type { Tensor } from '../sdk/core/tensor.ts';
import * as nn from '../sdk/nn/index.ts';
import { difference } from './compare.ts';
import { ReferenceGraph } from './reference/graph.ts';
import type { Value } from './reference/value.ts';

const SEED = 9n;
/** What models and losses use of a runtime. */
type Host = Pick<Runtime, 'rng' | 'tensor' | 'variable' | 'scalar'>;

export interface Model {
  model(): nn.Module;
  x: { shape: number[]; values: 'tokens' | 'numbers' };
  classes: number;
  labels: number[];
}
export const MODELS: Record<string, Model> = {
  cnn: {
    model: () =>
      new nn.Sequential(
        ...[new nn.Conv2d(2, 6, 3, { padding: 1, groups: 2 }), nn.relu, new nn.MaxPool2d(3, { stride: 2, padding: 1 })],
        ...[new nn.Conv2d(6, 8, 3, { stride: [1, 2] }), nn.gelu, new nn.AvgPool2d(2), new nn.Dropout(0.25)],
        ...[new nn.Flatten(), new nn.Linear(8, 5)],
      ),
    x: { shape: [3, 2, 9, 15], values: 'numbers' },
    classes: 5,
    labels: [3],
  },
  transformer: {
    model: () =>
      new nn.Sequential(
        new nn.Embedding(11, 12, { paddingIdx: 2 }),
        new nn.PositionalEmbedding(9, 12),
        new nn.TransformerBlock(12, 3, { causal: true, dropout: 0.25 }),
        new nn.TransformerBlock(12, 2, { dropout: 0.25, dimFeedforward: 20, activation: nn.geluTanh, bias: false }),
        new nn.LayerNorm(12),
        new nn.Dropout(0.5),
        new nn.Linear(12, 11),
      ),
    x: { shape: [3, 7], values: 'tokens' },
    classes: 11,
    labels: [3, 7],
  },
};

/** Loss and gradients of one step, all on one graph. */
function step(host: Host, { model, x, classes, labels }: Model): Tensor<'f32'>[] {
  const rng = host.rng.withSeed(SEED);
  const m = model().init(host as Runtime, { rng });
  const draw = (name: string, shape: number[], n: number) =>
    rng.uniform(name, shape).mul(n).cast('i32') as Tensor<'i32'>;
  const input = x.values === 'tokens' ? draw('x', x.shape, classes) : rng.normal('x', x.shape);
  const y = m.forward(input, { train: true, rng: rng.at(5) }) as Tensor<'f32'>;
  return [y, ...grad(nn.crossEntropy(y, draw('y', labels, classes)), [...m.parameters().values()])];
}

function expected(model: Model): Value[] {
  const g = new ReferenceGraph();
  const host: Host = {
    rng: g.rng(SEED),
    tensor: g.tensor.bind(g) as Host['tensor'],
    scalar: g.scalar.bind(g),
    variable: g.variable.bind(g),
  };
  return step(host, model).map((t) => g.value(t));
}

/** What a runtime gives otherwise than the reference. */
export async function differences(rt: Runtime, model: Model): Promise<string[]> {
  const found = await Promise.all(step(rt, model).map((t) => t.data()));
  return expected(model).flatMap((want, i) => {
    const d = difference(want, found[i]);
    return d === null ? [] : [`${i === 0 ? 'predictions' : `gradient of parameter ${i - 1}`}: ${d}`];
  });
}
