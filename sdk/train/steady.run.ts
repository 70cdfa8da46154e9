/** What steady.test.ts runs in a process of its own: prints the growth of heap and device memory over 10,000 steps of each kind. */

import { createRuntime, mean, type Runtime, type Tensor } from '../index.ts';
import { drain, tinyBatches, tinyTrainer } from './tiny.ts';

type F = Tensor<'f32'>;
const STEPS = 10_000;
const WARM = 1000;

const turn = () => new Promise((then) => setImmediate(then));
async function heap(): Promise<number> {
  // Finalizers run between two tasks, and what they free is collected by the next.
  for (let i = 0; i < 8; i++) {
    (globalThis as unknown as { gc(): void }).gc();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}

/** How much more there is behind `STEPS` steps than before them. */
async function growth(rt: Runtime, run: (steps: number) => Promise<void>) {
  await run(WARM);
  const before = [await heap(), rt.memory().live, rt.memory().peak];
  await run(STEPS);
  const after = [await heap(), rt.memory().live, rt.memory().peak];
  const [bytes, live, peak] = after.map((v, i) => v - before[i]);
  return { heap: bytes, live, peak };
}

/** A call that gives a value and changes a Variable. */
function stepper(rt: Runtime) {
  const w = rt.variable(rt.rng.normal('w', [8, 4]));
  return rt.capture(
    (x: F, lr: F) => {
      const y = x.matmul(w).tanh();
      w.assign(w.value().sub(x.transpose().matmul(y).mul(lr)));
      return mean(y);
    },
    { onNonFinite: 'reject' },
  );
}
const x = { data: new Float32Array(32).fill(0.5), shape: [4, 8], dtype: 'f32' } as const;

const rt = await createRuntime({ backend: 'wasm', seed: 1n });
const [disposed, dropped, together] = [stepper(rt), stepper(rt), stepper(rt)];
const found = {
  disposed: await growth(rt, async (n) => {
    for (let i = 0; i < n; i++) (await disposed(x, 0.01)).dispose();
  }),
  dropped: await growth(rt, async (n) => {
    for (let i = 0; i < n; i++) {
      await dropped(x, 0.01);
      if (i % 100 === 99) await turn();
    }
  }),
  series: await growth(rt, async (n) => {
    for (let i = 0; i < n; i += 50) await together.series(Array(50).fill([x, 0.01]));
  }),
  trainer: await (async () => {
    const trainer = tinyTrainer(rt, { store: undefined });
    let until = 0;
    return growth(rt, async (n) => {
      until += n;
      await drain(trainer.run(tinyBatches(), { steps: until }, { every: 50 }));
    });
  })(),
  looking: await (async () => {
    const trainer = tinyTrainer(rt, { store: undefined });
    let until = 0;
    return growth(rt, async (n) => {
      until += n;
      for await (const { step, loss } of trainer.run(tinyBatches(), { steps: until })) {
        if (step % 100 === 0) await loss.item();
      }
    });
  })(),
};
console.log(JSON.stringify(found));
await rt.dispose();
