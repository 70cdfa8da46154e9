/** Steps that go together: everything that can be seen is as if they had gone one by one. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { RunStore } from '../checkpoint/index.ts';
import { batches } from '../data/index.ts';
import type { Batch, BatchSource } from '../data/source.ts';
import { createRuntime, isIsobitError, type Runtime, type Tensor } from '../index.ts';
import { crossEntropy } from '../nn/index.ts';
import type { Objective, TrainerOptions } from './index.ts';
import { BATCHES, drain, tinyBatches, tinyData, tinyTrainer } from './tiny.ts';
import { together } from './together.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

/** A run with steps one by one, and with as many together as can be. */
async function same<T>(run: (every: number) => Promise<T>): Promise<T> {
  const one = await run(1);
  for (const every of [7, 1000]) assert.deepEqual(await run(every), one);
  return one;
}

/** How a run ends. */
async function ends(o: Partial<TrainerOptions>, data: BatchSource, until: { steps: number }, every: number) {
  const store = memoryStore();
  const trainer = tinyTrainer(rt, { store, ...o });
  let error = '';
  try {
    await drain(trainer.run(data, until, { every }));
  } catch (e) {
    error = isIsobitError(e) ? `${e.code} ${e.message}` : String(e);
  }
  const { step, epoch, skipped } = trainer;
  const commits = await new RunStore(store).commits();
  return {
    at: { step, epoch, skipped },
    error,
    state: await trainer.fingerprint(),
    loss: await trainer.history('loss'),
    commits: commits.map((c) => [c.step, c.root]),
  };
}

test('state, history and commits are those of steps one by one', async () => {
  const plans = [undefined, { everySteps: 3 }, { everyEpochs: 1 }, { everySteps: 4, everyEpochs: 2 }];
  for (const checkpoint of plans) {
    const { at, commits } = await same((every) => ends({ checkpoint }, tinyBatches(), { steps: 23 }, every));
    assert.deepEqual(at, { step: 23, epoch: 4, skipped: 0 });
    if (checkpoint?.everySteps === 3) assert.equal(commits.length, 7);
  }
  const watched = { onImprove: true, keepBest: { metric: 'loss', mode: 'min' as const } };
  await same((every) => ends({ checkpoint: watched }, tinyBatches(), { steps: 12 }, every));
  await same((every) => ends({ validation: { data: tinyBatches() } }, tinyBatches(), { steps: 12 }, every));
});

/** Data with a row whose step is refused: the square of 1e30 is Inf, and Inf * 0 is NaN. */
function bad(): BatchSource {
  const { x, y } = tinyData();
  x.data[7] = 1e30;
  return batches(x, y, { size: 5, shuffle: true });
}
const objective: Objective = (model, batch) => {
  const inputs = batch.x as Tensor<'f32'>;
  const prediction = model.forward(inputs) as Tensor<'f32'>;
  return { loss: crossEntropy(prediction, batch.y as Tensor<'i32'>).add(inputs.mul(inputs).max().mul(0)) };
};

test('a step that is refused: skipped, or the end of the run at the step before it', async () => {
  const skipped = await same((every) => ends({ objective, onNonFinite: 'skip' }, bad(), { steps: 23 }, every));
  assert.ok(skipped.at.skipped >= 4);
  const ended = await same((every) => ends({ objective }, bad(), { steps: 23 }, every));
  assert.match(ended.error, /E_NUMERIC step \d+: /);
});

test('a batch that is refused, and a source that fails, end the run where they come', async () => {
  const { x, y } = tinyData();
  const good: Batch = { x, y };
  const wrong: Batch = { x, y: { ...y, data: y.data.map((v) => v + 1) } };
  const source = (epoch: readonly (Batch | Error)[]): BatchSource => ({
    id: async () => 'given',
    async *epoch(_n, _rng, from) {
      for (const b of epoch.slice(from)) {
        if (b instanceof Error) throw b;
        yield b;
      }
    },
  });
  const refused = await same((every) => ends({}, source([good, good, good, good, wrong]), { steps: 9 }, every));
  assert.equal(refused.at.step, 4);
  assert.match(refused.error, /label 3 of row 2/);
  const failed = await same((every) => ends({}, source([good, good, good, new Error('gone')]), { steps: 9 }, every));
  assert.deepEqual([failed.at.step, failed.error], [3, 'Error: gone']);
});

test('a schedule is asked for each step, in order', async () => {
  await same(async (every) => {
    const asked: number[] = [];
    const optimizer = {
      slots: [],
      hyper: (step: number) => {
        asked.push(step);
        return { lr: 0.1 / (step + 1) };
      },
      update: (
        p: ReadonlyMap<string, Tensor<'f32'>>,
        g: ReadonlyMap<string, Tensor<'f32'>>,
        _: unknown,
        h: Readonly<Record<string, Tensor<'f32'>>>,
      ) => ({
        params: new Map([...p].map(([name, v]) => [name, v.sub(g.get(name)!.mul(h.lr))])),
        slots: {},
      }),
    };
    const end = await ends({ optimizer }, tinyBatches(), { steps: 13 }, every);
    assert.deepEqual(asked, [...Array(13).keys()]);
    return end;
  });
});

test('batches that go together: as many as there is room for, fewer at the end', async () => {
  async function* source(n: number): AsyncGenerator<Batch> {
    for (let i = 0; i < n; i++) yield { i: { data: Int32Array.of(i), shape: [1], dtype: 'i32' } };
  }
  const rooms = [1, 3, 2, 4];
  const sizes: number[] = [];
  for await (const group of together(source(9), () => rooms.shift()!)) sizes.push(group.length);
  assert.deepEqual(sizes, [1, 3, 2, 3]);
  assert.equal(BATCHES, 5);
});
