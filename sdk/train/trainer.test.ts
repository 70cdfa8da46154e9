import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { RunStore } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { type Batch, type BatchSource, batches } from '../data/index.ts';
import { createRuntime, grad, type Runtime, type Tensor } from '../index.ts';
import { crossEntropy, Linear, Module, mse } from '../nn/index.ts';
import { sgd } from '../optim/index.ts';
import { accuracy } from './index.ts';
import { BATCHES, drain, ROWS, tinyBatches, tinyData, tinyModel, tinyTrainer } from './tiny.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm', seed: 42n });
});
after(() => rt.dispose());

const f = Math.fround;
const values = async (m: Module) => Promise.all([...m.parameters().values()].map((v) => v.value().data()));
const steps = async (store: ReturnType<typeof memoryStore>) => (await new RunStore(store).commits()).map((c) => c.step);

/** A source made of given batches, in order. */
function listed(epoch: readonly Batch[], o: { id?: string; known?: boolean } = {}): BatchSource {
  return {
    id: async () => o.id ?? 'listed',
    batches: o.known ? epoch.length : undefined,
    async *epoch(_n, _rng, from) {
      yield* epoch.slice(from);
    },
  };
}
const host = (data: readonly number[], shape: readonly number[]): HostArray<'f32'> => ({
  data: Float32Array.from(data),
  shape,
  dtype: 'f32',
});

describe('a run', () => {
  test('is the loop one would write by hand: forward, grad, p - lr g', async () => {
    const [trained, byHand] = [tinyModel(rt), tinyModel(rt)];
    const trainer = tinyTrainer(rt, { model: trained, optimizer: sgd({ lr: 0.1 }) });
    const seen: number[] = [];
    for await (const { loss } of trainer.run(tinyBatches(), { epochs: 2 })) seen.push(await loss.item());
    const want: number[] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      for await (const { x, y } of tinyBatches().epoch(epoch, rt.rng, 0)) {
        const params = [...byHand.parameters().values()];
        const prediction = byHand.forward(rt.tensor(x)) as Tensor<'f32'>;
        const loss = crossEntropy(prediction, rt.tensor(y) as Tensor<'i32'>);
        const grads = grad(loss, params);
        want.push(await loss.item());
        const next = await Promise.all(params.map((p, i) => Promise.all([p.value().data(), grads[i].data()])));
        next.forEach(([p, g], i) =>
          params[i].assign(
            rt.tensor(
              p.map((v, k) => f(v - f(f(0.1) * g[k]))),
              params[i].shape,
            ),
          ),
        );
      }
    }
    assert.deepEqual(await values(trained), await values(byHand));
    assert.deepEqual(seen, want);
    assert.deepEqual(
      (await trainer.history('loss')).map((h) => h.value),
      want,
    );
  });
  test('learns', async () => {
    const trainer = tinyTrainer(rt, { metrics: { accuracy } });
    const before = await trainer.evaluate(tinyBatches());
    await drain(trainer.run(tinyBatches(), { epochs: 20 }));
    const now = await trainer.evaluate(tinyBatches());
    assert.ok((now.loss as number) < (before.loss as number) / 2);
    assert.equal(now.accuracy, 1);
  });
  test('epochs and steps are totals, and the same state however they were asked for', async () => {
    const [once, parts] = [tinyTrainer(rt), tinyTrainer(rt)];
    await drain(once.run(tinyBatches(), { epochs: 3 }));
    assert.deepEqual([once.step, once.epoch], [3 * BATCHES, 3]);
    for (const until of [{ steps: 2 }, { epochs: 1 }, { epochs: 1 }, { steps: 4 }, { steps: 11 }, { steps: 15 }]) {
      await drain(parts.run(tinyBatches(), until));
    }
    assert.equal(await parts.fingerprint(), await once.fingerprint());
    await drain(once.run(tinyBatches(), { epochs: 3 }));
    assert.equal(once.step, 15, 'complete: nothing is left to do');
  });
  test('yields at multiples of `every`, with the values of that step', async () => {
    const trainer = tinyTrainer(rt, { metrics: { accuracy } });
    const seen: [number, number, number][] = [];
    for await (const { step, epoch, loss, metrics } of trainer.run(tinyBatches(), { epochs: 2 }, { every: 4 })) {
      seen.push([step, epoch, await loss.item()]);
      assert.deepEqual(Object.keys(metrics), ['accuracy']);
    }
    assert.deepEqual(
      seen.map(([s, e]) => [s, e]),
      [
        [4, 0],
        [8, 1],
      ],
    );
    const history = await trainer.history('loss');
    assert.equal(history.length, 10);
    for (const [step, , loss] of seen) assert.equal(history[step - 1].value, loss);
  });
  test('break leaves the state after the yielded step', async () => {
    const [broken, straight] = [tinyTrainer(rt), tinyTrainer(rt)];
    for await (const { step } of broken.run(tinyBatches(), { epochs: 9 })) if (step === 7) break;
    assert.equal(broken.step, 7);
    await drain(straight.run(tinyBatches(), { steps: 7 }));
    assert.equal(await broken.fingerprint(), await straight.fingerprint());
    await drain(broken.run(tinyBatches(), { steps: 12 }));
    await drain(straight.run(tinyBatches(), { steps: 12 }));
    assert.equal(await broken.fingerprint(), await straight.fingerprint());
  });
  test('an abort ends at a step boundary and throws its reason as it is', async () => {
    const store = memoryStore();
    const [aborted, straight] = [tinyTrainer(rt, { store, checkpoint: { everySteps: 4 } }), tinyTrainer(rt)];
    const control = new AbortController();
    const reason = new Error('enough');
    await assert.rejects(
      (async () => {
        for await (const { step } of aborted.run(tinyBatches(), { epochs: 9 }, { signal: control.signal })) {
          if (step === 6) control.abort(reason);
        }
      })(),
      (e) => e === reason,
    );
    assert.equal(aborted.step, 6);
    assert.deepEqual(await steps(store), [4], 'nothing is saved that no trigger asked for');
    await drain(straight.run(tinyBatches(), { steps: 6 }));
    assert.equal(await aborted.fingerprint(), await straight.fingerprint());
    await assert.rejects(
      drain(aborted.run(tinyBatches(), { steps: 9 }, { signal: control.signal })),
      (e) => e === reason,
    );
    assert.equal(aborted.step, 6);
  });
  for (const saving of [undefined, { everySteps: 8, keepLast: 1 }]) {
    test(`a steady loop holds no more memory at its end than in its middle, ${saving ? 'saving' : 'not saving'}`, async () => {
      await using own = await createRuntime({ backend: 'wasm' }); // elsewhere the collector frees what other tests left
      const trainer = tinyTrainer(own, { metrics: { accuracy }, checkpoint: saving });
      const live: number[] = [];
      for await (const { step, loss } of trainer.run(tinyBatches(), { steps: 576 })) {
        if (step % 3 === 0) await loss.item();
        if (step % 192 !== 0) continue; // values are read after 64 steps, and every third here
        await trainer.flush(); // a save under way holds a copy of the state
        live.push(own.memory().live);
      }
      assert.equal(live.length, 3);
      // A loss that the loop dropped goes when the collector comes; one buffer more a step would be 24 KB, a save 3 KB.
      assert.ok(live[2] - live[1] < 1024, `${live}`);
    });
  }
  test('saving in the loop does not take the loss away from the caller', async () => {
    const store = memoryStore();
    const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 1 } });
    for await (const { loss } of trainer.run(tinyBatches(), { steps: 3 })) {
      await trainer.save({ tags: ['mine'] });
      assert.ok(Number.isFinite(await loss.item()));
    }
  });
  test('a second loop at the same time is refused, and saving from outside sees a step boundary', async () => {
    const store = memoryStore();
    const trainer = tinyTrainer(rt, { store });
    const loop = trainer.run(tinyBatches(), { epochs: 4 });
    await loop.next();
    await assert.rejects(trainer.run(tinyBatches(), { epochs: 4 }).next(), {
      code: 'E_OPTION',
      message: /running already/,
    });
    await assert.rejects(trainer.resume(), { code: 'E_OPTION' });
    const saves = [trainer.save(), loop.next().then(() => trainer.save()), trainer.save()];
    await drain(loop);
    await Promise.all(saves);
    for (const commit of await new RunStore(store).commits()) {
      const straight = tinyTrainer(rt);
      await drain(straight.run(tinyBatches(), { steps: commit.step }));
      assert.equal(commit.fingerprint, await straight.fingerprint());
    }
  });
  test('a runtime that traces every call again finds nothing impure, and no other bits', async () => {
    const debug = await createRuntime({ backend: 'wasm', seed: 42n, debug: true });
    const [watched, plain] = [
      tinyTrainer(debug, { metrics: { accuracy } }),
      tinyTrainer(rt, { metrics: { accuracy } }),
    ];
    for (const t of [watched, plain]) await drain(t.run(tinyBatches(), { steps: 7 }));
    assert.equal(await watched.fingerprint(), await plain.fingerprint());
    await debug.dispose();
  });
  test('a source that does not tell its number of batches ends its epochs by itself', async () => {
    const list: Batch[] = [];
    for await (const b of tinyBatches().epoch(0, rt.rng, 0)) list.push(b);
    const [known, unknown] = [tinyTrainer(rt), tinyTrainer(rt)];
    await drain(known.run(listed(list, { known: true }), { epochs: 2 }));
    await drain(unknown.run(listed(list), { epochs: 2 }));
    assert.equal(await unknown.fingerprint(), await known.fingerprint());
    // Stopped behind the last batch, before the end of the epoch was seen.
    const store = memoryStore();
    const first = tinyTrainer(rt, { store });
    await drain(first.run(listed(list), { steps: BATCHES }));
    await first.save();
    const second = tinyTrainer(rt, { store });
    await second.resume();
    await drain(second.run(listed(list), { epochs: 2 }));
    assert.equal(await second.fingerprint(), await known.fingerprint());
  });
});

describe('Inf and NaN', () => {
  const [good, bad] = [host([1, 2, 3, 4], [2, 2]), host([1e30, 1e30, 1e30, 1e30], [2, 2])];
  const y = host([1, 0], [2, 1]);
  const data = listed(
    [
      { x: good, y },
      { x: bad, y },
      { x: good, y },
    ],
    { known: true },
  );
  const make = (o: object) =>
    tinyTrainer(rt, { model: new Linear(2, 1).init(rt), loss: mse, optimizer: sgd({ lr: 0.01 }), ...o });

  test("'throw' names step and op, and leaves the last good step", async () => {
    const store = memoryStore();
    const trainer = make({ store, checkpoint: { everySteps: 1, onException: true } });
    await assert.rejects(drain(trainer.run(data, { epochs: 1 })), {
      code: 'E_NUMERIC',
      message: /^step 2: .*mul/,
      hint: /learning rate/,
    });
    const straight = make({});
    await drain(straight.run(data, { steps: 1 }));
    assert.equal(trainer.step, 1);
    assert.equal(await trainer.fingerprint(), await straight.fingerprint());
    assert.deepEqual(await steps(store), [1], 'the bad step was not committed');
  });
  test("'skip' consumes the batch and counts the step, and changes nothing else", async () => {
    const model = new Linear(2, 1).init(rt);
    const trainer = make({ model, onNonFinite: 'skip' });
    const seen: number[] = [];
    let before: Float32Array[] = [];
    for await (const { step } of trainer.run(data, { epochs: 1 })) {
      seen.push(step);
      if (step === 1) before = await values(model);
      if (step === 1) break;
    }
    await drain(trainer.run(data, { steps: 2 }));
    assert.deepEqual(await values(model), before);
    assert.deepEqual([trainer.step, trainer.skipped], [2, 1]);
    for await (const { step } of trainer.run(data, { epochs: 1 })) seen.push(step);
    assert.deepEqual(seen, [1, 3], 'a skipped step is not yielded');
    assert.deepEqual(
      (await trainer.history('loss')).map((h) => h.step),
      [1, 3],
    );
    // The same as a run over the good batches alone.
    const other = new Linear(2, 1).init(rt);
    await drain(
      make({ model: other }).run(
        listed([
          { x: good, y },
          { x: good, y },
        ]),
        { steps: 2 },
      ),
    );
    assert.deepEqual(await values(model), await values(other));
  });
  test('an evaluation that overflows gives null', async () => {
    assert.deepEqual(await make({}).evaluate(listed([{ x: bad, y }])), { loss: null });
  });
});

describe('bad input is a typed error before the step, and nothing is half-applied', () => {
  const rejects = async (source: BatchSource, expected: object, o: object = {}) => {
    const trainer = tinyTrainer(rt, o);
    const before = await trainer.fingerprint();
    await assert.rejects(drain(trainer.run(source, { epochs: 1 })), expected);
    assert.equal(trainer.step, 0);
    // The data's own name is part of the state; nothing else may have changed.
    const fresh = tinyTrainer(rt, o);
    assert.equal(await fresh.fingerprint(), before);
  };
  const labels = (v: readonly number[], shape: readonly number[] = [v.length]): HostArray => ({
    data: Int32Array.from(v),
    shape,
    dtype: 'i32',
  });
  const x = host([1, 2, 3, 4, 5, 6], [2, 3]);

  test('a class index out of range, in the first batch and in a later one', async () => {
    await rejects(listed([{ x, y: labels([0, 3]) }]), {
      code: 'E_DATA',
      message: /label 3 of row 1 is no class of 0 \.\. 2/,
    });
    const trainer = tinyTrainer(rt);
    const later = listed([
      { x, y: labels([0, 1]) },
      { x, y: labels([-1, 1]) },
    ]);
    await assert.rejects(drain(trainer.run(later, { epochs: 1 })), { code: 'E_DATA', message: /label -1 of row 0/ });
    assert.equal(trainer.step, 1);
  });
  test('labels of another shape or dtype', async () => {
    await rejects(listed([{ x, y: labels([0, 1], [2, 1]) }]), { code: 'E_SHAPE' });
    await rejects(listed([{ x, y: host([0, 1], [2]) }]), { code: 'E_DTYPE' });
  });
  test('NaN in the data', async () => {
    await rejects(listed([{ x: host([1, Number.NaN, 3, 4, 5, 6], [2, 3]), y: labels([0, 1]) }]), { code: 'E_DATA' });
  });
  test('a batch without y, of the wrong width, or none at all', async () => {
    await rejects(listed([{ x }]), { code: 'E_DATA', message: /a batch has x, a loss needs x and y/ });
    await rejects(listed([{ x: host([1, 2], [1, 2]), y: labels([0]) }]), { code: 'E_SHAPE' });
    await rejects(listed([]), { code: 'E_DATA', message: /without batches/ });
    await assert.rejects(tinyTrainer(rt).evaluate(listed([])), { code: 'E_DATA' });
  });
  test('after bad data the same trainer goes on with mended ones', async () => {
    const trainer = tinyTrainer(rt);
    const bad = listed([{ x: host([Number.NaN, 2, 3], [1, 3]), y: labels([0]) }], { id: 'bad' });
    await assert.rejects(drain(trainer.run(bad, { epochs: 1 })), { code: 'E_DATA' });
    await drain(trainer.run(listed([{ x, y: labels([0, 1]) }], { id: 'mended' }), { epochs: 1 }));
    assert.equal(trainer.step, 1);
  });
  test('a store that cannot be written ends the run; what it held and the trainer are good', async () => {
    const store = memoryStore();
    const full = new CheckpointError('E_QUOTA', 'the disk is full');
    let puts = 0;
    const filling = {
      ...store,
      put: (...a: Parameters<typeof store.put>) => (++puts > 4 ? Promise.reject(full) : store.put(...a)),
    };
    const trainer = tinyTrainer(rt, { store: filling, checkpoint: { everySteps: 2 } });
    await assert.rejects(drain(trainer.run(tinyBatches(), { steps: 10 })), (e) => e === full);
    assert.equal(trainer.step, 6, 'two saves of two objects each went well');
    assert.equal((await tinyTrainer(rt, { store }).resume()).step, 4);
    const straight = tinyTrainer(rt);
    await drain(straight.run(tinyBatches(), { steps: 6 }));
    assert.equal(await trainer.fingerprint(), await straight.fingerprint());
  });
  test('a parameter that the loss does not depend on is named', async () => {
    class Idle extends Module {
      used = new Linear(3, 3);
      idle = new Linear(3, 3);
      forward(t: Tensor) {
        return this.used.forward(t);
      }
    }
    await rejects(
      tinyBatches(),
      { code: 'E_OPTION', message: /parameter idle\.weight/ },
      { model: new Idle().init(rt) },
    );
  });
});

describe('evaluation', () => {
  test('is the mean over rows, whatever the batches', async () => {
    const trainer = tinyTrainer(rt, { metrics: { accuracy } });
    const { x, y } = tinyData();
    const [parts, whole] = [
      await trainer.evaluate(batches(x, y, { size: 5 })),
      await trainer.evaluate(batches(x, y, { size: ROWS })),
    ];
    // A mean over batches of unequal size by their count would be off by a hundredth.
    for (const name of ['loss', 'accuracy']) {
      assert.ok(Math.abs((parts[name] as number) - (whole[name] as number)) < 1e-6, name);
    }
  });
  test('validation is measured at the ends of epochs, yielded there and kept', async () => {
    const store = memoryStore();
    const validation = { data: tinyBatches({ rows: 7 }), everyEpochs: 2 };
    const trainer = tinyTrainer(rt, { store, validation, metrics: { accuracy }, checkpoint: { everyEpochs: 1 } });
    const seen = new Map<number, string[]>();
    const yielded: number[] = [];
    for await (const { step, metrics } of trainer.run(tinyBatches(), { epochs: 4 })) {
      if (step % BATCHES === 0) seen.set(step, Object.keys(metrics));
      if (metrics['val/loss']) yielded.push(await metrics['val/loss'].item());
    }
    const all = ['accuracy', 'val/loss', 'val/accuracy'];
    assert.deepEqual(
      [...seen],
      [
        [5, ['accuracy']],
        [10, all],
        [15, ['accuracy']],
        [20, all],
      ],
    );
    const history = await trainer.history('val/loss');
    assert.deepEqual(
      history.map((h) => h.step),
      [10, 20],
    );
    assert.deepEqual(
      yielded,
      history.map((h) => h.value),
    );
    assert.equal(yielded[1], f((await trainer.evaluate(validation.data)).loss as number));
    const commits = await new RunStore(store).commits();
    assert.deepEqual(
      commits.map((c) => 'val/loss' in c.metrics),
      [false, true, false, true],
    );
    assert.equal(commits[3].metrics['val/loss'], yielded[1]);
  });
  test('an objective gives its own metrics, and sees train or not', async () => {
    const modes: boolean[] = [];
    const trainer = tinyTrainer(rt, {
      objective: (model, { x, y }, ctx) => {
        modes.push(ctx.train);
        const prediction = model.forward(x, ctx) as Tensor<'f32'>;
        const noise = ctx.rng.uniform('noise', []).mul(0);
        return { loss: crossEntropy(prediction, y as Tensor<'i32'>).add(noise), largest: prediction.max() };
      },
    });
    for await (const { metrics } of trainer.run(tinyBatches(), { steps: 1 })) assert.ok(await metrics.largest.item());
    assert.deepEqual(Object.keys(await trainer.evaluate(tinyBatches())), ['loss', 'largest']);
    assert.deepEqual([...new Set(modes)], [true, false]);
    const plain = tinyTrainer(rt);
    await drain(plain.run(tinyBatches(), { steps: 1 }));
    assert.equal((await plain.history('loss'))[0].value, (await trainer.history('loss'))[0].value);
  });
  test('a keepBest by what an objective does not measure is told at the end of the first epoch that could have', async () => {
    const run = async (metric: string, onImprove: boolean, everyEpochs?: number) => {
      const trainer = tinyTrainer(rt, {
        // Measured in training alone, in validation alone, and of full batches alone.
        objective: (model, { x, y }, { train }) => {
          const largest = (model.forward(x) as Tensor<'f32'>).max();
          const loss = crossEntropy(model.forward(x) as Tensor<'f32'>, y as Tensor<'i32'>);
          return {
            loss,
            ...(train ? { trained: largest } : { seen: largest }),
            ...(x.shape[0] === 5 && { full: largest }),
          };
        },
        onNonFinite: 'skip',
        checkpoint: { everySteps: 2, onImprove, keepBest: { metric, mode: 'max' } },
        ...(everyEpochs && { validation: { data: tinyBatches(), everyEpochs } }),
      });
      await drain(trainer.run(tinyBatches(), { epochs: 4 })).catch((e) => {
        assert.equal(e.code, 'E_OPTION');
        assert.ok(e.message.includes(` ${metric} `) && e.hint.includes(': loss, '), `${e.message} ${e.hint}`);
      });
      return trainer.epoch;
    };
    for (const onImprove of [true, false]) {
      for (const name of ['loss', 'trained', 'full']) assert.equal(await run(name, onImprove), 4, name);
      for (const name of ['loss', 'trained', 'full', 'val/loss', 'val/seen', 'val/full'])
        assert.equal(await run(name, onImprove, 2), 4, name);
      assert.equal(await run('trainde', onImprove), 1);
      assert.equal(await run('trainde', onImprove, 2), 1);
      assert.equal(await run('val/trained', onImprove, 2), 2, 'the first validation');
      assert.equal(await run('val/loss', onImprove), 1, 'there is none');
    }
  });
  test('random numbers of a step depend on the step', async () => {
    const drawn: number[] = [];
    const trainer = tinyTrainer(rt, {
      objective: (model, { x, y }, ctx) => ({
        loss: crossEntropy(model.forward(x) as Tensor<'f32'>, y as Tensor<'i32'>),
        drawn: ctx.rng.uniform('noise', []),
      }),
    });
    for await (const { metrics } of trainer.run(tinyBatches(), { steps: 7 })) drawn.push(await metrics.drawn.item());
    const want = await Promise.all(drawn.map((_, step) => rt.rng.at(step).uniform('noise', []).item()));
    assert.deepEqual(drawn, want);
  });
});

describe('options', () => {
  const refused = (o: object, message: RegExp) =>
    assert.throws(() => tinyTrainer(rt, o as never), { code: 'E_OPTION', message });
  test('of the constructor', () => {
    refused({ epochs: 3 }, /Trainer: unknown option epochs/);
    refused({ model: {} }, /model must be a Module/);
    refused({ model: new Linear(3, 3) }, /no Variables/);
    refused({ loss: undefined }, /exactly one of loss and objective/);
    refused({ loss: crossEntropy, objective: () => null }, /exactly one of loss and objective/);
    refused({ objective: () => null, metrics: { accuracy } }, /metrics go with loss/);
    refused({ store: undefined, checkpoint: { everySteps: 1 } }, /checkpoint needs a store/);
    refused({ checkpoint: { everyStep: 1 } }, /unknown option everyStep/);
    refused({ metrics: { loss: accuracy } }, /cannot be named 'loss'/);
    refused({ metrics: { 'a/b': accuracy } }, /cannot be named/);
    refused({ metrics: { accuracy: 1 } }, /accuracy is no function/);
    refused({ onNonFinite: 'ignore' }, /onNonFinite must be 'throw' or 'skip'/);
    refused({ seed: -1 }, /seed must be/);
    const best = (metric: string) => ({ metrics: { accuracy }, checkpoint: { keepBest: { metric, mode: 'max' } } });
    const validation = { data: tinyBatches() };
    refused({ ...best('val/acuracy'), validation }, /keepBest.metric val\/acuracy is not measured/);
    assert.throws(() => tinyTrainer(rt, best('val/accuracy') as never), { hint: /: loss, accuracy\.$/ });
    assert.throws(() => tinyTrainer(rt, { ...best('accurcy'), validation } as never), {
      hint: /: loss, accuracy, val\/loss, val\/accuracy\.$/,
    });
    for (const name of ['loss', 'accuracy']) {
      tinyTrainer(rt, best(name) as never);
      tinyTrainer(rt, { ...best(`val/${name}`), validation } as never);
    }
    refused({ validation: {} }, /validation: data must be/);
    refused({ validation: { data: tinyBatches(), every: 1 } }, /validation: unknown option every/);
  });
  test('of run, save and resume', async () => {
    const trainer = tinyTrainer(rt, { store: undefined });
    const bad = (until: object, o: object, message: RegExp) =>
      assert.rejects(drain(trainer.run(tinyBatches(), until as never, o)), { code: 'E_OPTION', message });
    await bad({}, {}, /either { epochs } or { steps }/);
    await bad({ epochs: 1, steps: 1 }, {}, /either/);
    await bad({ epochs: 1.5 }, {}, /epochs must be/);
    await bad({ epoch: 1 }, {}, /unknown option epoch/);
    await bad({ epochs: 1 }, { every: 0 }, /every must be/);
    await bad({ epochs: 1 }, { evry: 1 }, /unknown option evry/);
    await assert.rejects(trainer.save(), { code: 'E_OPTION', message: /no store/ });
    await assert.rejects(trainer.resume(), { code: 'E_OPTION', message: /no store/ });
  });
});
