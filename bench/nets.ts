/** The networks that are timed, with the data and first parameters that every contender gets. */

import { noise, noises } from './noise.ts';

interface Named {
  readonly name: string;
  readonly batch: number;
}

/** Fully connected; widths of the layers, input first, with ReLU between them. */
export interface Mlp extends Named {
  readonly kind: 'mlp';
  readonly widths: readonly number[];
}

/**
 * LeNet on 28x28: conv 1-6 (5x5, padding 2), ReLU, max pool 2, conv 6-16 (5x5), ReLU, max pool 2, and three Linear of 120, 84
 * and 10 with ReLU between them.
 */
export interface Cnn extends Named {
  readonly kind: 'cnn';
}

/** A causal language model: embedded tokens and positions, pre-norm blocks with GELU (by erf), a norm, logits for each position. */
export interface Transformer extends Named {
  readonly kind: 'transformer';
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly sequence: number;
  readonly vocabulary: number;
}

export type Net = Mlp | Cnn | Transformer;

export const mlp = (widths: readonly number[], batch: number): Mlp => ({
  kind: 'mlp',
  name: `${widths.join('-')}, batch ${batch}`,
  widths,
  batch,
});

export const transformer = (layers: number, width: number, sequence: number, batch: number): Transformer => ({
  kind: 'transformer',
  name: `transformer ${layers}x${width}, sequence ${sequence}, batch ${batch}`,
  layers,
  width,
  heads: width / 32,
  sequence,
  vocabulary: 256,
  batch,
});

export const TINY = mlp([4, 16, 3], 16);
export const MNIST = mlp([784, 128, 64, 10], 64);
export const WIDE = mlp([784, 1024, 1024, 10], 256);
export const LENET: Cnn = { kind: 'cnn', name: 'LeNet, batch 64', batch: 64 };
export const GPT = transformer(4, 128, 128, 8);

export const NETS: readonly Net[] = [TINY, MNIST, WIDE, LENET, GPT];

export const ADAM = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const;

export interface Batch {
  /** Of the shape of `inputOf`; a transformer takes tokens. */
  readonly x: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  /** Class indices, one for each row of logits. */
  readonly y: Int32Array<ArrayBuffer>;
}

export interface Parameter {
  /** As in PyTorch, and so is the layout: a Linear's weight is [outputs, inputs]. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export function inputOf(net: Net): readonly number[] {
  if (net.kind === 'mlp') return [net.batch, net.widths[0]];
  return net.kind === 'cnn' ? [net.batch, 1, 28, 28] : [net.batch, net.sequence];
}

export function classesOf(net: Net): number {
  if (net.kind === 'mlp') return net.widths[net.widths.length - 1];
  return net.kind === 'cnn' ? 10 : net.vocabulary;
}

/** Rows of logits in a batch. */
export const rowsOf = (net: Net): number => (net.kind === 'transformer' ? net.batch * net.sequence : net.batch);

/** Of the norms, as in PyTorch. */
export const NORM_EPS = 1e-5;

const BATCHES = 4;

/**
 * A few batches, to be taken in turn. They share their inputs and differ in their classes, so that the loss stays well above
 * zero: vanishing gradients would slow a contender whose arithmetic keeps subnormals.
 */
export function batchesOf(net: Net): readonly Batch[] {
  const next = noise(1);
  const below = (n: number) => Math.floor(((next() + 1) / 2) * n);
  const size = inputOf(net).reduce((a, b) => a * b);
  const x =
    net.kind === 'transformer'
      ? Int32Array.from({ length: size }, () => below(net.vocabulary))
      : Float32Array.from({ length: size }, next);
  const classes = classesOf(net);
  return Array.from({ length: BATCHES }, () => ({
    x,
    y: Int32Array.from({ length: rowsOf(net) }, () => below(classes)),
  }));
}

/** Weights between ±1/sqrt(inputs), biases of zero, norms of one. */
export function parametersOf(net: Net): readonly Parameter[] {
  const out: Parameter[] = [];
  const filled = (name: string, value: number, ...shape: number[]) => {
    out.push({ name, shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(value) });
  };
  const weight = (name: string, ...shape: number[]) => {
    const inputs = shape.slice(1).reduce((a, b) => a * b);
    const data = noises(2 + out.length, shape[0] * inputs);
    out.push({ name, shape, data: data.map((v) => v / Math.sqrt(inputs)) });
  };
  const layer = (name: string, outputs: number, ...inputs: number[]) => {
    weight(`${name}.weight`, outputs, ...inputs);
    filled(`${name}.bias`, 0, outputs);
  };
  if (net.kind === 'mlp') {
    net.widths.slice(1).forEach((outputs, i) => {
      layer(`fc${i + 1}`, outputs, net.widths[i]);
    });
    return out;
  }
  if (net.kind === 'cnn') {
    layer('conv1', 6, 1, 5, 5);
    layer('conv2', 16, 6, 5, 5);
    layer('fc1', 120, 400);
    layer('fc2', 84, 120);
    layer('fc3', 10, 84);
    return out;
  }
  const { layers, width, vocabulary, sequence } = net;
  const norm = (name: string) => {
    filled(`${name}.weight`, 1, width);
    filled(`${name}.bias`, 0, width);
  };
  weight('tokens.weight', vocabulary, width);
  weight('positions.weight', sequence, width);
  for (let i = 0; i < layers; i++) {
    layer(`${i}.selfAttn.inProj`, 3 * width, width);
    layer(`${i}.selfAttn.outProj`, width, width);
    layer(`${i}.linear1`, 4 * width, width);
    layer(`${i}.linear2`, width, 4 * width);
    norm(`${i}.norm1`);
    norm(`${i}.norm2`);
  }
  norm('norm');
  layer('head', vocabulary, width);
  return out;
}

export const parameterCount = (net: Net): number => parametersOf(net).reduce((n, p) => n + p.data.length, 0);

/** Several peers keep a Linear's weight as [inputs, outputs]; tables of embeddings stay. */
export const turnsRound = ({ name, shape }: Parameter): boolean =>
  shape.length === 2 && !/^(tokens|positions)/.test(name);

/** A parameter with its axes in another order. */
export function permuted({ name, shape, data }: Parameter, ...axes: number[]): Parameter {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const to = axes.map((a) => shape[a]);
  const out = new Float32Array(data.length);
  const at = axes.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[axes.reduce((sum, a, d) => sum + strides[a] * at[d], 0)];
    for (let d = at.length - 1; d >= 0 && ++at[d] === to[d]; d--) at[d] = 0;
  }
  return { name, shape: to, data: out };
}
