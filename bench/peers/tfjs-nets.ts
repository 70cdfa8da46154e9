/** The nets in tfjs: functions of parameters and input. */

import * as tf from '@tensorflow/tfjs-core';
import {
  type Batch,
  inputOf,
  type Mlp,
  type Net,
  NORM_EPS,
  type Parameter,
  parametersOf,
  permuted,
  type Transformer,
  turnsRound,
} from '../nets.ts';

export type Params = Readonly<Record<string, tf.Variable>>;

export const paramsFor = (net: Net): Params =>
  Object.fromEntries(
    parametersOf(net).map((given) => {
      const { name, data, shape } = laidOut(given);
      return [name, tf.variable(tf.tensor(data, [...shape]))];
    }),
  );

/** A Linear's weight is kept as [inputs, outputs], images as [batch, height, width, channels]. */
function laidOut(p: Parameter): Parameter {
  if (p.shape.length === 4) return permuted(p, 2, 3, 1, 0);
  if (p.shape[1] === 400) {
    const image = permuted({ ...p, shape: [120, 16, 5, 5] }, 2, 3, 1, 0);
    return { ...image, shape: [400, 120] };
  }
  return turnsRound(p) ? permuted(p, 1, 0) : p;
}

export function inputFor(net: Net, { x }: Batch): tf.Tensor {
  const input = tf.tensor(x, [...inputOf(net)], x instanceof Int32Array ? 'int32' : 'float32');
  // One channel: the same bytes in either order.
  return net.kind === 'cnn' ? tf.reshape(input, [net.batch, 28, 28, 1]) : input;
}

/** Logits, one row for each class index of the batch. */
export function forward(net: Net, p: Params, x: tf.Tensor, training: boolean): tf.Tensor {
  if (net.kind === 'mlp') return mlp(net, p, x);
  return net.kind === 'cnn' ? cnn(p, x as tf.Tensor4D) : gpt(net, p, x, training);
}

const linear = (p: Params, name: string, x: tf.Tensor, activation?: 'relu'): tf.Tensor2D =>
  tf.fused.matMul({
    a: x as tf.Tensor2D,
    b: p[`${name}.weight`] as tf.Tensor2D,
    bias: p[`${name}.bias`],
    ...(activation && { activation }),
  }) as tf.Tensor2D;

function mlp({ widths }: Mlp, p: Params, x: tf.Tensor): tf.Tensor {
  const layers = widths.length - 1;
  let h = x;
  for (let i = 1; i <= layers; i++) h = linear(p, `fc${i}`, h, i < layers ? 'relu' : undefined);
  return h;
}

function cnn(p: Params, x: tf.Tensor4D): tf.Tensor {
  const conv = (name: string, y: tf.Tensor4D, pad: 'same' | 'valid') =>
    tf.fused.conv2d({
      x: y,
      filter: p[`${name}.weight`] as tf.Tensor4D,
      strides: 1,
      pad,
      bias: p[`${name}.bias`],
      activation: 'relu',
    });
  const pool = (y: tf.Tensor4D) => tf.maxPool(y, 2, 2, 'valid');
  const features = tf.reshape(pool(conv('conv2', pool(conv('conv1', x, 'same')), 'valid')), [-1, 400]);
  return linear(p, 'fc3', linear(p, 'fc2', linear(p, 'fc1', features, 'relu'), 'relu'));
}

/** Rows of a table. Indexing has no gradient on WASM (UnsortedSegmentSum), so there a training step multiplies one-hot rows. */
function embed(p: Params, x: tf.Tensor, vocabulary: number, training: boolean): tf.Tensor {
  const table = p['tokens.weight'] as tf.Tensor2D;
  const flat = tf.reshape(x, [-1]) as tf.Tensor1D;
  if (!training || tf.engine().backendName !== 'wasm') return tf.gather(table, flat);
  return tf.matMul(tf.cast(tf.oneHot(flat, vocabulary), 'float32') as tf.Tensor2D, table);
}

function gpt(net: Transformer, p: Params, x: tf.Tensor, training: boolean): tf.Tensor {
  const { layers, width, heads, sequence, batch, vocabulary } = net;
  const norm = (name: string, y: tf.Tensor) => {
    const { mean, variance } = tf.moments(y, -1, true);
    const standard = tf.mul(tf.sub(y, mean), tf.rsqrt(tf.add(variance, NORM_EPS)));
    return tf.add(tf.mul(standard, p[`${name}.weight`]), p[`${name}.bias`]);
  };
  const split = (y: tf.Tensor) => tf.transpose(tf.reshape(y, [batch, sequence, heads, width / heads]), [0, 2, 1, 3]);
  const gelu = (y: tf.Tensor) => tf.mul(tf.mul(y, 0.5), tf.add(tf.erf(tf.mul(y, Math.SQRT1_2)), 1));
  const behind = tf.sub(1, tf.linalg.bandPart(tf.ones([sequence, sequence]), -1, 0));
  const mask = tf.mul(behind, -1e9);
  const tokens = tf.reshape(embed(p, x, vocabulary, training), [batch, sequence, width]);
  let h = tf.reshape(tf.add(tokens, p['positions.weight']), [batch * sequence, width]);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(p, `${i}.selfAttn.inProj`, norm(`${i}.norm1`, h));
    const [q, k, v] = tf.split(qkv, 3, 1).map(split);
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
    const found = tf.transpose(tf.matMul(tf.softmax(tf.add(scores, mask)), v), [0, 2, 1, 3]);
    h = tf.add(h, linear(p, `${i}.selfAttn.outProj`, tf.reshape(found, [batch * sequence, width])));
    h = tf.add(h, linear(p, `${i}.linear2`, gelu(linear(p, `${i}.linear1`, norm(`${i}.norm2`, h)))));
  }
  return linear(p, 'head', norm('norm', h));
}
