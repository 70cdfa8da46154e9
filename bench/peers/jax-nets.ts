/** The nets in jax-js: functions of parameters and input. An array is used up by what takes it, unless it is given as `.ref`. */

import { lax, nn, numpy as np } from '@jax-js/jax';
import {
  type Batch,
  inputOf,
  type Mlp,
  type Net,
  NORM_EPS,
  parametersOf,
  permuted,
  type Transformer,
  turnsRound,
} from '../nets.ts';

export type Params = Record<string, np.Array>;

/** A Linear's weight is kept as [inputs, outputs]. */
export const paramsFor = (net: Net): Params =>
  Object.fromEntries(
    parametersOf(net).map((given) => {
      const p = turnsRound(given) ? permuted(given, 1, 0) : given;
      return [p.name, np.array(p.data).reshape([...p.shape])];
    }),
  );

export function inputFor(net: Net, { x }: Batch): np.Array {
  const flat = x instanceof Int32Array ? np.array(x, { dtype: np.int32 }) : np.array(x);
  return flat.reshape([...inputOf(net)]);
}

/** Logits, one row for each class index of the batch. */
export function forward(net: Net, p: Params, x: np.Array): np.Array {
  if (net.kind === 'mlp') return mlp(net, p, x);
  return net.kind === 'cnn' ? cnn(p, x) : gpt(net, p, x);
}

const linear = (p: Params, name: string, x: np.Array): np.Array =>
  np.matmul(x, p[`${name}.weight`]).add(p[`${name}.bias`]);

function mlp({ widths }: Mlp, p: Params, x: np.Array): np.Array {
  let h = x;
  for (let i = 1; i < widths.length; i++) h = linear(p, `fc${i}`, i > 1 ? nn.relu(h) : h);
  return h;
}

function cnn(p: Params, x: np.Array): np.Array {
  const conv = (name: string, y: np.Array, pad: number) =>
    lax
      .convGeneralDilated(
        y,
        p[`${name}.weight`],
        [1, 1],
        [
          [pad, pad],
          [pad, pad],
        ],
      )
      .add(p[`${name}.bias`].reshape([-1, 1, 1]));
  const pool = (y: np.Array) => lax.reduceWindow(nn.relu(y), np.max, [2, 2], [2, 2]);
  const features = pool(conv('conv2', pool(conv('conv1', x, 2)), 0)).reshape([x.shape[0], 400]);
  return linear(p, 'fc3', nn.relu(linear(p, 'fc2', nn.relu(linear(p, 'fc1', features)))));
}

function gpt({ layers, width, heads, sequence, batch, vocabulary }: Transformer, p: Params, x: np.Array): np.Array {
  const norm = (name: string, y: np.Array) =>
    nn.standardize(y, -1, { epsilon: NORM_EPS }).mul(p[`${name}.weight`]).add(p[`${name}.bias`]);
  // As nn.dotProductAttention does it, whose einsum wants the iterator helpers of Node 22.
  const split = (y: np.Array) => y.reshape([batch, sequence, heads, width / heads]).transpose([0, 2, 1, 3]);
  const ahead = np.tri(sequence, sequence, 0, { dtype: np.bool }).equal(false);
  const scale = 1 / Math.sqrt(width / heads);
  // A product with one-hot rows: np.take with its derivative takes longer (measured).
  let h = np.matmul(nn.oneHot(x, vocabulary), p['tokens.weight']).add(p['positions.weight']);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(p, `${i}.selfAttn.inProj`, norm(`${i}.norm1`, h.ref));
    const [q, k, v] = np.split(qkv, 3, -1).map(split);
    const weights = nn.softmax(np.where(ahead.ref, -1e9, np.matmul(q, np.matrixTranspose(k)).mul(scale)), -1);
    const found = np.matmul(weights, v).transpose([0, 2, 1, 3]).reshape([batch, sequence, width]);
    h = h.add(linear(p, `${i}.selfAttn.outProj`, found));
    const wide = nn.gelu(linear(p, `${i}.linear1`, norm(`${i}.norm2`, h.ref)), { approximate: false });
    h = h.add(linear(p, `${i}.linear2`, wide));
  }
  ahead.dispose();
  return linear(p, 'head', norm('norm', h)).reshape([batch * sequence, vocabulary]);
}
