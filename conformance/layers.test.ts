/**
 * Layers against PyTorch, from the fixtures of fixtures/layers.py: values, gradients of inputs and parameters, second derivatives, and
 * five steps of training. Parameters go over by name: ours in snake case are PyTorch's.
 *
 * Differences are in units of 2^-24 as in torch.test.ts; those of gradients also of the adjoint. A layer passes through more
 * roundings than a function: a block of a transformer through some fifty one after the other, each of half a unit at most, and
 * sums of up to 32 terms between them.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { batches } from '../sdk/data/index.ts';
import { createRuntime, grad, type Runtime, type Tensor, type Variable, variance } from '../sdk/index.ts';
import * as nn from '../sdk/nn/index.ts';
import { sgd } from '../sdk/optim/index.ts';
import { Trainer } from '../sdk/train/index.ts';

interface Array_ {
  shape: number[];
  data: number[];
}
interface Case {
  name: string;
  inputs: Array_[];
  params: Record<string, Array_>;
  seed: Array_;
  value: Array_;
  grads: Array_[];
  paramGrads: Record<string, Array_>;
  tangents?: Array_[];
  second?: Array_[];
}
interface Training {
  x: Array_;
  y: Array_;
  start: Record<string, Array_>;
  losses: Array_;
  params: Record<string, Array_>;
}
const fixtures = JSON.parse(readFileSync(new URL('./fixtures/layers.json', import.meta.url), 'utf8')) as {
  torch: string;
  cases: Case[];
  training: Record<string, Training>;
};

const TOLERANCE = { value: 8, gradient: 8, second: 16, training: 16 };

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm' });
});
after(() => rt.dispose());

type T = Tensor<'f32'>;
const int = (t: Tensor) => t.cast('i32');
const f32 = (t: Tensor) => t as T;

/** A function as a module without parameters. */
class Of extends nn.Module {
  readonly #f: (x: T) => Tensor;
  constructor(f: (x: T) => Tensor) {
    super();
    this.#f = f;
  }
  forward(x: Tensor) {
    return this.#f(x as T);
  }
}
type Call = (m: nn.Module, ...inputs: T[]) => Tensor;
const mha = (o?: nn.MultiheadAttentionOptions) => new nn.MultiheadAttention(12, 3, o);
const looking: Call = (m, x, key, value) => (m as nn.MultiheadAttention).forward(x, undefined, { key, value });
const functions = (f: (...v: T[]) => Tensor): [() => nn.Module, Call] => [() => new Of((x) => x), (_, ...v) => f(...v)];

/** The names of fixtures/layers.py. */
const LAYERS: Record<string, [make: () => nn.Module, call?: Call]> = {
  variance: functions((x) => variance(x, 1)),
  'variance ddof': functions((x) => variance(x, [0, 2], false, 1)),
  LayerNorm: [() => new nn.LayerNorm(8)],
  'LayerNorm two axes': [() => new nn.LayerNorm([3, 4])],
  'LayerNorm eps': [() => new nn.LayerNorm(6, { eps: 0.5 })],
  'LayerNorm plain': [() => new nn.LayerNorm(6, { elementwiseAffine: false })],
  'LayerNorm no bias': [() => new nn.LayerNorm(6, { bias: false })],
  Embedding: [() => new nn.Embedding(6, 3), (m, x) => m.forward(int(x))],
  'Embedding padding': [() => new nn.Embedding(6, 3, { paddingIdx: 3 }), (m, x) => m.forward(int(x))],
  attention: functions((q, k, v) => nn.attention(q, k, v)),
  'attention causal': functions((q, k, v) => nn.attention(q, k, v, { causal: true })),
  'attention scale': functions((q, k, v) => nn.attention(q, k, v, { scale: 0.75 })),
  'attention mask': functions((q, k, v, m) => nn.attention(q, k, v, { mask: m.cast('bool') })),
  MultiheadAttention: [mha],
  'MultiheadAttention causal': [() => mha({ causal: true })],
  'MultiheadAttention no bias': [() => mha({ bias: false })],
  'MultiheadAttention memory': [mha, looking],
  'MultiheadAttention value': [mha, looking],
  'MultiheadAttention mask': [
    mha,
    (m, x, key, mask) => (m as nn.MultiheadAttention).forward(x, undefined, { key, mask: mask.cast('bool') }),
  ],
  TransformerBlock: [() => new nn.TransformerBlock(8, 2)],
  'TransformerBlock causal': [() => new nn.TransformerBlock(8, 2, { causal: true })],
  'TransformerBlock options': [
    () => new nn.TransformerBlock(8, 4, { dimFeedforward: 10, activation: nn.relu, layerNormEps: 0.1 }),
  ],
  'TransformerBlock no bias': [() => new nn.TransformerBlock(8, 2, { causal: true, bias: false })],
  Conv2d: [() => new nn.Conv2d(4, 3, 3)],
  'Conv2d options': [
    () => new nn.Conv2d(4, 3, [3, 2], { stride: [2, 1], padding: [1, 2], dilation: [1, 3], bias: false }),
  ],
  'Conv2d same': [() => new nn.Conv2d(4, 3, [2, 3], { padding: 'same' })],
  'Conv2d groups': [() => new nn.Conv2d(4, 6, 3, { padding: 1, groups: 2 })],
  Conv1d: [() => new nn.Conv1d(4, 3, 3, { stride: 2, padding: 1 })],
  MaxPool2d: [() => new nn.MaxPool2d(2)],
  'MaxPool2d options': [() => new nn.MaxPool2d([3, 2], { stride: [2, 1], padding: 1, dilation: [1, 2] })],
  MaxPool1d: [() => new nn.MaxPool1d(3, { stride: 2 })],
  AvgPool2d: [() => new nn.AvgPool2d(2)],
  'AvgPool2d options': [() => new nn.AvgPool2d([3, 2], { stride: [2, 1], padding: 1, countIncludePad: false })],
  AvgPool1d: [() => new nn.AvgPool1d(3, { stride: 2, padding: 1 })],
  crossEntropy: functions((x, y) => nn.crossEntropy(x, int(y))),
};
/** Inputs that are indices, labels or masks. */
const EXACT: Record<string, number> = {
  Embedding: 0,
  'Embedding padding': 0,
  'attention mask': 3,
  'MultiheadAttention mask': 2,
  crossEntropy: 1,
};

const largest = (v: readonly number[]) => v.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
function difference(got: Float32Array, { data: want }: Array_, scale = 0): number {
  assert.equal(got.length, want.length);
  return largest(want.map((w, i) => got[i] - w)) / Math.max(largest(want), scale, 2 ** -20) / 2 ** -24;
}
const snake = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const tensor = (a: Array_) => rt.tensor(a.data, a.shape);

/** Gives a model PyTorch's parameters; every one must be there, in the same shape. */
function take(model: nn.Module, params: Record<string, Array_>): Map<string, Variable<'f32'>> {
  const mine = new Map([...model.parameters()].map(([name, v]) => [snake(name), v]));
  assert.deepEqual([...mine.keys()].sort(), Object.keys(params).sort());
  for (const [name, v] of mine) v.assign(tensor(params[name]));
  return mine;
}

const worst = { value: 0, gradient: 0, second: 0, training: 0 };
function check(kind: keyof typeof worst, what: string, got: Float32Array, want: Array_, scale = 0): void {
  const d = difference(got, want, scale);
  worst[kind] = Math.max(worst[kind], d);
  assert.ok(d <= TOLERANCE[kind], `${what}: off by ${d} units of 2^-24`);
}
after(() => console.log(`# largest difference in units of 2^-24: ${JSON.stringify(worst)}`));

describe(`layers against PyTorch ${fixtures.torch}`, () => {
  for (const c of fixtures.cases) {
    test(c.name, async () => {
      const [make, call = (m, x) => m.forward(x)] = LAYERS[c.name];
      const model = make().init(rt);
      const params = take(model, c.params);
      const inputs = c.inputs.map(tensor);
      const y = f32(call(model, ...inputs));
      assert.deepEqual(y.shape, c.value.shape);
      check('value', 'value', await y.data(), c.value);
      const real = inputs.filter((_, i) => i !== EXACT[c.name]);
      const grads = grad(y, [...real, ...params.values()], { seed: tensor(c.seed) });
      const scale = largest(c.seed.data);
      for (const [i, g] of c.grads.entries()) check('gradient', `gradient ${i}`, await grads[i].data(), g, scale);
      for (const [i, name] of [...params.keys()].entries()) {
        check('gradient', name, await grads[real.length + i].data(), c.paramGrads[name], scale);
      }
      if (!c.second || !c.tangents) return;
      const inner = c.tangents.map((t, i) => grads[i].mul(tensor(t)).sum()).reduce((a, b) => a.add(b));
      const by = scale * largest(c.tangents.flatMap((t) => t.data));
      const again = grad(inner, [...real, ...params.values()], { unused: 'zero' });
      for (const [i, g] of again.entries()) check('second', `second derivative ${i}`, await g.data(), c.second[i], by);
    });
  }
  test('every layer that PyTorch was asked for is compared', () => {
    assert.deepEqual(fixtures.cases.map((c) => c.name).sort(), Object.keys(LAYERS).sort());
  });
});

const MODELS: Record<string, () => nn.Module> = {
  cnn: () =>
    new nn.Sequential(
      ...[new nn.Conv2d(1, 3, 3, { padding: 1 }), nn.relu, new nn.MaxPool2d(2)],
      ...[new nn.Conv2d(3, 4, 3), nn.relu, new nn.AvgPool2d(2)],
      ...[new nn.Flatten(), new nn.Linear(16, 3)],
    ),
  transformer: () =>
    new nn.Sequential(
      new nn.Embedding(7, 8),
      new nn.PositionalEmbedding(6, 8),
      new nn.TransformerBlock(8, 2, { causal: true }),
      new nn.TransformerBlock(8, 2, { causal: true }),
      new nn.LayerNorm(8),
      new nn.Linear(8, 7),
    ),
};

describe('five steps of SGD against PyTorch', () => {
  for (const [name, { x, y, start, losses, params }] of Object.entries(fixtures.training)) {
    test(name, async () => {
      const model = MODELS[name]().init(rt);
      const mine = take(model, start);
      const integer = x.data.every(Number.isInteger);
      const rows = batches(
        integer
          ? { data: Int32Array.from(x.data), shape: x.shape, dtype: 'i32' }
          : { data: Float32Array.from(x.data), shape: x.shape, dtype: 'f32' },
        { data: Int32Array.from(y.data), shape: y.shape, dtype: 'i32' },
        { size: x.shape[0] },
      );
      using trainer = new Trainer({ model, loss: nn.crossEntropy, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) });
      const found: number[] = [];
      for await (const { loss } of trainer.run(rows, { steps: 5 })) found.push(await loss.item());
      check('training', 'losses', Float32Array.from(found), losses);
      for (const [k, v] of mine) check('training', k, await v.value().data(), params[k]);
    });
  }
  test('every model that PyTorch trained is compared', () => {
    assert.deepEqual(Object.keys(fixtures.training).sort(), Object.keys(MODELS).sort());
  });
});
