/** The training that writers share: a state of 100 KB or more, so that an object is written in several pieces, and a quick step. */

import type { Store } from '../../../adapters/store.ts';
import type { CheckpointPlan } from '../../../sdk/checkpoint/index.ts';
import { batches } from '../../../sdk/data/index.ts';
import { createRuntime } from '../../../sdk/index.ts';
import { crossEntropy, Linear, Sequential, tanh } from '../../../sdk/nn/index.ts';
import { adam } from '../../../sdk/optim/index.ts';
import { Trainer } from '../../../sdk/train/index.ts';
import { tinyData } from '../../../sdk/train/tiny.ts';

export interface Training {
  readonly trainer: Trainer;
  /** Trains until that many steps are complete, and tells of each. */
  to(step: number, each?: (step: number) => void): Promise<void>;
}

/** The same run in every process; with a store it saves there when told to. A state has 84 bytes for each of `width`. */
export async function training(store?: Store, checkpoint?: CheckpointPlan, width = 1024): Promise<Training> {
  const rt = await createRuntime({ backend: 'wasm', seed: 11 });
  const model = new Sequential(new Linear(3, width), tanh, new Linear(width, 3)).init(rt);
  const { x, y } = tinyData();
  const data = batches(x, y, { size: 5, shuffle: true });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 0.01 }), store, checkpoint });
  const to: Training['to'] = async (until, each) => {
    for await (const { step } of trainer.run(data, { steps: until })) each?.(step);
  };
  return { trainer, to };
}

/** Fingerprints of the run that nobody interrupts, made as far as they are asked for. */
export async function uninterrupted(width?: number): Promise<(step: number) => Promise<string>> {
  const { trainer, to } = await training(undefined, undefined, width);
  const at = [await trainer.fingerprint()];
  return async (step) => {
    while (at.length <= step) {
      await to(at.length);
      at.push(await trainer.fingerprint());
    }
    return at[step];
  };
}
