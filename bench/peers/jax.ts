/**
 * jax-js on its WASM or WebGPU backend: the whole step under one `jit`, Adam as in its optax package. The host gives the bias
 * corrections; counting steps inside the program, as optax does, takes as long (measured). The loss is read at every step:
 * left unread, the queue of pending kernels grows, and each step costs more than the one before (measured).
 */

import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import type { Contender, MakeContender, MakeProduct } from '../contender.ts';
import { provideGpu } from '../gpu.ts';
import { ADAM, layersOf, type Net, operandsOf, probeOf } from '../nets.ts';

export const make: MakeContender = (net) => makeOn('wasm', net);

export const makeOnWebGpu: MakeContender = async (net) => {
  await provideGpu();
  return makeOn('webgpu', net);
};

export const makeProduct: MakeProduct = async (product) => {
  await provideGpu();
  await init('webgpu');
  defaultDevice('webgpu');
  const { size } = product;
  const [a, b] = operandsOf(product).map((x) => np.array(x).reshape([size, size]));
  const multiply = jit((x: np.Array, y: np.Array) => np.matmul(x, y));
  return {
    async step() {
      return probeOf(product, await multiply(a.ref, b.ref).data());
    },
  };
};

async function makeOn(device: 'wasm' | 'webgpu', { widths, batch }: Net): Promise<Contender> {
  await init(device);
  defaultDevice(device);
  const classes = widths[widths.length - 1];
  const { lr, beta1, beta2, eps } = ADAM;

  // An array is used up by what takes it; `.ref` keeps it for one more use.
  const lossOf = (params: np.Array[], x: np.Array, y: np.Array): np.Array => {
    let h = x;
    for (let i = 0; i < params.length; i += 2) {
      h = np.matmul(i > 0 ? nn.relu(h) : h, params[i]).add(params[i + 1]);
    }
    return nn
      .logSoftmax(h, -1)
      .mul(nn.oneHot(y, classes))
      .sum()
      .mul(-1 / batch);
  };
  const step = jit(
    (p: np.Array[], m: np.Array[], v: np.Array[], x: np.Array, y: np.Array, rate: np.Array, root: np.Array) => {
      const [loss, g] = valueAndGrad(lossOf)(tree.ref(p), x, y);
      const m1 = m.map((old, i) => old.mul(beta1).add(g[i].ref.mul(1 - beta1)));
      const v1 = v.map((old, i) => old.mul(beta2).add(g[i].ref.mul(g[i]).mul(1 - beta2)));
      const p1 = p.map((old, i) => old.sub(m1[i].ref.mul(rate.ref).div(np.sqrt(v1[i].ref).mul(root.ref).add(eps))));
      rate.dispose();
      root.dispose();
      return [loss, p1, m1, v1] as const;
    },
  );

  let p = layersOf({ widths }).flatMap(({ inputs, outputs, weight, bias }) => [
    np.array(weight).reshape([inputs, outputs]),
    np.array(bias),
  ]);
  let m = p.map((a) => np.zeros(a.shape));
  let v = p.map((a) => np.zeros(a.shape));
  let steps = 0;
  return {
    step({ x, y }) {
      steps++;
      let loss: np.Array;
      [loss, p, m, v] = step(
        p,
        m,
        v,
        np.array(x).reshape([batch, widths[0]]),
        np.array(y, { dtype: np.int32 }),
        np.array(lr / (1 - beta1 ** steps)),
        np.array(1 / Math.sqrt(1 - beta2 ** steps)),
      );
      // Nothing can be read from a GPU at once.
      return device === 'wasm' ? loss.item() : loss.data().then(([value]) => value);
    },
  };
}
