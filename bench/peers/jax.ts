/**
 * jax-js on its WASM or WebGPU backend: everything under one `jit`, Adam as in its optax package. The host gives the bias
 * corrections; counting steps inside the program, as optax does, takes as long (measured). The loss is read at every step:
 * left unread, the queue of pending kernels grows, and each step costs more than the one before (measured).
 */

import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { provideGpu } from '../gpu.ts';
import { ADAM, batchesOf, classesOf, type Net, rowsOf } from '../nets.ts';
import { type Contender, type Open, operandsOf, type Product, probesOf } from '../work.ts';
import { forward, inputFor, type Params, paramsFor } from './jax-nets.ts';

type Device = 'wasm' | 'webgpu';

export const open: Open = async (work, { device, threads }) => {
  // It takes as many threads as there are cores, wherever a page may share memory and has Workers.
  const pool =
    typeof Worker === 'undefined' || typeof SharedArrayBuffer === 'undefined' ? 1 : navigator.hardwareConcurrency;
  if (device === 'wasm' && pool !== threads) throw new Error(`jax-js runs on ${pool} threads here`);
  if (device === 'webgpu') await provideGpu();
  await init(device);
  defaultDevice(device);
  if (work.kind === 'product') return multiply(device, work);
  if (work.kind === 'train') return train(work.net);
  if (work.kind === 'infer') return infer(work.net);
  throw new Error('bench: no such race');
};

function multiply(device: Device, work: Product): Contender {
  const [a, b] = operandsOf(work).map(({ data, shape }) => np.array(data).reshape([...shape]));
  const run = jit((x: np.Array, y: np.Array) =>
    np.matmul(work.layout === 'TN' ? np.matrixTranspose(x) : x, work.layout === 'NT' ? np.matrixTranspose(y) : y),
  );
  let c: np.Array | undefined;
  let data: ArrayLike<number> = [];
  return {
    async step() {
      c?.dispose();
      c = run(a.ref, b.ref);
      if (device === 'webgpu') {
        data = await c.data();
        c = undefined;
      } else await c.blockUntilReady();
    },
    async probe() {
      if (c) data = await c.ref.data();
      return probesOf(data);
    },
    close() {
      c?.dispose();
      a.dispose();
      b.dispose();
    },
  };
}

function infer(net: Net): Contender {
  const params = paramsFor(net);
  const run = jit((p: Params, x: np.Array) => forward(net, p, x));
  const batches = batchesOf(net);
  let logits: ArrayLike<number> = [];
  return {
    async step(turn) {
      logits = await run(tree.ref(params), inputFor(net, batches[turn % batches.length])).data();
    },
    probe: () => probesOf(logits),
  };
}

function train(net: Net): Contender {
  const { lr, beta1, beta2, eps } = ADAM;

  // An array is used up by what takes it; `.ref` keeps it for one more use.
  const lossOf = (params: Params, x: np.Array, y: np.Array): np.Array =>
    nn
      .logSoftmax(forward(net, params, x), -1)
      .mul(nn.oneHot(y, classesOf(net)))
      .sum()
      .mul(-1 / rowsOf(net));
  const step = jit((p: Params, m: Params, v: Params, x: np.Array, y: np.Array, rate: np.Array, root: np.Array) => {
    const [loss, g] = valueAndGrad(lossOf)(tree.ref(p), x, y);
    const m1 = each(m, (old, name) => old.mul(beta1).add(g[name].ref.mul(1 - beta1)));
    const v1 = each(v, (old, name) => old.mul(beta2).add(g[name].ref.mul(g[name]).mul(1 - beta2)));
    const p1 = each(p, (old, name) =>
      old.sub(m1[name].ref.mul(rate.ref).div(np.sqrt(v1[name].ref).mul(root.ref).add(eps))),
    );
    rate.dispose();
    root.dispose();
    return [loss, p1, m1, v1] as const;
  });

  const batches = batchesOf(net);
  let p = paramsFor(net);
  let m = each(p, (a) => np.zeros(a.shape));
  let v = each(p, (a) => np.zeros(a.shape));
  let steps = 0;
  let last = Number.NaN;
  return {
    async step(turn) {
      steps++;
      const batch = batches[turn % batches.length];
      let loss: np.Array;
      [loss, p, m, v] = step(
        p,
        m,
        v,
        inputFor(net, batch),
        np.array(batch.y, { dtype: np.int32 }),
        np.array(lr / (1 - beta1 ** steps)),
        np.array(1 / Math.sqrt(1 - beta2 ** steps)),
      );
      [last] = await loss.data();
    },
    probe: () => [last],
  };
}

const each = (params: Params, f: (a: np.Array, name: string) => np.Array): Params =>
  Object.fromEntries(Object.entries(params).map(([name, a]) => [name, f(a, name)]));
