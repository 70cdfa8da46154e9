/**
 * Whole models to the bit (N13): values and gradients of every parameter, in training with dropout, by the plain reference, by
 * WASM and by WebGPU, fused and unfused.
 */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Runtime, Tensor } from '../sdk/index.ts';
import { grad } from '../sdk/index.ts';
import * as nn from '../sdk/nn/index.ts';
import { openDevice } from '../wgsl/dawn.ts';
import { type LocalName, runtimesOf } from './fuzz/runtimes.ts';
import { ReferenceGraph } from './reference/graph.ts';

const SEED = 9n;
/** What models and losses use of a runtime. */
type Host = Pick<Runtime, 'rng' | 'tensor' | 'variable' | 'scalar'>;

interface Subject {
  model(): nn.Module;
  x: { shape: number[]; values: 'tokens' | 'numbers' };
  classes: number;
  labels: number[];
}
const SUBJECTS: Record<string, Subject> = {
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
function step(host: Host, { model, x, classes, labels }: Subject): Tensor<'f32'>[] {
  const rng = host.rng.withSeed(SEED);
  const m = model().init(host as Runtime, { rng });
  const draw = (name: string, shape: number[], n: number) =>
    rng.uniform(name, shape).mul(n).cast('i32') as Tensor<'i32'>;
  const input = x.values === 'tokens' ? draw('x', x.shape, classes) : rng.normal('x', x.shape);
  const y = m.forward(input, { train: true, rng: rng.at(5) }) as Tensor<'f32'>;
  return [y, ...grad(nn.crossEntropy(y, draw('y', labels, classes)), [...m.parameters().values()])];
}

const wanted = new Map<string, ArrayLike<number>[]>();
function reference(name: string): ArrayLike<number>[] {
  let found = wanted.get(name);
  if (!found) {
    const g = new ReferenceGraph();
    const host: Host = {
      rng: g.rng(SEED),
      tensor: g.tensor.bind(g) as Host['tensor'],
      scalar: g.scalar.bind(g),
      variable: g.variable.bind(g),
    };
    found = step(host, SUBJECTS[name]).map((t) => g.value(t).data);
    wanted.set(name, found);
  }
  return found;
}

const probe = await openDevice();
if (!probe && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
probe?.destroy();
const SKIP: Record<LocalName, string | false> = {
  'node-wasm': false,
  'node-webgpu': probe ? false : 'no WebGPU device',
};

for (const [row, skip] of Object.entries(SKIP) as [LocalName, string | false][]) {
  describe(row, { skip }, () => {
    const runtimes = skip ? null : runtimesOf(row);
    after(async () => {
      for (const { rt } of (await runtimes) ?? []) await rt.dispose();
    });
    for (const [name, subject] of Object.entries(SUBJECTS)) {
      test(name, async () => {
        for (const { name: how, rt } of (await runtimes) ?? []) {
          const found = await Promise.all(step(rt, subject).map((t) => t.data()));
          for (const [i, want] of reference(name).entries()) assert.deepEqual(found[i], want, `${how}: result ${i}`);
        }
      });
    }
  });
}
