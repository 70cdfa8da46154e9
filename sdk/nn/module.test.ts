import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sourceOf, streamOf, uniformBetween, uniformOf, words } from '../core/scalar/philox.ts';
import { createRuntime, type Json, type Runtime, type Tensor, type Variable } from '../index.ts';
import { build } from './build.ts';
import {
  fill,
  gelu,
  identity,
  Linear,
  leakyRelu,
  type Maker,
  Module,
  Normalize,
  normal,
  relu,
  Sequential,
  tanh,
} from './index.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

/** U(low, high) of a stream, on the host: N8 by the Philox that is tested against its published answers. */
const uniforms = (seed: bigint, name: string, n: number, bound: number) =>
  Float32Array.from(words(sourceOf(seed, name, 0), n), (w) => uniformBetween(uniformOf(w), -bound, bound));

class Block extends Module {
  b = new Linear(2, 3);
  a = new Linear(3, 2);
  layers = [new Linear(2, 2), [new Linear(2, 1, { bias: false })]];
  heads = { left: new Linear(1, 1) };
  forward(x: Tensor) {
    return this.a.forward(this.b.forward(x));
  }
}

describe('names', () => {
  test('are field paths in the order of definition; arrays count, plain objects go by key', () => {
    const names = ['b.weight', 'b.bias', 'a.weight', 'a.bias', 'layers.0.weight', 'layers.0.bias', 'layers.1.0.weight'];
    const model = new Block().init(rt);
    assert.deepEqual([...model.parameters().keys()], [...names, 'heads.left.weight', 'heads.left.bias']);
  });
  test('Sequential counts every entry, activations too', () => {
    const model = new Sequential(new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
    assert.deepEqual([...model.parameters().keys()], ['0.weight', '0.bias', '2.weight', '2.bias']);
    assert.deepEqual(
      [...model.parameters().values()].map((v) => v.shape),
      [[16, 4], [16], [3, 16], [3]],
    );
    assert.ok(model[0] instanceof Linear && model[1] === relu);
  });
  test('private and underscored fields are not part of a model, nor is a parent twice', () => {
    class Private extends Module {
      readonly #hidden = new Linear(1, 1);
      _cache = new Linear(1, 1);
      self: Module = this;
      shown = new Linear(1, 1);
      forward(x: Tensor) {
        return this.#hidden.forward(x);
      }
    }
    assert.deepEqual([...new Private().init(rt).parameters().keys()], ['shown.weight', 'shown.bias']);
  });
  test('buffers are apart from parameters', () => {
    const moments = { mean: host([1, 2]), deviation: host([3, 4]) };
    const model = new Sequential(new Normalize(2, moments), new Linear(2, 1)).init(rt);
    assert.deepEqual([...model.parameters().keys()], ['1.weight', '1.bias']);
    assert.deepEqual([...model.buffers().keys()], ['0.mean', '0.deviation']);
    assert.ok([...model.buffers().values()].every((v) => !v.trainable));
  });
  test('a tied variable stands once, under its first name', () => {
    class Tied extends Module {
      first = new Linear(2, 2);
      second = new Linear(2, 2);
      override create() {
        this.second.weight = this.first.weight;
      }
      forward(x: Tensor) {
        return this.second.forward(this.first.forward(x));
      }
    }
    const tied = new Tied().init(rt);
    assert.deepEqual([...tied.parameters().keys()], ['first.weight', 'first.bias', 'second.bias']);
    const shared = new Linear(2, 2);
    assert.deepEqual([...new Sequential(shared, relu, shared).init(rt).parameters().keys()], ['0.weight', '0.bias']);
  });
});

describe('init', () => {
  test('draws U(±1/sqrt(in)) from the stream init/<name>, to the bit', async () => {
    const model = new Block().init(rt);
    for (const [name, fanIn] of Object.entries({ 'b.weight': 2, 'a.bias': 3, 'layers.1.0.weight': 2 })) {
      const v = model.parameters().get(name) as Variable<'f32'>;
      const n = v.shape.reduce((a, b) => a * b, 1);
      const bound = Math.fround(1 / Math.fround(Math.sqrt(fanIn)));
      assert.deepEqual(await v.value().data(), uniforms(42n, `init/${name}`, n, bound), name);
    }
  });
  test('depends on the seed and on the name alone', async () => {
    const one = new Sequential(new Linear(5, 5)).init(rt);
    const other = new Sequential(new Linear(5, 5), relu, new Linear(5, 1)).init(rt);
    const first = (m: Module) => m.parameters().get('0.weight')!.value().data();
    assert.deepEqual(await first(one), await first(other));
    const reseeded = new Sequential(new Linear(5, 5)).init(rt, { rng: rt.rng.withSeed(7) });
    assert.deepEqual(
      await first(reseeded),
      uniforms(7n, 'init/0.weight', 25, Math.fround(1 / Math.fround(Math.sqrt(5)))),
    );
    assert.notDeepEqual(await first(reseeded), await first(one));
  });
  test('two names with one stream are refused', () => {
    const [a, b] = ['w96m5yr', 'w11qtbcd'];
    assert.equal(streamOf(`init/${a}`), streamOf(`init/${b}`), 'these two names were searched for');
    class Clash extends Module {
      override create(make: Maker) {
        Object.assign(this, { [a]: make.parameter(a, [1], fill(0)), [b]: make.parameter(b, [1], fill(0)) });
      }
      forward(x: Tensor) {
        return x;
      }
    }
    assert.throws(() => new Clash().init(rt), { code: 'E_OPTION', message: /w96m5yr and w11qtbcd/ });
  });
  test('initialisers: a chosen one is used, and a normal one has its mean and deviation', async () => {
    const layer = new Linear(100, 100, { weightInit: normal(3, 0.5), biasInit: fill(0.25) }).init(rt);
    const w = await layer.weight!.value().data();
    const mean = w.reduce((s, v) => s + v, 0) / w.length;
    const deviation = Math.sqrt(w.reduce((s, v) => s + (v - mean) ** 2, 0) / w.length);
    // 10,000 draws: five standard errors of the mean and of the deviation.
    assert.ok(Math.abs(mean - 3) < 0.025 && Math.abs(deviation - 0.5) < 0.018, `${mean} ${deviation}`);
    assert.ok((await layer.bias!.value().data()).every((v) => v === 0.25));
  });
  test('using a layer before init says what to do', () => {
    assert.throws(() => new Linear(2, 2).forward(rt.tensor([1, 2], [1, 2])), { code: 'E_DATA', hint: /init\(rt\)/ });
  });
  test('dispose frees every variable', async () => {
    const model = new Sequential(new Linear(64, 64), relu, new Linear(64, 64)).init(rt);
    await rt.flush();
    const before = rt.memory().live;
    model.dispose();
    assert.ok(before - rt.memory().live >= 2 * (64 * 64 + 64) * 4);
  });
});

describe('layers', () => {
  test('Linear is x Wᵀ + b, over any leading axes', async () => {
    const layer = new Linear(2, 3).init(rt);
    layer.weight!.assign(rt.tensor([1, 2, 3, 4, 5, 6], [3, 2]));
    layer.bias!.assign(rt.tensor([10, 20, 30]));
    assert.deepEqual([...(await layer.forward(rt.tensor([1, 1, 2, 3], [2, 2])).data())], [13, 27, 41, 18, 38, 58]);
    assert.deepEqual(layer.forward(rt.tensor(new Float32Array(8), [2, 2, 2])).shape, [2, 2, 3]);
    const plain = new Linear(2, 3, { bias: false }).init(rt);
    plain.weight!.assign(rt.tensor([1, 2, 3, 4, 5, 6], [3, 2]));
    assert.deepEqual([...(await plain.forward(rt.tensor([1, 1], [1, 2])).data())], [3, 7, 11]);
    assert.deepEqual([...plain.parameters().keys()], ['weight']);
  });
  test('Normalize is (x - mean) / deviation', async () => {
    const layer = new Normalize(2, { mean: host([1, 2]), deviation: host([2, 3]) }).init(rt);
    const y = await layer.forward(rt.tensor([2, 4, 1, 1], [2, 2])).data();
    assert.deepEqual([...y], [0.5, 2 / 3, 0, -1 / 3].map(Math.fround));
  });
  test('bad sizes and options are refused', () => {
    assert.throws(() => new Linear(0, 3), { code: 'E_OPTION', message: /Linear: in must be/ });
    assert.throws(() => new Linear(2, 3, { bais: false } as never), { message: /unknown option bais/ });
    assert.throws(() => new Normalize(3, { mean: host([1]), deviation: host([1]) }), { code: 'E_SHAPE' });
    assert.throws(() => new Sequential(3 as never), { code: 'E_OPTION', message: /entry 0/ });
    assert.throws(() => new Linear(3, 2).init(rt).forward(rt.tensor([1, 2], [1, 2])), { code: 'E_SHAPE' });
  });
});

describe('descriptions', () => {
  const model = () =>
    new Sequential(
      new Normalize(4),
      new Linear(4, 8, { bias: false }),
      new Sequential(tanh, new Linear(8, 8), gelu),
      leakyRelu(0.125),
      identity,
      new Linear(8, 3),
    );
  test('a model is rebuilt from its description, with the same names, shapes and outputs', async () => {
    const [one, two] = [model().init(rt), build(JSON.parse(JSON.stringify(model().describe()))).init(rt)];
    const shapes = (m: Module) => [...m.parameters(), ...m.buffers()].map(([k, v]) => [k, v.shape]);
    assert.deepEqual(shapes(two), shapes(one));
    const x = rt.rng.normal('x', [5, 4]);
    assert.deepEqual(await two.forward(x).data(), await one.forward(x).data());
    assert.deepEqual(two.describe(), one.describe());
  });
  test('what has no type of its own makes it null', () => {
    const tag = model().describe();
    assert.notEqual(tag, null);
    assert.equal(new Sequential(new Linear(1, 1), (x) => x.abs()).describe(), null);
    assert.equal(new Sequential(new Sequential((x) => x.abs())).describe(), null);
    assert.equal(new Block().describe(), null);
  });
  test('a description that is none is refused', () => {
    const bad: Json[] = [null, 3, {}, { type: 'Conv9' }, { type: 'Linear', in: 4 }, { type: 'Sequential', layers: 1 }];
    for (const d of bad) assert.throws(() => build(d), { code: 'E_OPTION' }, JSON.stringify(d));
  });
});

function host(values: readonly number[]) {
  return { data: Float32Array.from(values), shape: [values.length], dtype: 'f32' as const };
}
