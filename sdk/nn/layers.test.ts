/** Layers: what each does that PyTorch's fixtures (conformance/layers.test.ts) do not show. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { div } from '../core/scalar/index.ts';
import { normals, sourceOf, uniformBetween, uniformOf, words } from '../core/scalar/philox.ts';
import { createRuntime, grad, type Runtime, type Tensor } from '../index.ts';
import { accuracy } from '../train/index.ts';
import { build } from './build.ts';
import * as nn from './index.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

type T = Tensor<'f32'>;
const ctx = (step = 0) => ({ train: true, rng: rt.rng.at(step) });
const read = (m: nn.Module, name: string) => m.parameters().get(name)!.value().data();
const uniforms = (n: number, name: string, bound: number) =>
  Float32Array.from(words(sourceOf(42n, name, 0), n), (w) => uniformBetween(uniformOf(w), -bound, bound));

describe('Dropout', () => {
  const x = Float32Array.from({ length: 1000 }, (_, i) => i - 499.5);
  /** N8: word i of dropout/<module> at the step decides on element i. */
  const dropped = (name: string, step: number, p: number) => {
    const factor = div(1, Math.fround(1 - p));
    const w = words(sourceOf(42n, name, step), x.length);
    return x.map((v, i) => (w[i] < Math.floor(p * 2 ** 32) ? 0 : v * factor));
  };
  test('draws from the stream of its own name, at the step, to the bit', async () => {
    const model = new nn.Sequential((v) => v, new nn.Dropout(0.3), new nn.Dropout(0.6)).init(rt);
    for (const [i, p] of [0.3, 0.6].entries()) {
      for (const step of [0, 7]) {
        const y = (model[i + 1] as nn.Dropout).forward(rt.tensor(x), ctx(step));
        assert.deepEqual(await y.data(), dropped(`dropout/${i + 1}`, step, p));
      }
    }
    assert.notDeepEqual(dropped('dropout/1', 0, 0.3), dropped('dropout/1', 7, 0.3));
  });
  test('its gradient is 0 where it dropped, and scaled elsewhere', async () => {
    const layer = new nn.Dropout(0.3).init(rt);
    const input = rt.tensor(x);
    const [g] = grad(layer.forward(input, ctx()) as T, [input], { seed: rt.tensor(x) });
    assert.deepEqual(await g.data(), dropped('dropout/', 0, 0.3));
  });
  test('is the identity in inference, and with p = 0', () => {
    const input = rt.tensor(x);
    const layer = new nn.Dropout(0.3).init(rt);
    assert.equal(layer.forward(input), input);
    assert.equal(layer.forward(input, { train: false, rng: rt.rng }), input);
    assert.equal(new nn.Dropout(0).init(rt).forward(input, ctx()), input);
  });
  test('inside a block, every place has a stream of its own', async () => {
    const block = new nn.TransformerBlock(8, 2, { dropout: 0.5 }).init(rt);
    const ones = rt.scalar(1).broadcast([64]);
    const places = [block.dropout, block.dropout1, block.dropout2, block.selfAttn.dropout];
    const drawn = await Promise.all(places.map((d) => d.forward(ones, ctx()).data()));
    assert.equal(new Set(drawn.map(String)).size, places.length);
  });
  test('training before init says what to do; p is below 1', () => {
    assert.throws(() => new nn.Dropout().forward(rt.tensor(x), ctx()), { code: 'E_DATA', hint: /init\(rt\)/ });
    assert.throws(() => new nn.Dropout(1), { code: 'E_OPTION' });
  });
});

describe('first values are those of PyTorch by their rules, from init/<name>', () => {
  test('LayerNorm: ones and zeros', async () => {
    const layer = new nn.LayerNorm([2, 3]).init(rt);
    assert.deepEqual([...(await read(layer, 'weight'))], [1, 1, 1, 1, 1, 1]);
    assert.deepEqual([...(await read(layer, 'bias'))], [0, 0, 0, 0, 0, 0]);
  });
  test('Embedding: normal, the padding row zero', async () => {
    const want = normals(sourceOf(42n, 'init/weight', 0), 12);
    assert.deepEqual(await read(new nn.Embedding(4, 3).init(rt), 'weight'), want);
    want.fill(0, 3, 6);
    assert.deepEqual(await read(new nn.Embedding(4, 3, { paddingIdx: 1 }).init(rt), 'weight'), want);
  });
  test('MultiheadAttention: Glorot over the whole projection, biases zero, the last layer as Linear', async () => {
    const layer = new nn.MultiheadAttention(6, 2).init(rt);
    const bound = Math.fround(Math.sqrt(Math.fround(6 / 24)));
    assert.deepEqual(await read(layer, 'inProjWeight'), uniforms(108, 'init/inProjWeight', bound));
    const fan = Math.fround(1 / Math.fround(Math.sqrt(6)));
    assert.deepEqual(await read(layer, 'outProj.weight'), uniforms(36, 'init/outProj.weight', fan));
    for (const name of ['inProjBias', 'outProj.bias']) assert.ok((await read(layer, name)).every((v) => v === 0));
  });
});

describe('convolution and pooling', () => {
  test('weight and bias start uniform between ±1/sqrt(inputs of an output)', async () => {
    const layer = new nn.Conv2d(4, 6, [3, 2], { groups: 2 }).init(rt);
    const bound = Math.fround(1 / Math.fround(Math.sqrt(12)));
    assert.deepEqual(layer.weight!.shape, [6, 2, 3, 2]);
    assert.deepEqual(await read(layer, 'weight'), uniforms(72, 'init/weight', bound));
    assert.deepEqual(await read(layer, 'bias'), uniforms(6, 'init/bias', bound));
    assert.deepEqual(new nn.Conv1d(3, 2, 5).init(rt).weight!.shape, [2, 3, 5]);
  });
  test('a pool steps by its own size unless told', () => {
    const x = rt.tensor(new Float32Array(49), [1, 1, 7, 7]);
    assert.deepEqual(new nn.MaxPool2d(3).forward(x).shape, [1, 1, 2, 2]);
    assert.deepEqual(new nn.AvgPool2d([2, 3], { stride: 1 }).forward(x).shape, [1, 1, 6, 5]);
  });
  test('what does not fit is refused', () => {
    const refusals = [
      () => new nn.Conv2d(3, 4, 3, { groups: 2 }),
      () => new nn.Conv2d(3, 4, [3, 3, 3]),
      () => new nn.Conv2d(3, 4, 0),
      () => new nn.Conv1d(3, 4, 3, { paddin: 1 } as never),
      () => new nn.MaxPool2d(undefined as never),
      () => new nn.AvgPool2d(2, { countIncludePad: 1 } as never),
    ];
    for (const make of refusals) assert.throws(make, { code: 'E_OPTION' });
    assert.throws(() => new nn.Conv2d(3, 4, 3).init(rt).forward(rt.tensor(new Float32Array(9), [1, 1, 3, 3])), {
      code: 'E_SHAPE',
    });
    assert.throws(() => new nn.Conv2d(3, 4, 3).forward(rt.tensor(new Float32Array(27), [1, 3, 3, 3])), {
      code: 'E_DATA',
    });
  });
});

describe('attention', () => {
  test('a causal position sees nothing behind it, to the bit', async () => {
    const model = new nn.TransformerBlock(8, 2, { causal: true }).init(rt);
    const x = rt.rng.normal('x', [2, 6, 8]);
    const later = x.add(
      rt.rng.normal('later', [2, 1, 8]).pad([
        [0, 0],
        [4, 1],
        [0, 0],
      ]),
    );
    const [a, b] = await Promise.all([x, later].map((v) => model.forward(v).slice(null, [0, 4]).data()));
    assert.deepEqual(a, b);
    const [c, d] = await Promise.all([x, later].map((v) => model.forward(v).slice(null, [4]).data()));
    assert.ok(c.every((v, i) => v !== d[i]));
  });
  test('mask and causal together hide what either hides', async () => {
    const [q, k, v] = ['q', 'k', 'v'].map((n) => rt.rng.normal(n, [4, 3]));
    const mask = rt.tensor([1, 0, 1, 1], [4], 'bool');
    const both = rt.tensor([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1], [4, 4], 'bool');
    const together = nn.attention(q, k, v, { mask, causal: true });
    assert.deepEqual(await together.data(), await nn.attention(q, k, v, { mask: both }).data());
  });
  test('a block passes its mask on, and any leading axes', async () => {
    const block = new nn.TransformerBlock(8, 2).init(rt);
    const x = rt.rng.normal('x', [3, 2, 5, 8]);
    const whole = block.forward(x);
    assert.deepEqual(whole.shape, [3, 2, 5, 8]);
    const first = block.forward(x.slice([0, 1], [0, 1]).reshape(5, 8));
    assert.deepEqual(await first.data(), await whole.slice([0, 1], [0, 1]).data());
    const mask = rt.tensor([1, 1, 1, 0, 0], [5], 'bool');
    const short = block.forward(x.slice(null, null, [0, 3]));
    const masked = block.forward(x, undefined, { mask }).slice(null, null, [0, 3]);
    const [a, b] = [await short.data(), await masked.data()];
    // exp(-2^100) is 0, but the sums have other lengths.
    assert.ok(a.every((v, i) => Math.abs(v - b[i]) < 1e-6));
  });
});

describe('shapes', () => {
  test('Embedding takes any shape of either integer', async () => {
    const layer = new nn.Embedding(5, 2).init(rt);
    const w = await read(layer, 'weight');
    const x = rt.tensor([4, 0, 1, 1], [2, 1, 2], 'u32');
    assert.deepEqual(layer.forward(x).shape, [2, 1, 2, 2]);
    assert.deepEqual(
      [...(await layer.forward(x).data())],
      [4, 0, 1, 1].flatMap((i) => [w[2 * i], w[2 * i + 1]]),
    );
    assert.deepEqual(layer.forward(rt.scalar(3, 'i32')).shape, [2]);
    await assert.rejects(layer.forward(rt.tensor([5], [1], 'i32')).data(), { code: 'E_NUMERIC' });
    assert.throws(() => layer.forward(rt.tensor([1])), { code: 'E_DTYPE' });
  });
  test('PositionalEmbedding adds the row of each position', async () => {
    const layer = new nn.PositionalEmbedding(4, 2).init(rt);
    const w = await read(layer, 'weight');
    const y = await layer.forward(rt.tensor(new Float32Array(12), [2, 3, 2])).data();
    assert.deepEqual([...y], [...w.subarray(0, 6), ...w.subarray(0, 6)]);
    assert.throws(() => layer.forward(rt.tensor(new Float32Array(10), [5, 2])), { code: 'E_SHAPE' });
    assert.throws(() => layer.forward(rt.tensor([1, 2])), { code: 'E_SHAPE' });
  });
  test('Flatten joins the axes it is given', () => {
    const x = rt.tensor(new Float32Array(120), [2, 3, 4, 5]);
    assert.deepEqual(new nn.Flatten().forward(x).shape, [2, 60]);
    assert.deepEqual(new nn.Flatten(0, 1).forward(x).shape, [6, 4, 5]);
    assert.deepEqual(new nn.Flatten(-3, -2).forward(x).shape, [2, 12, 5]);
    assert.throws(() => new nn.Flatten(2, 1).forward(x), { code: 'E_SHAPE' });
    assert.throws(() => new nn.Flatten(4).forward(x), { code: 'E_SHAPE' });
  });
  test('what does not fit is refused', () => {
    assert.throws(() => new nn.MultiheadAttention(8, 3), { code: 'E_OPTION' });
    assert.throws(() => new nn.Embedding(4, 3, { paddingIdx: 4 }), { code: 'E_OPTION' });
    assert.throws(() => new nn.LayerNorm([]), { code: 'E_OPTION' });
    assert.throws(() => new nn.LayerNorm(3).init(rt).forward(rt.tensor([1, 2])), { code: 'E_SHAPE' });
    assert.throws(() => new nn.TransformerBlock(8, 2).forward(rt.tensor(new Float32Array(16), [2, 8])), {
      code: 'E_DATA',
    });
  });
});

test('cross-entropy and accuracy of [batch, length, classes] are those of all positions as rows, to the bit', async () => {
  const logits = rt.rng.normal('logits', [3, 4, 5]);
  const labels = rt.tensor([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4, 4], [3, 4], 'i32');
  for (const f of [nn.crossEntropy, accuracy]) {
    const [a, b] = [f(logits, labels), f(logits.reshape(12, 5), labels.reshape(12))];
    assert.equal(await a.item(), await b.item());
  }
  assert.throws(() => nn.crossEntropy(logits, labels.reshape(12)), { code: 'E_SHAPE', message: /expected \[3, 4\]/ });
});

test('models are rebuilt from their descriptions: names, shapes, outputs in training', async () => {
  const model = () =>
    new nn.Sequential(
      new nn.Embedding(7, 8, { paddingIdx: 2 }),
      new nn.PositionalEmbedding(5, 8),
      new nn.Dropout(0.25),
      new nn.TransformerBlock(8, 2, { causal: true, dropout: 0.5, activation: nn.leakyRelu(0.2), layerNormEps: 0.1 }),
      new nn.TransformerBlock(8, 4, { bias: false, dimFeedforward: 6 }),
      new nn.MultiheadAttention(8, 2, { causal: true, dropout: 0.1, bias: false }),
      new nn.LayerNorm([5, 8], { eps: 0.25, bias: false }),
      new nn.LayerNorm(8, { elementwiseAffine: false }),
      new nn.Flatten(0, 1),
    );
  const [one, two] = [model().init(rt), build(JSON.parse(JSON.stringify(model().describe()))).init(rt)];
  assert.deepEqual(two.describe(), one.describe());
  const shapes = (m: nn.Module) => [...m.parameters()].map(([k, v]) => [k, v.shape]);
  assert.deepEqual(shapes(two), shapes(one));
  const x = rt.tensor([0, 1, 2, 3, 4, 5, 6, 0, 2, 4], [2, 5], 'i32');
  assert.deepEqual(await two.forward(x, ctx(3)).data(), await one.forward(x, ctx(3)).data());
  const cnn = () =>
    new nn.Sequential(
      ...[
        new nn.Conv2d(2, 4, [3, 2], { stride: [2, 1], padding: [1, 0], groups: 2 }),
        new nn.MaxPool2d(2, { stride: 1 }),
      ],
      ...[new nn.AvgPool2d([2, 1], { padding: [1, 0], countIncludePad: false }), new nn.Flatten(2)],
      ...[new nn.Conv1d(4, 3, 2, { bias: false, dilation: 2 }), new nn.MaxPool1d(2), new nn.AvgPool1d(2)],
    );
  const [three, four] = [cnn().init(rt), build(JSON.parse(JSON.stringify(cnn().describe()))).init(rt)];
  assert.deepEqual(four.describe(), three.describe());
  const image = rt.rng.normal('image', [2, 2, 9, 8]);
  assert.deepEqual(await four.forward(image).data(), await three.forward(image).data());
  assert.equal(new nn.TransformerBlock(8, 2, { activation: (v) => v.abs() }).describe(), null);
});
