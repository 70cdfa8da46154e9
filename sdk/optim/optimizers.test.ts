import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { rsqrt } from '../core/scalar/index.ts';
import type { Runtime, Variable } from '../index.ts';
import { createRuntime } from '../index.ts';
import {
  type AdamOptions,
  adam,
  adamw,
  clipByNorm,
  type EmaOptions,
  ema,
  type Optimizer,
  type SgdOptions,
  sgd,
  stepDecay,
} from './index.ts';
import type { Scalars } from './optimizer.ts';

// The rules of N13 once more, in plain numbers: one Math.fround an operation, no graph, no device.
const f = Math.fround;
const map = (fn: (...v: number[]) => number, ...xs: Float32Array[]) =>
  Float32Array.from(xs[0], (_, i) => fn(...xs.map((x) => x[i])));
type Floats = Float32Array;
type Host = (p: Floats, g: Floats, s: Floats[], t: number) => [Floats, Floats[]];

/** beta^t by squaring from the top bit (N10). */
function power(b: number, t: number): number {
  if (t === 1) return b;
  const half = power(b, Math.floor(t / 2));
  return t % 2 === 1 ? half * half * b : half * half;
}

const hostSgd =
  (o: SgdOptions): Host =>
  (p, grad, [buf], t) => {
    const lr = f(typeof o.lr === 'function' ? o.lr(t - 1) : o.lr);
    const [mu, wd] = [f(o.momentum ?? 0), f(o.weightDecay ?? 0)];
    const g = wd === 0 ? grad : map((gv, pv) => f(gv + f(wd * pv)), grad, p);
    if (mu === 0) return [map((pv, gv) => f(pv - f(lr * gv)), p, g), []];
    const next = map((b, gv) => f(f(mu * b) + gv), buf, g);
    const d = o.nesterov ? map((gv, b) => f(gv + f(mu * b)), g, next) : next;
    return [map((pv, dv) => f(pv - f(lr * dv)), p, d), [next]];
  };

const hostAdam =
  (o: AdamOptions, decoupled: boolean): Host =>
  (p, grad, [m0, v0], t) => {
    const lr = typeof o.lr === 'function' ? o.lr(t - 1) : o.lr;
    const [beta1, beta2] = o.betas ?? [0.9, 0.999];
    const wd = o.weightDecay ?? (decoupled ? 0.01 : 0);
    const [b1, c1, b2, c2, eps] = [beta1, 1 - beta1, beta2, 1 - beta2, o.eps ?? 1e-8].map(f);
    const a = f(lr / (1 - power(beta1, t)));
    const r2 = rsqrt(f(1 - power(beta2, t)));
    const g = !decoupled && wd !== 0 ? map((gv, pv) => f(gv + f(f(wd) * pv)), grad, p) : grad;
    const from = decoupled && wd !== 0 ? map((pv) => f(pv * f(1 - lr * wd)), p) : p;
    const m = map((mv, gv) => f(f(b1 * mv) + f(c1 * gv)), m0, g);
    const v = map((vv, gv) => f(f(b2 * vv) + f(c2 * f(gv * gv))), v0, g);
    const next = map((pv, mv, vv) => f(pv - f(a * f(mv / f(f(f(Math.sqrt(vv)) * r2) + eps)))), from, m, v);
    return [next, [m, v]];
  };

/** Numbers without structure, the same at every run. */
function noise(n: number, seed: number): Float32Array {
  let s = seed;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32 - 0.5;
  });
}

const show = (o: object): string =>
  Object.entries(o)
    .map(([k, v]) => `${k} ${typeof v === 'function' ? 'schedule' : v}`)
    .join(', ');

describe('20 steps of an optimiser are those of plain arithmetic, to the bit', () => {
  let rt: Runtime;
  before(async () => {
    rt = await createRuntime({ backend: 'wasm' });
  });
  const shapes = { 'fc.weight': [5, 7], 'fc.bias': [5] };

  /** Parameters and slots after each step, by the library. */
  async function run(optimizer: Optimizer, steps: number) {
    const zero = (shape: readonly number[]) => rt.variable(rt.scalar(0).broadcast(shape), { trainable: false });
    const entries = Object.entries(shapes);
    const params = new Map(entries.map(([k, s], i) => [k, rt.variable(rt.tensor(noise(size(s), i), s))] as const));
    const slots = optimizer.slots.map((k) => [k, new Map(entries.map(([n, s]) => [n, zero(s)] as const))] as const);
    const values = (tree: Map<string, Variable<'f32'>>) => new Map([...tree].map(([k, v]) => [k, v.value()]));
    const step = rt.capture((g: Scalars, h: Scalars) => {
      const s = Object.fromEntries(slots.map(([k, tree]) => [k, values(tree)]));
      const out = optimizer.update(values(params), new Map(Object.entries(g)), s, h);
      for (const [k, v] of params) v.assign(out.params.get(k)!);
      for (const [slot, tree] of slots) for (const [k, v] of tree) v.assign(out.slots[slot].get(k)!);
      return null;
    });
    for (let t = 1; t <= steps; t++) await step(gradients(t), optimizer.hyper(t - 1));
    const read = async (tree: Map<string, Variable<'f32'>>) =>
      Object.fromEntries(await Promise.all([...tree].map(async ([k, v]) => [k, await v.value().data()] as const)));
    return { params: await read(params), slots: await Promise.all(slots.map(([, tree]) => read(tree))) };
  }
  const size = (s: readonly number[]) => s.reduce((a, b) => a * b, 1);
  const gradients = (t: number) =>
    Object.fromEntries(
      Object.entries(shapes).map(([k, shape], i) => [
        k,
        { data: noise(size(shape), 1000 * t + i).map((v) => v * 0.3), shape, dtype: 'f32' as const },
      ]),
    );

  function reference(host: Host, slots: number, steps: number) {
    return Object.entries(shapes).map(([k, shape], i) => {
      let p: Floats = noise(size(shape), i);
      let s: Floats[] = Array.from({ length: slots }, () => new Float32Array(size(shape)));
      for (let t = 1; t <= steps; t++) [p, s] = host(p, gradients(t)[k].data, s, t);
      return { name: k, p, s };
    });
  }

  const sgdCases: SgdOptions[] = [
    { lr: 0.1 },
    { lr: 0.1, weightDecay: 0.01 },
    { lr: 0.05, momentum: 0.9 },
    { lr: 0.05, momentum: 0.9, weightDecay: 0.1 },
    { lr: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0.01 },
    { lr: stepDecay({ lr: 0.1, stepSize: 3, gamma: 0.5 }), momentum: 0.5 },
  ];
  const adamCases: AdamOptions[] = [
    { lr: 0.01 },
    { lr: 0.01, betas: [0.8, 0.95] },
    { lr: 0.01, eps: 1e-3 },
    { lr: 0.01, weightDecay: 0.1 },
    { lr: 0.01, weightDecay: 0 },
    { lr: stepDecay({ lr: 0.1, stepSize: 3, gamma: 0.5 }), weightDecay: 0.05 },
    { lr: 0.01, betas: [0, 0] },
  ];
  const cases: [string, Optimizer, Host][] = [
    ...sgdCases.map((o): [string, Optimizer, Host] => [`sgd ${show(o)}`, sgd(o), hostSgd(o)]),
    ...adamCases.map((o): [string, Optimizer, Host] => [`adam ${show(o)}`, adam(o), hostAdam(o, false)]),
    ...adamCases.map((o): [string, Optimizer, Host] => [`adamw ${show(o)}`, adamw(o), hostAdam(o, true)]),
  ];
  for (const [name, optimizer, host] of cases) {
    test(name, async () => {
      const got = await run(optimizer, 20);
      for (const { name: k, p, s } of reference(host, optimizer.slots.length, 20)) {
        assert.deepEqual(got.params[k], p, k);
        s.forEach((v, i) => assert.deepEqual(got.slots[i][k], v, `${optimizer.slots[i]} of ${k}`));
      }
    });
  }

  test('clipByNorm: the norm of norms in byte order of the names scales all gradients', async () => {
    const lr = 0.1;
    const clipped: Host = hostSgd({ lr });
    const got = await run(clipByNorm(sgd({ lr }), 0.25), 1);
    // Sums as N7 has them: lanes of 64, then halved.
    const sum = (x: Float32Array) => {
      const v = new Float32Array(64);
      x.forEach((e, i) => {
        v[i % 64] = f(v[i % 64] + e);
      });
      for (let s = 32; s >= 1; s /= 2) for (let i = 0; i < s; i++) v[i] = f(v[i] + v[i + s]);
      return v[0];
    };
    const norm = (x: Float32Array) => f(Math.sqrt(sum(map((v) => f(v * v), x))));
    const g = gradients(1);
    const n = norm(Float32Array.of(norm(g['fc.bias'].data), norm(g['fc.weight'].data)));
    const scale = Math.min(1, f(f(0.25) / f(n + f(1e-6))));
    assert.ok(scale < 1, 'the case must clip');
    for (const [i, [k, shape]] of Object.entries(shapes).entries()) {
      const [p] = clipped(
        noise(size(shape), i),
        map((v) => f(v * scale), g[k].data),
        [],
        1,
      );
      assert.deepEqual(got.params[k], p, k);
    }
    assert.deepEqual((await run(clipByNorm(sgd({ lr }), 1e6), 3)).params, (await run(sgd({ lr }), 3)).params);
  });

  for (const o of [{ decay: 0.9 }, { decay: 0.99, warmup: true }, { decay: 0 }, { decay: 1 - 2 ** -30 }]) {
    test(`ema ${show(o)}: averages beside the same training`, async () => {
      const plain = await run(adam({ lr: 0.01 }), 20);
      const got = await run(ema(adam({ lr: 0.01 }), o), 20);
      assert.deepEqual(got.params, plain.params);
      assert.deepEqual(got.slots.slice(0, 2), plain.slots);
      const host = hostAdam({ lr: 0.01 }, false);
      for (const [i, [k, shape]] of Object.entries(shapes).entries()) {
        let p: Floats = noise(size(shape), i);
        let s: Floats[] = [new Float32Array(size(shape)), new Float32Array(size(shape))];
        let e: Floats = new Float32Array(size(shape));
        for (let t = 1; t <= 20; t++) {
          [p, s] = host(p, gradients(t)[k].data, s, t);
          const share = f(1 - (o.warmup ? Math.min(o.decay, (1 + t) / (10 + t)) : o.decay));
          e = t === 1 ? p : map((ev, pv) => f(ev + f(share * f(pv - ev))), e, p);
        }
        assert.deepEqual(got.slots[2][k], e, k);
      }
    });
  }

  test('ema: the average of what stays is what stays, and starts at the first step that is taken', async () => {
    // With a rate of 0 the parameters stay; the second factor of decay e + (1 - decay) p would be off by 3e-4 here.
    const still = await run(ema(sgd({ lr: 0 }), { decay: 0.9999 }), 50);
    assert.deepEqual(still.slots[0], still.params);
    // Steps 0 to 4 were refused: the sixth is the first to be averaged.
    const late = ema(sgd({ lr: 0.1 }), { decay: 0.9 });
    const first = await run({ ...late, hyper: (step) => late.hyper(step + 5) }, 1);
    assert.deepEqual(first.slots[0], first.params);
  });
});

describe('options', () => {
  const refused = (make: () => unknown, what: RegExp) => assert.throws(make, { code: 'E_OPTION', message: what });
  test('unknown, missing and impossible ones are refused', () => {
    refused(() => sgd({ lr: 0.1, momentun: 0.9 } as never), /sgd: unknown option momentun/);
    refused(() => sgd({} as never), /sgd: lr must be .* got undefined/);
    refused(() => sgd({ lr: -1 }), /lr must be a number from 0 up/);
    refused(() => sgd({ lr: Number.NaN }), /lr must be/);
    refused(() => sgd({ lr: 0.1, momentum: 1 }), /momentum must be/);
    refused(() => sgd({ lr: 0.1, nesterov: true }), /nesterov needs momentum/);
    refused(() => sgd({ lr: 0.1, nesterov: 1 } as never), /nesterov must be true or false/);
    refused(() => adam({ lr: 0.1, betas: [0.9, 1] }), /betas must be/);
    refused(() => adam({ lr: 0.1, beta1: 0.9 } as never), /unknown option beta1/);
    refused(() => adamw({ lr: 0.1, weightDecay: -1 }), /adamw: weightDecay must be/);
    refused(() => adam({ lr: () => Number.NaN }).hyper(0), /the schedule gives NaN at step 0/);
    refused(() => clipByNorm(sgd({ lr: 0.1 }), 0), /maxNorm must be/);
    refused(() => ema(sgd({ lr: 0.1 }), { decay: 1 }), /ema: decay must be a number from 0 to below 1/);
    refused(() => ema(sgd({ lr: 0.1 }), {} as EmaOptions), /ema: decay must be .* got undefined/);
    refused(() => ema(ema(sgd({ lr: 0.1 }), { decay: 0.5 }), { decay: 0.9 }), /has averages already/);
  });
  test('eps below 2^-50 would make steps that PyTorch does not (N13)', () => {
    refused(() => adam({ lr: 0.1, eps: 2 ** -51 }), /eps must be a number of at least 2\^-50/);
    adam({ lr: 0.1, eps: 2 ** -50 });
  });
  test('hyper depends on the step alone', () => {
    const a = adam({ lr: 0.01 });
    const late = a.hyper(1000);
    for (let i = 0; i < 1000; i++) a.hyper(i);
    assert.deepEqual(a.hyper(1000), late);
    assert.equal(a.hyper(0).a, Math.fround(0.01 / (1 - 0.9)));
  });
});
