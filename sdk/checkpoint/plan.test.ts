import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CheckpointPlan,
  checkPlan,
  isBetter,
  type Moment,
  PLAN_OPTIONS,
  stepsToSave,
  triggersAt,
} from './plan.ts';

const at = (m: Partial<Moment>): Moment => ({ step: 1, epoch: 0, epochEnd: false, seconds: 0, improved: false, ...m });

test('triggers fire at absolute steps and epochs, so a resumed run saves where the whole run would have', () => {
  const steps = (plan: CheckpointPlan) =>
    Array.from({ length: 12 }, (_, i) =>
      at({ step: i + 1, epoch: Math.floor((i + 1) / 4), epochEnd: (i + 1) % 4 === 0 }),
    )
      .filter((m) => triggersAt(plan, m).length > 0)
      .map((m) => m.step);
  assert.deepEqual(steps({}), []);
  assert.deepEqual(steps({ everySteps: 5 }), [5, 10]);
  assert.deepEqual(steps({ everySteps: 1 }).length, 12);
  assert.deepEqual(steps({ everyEpochs: 1 }), [4, 8, 12]);
  assert.deepEqual(steps({ everyEpochs: 2 }), [8]);
  assert.deepEqual(steps({ everySteps: 6, everyEpochs: 2 }), [6, 8, 12]);
  assert.deepEqual(triggersAt({ everySteps: 4, everyEpochs: 1 }, at({ step: 4, epoch: 1, epochEnd: true })), [
    'everySteps',
    'everyEpochs',
  ]);
  assert.deepEqual(triggersAt({ everySteps: 4 }, at({ step: 0 })), []);
});

test('everySeconds and onImprove', () => {
  assert.deepEqual(triggersAt({ everySeconds: 10 }, at({ seconds: 9.99 })), []);
  assert.deepEqual(triggersAt({ everySeconds: 10 }, at({ seconds: 10 })), ['everySeconds']);
  const plan: CheckpointPlan = { onImprove: true, keepBest: { metric: 'val/loss', mode: 'min' } };
  assert.deepEqual(triggersAt(plan, at({ improved: true })), ['onImprove']);
  assert.deepEqual(triggersAt(plan, at({})), []);
  assert.deepEqual(triggersAt({ onImprove: false }, at({ improved: true })), []);
});

test('stepsToSave leads from one save to the next', () => {
  assert.equal(stepsToSave({}, 7), Number.POSITIVE_INFINITY);
  const plan = { everySteps: 5 };
  for (let step = 0; step < 20; step++) {
    const n = stepsToSave(plan, step);
    assert.ok(n >= 1);
    for (let i = 1; i < n; i++) assert.deepEqual(triggersAt(plan, at({ step: step + i })), []);
    assert.deepEqual(triggersAt(plan, at({ step: step + n })), ['everySteps']);
  }
});

test('isBetter: NaN and missing are worst, a tie is not better', () => {
  assert.equal(isBetter(1, 2, 'min'), true);
  assert.equal(isBetter(1, 2, 'max'), false);
  assert.equal(isBetter(2, 2, 'min'), false);
  assert.equal(isBetter(2, 2, 'max'), false);
  for (const none of [null, undefined, Number.NaN]) {
    assert.equal(isBetter(none, none, 'min'), false);
    assert.equal(isBetter(none, 1, 'max'), false);
    assert.equal(isBetter(1, none, 'max'), true);
  }
});

test('every option is checked, and unknown ones are refused', () => {
  const good: Required<CheckpointPlan> = {
    everySteps: 1,
    everyEpochs: 2,
    everySeconds: 0.5,
    onImprove: true,
    onException: true,
    keepLast: 3,
    keepEvery: 100,
    keepBest: { metric: 'val/loss', mode: 'min', k: 2 },
    keepInterval: 60.5,
    onSignal: true,
    async: 'skip',
    clock: () => 0,
  };
  assert.equal(checkPlan(good), good);
  assert.deepEqual([...PLAN_OPTIONS].sort(), Object.keys(good).sort());
  const bad = (plan: object, name: string) =>
    assert.throws(
      () => checkPlan(plan),
      (e) => {
        const { code, message, hint } = e as { code: string; message: string; hint: string };
        assert.equal(code, 'E_OPTION');
        assert.ok(message.includes(name), message);
        assert.notEqual(hint, '');
        return true;
      },
    );
  bad({ everyStep: 1 }, 'everyStep');
  for (const k of ['everySteps', 'everyEpochs', 'keepLast', 'keepEvery']) {
    for (const v of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null]) bad({ [k]: v }, k);
  }
  for (const k of ['everySeconds', 'keepInterval'])
    for (const v of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '3', null]) bad({ [k]: v }, k);
  for (const k of ['onImprove', 'onException', 'onSignal']) bad({ [k]: 1 }, k);
  for (const v of [true, 'wait', null]) bad({ async: v }, 'async');
  bad({ clock: 5 }, 'clock');
  bad({ onImprove: true }, 'onImprove');
  bad({ keepBest: null }, 'keepBest');
  bad({ keepBest: 'loss' }, 'keepBest');
  bad({ keepBest: { metric: '', mode: 'min' } }, 'keepBest.metric');
  bad({ keepBest: { metric: 'a', mode: 'least' } }, 'keepBest.mode');
  bad({ keepBest: { metric: 'a', mode: 'min', k: 0 } }, 'keepBest.k');
  bad({ keepBest: { metric: 'a', mode: 'min', n: 1 } }, 'keepBest.n');
});
