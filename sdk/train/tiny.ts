/** A run that is small enough to be repeated hundreds of times in tests: 23 rows, 5 batches an epoch, the last one short. */

import { memoryStore } from '../../adapters/memory.ts';
import type { HostArray } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import { batches } from '../data/index.ts';
import type { BatchSource } from '../data/source.ts';
import { crossEntropy, Linear, Sequential, tanh } from '../nn/index.ts';
import { adam } from '../optim/index.ts';
import type { TrainerOptions } from './options.ts';
import { Trainer } from './trainer.ts';

export const ROWS = 23;
export const BATCHES = 5;

/** Three classes on a line, with noise of a linear congruential generator. */
export function tinyData(rows = ROWS): { x: HostArray<'f32'>; y: HostArray<'i32'> } {
  let s = 1;
  const noise = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32 - 0.5;
  };
  const y = Int32Array.from({ length: rows }, (_, i) => i % 3);
  const x = Float32Array.from({ length: rows * 3 }, (_, i) => y[Math.floor(i / 3)] - 1 + noise());
  return { x: { data: x, shape: [rows, 3], dtype: 'f32' }, y: { data: y, shape: [rows], dtype: 'i32' } };
}

export function tinyBatches(o: { size?: number; rows?: number } = {}): BatchSource {
  const { x, y } = tinyData(o.rows);
  return batches(x, y, { size: o.size ?? 5, shuffle: true });
}

export const tinyModel = (rt: Runtime): Sequential => new Sequential(new Linear(3, 4), tanh, new Linear(4, 3)).init(rt);

/** A trainer with a store of its own, unless another is given. */
export function tinyTrainer(rt: Runtime, o: Partial<TrainerOptions> = {}): Trainer {
  const loss = o.objective ? {} : { loss: crossEntropy };
  return new Trainer({ model: tinyModel(rt), optimizer: adam({ lr: 0.05 }), store: memoryStore(), ...loss, ...o });
}

/** Runs to the end without looking. */
export async function drain(loop: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of loop);
}
