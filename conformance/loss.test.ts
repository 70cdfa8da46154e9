/**
 * One run of iris whose GPU is destroyed 20 times: behind random steps, behind random submits (in the middle of a step), and
 * while an object or a commit is being written. It ends in the state, and the file, of a run that nothing disturbed:
 *
 *   npm test -- conformance/loss
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { memoryStore } from '../adapters/memory.ts';
import type { Store } from '../adapters/store.ts';
import { irisRecipe } from '../examples/iris.ts';
import { batches } from '../sdk/data/index.ts';
import { createRuntime, type Runtime } from '../sdk/index.ts';
import { crossEntropy } from '../sdk/nn/index.ts';
import { surviveLoss, Trainer } from '../sdk/train/index.ts';
import { openDevice } from '../wgsl/dawn.ts';

const LOSSES = 20;
const STEPS = 200;
const SEED = 42;

const probe = await openDevice();
if (!probe && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = probe ? false : 'no WebGPU device';
after(() => probe?.destroy());

/** The trainer of one process, and what it trains on. */
async function iris(rt: Runtime, store: Store) {
  const [task] = await irisRecipe.tasks({ rng: rt.rng, holdout: false, stores: [store] });
  const { x, y } = task.train;
  const model = task.model().init(rt);
  const data = batches(x, y, { size: irisRecipe.batch, shuffle: true });
  const optimizer = irisRecipe.optimizer();
  return {
    data,
    trainer: new Trainer({ model, loss: crossEntropy, optimizer, store, checkpoint: { everySteps: 7, keepLast: 2 } }),
  };
}

async function endOf(trainer: Trainer): Promise<{ fingerprint: string; root: string }> {
  return { fingerprint: await trainer.fingerprint(), root: (await trainer.save()).root };
}

/** Numbers from 0 to below n, the same ones at each run of this test. */
function dice(seed: number): (n: number) => number {
  let s = seed;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 2 ** 32) * n);
  };
}

type Kind = 'step' | 'submit' | 'object' | 'commit';
const KINDS: readonly Kind[] = ['step', 'submit', 'object', 'commit'];

/** Destroys the device at a moment that lies a few steps ahead. */
class Saboteur {
  readonly #dice = dice(7);
  #kind: Kind = 'step';
  #left = 0;
  #gpu: GPUDevice | null = null;
  readonly done: Kind[] = [];

  /** Watches a new device; leaves it alone once there were enough losses. */
  arm(gpu: GPUDevice): void {
    if (this.done.length >= LOSSES) return;
    this.#gpu = gpu;
    this.#kind = KINDS[this.#dice(KINDS.length)];
    const ahead = { step: 12, submit: 60, object: 2, commit: 2 }[this.#kind];
    this.#left = 1 + this.#dice(ahead);
    const submit = gpu.queue.submit.bind(gpu.queue);
    gpu.queue.submit = (buffers) => {
      submit(buffers);
      this.at('submit');
    };
  }
  at(kind: Kind): void {
    if (!this.#gpu || kind !== this.#kind || --this.#left > 0) return;
    this.done.push(kind);
    this.#gpu.destroy();
    this.#gpu = null;
  }
  /** A store that a loss may come into: before or behind the writing. */
  watched(store: Store): Store {
    const put: Store['put'] = async (key, body, o) => {
      const name = typeof key === 'string' ? key : 'objects/';
      const kind = name.startsWith('objects/') ? 'object' : 'commit';
      if (this.#dice(2) === 0) this.at(kind);
      const written = await store.put(key, body, o);
      this.at(kind);
      return written;
    };
    return new Proxy(store, { get: (s, name) => (name === 'put' ? put : Reflect.get(s, name)) });
  }
}

test(`${LOSSES} losses at random moments of ${STEPS} steps`, { skip, timeout: 300_000 }, async () => {
  const undisturbed = await createRuntime({ backend: 'wasm', seed: SEED });
  const whole = await iris(undisturbed, memoryStore());
  for await (const _ of whole.trainer.run(whole.data, { steps: STEPS }));
  const want = await endOf(whole.trainer);

  const saboteur = new Saboteur();
  const store = saboteur.watched(memoryStore());
  const begun: number[] = [];
  const got = await surviveLoss(
    async () => {
      const device = (await openDevice()) as GPUDevice;
      const rt = await createRuntime({ backend: 'webgpu', device, seed: SEED });
      saboteur.arm(device);
      return rt;
    },
    async (rt) => {
      const { data, trainer } = await iris(rt, store);
      const { step } = await trainer.resume();
      begun.push(step);
      for await (const progress of trainer.run(data, { steps: STEPS })) {
        saboteur.at('step');
        if (progress.step % 10 === 0) await progress.loss.item();
      }
      // The last device is not destroyed before it has come to the end.
      if (saboteur.done.length < LOSSES) throw new Error(`only ${saboteur.done.length} losses in ${step} to ${STEPS}`);
      return endOf(trainer);
    },
    { losses: LOSSES },
  );
  assert.equal(saboteur.done.length, LOSSES);
  assert.deepEqual(new Set(saboteur.done), new Set(KINDS), 'losses of every kind');
  assert.ok(
    begun.every((step, i) => step % 7 === 0 && step >= (begun[i - 1] ?? 0)),
    `begun at ${begun}`,
  );
  assert.deepEqual(got, want);
  console.log(`# ${LOSSES} losses (${saboteur.done.join(' ')}), resumed at ${begun.slice(1).join(' ')}: 0 wrong`);
});
