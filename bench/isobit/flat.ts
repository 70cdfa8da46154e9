/** Memory over many training steps: what the heap of JavaScript and the device hold, sampled behind a full collection. */

import type { Runtime } from '../../sdk/index.ts';
import type { Net } from '../nets.ts';
import { trainStep } from './train.ts';

export interface Sample {
  readonly step: number;
  /** Bytes. */
  readonly heap: number;
  readonly device: number;
}

/**
 * Steps `steps` times, and reads at even distances, `samples` times in all, behind the first 3 tenths: until then V8 compiles.
 * `collect` is Node's `gc`.
 */
export async function flat(
  rt: Runtime,
  net: Net,
  steps: number,
  samples: number,
  collect: () => void,
): Promise<Sample[]> {
  const run = trainStep(rt, net);
  const out: Sample[] = [];
  const warm = Math.floor(steps * 0.3);
  for (let step = 1; step <= steps; step++) {
    await run.step(step - 1);
    if (step < warm || (step - warm) % Math.floor((steps - warm) / (samples - 1)) !== 0) continue;
    // What only finalizers free goes at the second.
    collect();
    await new Promise((done) => setImmediate(done));
    collect();
    out.push({ step, heap: process.memoryUsage().heapUsed, device: rt.memory().live });
  }
  await run.close?.();
  return out;
}

const least = (samples: readonly Sample[]): number => Math.min(...samples.map((s) => s.heap));

/** Bytes of heap that a step has left behind: between the least of the first third and of the last third of the samples. */
export function growth(samples: readonly Sample[]): number {
  const third = Math.floor(samples.length / 3);
  const steps = samples[samples.length - 1].step - samples[third - 1].step;
  return (least(samples.slice(-third)) - least(samples.slice(0, third))) / steps;
}
