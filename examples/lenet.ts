/** LeNet-5 with ReLU and max pooling on the digits of mnist.ts. LeCun et al., "Gradient-based learning applied to document recognition", 1998. */

import type { HostArray } from '../sdk/core/host.ts';
import { Conv2d, Flatten, Linear, MaxPool2d, relu, Sequential } from '../sdk/nn/index.ts';
import { adam } from '../sdk/optim/index.ts';
import { loadMnist, mnistTask } from './mnist.ts';
import type { Recipe } from './recipe.ts';

/** 61,706 parameters; x: [rows, 1, 28, 28]. */
export const lenet = (): Sequential =>
  new Sequential(
    ...[new Conv2d(1, 6, 5, { padding: 2 }), relu, new MaxPool2d(2)],
    ...[new Conv2d(6, 16, 5), relu, new MaxPool2d(2), new Flatten()],
    ...[new Linear(400, 120), relu, new Linear(120, 84), relu, new Linear(84, 10)],
  );

/** Rows as images of one channel. */
const images = (x: HostArray<'f32'>): HostArray<'f32'> => ({ ...x, shape: [x.shape[0], 1, 28, 28] });

/** The rows of mnist, the same ones held out. */
export const lenetRecipe: Recipe = {
  runs: [''],
  epochs: 5,
  batch: 64,
  checkpoint: { everyEpochs: 1, keepLast: 3 },
  canHoldOut: false,
  optimizer: () => adam({ lr: 4e-3 }),
  async tasks({ rng }) {
    const { train, test } = mnistTask(await loadMnist(), rng);
    return [{ train: { ...train, x: images(train.x) }, test: test && { ...test, x: images(test.x) }, model: lenet }];
  },
};
