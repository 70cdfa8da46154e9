/** The Trainer on a GPU, which tells late whether a step stands: steps do not wait, and nothing comes out otherwise than on WASM. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { openDevice } from '../../wgsl/dawn.ts';
import { RunStore } from '../checkpoint/index.ts';
import { batches } from '../data/index.ts';
import { EngineRuntime } from '../engine/runtime.ts';
import { WebGpuDevice } from '../engine/webgpu/device.ts';
import { createRuntime, isIsobitError, type Runtime, type Tensor } from '../index.ts';
import { crossEntropy } from '../nn/index.ts';
import type { Objective, TrainerOptions } from './index.ts';
import { BATCHES, drain, tinyBatches, tinyData, tinyTrainer } from './tiny.ts';

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = gpu ? false : 'no WebGPU device';
const late = gpu ? new EngineRuntime(new WebGpuDevice(gpu, 'test'), { seed: 42n }) : (null as unknown as Runtime);
const now = await createRuntime({ backend: 'wasm', seed: 42n });
after(() => Promise.all([late?.dispose(), now.dispose()]));

/** Data with a row whose step is refused: the square of 1e30 is Inf, and Inf * 0 is NaN. */
function bad() {
  const { x, y } = tinyData();
  x.data[7] = 1e30;
  return batches(x, y, { size: 5, shuffle: true });
}
const objective: Objective = (model, batch) => {
  const inputs = batch.x as Tensor<'f32'>;
  const prediction = model.forward(inputs) as Tensor<'f32'>;
  return { loss: crossEntropy(prediction, batch.y as Tensor<'i32'>).add(inputs.mul(inputs).max().mul(0)) };
};

/** How a run on each of the two ends. */
async function same<T>(run: (rt: Runtime) => Promise<T>): Promise<T> {
  const want = await run(now);
  assert.deepEqual(await run(late), want);
  return want;
}
const told = (e: unknown): string =>
  isIsobitError(e) ? `${e.code} ${String(e.details.step)} ${e.message}` : String(e as Error);

test("'skip' leaves out the same steps, yields the others, and ends in the same state", { skip }, async () => {
  for (const every of [1, 4]) {
    const seen = await same(async (rt) => {
      const trainer = tinyTrainer(rt, {
        objective,
        onNonFinite: 'skip',
        validation: { data: tinyBatches({ rows: 6 }) },
      });
      const yielded: number[] = [];
      for await (const { step } of trainer.run(bad(), { steps: 23 }, { every })) yielded.push(step);
      return {
        yielded,
        skipped: trainer.skipped,
        state: await trainer.fingerprint(),
        history: await trainer.history('loss'),
      };
    });
    assert.ok(seen.skipped >= 4);
  }
});

test("'throw' names the step and leaves the state before it, however the loop looks at it", { skip }, async () => {
  const loops: ((t: ReturnType<typeof tinyTrainer>) => Promise<unknown>)[] = [
    (t) => drain(t.run(bad(), { steps: 40 })),
    (t) => drain(t.run(bad(), { steps: 40 }, { every: 7 })),
    (t) => drain(t.run(bad(), { epochs: 1 })),
  ];
  for (const loop of loops) {
    const end = await same(async (rt) => {
      const store = memoryStore();
      const o: Partial<TrainerOptions> = { objective, store, checkpoint: { everyEpochs: 1, onException: true } };
      const trainer = tinyTrainer(rt, o);
      const error = await loop(trainer).then(() => 'none', told);
      const { commit } = (await new RunStore(store).open())!;
      return {
        error,
        step: trainer.step,
        state: await trainer.fingerprint(),
        saved: [commit.step, commit.fingerprint],
      };
    });
    assert.match(end.error, /^E_NUMERIC \d+ step \d+: .*(max|mul)/);
    assert.equal(end.step, Number(end.error.split(' ')[1]) - 1);
    assert.deepEqual(end.saved, [end.step, end.state]);
    assert.ok(end.step < BATCHES);
  }
});

test('a save, a break, a read and an evaluation behind a refused step', { skip }, async () => {
  const looks: Record<string, (t: ReturnType<typeof tinyTrainer>, loss: Tensor<'f32'>) => Promise<unknown>> = {
    save: (t) => t.save(),
    evaluate: (t) => t.evaluate(tinyBatches()),
    fingerprint: (t) => t.fingerprint(),
    read: (_, loss) => loss.item(),
  };
  const whole = tinyTrainer(now, { objective });
  const refused = await drain(whole.run(bad(), { steps: 9 })).catch((e) => e.details.step as number);
  for (const [name, look] of Object.entries(looks)) {
    const trainer = tinyTrainer(late, { objective });
    const run = async () => {
      for await (const { step, loss } of trainer.run(bad(), { steps: 9 }))
        if (step === refused) await look(trainer, loss);
    };
    await assert.rejects(run(), { code: 'E_NUMERIC' }, name);
    assert.equal(trainer.step, whole.step, name);
    assert.equal(await trainer.fingerprint(), await whole.fingerprint(), name);
  }
  const trainer = tinyTrainer(late, { objective });
  const broken = async () => {
    for await (const { step } of trainer.run(bad(), { steps: 9 })) if (step === refused) break;
  };
  await assert.rejects(broken(), { code: 'E_NUMERIC', message: new RegExp(`^step ${refused}: `) });
  assert.equal(await trainer.fingerprint(), await whole.fingerprint());
  // The trainer may go on, with data that do not end it.
  await drain(trainer.run(tinyBatches(), { steps: 12 }, { allowNewData: true }));
  await drain(whole.run(tinyBatches(), { steps: 12 }, { allowNewData: true }));
  assert.equal(await trainer.fingerprint(), await whole.fingerprint());
});

test('a steady loop: one submit a step, no bind group or buffer, and a map in many steps', { skip }, async () => {
  const device = gpu as GPUDevice;
  const trainer = tinyTrainer(late);
  // Both batch shapes, and the staging buffers, are there.
  await drain(trainer.run(tinyBatches(), { steps: 100 }));
  const count = { submit: 0, map: 0, group: 0, buffer: 0, pipeline: 0, done: 0 };
  const map = GPUBuffer.prototype.mapAsync;
  GPUBuffer.prototype.mapAsync = function (...a) {
    count.map++;
    return map.apply(this, a);
  };
  const watch = <T extends object>(target: T, name: keyof T & string, as: keyof typeof count) => {
    const own = (target[name] as (...a: unknown[]) => unknown).bind(target);
    const counted = (...a: unknown[]) => {
      if (name !== 'submit' || (a[0] as unknown[]).length > 0) count[as]++;
      return own(...a);
    };
    Object.defineProperty(target, name, { value: counted, configurable: true });
    return () => Reflect.deleteProperty(target, name);
  };
  const end = [
    watch(device.queue, 'submit', 'submit'),
    watch(device.queue, 'onSubmittedWorkDone', 'done'),
    watch(device, 'createBindGroup', 'group'),
    watch(device, 'createBuffer', 'buffer'),
    watch(device, 'createComputePipelineAsync', 'pipeline'),
  ];
  const steps = 320;
  await drain(trainer.run(tinyBatches(), { steps: 100 + steps }));
  for (const stop of end) stop();
  GPUBuffer.prototype.mapAsync = map;
  console.log(`# ${steps} steps: ${JSON.stringify(count)}`);
  // Flags of 16 steps are one read; losses of 64 steps, too.
  assert.ok(count.map <= steps / 16 + steps / 32 + 2, `${count.map} maps`);
  assert.equal(count.submit, steps + count.map);
  assert.deepEqual([count.group, count.buffer, count.pipeline, count.done], [0, 0, 0, 0]);
});
