/** Trains on iris, and posts the fingerprint and a file of weights. */

import { createRuntime } from 'isobit';
import { encodeCheckpoint } from 'isobit/checkpoint';
import { batches, moments } from 'isobit/data';
import { crossEntropy, Linear, Normalize, relu, Sequential } from 'isobit/nn';
import { adam } from 'isobit/optim';
import { Trainer, weightsOf } from 'isobit/train';
import { x, y } from './iris';

export interface Trained {
  fingerprint: string;
  weights: Uint8Array;
}

const rt = await createRuntime({ backend: 'auto', seed: 42n });
const model = new Sequential(new Normalize(4, moments(x)), new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }) });
for await (const _ of trainer.run(batches(x, y, { size: 16, shuffle: true }), { epochs: 5 }));
const weights = await (await encodeCheckpoint(weightsOf(model))).bytes();
const trained: Trained = { fingerprint: await trainer.fingerprint(), weights };
postMessage(trained);
