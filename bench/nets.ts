/** The networks that are timed, with the data and first parameters that every contender gets. */

export interface Net {
  readonly name: string;
  /** Widths of the layers, input first; ReLU between them. */
  readonly widths: readonly number[];
  readonly batch: number;
  /** Most that a step may cost, as a share of the better peer's. */
  readonly target: number;
}

export const NETS: readonly Net[] = [
  { name: '4-16-3, batch 16', widths: [4, 16, 3], batch: 16, target: 0.05 },
  { name: '784-128-64-10, batch 64', widths: [784, 128, 64, 10], batch: 64, target: 0.6 },
];

export const ADAM = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const;

export interface Batch {
  /** [batch, inputs] */
  readonly x: Float32Array;
  /** [batch], class indices */
  readonly y: Int32Array;
}

export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

const BATCHES = 4;

/** Numbers between -1 and 1: a linear congruential generator is enough for timing, and the same everywhere. */
function noise(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 31 - 1;
  };
}

/**
 * A few batches, to be taken in turn. They share their inputs and differ in their classes, so that the loss stays well above
 * zero: vanishing gradients would slow a contender whose arithmetic keeps subnormals.
 */
export function batchesOf({ widths, batch }: Net): readonly Batch[] {
  const next = noise(1);
  const classes = widths[widths.length - 1];
  const x = Float32Array.from({ length: batch * widths[0] }, next);
  return Array.from({ length: BATCHES }, () => ({
    x,
    y: Int32Array.from({ length: batch }, () => Math.floor(((next() + 1) / 2) * classes)),
  }));
}

/** Weights between ±1/sqrt(inputs), biases of zero. */
export function layersOf({ widths }: Pick<Net, 'widths'>): readonly Layer[] {
  const next = noise(2);
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i];
    const weight = Float32Array.from({ length: inputs * outputs }, () => next() / Math.sqrt(inputs));
    return { inputs, outputs, weight, bias: new Float32Array(outputs) };
  });
}

/** A product of square matrices, timed on GPUs. */
export interface Product {
  readonly name: string;
  readonly size: number;
}

export const PRODUCTS: readonly Product[] = [
  { name: 'matmul 256', size: 256 },
  { name: 'matmul 512', size: 512 },
];

/** Both operands, row-major. */
export function operandsOf({ size }: Product): readonly [Float32Array, Float32Array] {
  const next = noise(3);
  const make = () => Float32Array.from({ length: size * size }, next);
  return [make(), make()];
}

/** What stands for a product when contenders are compared: an element far from its edges. */
export const probeOf = ({ size }: Product, c: ArrayLike<number>): number => c[(size >> 1) * size + 7];
