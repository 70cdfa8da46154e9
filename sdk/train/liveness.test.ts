/**
 * Every option has an effect. The tables that check options are walked, and each option needs a case here: two runs that
 * differ in that option alone and whose outcomes differ. An option without a case fails.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { type CheckpointPlan, PLAN_OPTIONS, RunStore } from '../checkpoint/index.ts';
import { batches } from '../data/index.ts';
import { createRuntime, type Runtime, type Tensor } from '../index.ts';
import { crossEntropy, Linear } from '../nn/index.ts';
import { ADAM_OPTIONS } from '../optim/adam.ts';
import { EMA_OPTIONS } from '../optim/ema.ts';
import {
  type AdamOptions,
  adam,
  adamw,
  clipByNorm,
  cosineDecay,
  type EmaOptions,
  ema,
  exponentialDecay,
  linearSchedule,
  type Optimizer,
  polynomialDecay,
  type Schedule,
  type SgdOptions,
  sgd,
  stepDecay,
  warmup,
} from '../optim/index.ts';
import * as schedules from '../optim/schedules.ts';
import { SGD_OPTIONS } from '../optim/sgd.ts';
import { accuracy, component } from './index.ts';
import { live } from './live.ts';
import { RUN_OPTIONS, TRAINER_OPTIONS, type TrainerOptions, UNTIL_OPTIONS, VALIDATION_OPTIONS } from './options.ts';
import { drain, tinyBatches, tinyData, tinyModel, tinyTrainer } from './tiny.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

/** What became of something, or the code of its error. */
const outcome = (work: Promise<unknown>) => work.catch((e: { code?: string }) => e.code ?? String(e));

/** The state after some steps, with one set of options and with another. */
async function states(a: () => Partial<TrainerOptions>, b: () => Partial<TrainerOptions>, steps = 4) {
  const run = async (o: Partial<TrainerOptions>) => {
    const trainer = tinyTrainer(rt, o);
    await drain(trainer.run(tinyBatches(), { steps }));
    return trainer.fingerprint();
  };
  return [await run(a()), await run(b())] as const;
}

const half = (p: Tensor, t: Tensor) => crossEntropy(p as Tensor<'f32'>, t as Tensor<'i32'>).mul(0.5);
const none = () => ({});

live('Trainer', Object.keys(TRAINER_OPTIONS), {
  model: () => states(none, () => ({ model: new Linear(3, 3).init(rt) })),
  optimizer: () => states(none, () => ({ optimizer: sgd({ lr: 0.05 }) })),
  loss: () => states(none, () => ({ loss: half })),
  objective: () => states(none, () => ({ objective: (m, b) => ({ loss: half(m.forward(b.x), b.y) }) })),
  metrics: () => states(none, () => ({ metrics: { accuracy } })),
  validation: () => states(none, () => ({ validation: { data: tinyBatches() } }), 5),
  metadata: () => states(none, () => ({ metadata: { version: '1' } })),
  seed: () => states(none, () => ({ seed: 1 })),
  store: async () => [
    await outcome(
      tinyTrainer(rt)
        .save()
        .then(() => 'saved'),
    ),
    await outcome(tinyTrainer(rt, { store: undefined }).save()),
  ],
  checkpoint: () => commits(undefined, { everySteps: 2 }),
  onNonFinite: async () => {
    const { x, y } = tinyData();
    x.data[0] = 1e30;
    const run = (onNonFinite: 'throw' | 'skip') => {
      const trainer = tinyTrainer(rt, {
        onNonFinite,
        model: new Linear(3, 3).init(rt),
        loss: (p) => p.mul(p).sum() as Tensor<'f32'>,
      });
      return outcome(drain(trainer.run(batches(x, y, { size: 8 }), { epochs: 1 })).then(() => trainer.step));
    };
    return [await run('throw'), await run('skip')];
  },
  components: () =>
    states(none, () => {
      const mine = component('mine', { version: 1, save: () => ({ state: 5 }), load: () => () => {} });
      return { components: [mine] };
    }),
});

live('Trainer: validation', Object.keys(VALIDATION_OPTIONS), {
  data: () =>
    states(
      () => ({ validation: { data: tinyBatches() } }),
      () => ({ validation: { data: tinyBatches({ rows: 4 }) } }),
      5,
    ),
  everyEpochs: () =>
    states(
      () => ({ validation: { data: tinyBatches(), everyEpochs: 1 } }),
      () => ({ validation: { data: tinyBatches(), everyEpochs: 2 } }),
      5,
    ),
});

live('Trainer.run', Object.keys(RUN_OPTIONS), {
  every: async () => {
    const yielded = async (every: number) => {
      const seen: number[] = [];
      for await (const { step } of tinyTrainer(rt).run(tinyBatches(), { steps: 6 }, { every })) seen.push(step);
      return seen;
    };
    return [await yielded(2), await yielded(3)];
  },
  allowNewData: async () => {
    const run = async (allowNewData: boolean) => {
      const trainer = tinyTrainer(rt);
      await drain(trainer.run(tinyBatches(), { steps: 2 }));
      return outcome(drain(trainer.run(tinyBatches({ size: 4 }), { steps: 3 }, { allowNewData })));
    };
    return [await run(false), await run(true)];
  },
  signal: async () => {
    const run = (signal: AbortSignal) => outcome(drain(tinyTrainer(rt).run(tinyBatches(), { steps: 2 }, { signal })));
    return [await run(AbortSignal.abort('stop')), await run(new AbortController().signal)];
  },
});

live('Trainer.run: until', Object.keys(UNTIL_OPTIONS), {
  epochs: async () => [await ended({ epochs: 1 }), await ended({ epochs: 2 })],
  steps: async () => [await ended({ steps: 3 }), await ended({ steps: 4 })],
});

async function ended(until: { epochs: number } | { steps: number }): Promise<number> {
  const trainer = tinyTrainer(rt);
  await drain(trainer.run(tinyBatches(), until));
  return trainer.step;
}

/** Steps that are in the store when a run is aborted after its eleventh step, by plan. */
async function commits(...plans: readonly (CheckpointPlan | undefined)[]) {
  const run = async (checkpoint: CheckpointPlan | undefined) => {
    const store = memoryStore();
    const trainer = tinyTrainer(rt, { store, checkpoint, validation: { data: tinyBatches() } });
    const failing = new AbortController();
    await outcome(
      (async () => {
        for await (const { step } of trainer.run(tinyBatches(), { epochs: 3 }, { signal: failing.signal })) {
          if (step === 11) failing.abort('the power goes');
        }
      })(),
    );
    return (await new RunStore(store).commits()).map((c) => c.step);
  };
  return [await run(plans[0]), await run(plans[1])] as const;
}
const everyStep = { everySteps: 1, keepLast: 1 };
/** An hour passes each time it is asked. */
const hours = () => {
  let time = 0;
  return () => (time += 3_600_000);
};
const best = { metric: 'val/loss', mode: 'min' } as const;

live('CheckpointPlan', PLAN_OPTIONS, {
  everySteps: () => commits({ everySteps: 2 }, { everySteps: 3 }),
  everyEpochs: () => commits({ everyEpochs: 1 }, { everyEpochs: 2 }),
  everySeconds: () => commits({ everySeconds: 1e-9 }, { everySeconds: 1e9 }),
  onImprove: () => commits({ keepBest: best, onImprove: true }, { keepBest: best }),
  onException: () => commits({ onException: true }, { onException: false }),
  keepLast: () => commits({ everySteps: 1, keepLast: 2 }, { everySteps: 1, keepLast: 3 }),
  keepEvery: () => commits(everyStep, { ...everyStep, keepEvery: 4 }),
  keepInterval: () => commits({ ...everyStep, clock: hours() }, { ...everyStep, clock: hours(), keepInterval: 18_000 }),
  clock: () => commits({ everySeconds: 5000, clock: hours() }, { everySeconds: 5000, clock: () => 0 }),
  async: async () => {
    // The newest one that waits is saved beside the others, or not.
    const run = async (async: 'skip' | 'replace') => {
      const inner = memoryStore();
      const slow = new Promise((then) => setTimeout(then, 50));
      const store = { ...inner, put: async (...a: Parameters<typeof inner.put>) => slow.then(() => inner.put(...a)) };
      await drain(tinyTrainer(rt, { store, checkpoint: { everySteps: 1, async } }).run(tinyBatches(), { steps: 5 }));
      return (await new RunStore(store).commits()).map((c) => c.step);
    };
    return [await run('skip'), await run('replace')];
  },
  onSignal: async () => {
    const run = async (onSignal: boolean) => {
      const count = process.listenerCount('SIGTERM');
      const loop = tinyTrainer(rt, { checkpoint: { onSignal } }).run(tinyBatches(), { steps: 3 });
      await loop.next();
      const more = process.listenerCount('SIGTERM') - count;
      await drain(loop);
      return more;
    };
    return [await run(true), await run(false)];
  },
  keepBest: () => commits(everyStep, { ...everyStep, keepBest: { metric: 'loss', mode: 'max' } }),
});

const optimized = (a: Optimizer, b: Optimizer) =>
  states(
    () => ({ optimizer: a }),
    () => ({ optimizer: b }),
  );
const sgds = (a: Partial<SgdOptions>, b: Partial<SgdOptions>) => () =>
  optimized(sgd({ lr: 0.1, ...a }), sgd({ lr: 0.1, ...b }));
live('sgd', Object.keys(SGD_OPTIONS), {
  lr: sgds({ lr: 0.1 }, { lr: 0.2 }),
  momentum: sgds({ momentum: 0.5 }, { momentum: 0.9 }),
  nesterov: sgds({ momentum: 0.5 }, { momentum: 0.5, nesterov: true }),
  weightDecay: sgds({}, { weightDecay: 0.1 }),
});
for (const [name, make] of Object.entries({ adam, adamw })) {
  const pair = (a: Partial<AdamOptions>, b: Partial<AdamOptions>) => () =>
    optimized(make({ lr: 0.1, ...a }), make({ lr: 0.1, ...b }));
  live(name, Object.keys(ADAM_OPTIONS), {
    lr: pair({ lr: 0.1 }, { lr: () => 0.2 }),
    betas: async () => {
      const [first, second] = [await pair({}, { betas: [0.8, 0.999] })(), await pair({}, { betas: [0.9, 0.99] })()];
      assert.notEqual(second[0], second[1], 'the second beta');
      return first;
    },
    eps: pair({}, { eps: 1e-3 }),
    weightDecay: pair({}, { weightDecay: 0.2 }),
  });
}
live('clipByNorm', ['maxNorm'], {
  maxNorm: () => optimized(clipByNorm(sgd({ lr: 0.1 }), 0.01), clipByNorm(sgd({ lr: 0.1 }), 0.02)),
});
const averages = (a: EmaOptions, b: EmaOptions) => () => optimized(ema(sgd({ lr: 0.1 }), a), ema(sgd({ lr: 0.1 }), b));
live('ema', Object.keys(EMA_OPTIONS), {
  decay: averages({ decay: 0.5 }, { decay: 0.6 }),
  warmup: averages({ decay: 0.9 }, { decay: 0.9, warmup: true }),
});

const rates = (a: Schedule, b: Schedule) => () => [[0, 1, 5, 9, 20].map(a), [0, 1, 5, 9, 20].map(b)] as const;
live('stepDecay', Object.keys(schedules.STEP_DECAY_OPTIONS), {
  lr: rates(stepDecay({ lr: 1, stepSize: 3, gamma: 0.5 }), stepDecay({ lr: 2, stepSize: 3, gamma: 0.5 })),
  stepSize: rates(stepDecay({ lr: 1, stepSize: 3, gamma: 0.5 }), stepDecay({ lr: 1, stepSize: 4, gamma: 0.5 })),
  gamma: rates(stepDecay({ lr: 1, stepSize: 3, gamma: 0.5 }), stepDecay({ lr: 1, stepSize: 3, gamma: 0.4 })),
});
live('exponentialDecay', Object.keys(schedules.EXPONENTIAL_DECAY_OPTIONS), {
  lr: rates(exponentialDecay({ lr: 1, gamma: 0.5 }), exponentialDecay({ lr: 2, gamma: 0.5 })),
  gamma: rates(exponentialDecay({ lr: 1, gamma: 0.5 }), exponentialDecay({ lr: 1, gamma: 0.4 })),
});
live('cosineDecay', Object.keys(schedules.COSINE_DECAY_OPTIONS), {
  lr: rates(cosineDecay({ lr: 1, steps: 10 }), cosineDecay({ lr: 2, steps: 10 })),
  steps: rates(cosineDecay({ lr: 1, steps: 10 }), cosineDecay({ lr: 1, steps: 12 })),
  min: rates(cosineDecay({ lr: 1, steps: 10 }), cosineDecay({ lr: 1, steps: 10, min: 0.1 })),
});
live('linearSchedule', Object.keys(schedules.LINEAR_SCHEDULE_OPTIONS), {
  from: rates(linearSchedule({ from: 0, to: 1, steps: 10 }), linearSchedule({ from: 0.5, to: 1, steps: 10 })),
  to: rates(linearSchedule({ from: 0, to: 1, steps: 10 }), linearSchedule({ from: 0, to: 2, steps: 10 })),
  steps: rates(linearSchedule({ from: 0, to: 1, steps: 10 }), linearSchedule({ from: 0, to: 1, steps: 5 })),
});
live('polynomialDecay', Object.keys(schedules.POLYNOMIAL_DECAY_OPTIONS), {
  lr: rates(polynomialDecay({ lr: 1, steps: 10 }), polynomialDecay({ lr: 2, steps: 10 })),
  steps: rates(polynomialDecay({ lr: 1, steps: 10 }), polynomialDecay({ lr: 1, steps: 12 })),
  power: rates(polynomialDecay({ lr: 1, steps: 10 }), polynomialDecay({ lr: 1, steps: 10, power: 2 })),
  end: rates(polynomialDecay({ lr: 1, steps: 10 }), polynomialDecay({ lr: 1, steps: 10, end: 0.1 })),
});
live('warmup', Object.keys(schedules.WARMUP_OPTIONS), {
  steps: rates(warmup(1, { steps: 4 }), warmup(1, { steps: 8 })),
  from: rates(warmup(1, { steps: 8 }), warmup(1, { steps: 8, from: 0.5 })),
});
test('every schedule with options has its table here', () => {
  assert.deepEqual(
    Object.keys(schedules).filter((k) => k.endsWith('_OPTIONS')),
    ['STEP', 'EXPONENTIAL', 'COSINE', 'LINEAR_SCHEDULE', 'POLYNOMIAL', 'WARMUP']
      .map((k) => (k === 'WARMUP' || k === 'LINEAR_SCHEDULE' ? `${k}_OPTIONS` : `${k}_DECAY_OPTIONS`))
      .sort(),
  );
});

test('the tiny run is the same twice, so that a difference is the option and nothing else', async () => {
  const [a, b] = await states(none, () => ({ model: tinyModel(rt), store: memoryStore() }));
  assert.equal(a, b);
});
