/** What a library must do to be timed: one training step, from a batch on the host to its loss on the host. */

import type { Batch, Net, Product } from './nets.ts';

export interface Contender {
  /** Cross-entropy of the batch before the update; gradients and Adam's update are done when it answers. */
  step(batch: Batch): number | Promise<number>;
}

export type MakeContender = (net: Net) => Promise<Contender>;

/** A product of matrices that are on the device: a step makes it, brings it to the host and answers `probeOf` it. */
export type MakeProduct = (product: Product) => Promise<{ step(): Promise<number> }>;

/** Where a contender is: a module of this folder, and what it exports. */
export interface Entry {
  readonly name: string;
  readonly module: string;
  readonly make: string;
}

export const OURS: Entry = { name: 'isobit', module: 'isobit', make: 'makeStep' };
/** The same step with the loop, the history and the turns that the Trainer adds. */
export const TRAINER: Entry = { name: 'Trainer', module: 'isobit', make: 'makeTrainer' };
export const PEERS: readonly Entry[] = [
  { name: 'jax-js', module: 'peers/jax', make: 'make' },
  { name: 'tfjs-wasm', module: 'peers/tfjs', make: 'make' },
];

/** Each on WebGPU, on one software adapter: a training step, and a product. */
export const ON_WEBGPU: readonly (Omit<Entry, 'make'> & { readonly step: string; readonly product: string })[] = [
  { name: 'isobit', module: 'isobit', step: 'makeStepOnWebGpu', product: 'makeProduct' },
  { name: 'jax-js', module: 'peers/jax', step: 'makeOnWebGpu', product: 'makeProduct' },
  { name: 'tfjs-webgpu', module: 'peers/tfjs-webgpu', step: 'make', product: 'makeProduct' },
];
