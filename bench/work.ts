/** What can be timed, and what a library must do to be timed at it. Works travel between processes as JSON. */

import type { Net } from './nets.ts';
import { noises } from './noise.ts';

/** One training step with Adam: from a batch on the host to its loss on the host. */
export interface Train {
  readonly kind: 'train';
  readonly net: Net;
}

/** From a batch on the host to its logits on the host. */
export interface Infer {
  readonly kind: 'infer';
  readonly net: Net;
}

/** [m, k] by [k, n] of matrices that are on the device, and the result stays there. TN and NT store one side transposed. */
export interface Product {
  readonly kind: 'product';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly layout: 'NN' | 'TN' | 'NT';
}

/** sum((max(x/2 + y, 1/2) * x - y) / 2) of two arrays of n elements that are on the device; n is a multiple of 2048. */
export interface Chain {
  readonly kind: 'chain';
  readonly n: number;
}

/** So many captured programs that do nothing: each awaited, or in one series, as the Trainer runs small steps. */
export interface Empty {
  readonly kind: 'empty';
  readonly series: boolean;
}
export const STEPS_OF_EMPTY = 1000;

export const KERNEL_NAMES = [
  'matmul 256',
  'matmul 64x784x128',
  'matmul 16x16x4',
  'add',
  '6 ops',
  'div',
  'sqrt',
  'exp',
  'log',
  'tanh',
  'sin',
  'geluTanh',
  'sum',
  'sum of rows',
  'sum of columns',
  'max of rows',
  'softmax',
  'transpose',
  'concat',
  'gather',
  'scatterAdd',
] as const;

export type KernelName = (typeof KERNEL_NAMES)[number];

/** One kernel of isobit's, several times. */
export interface Kernel {
  readonly kind: 'kernel';
  readonly name: KernelName;
}

export type Work = Train | Infer | Product | Chain | Empty | Kernel;

/** Where a work runs. */
export interface Place {
  readonly device: 'wasm' | 'webgpu';
  readonly threads: number;
  /** Of isobit alone; default exact. */
  readonly numerics?: 'fast';
}

/** A library at work on one thing. */
export interface Contender {
  /** One unit of work, all of it done when it answers. `turn` counts from 0: training takes its batches in turn. */
  step(turn: number): unknown;
  /** Numbers that stand for the last step's result, compared between contenders; not timed. */
  probe(): readonly number[] | Promise<readonly number[]>;
  close?(): unknown;
}

export type Open = (work: Work, place: Place) => Promise<Contender>;

export const product = (m: number, k: number, n: number, layout: Product['layout']): Product => ({
  kind: 'product',
  m,
  k,
  n,
  layout,
});

export function nameOf(work: Work): string {
  if (work.kind === 'product') return `matmul ${work.layout} ${work.m}x${work.k}x${work.n}`;
  if (work.kind === 'chain') return `6 ops and a sum of ${work.n / 2 ** 20} Mi elements`;
  if (work.kind === 'empty')
    return `${STEPS_OF_EMPTY} empty captured steps, ${work.series ? 'in one series' : 'each awaited'}`;
  if (work.kind === 'kernel') return work.name;
  return `${work.kind === 'train' ? 'train' : 'infer'} ${work.net.name}`;
}

export interface Matrix {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly [number, number];
}

/** Both operands as they are stored. */
export function operandsOf({ m, k, n, layout }: Product): readonly [Matrix, Matrix] {
  return [
    { data: noises(3, m * k), shape: layout === 'TN' ? [k, m] : [m, k] },
    { data: noises(4, k * n), shape: layout === 'NT' ? [n, k] : [k, n] },
  ];
}

const PROBES = 16;

/** Elements spread over a result. */
export const probesOf = (x: ArrayLike<number>): number[] =>
  Array.from({ length: PROBES }, (_, i) => x[Math.floor(((i + 0.5) / PROBES) * x.length)]);
