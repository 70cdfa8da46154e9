/** The model and its data. Addresses lead into the package as it is installed: nothing looks names up. */

import { batches, moments } from '../node_modules/isobit/dist/data.js';
import { crossEntropy, Linear, Normalize, relu, Sequential } from '../node_modules/isobit/dist/nn.js';
import { adam } from '../node_modules/isobit/dist/optim.js';
import { hostArray } from '../node_modules/isobit/dist/page.js';
import { Trainer } from '../node_modules/isobit/dist/train.js';

/** A trainer, and the batches it trains on. */
export async function iris(rt) {
  const { rows, classes } = await (await fetch(new URL('iris.json', import.meta.url))).json();
  const x = hostArray(Float32Array.from(rows.flat()), [150, 4], 'f32');
  const y = hostArray(Int32Array.from(classes), [150], 'i32');
  const model = new Sequential(new Normalize(4, moments(x)), new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }) });
  return { trainer, data: batches(x, y, { size: 16, shuffle: true }) };
}
