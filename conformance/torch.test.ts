/**
 * Values, derivatives and training against PyTorch, from the fixtures of fixtures/torch.py.
 *
 * PyTorch computed in float64 on numbers that f32 holds, so a difference is isobit's own rounding. It is measured in units of
 * 2^-24 (half an ulp at 1) of the largest element of its tensor and, for derivatives, of the adjoint or tangent: where terms
 * cancel, as in 1 - tanh², an element carries the error of the terms. Values, gradients and jvps pass through up to about ten
 * roundings, functions of up to 2 ulp among them; second derivatives through several times as many.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { batches } from '../sdk/data/index.ts';
import {
  avgPool1d,
  avgPool2d,
  concat,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  createRuntime,
  cumsum,
  grad,
  jvp,
  logSoftmax,
  logSumExp,
  maxPool1d,
  maxPool2d,
  mean,
  min,
  type Runtime,
  softmax,
  sort,
  stack,
  type Tensor,
  topK,
  where,
} from '../sdk/index.ts';
import * as nn from '../sdk/nn/index.ts';
import * as optim from '../sdk/optim/index.ts';
import { Trainer } from '../sdk/train/index.ts';

interface Array_ {
  shape: number[];
  data: number[];
}
interface Case {
  name: string;
  inputs: Array_[];
  seed: Array_;
  tangents: Array_[];
  value: number[];
  grads: number[][];
  jvp: number[];
  second?: number[][];
}
interface Fixtures {
  torch: string;
  cases: Case[];
  network: { x: Array_; y: Array_; params: Record<string, Array_> };
  optimizers: Record<string, { losses: number[]; params: Record<string, number[]> }>;
  schedules: Record<string, number[]>;
}
const fixtures = JSON.parse(readFileSync(new URL('./fixtures/torch.json', import.meta.url), 'utf8')) as Fixtures;

/** Units; the largest differences found are printed at the end. */
const TOLERANCE = { first: 8, second: 16 };

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm' });
});
after(() => rt.dispose());

type T = Tensor<'f32'>;
const int = (t: T) => t.cast('i32');
/** The names of fixtures/torch.py in isobit's words; integer inputs come as f32. */
const FUNCTIONS: Record<string, (...v: T[]) => T> = {
  neg: (x) => x.neg(),
  exp: (x) => x.exp(),
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  softplus: (x) => x.softplus(),
  sin: (x) => x.sin(),
  cos: (x) => x.cos(),
  erf: (x) => x.erf(),
  silu: nn.silu,
  gelu: nn.gelu,
  geluTanh: nn.geluTanh,
  powi3: (x) => x.powi(3),
  'powi-2': (x) => x.powi(-2),
  abs: (x) => x.abs(),
  relu: (x) => x.relu(),
  leakyRelu: nn.leakyRelu(0.125),
  clamp: (x) => x.clamp(-0.75, 1.25),
  log: (x) => x.log(),
  sqrt: (x) => x.sqrt(),
  rsqrt: (x) => x.rsqrt(),
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b),
  pow: (a, b) => a.pow(b),
  maximum: (a, b) => a.maximum(b),
  minimum: (a, b) => a.minimum(b),
  where: (a, b) => where(a.gt(b), a.mul(a), b),
  norm: (x) => x.mul(x).sum().sqrt(),
  matmulNN: (a, b) => a.matmul(b),
  matmulNT: (a, b) => a.matmul(b, { transposeB: true }),
  matmulTN: (a, b) => a.matmul(b, { transposeA: true }),
  matmulTT: (a, b) => a.matmul(b, { transposeA: true, transposeB: true }),
  linear: (x, w, b) => x.matmul(w, { transposeB: true }).add(b),
  reshape: (x) => x.reshape(4, 6),
  permute: (x) => x.permute(2, 0, 1),
  broadcast: (x) => x.broadcast([2, 3, 4]),
  slice: (x) => x.slice([1], [1, -1]),
  sliceStep: (x) => x.slice(null, [null, null, 2]),
  sliceBack: (x) => x.slice(null, [null, null, -2]),
  pad: (x) =>
    x.pad(
      [
        [1, 0],
        [2, 1],
      ],
      0.5,
    ),
  concat: (a, b) => concat([a, b, a], 1),
  stack: (a, b) => stack([a, b], 1),
  gather: (x, i) => x.gather(int(i), 1),
  scatterAdd: (x, i, s) => x.scatterAdd(int(i), s, 1),
  softmax: (x) => softmax(x),
  softmax0: (x) => softmax(x, 0),
  logSoftmax: (x) => logSoftmax(x),
  cumsum: (x) => cumsum(x, -1),
  cumsum0: (x) => cumsum(x, 0),
  logSumExp: (x) => logSumExp(x, -1),
  logSumExp02: (x) => logSumExp(x, [0, 2], true),
  min: (x) => min(x, 1),
  sort: (x) => sort(x).powi(2),
  sortDescending: (x) => sort(x, 0, { descending: true }),
  topK: (x) => topK(x, 3).values.exp(),
  topKSmallest: (x) => topK(x, 2, 1, { largest: false }).values,
  crossEntropy: (x, y) => nn.crossEntropy(x, int(y)),
  crossEntropyProbabilities: nn.crossEntropyProbabilities,
  bceWithLogits: nn.bceWithLogits,
  mse: nn.mse,
  conv1d: (x, w) => conv1d(x, w),
  conv1dOptions: (x, w) => conv1d(x, w, { stride: 2, padding: 3, dilation: 2, groups: 2 }),
  conv1dSame: (x, w) => conv1d(x, w, { padding: 'same', dilation: 3 }),
  conv2d: (x, w) => conv2d(x, w),
  conv2dOptions: (x, w) => conv2d(x, w, { stride: [2, 3], padding: [2, 1], dilation: [1, 2], groups: 3 }),
  conv2dDepthwise: (x, w) => conv2d(x, w, { padding: 1, groups: 4 }),
  convTranspose1d: (x, w) => convTranspose1d(x, w),
  convTranspose1dOptions: (x, w) =>
    convTranspose1d(x, w, { stride: 3, padding: 2, outputPadding: 1, dilation: 2, groups: 2 }),
  convTranspose2d: (x, w) => convTranspose2d(x, w),
  convTranspose2dOptions: (x, w) =>
    convTranspose2d(x, w, { stride: [2, 1], padding: [1, 0], outputPadding: 1, dilation: [1, 3], groups: 2 }),
  maxPool1d: (x) => maxPool1d(x, 3),
  maxPool2d: (x) => maxPool2d(x, 2),
  maxPool2dOptions: (x) => maxPool2d(x, [3, 2], { stride: [2, 1], padding: 1, dilation: [1, 2] }),
  avgPool1d: (x) => avgPool1d(x, 4, { stride: 2 }),
  avgPool2d: (x) => avgPool2d(x, 2),
  avgPool2dOptions: (x) => avgPool2d(x, 3, { stride: [1, 2], padding: 1 }),
  avgPool2dExclude: (x) => avgPool2d(x, [5, 4], { stride: 2, padding: 2, countIncludePad: false }),
};
function functionOf(name: string): (...v: T[]) => T {
  const reduction = /^(sum|mean|max)(\[.*\])$/.exec(name);
  if (!reduction) return FUNCTIONS[name];
  const axes = JSON.parse(reduction[2]) as number[];
  return reduction[1] === 'mean' ? (x) => mean(x, axes) : (x) => x[reduction[1] as 'sum' | 'max'](axes);
}
/** Inputs that are indices or labels carry no derivative. */
const INTEGER: Record<string, number> = { gather: 1, scatterAdd: 1, crossEntropy: 1 };

const largest = (...v: readonly number[]) => v.reduce((m, x) => Math.max(m, Math.abs(x)), 0);

/** Largest difference, in units of 2^-24 of the largest element wanted or of `scale`. */
function difference(got: Float32Array, want: readonly number[], scale = 0): number {
  assert.equal(got.length, want.length);
  return largest(...want.map((w, i) => got[i] - w)) / largest(...want, scale, 2 ** -20) / 2 ** -24;
}

describe(`values and derivatives against PyTorch ${fixtures.torch}`, () => {
  const worst = { first: 0, second: 0 };
  const check = (kind: keyof typeof worst, what: string, got: Float32Array, want: readonly number[], scale = 0) => {
    const d = difference(got, want, scale);
    worst[kind] = Math.max(worst[kind], d);
    assert.ok(d <= TOLERANCE[kind], `${what}: off by ${d} units`);
  };
  const tensor = (a: Array_) => rt.tensor(a.data, a.shape);

  fixtures.cases.forEach((c, number) => {
    test(`${c.name} ${c.inputs.map((a) => `[${a.shape}]`).join(' ')} (${number})`, async () => {
      const inputs = c.inputs.map(tensor);
      const real = inputs.filter((_, i) => i !== INTEGER[c.name]);
      const seed = largest(...c.seed.data);
      const tangent = largest(...c.tangents.flatMap((t) => t.data));
      const y = functionOf(c.name)(...inputs);
      check('first', 'value', await y.data(), c.value);
      const grads = grad(y, real, { seed: tensor(c.seed) });
      for (const [i, g] of grads.entries()) check('first', `gradient ${i}`, await g.data(), c.grads[i], seed);
      const tangents = c.tangents.map(tensor);
      check('first', 'jvp', await jvp(y, real, tangents).data(), c.jvp, tangent);
      if (!c.second) return;
      const inner = grads.map((g, i) => g.mul(tangents[i]).sum()).reduce((a, b) => a.add(b));
      for (const [i, g] of grad(inner, real, { unused: 'zero' }).entries()) {
        check('second', `second derivative ${i}`, await g.data(), c.second[i], seed * tangent);
      }
    });
  });
  test('every function that PyTorch was asked for is known here, and the other way round', () => {
    const names = new Set(fixtures.cases.map((c) => c.name).filter((n) => !n.endsWith(']')));
    assert.deepEqual([...names].sort(), Object.keys(FUNCTIONS).sort());
  });
  after(() => console.log(`# largest difference in units of 2^-24: ${JSON.stringify(worst)}`));
});

const { sgd, adam, adamw, clipByNorm } = optim;
/** The names of fixtures/torch.py. */
const OPTIMIZERS: Record<string, () => optim.Optimizer> = {
  sgd: () => sgd({ lr: 0.5 }),
  'sgd weightDecay': () => sgd({ lr: 0.5, weightDecay: 0.05 }),
  'sgd momentum': () => sgd({ lr: 0.2, momentum: 0.9 }),
  'sgd momentum weightDecay': () => sgd({ lr: 0.2, momentum: 0.9, weightDecay: 0.05 }),
  'sgd nesterov': () => sgd({ lr: 0.2, momentum: 0.8, nesterov: true }),
  'sgd nesterov weightDecay': () => sgd({ lr: 0.2, momentum: 0.8, nesterov: true, weightDecay: 0.05 }),
  adam: () => adam({ lr: 0.05 }),
  'adam options': () => adam({ lr: 0.05, betas: [0.8, 0.95], eps: 1e-4 }),
  'adam weightDecay': () => adam({ lr: 0.05, weightDecay: 0.1 }),
  adamw: () => adamw({ lr: 0.05 }),
  'adamw options': () => adamw({ lr: 0.05, betas: [0.8, 0.95], eps: 1e-4, weightDecay: 0.3 }),
  'sgd stepDecay': () => sgd({ lr: optim.stepDecay({ lr: 0.5, stepSize: 6, gamma: 0.5 }) }),
  'adamw cosineDecay': () => adamw({ lr: cosineThenUp }),
  'sgd clipByNorm': () => clipByNorm(sgd({ lr: 0.5 }), 0.1),
  'adam clipByNorm': () => clipByNorm(adam({ lr: 0.05 }), 0.1),
};
/** PyTorch's CosineAnnealingLR climbs again behind T_max; ours stays, so the fixture is followed by hand there. */
const cosineThenUp = (step: number) =>
  optim.cosineDecay({ lr: 0.05, steps: 15, min: 0.01 })(step <= 15 ? step : 30 - step);

describe('20 steps of a 4-8-3 network against PyTorch', () => {
  let worst = 0;
  const { x, y, params } = fixtures.network;
  for (const [name, want] of Object.entries(fixtures.optimizers)) {
    test(name, async () => {
      const model = new nn.Sequential(new nn.Linear(4, 8), nn.tanh, new nn.Linear(8, 3)).init(rt);
      for (const [k, v] of model.parameters()) v.assign(rt.tensor(params[k].data, params[k].shape));
      const trainer = new Trainer({ model, loss: nn.crossEntropy, optimizer: OPTIMIZERS[name]() });
      const rows = batches(
        { data: Float32Array.from(x.data), shape: x.shape, dtype: 'f32' },
        { data: Int32Array.from(y.data), shape: y.shape, dtype: 'i32' },
        { size: 12 },
      );
      const losses: number[] = [];
      for await (const { loss } of trainer.run(rows, { steps: 20 })) losses.push(await loss.item());
      // Each step adds a few roundings to each parameter, and the network carries them on: 20 steps, some 10 units each.
      const got: [string, Float32Array, number[]][] = [['losses', Float32Array.from(losses), want.losses]];
      for (const [k, v] of model.parameters()) got.push([k, await v.value().data(), want.params[k]]);
      for (const [what, a, b] of got) {
        const d = difference(a, b);
        worst = Math.max(worst, d);
        assert.ok(d <= 32, `${what}: off by ${d} units of 2^-24`);
      }
    });
  }
  after(() => console.log(`# largest difference after 20 steps: ${worst} units of 2^-24`));
  test('every optimiser of the fixtures is compared', () => {
    assert.deepEqual(Object.keys(fixtures.optimizers).sort(), Object.keys(OPTIMIZERS).sort());
  });
});

describe('schedules against PyTorch', () => {
  const lr = 0.4;
  const SCHEDULES: Record<string, optim.Schedule> = {
    stepDecay: optim.stepDecay({ lr, stepSize: 6, gamma: 0.5 }),
    exponentialDecay: optim.exponentialDecay({ lr, gamma: 0.9 }),
    cosineDecay: optim.cosineDecay({ lr, steps: 20, min: 0.01 }),
    polynomialDecay: optim.polynomialDecay({ lr, steps: 15, power: 2 }),
    warmup: optim.warmup(lr, { steps: 8, from: 0.25 }),
  };
  for (const [name, want] of Object.entries(fixtures.schedules)) {
    test(name, () => {
      // In doubles; the cosine is an f32 function, at most an ulp off.
      const tolerance = name === 'cosineDecay' ? 2 ** -23 : 1e-12;
      want.forEach((w, t) => {
        const got = SCHEDULES[name](t);
        assert.ok(Math.abs(got - w) <= tolerance * lr, `step ${t}: ${got}, PyTorch ${w}`);
      });
    });
  }
});
