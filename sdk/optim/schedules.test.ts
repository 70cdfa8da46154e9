import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  chain,
  cosineDecay,
  exponentialDecay,
  linearSchedule,
  polynomialDecay,
  type Schedule,
  stepDecay,
  warmup,
} from './index.ts';

const at = (s: Schedule, ...steps: number[]) => steps.map((t) => s(t));
const near = (a: number, b: number, tolerance: number) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.abs(b), `${a} is not within ${tolerance} of ${b}`);

describe('schedules give the rates of their formulas', () => {
  test('stepDecay', () => {
    assert.deepEqual(at(stepDecay({ lr: 8, stepSize: 3, gamma: 0.5 }), 0, 2, 3, 5, 6, 9), [8, 8, 4, 4, 2, 1]);
  });
  test('exponentialDecay', () => {
    assert.deepEqual(at(exponentialDecay({ lr: 8, gamma: 0.5 }), 0, 1, 5), [8, 4, 0.25]);
    near(exponentialDecay({ lr: 1, gamma: 0.999 })(1000), Math.exp(1000 * Math.log(0.999)), 1e-12);
  });
  test('cosineDecay: half a cosine, to the accuracy of an f32 cosine', () => {
    const s = cosineDecay({ lr: 1, steps: 100, min: 0.1 });
    assert.equal(s(0), 1);
    near(s(50), 0.55, 1e-6);
    for (const t of [1, 20, 33, 77, 99]) near(s(t), 0.1 + 0.45 * (1 + Math.cos((Math.PI * t) / 100)), 3e-6);
    assert.equal(s(100), 0.1);
    assert.equal(s(1000), s(100));
  });
  test('linearSchedule', () => {
    assert.deepEqual(at(linearSchedule({ from: 1, to: 3, steps: 4 }), 0, 1, 2, 4, 9), [1, 1.5, 2, 3, 3]);
  });
  test('polynomialDecay', () => {
    assert.deepEqual(at(polynomialDecay({ lr: 2, steps: 4 }), 0, 2, 4, 9), [2, 1, 0, 0]);
    assert.deepEqual(at(polynomialDecay({ lr: 4, steps: 4, power: 2 }), 0, 2, 3), [4, 1, 0.25]);
    assert.equal(polynomialDecay({ lr: 4, steps: 4, end: 2 })(2), 3);
    near(polynomialDecay({ lr: 1, steps: 10, power: 1.5 })(3), 0.7 ** 1.5, 1e-6);
  });
  test('warmup multiplies a schedule that runs on meanwhile', () => {
    assert.deepEqual(at(warmup(1, { steps: 4 }), 0, 1, 4, 5), [0, 0.25, 1, 1]);
    assert.deepEqual(at(warmup(1, { steps: 4, from: 0.5 }), 0, 2), [0.5, 0.75]);
    const inner = exponentialDecay({ lr: 1, gamma: 0.5 });
    assert.deepEqual(at(warmup(inner, { steps: 2 }), 1, 2, 3), [0.25, 0.25, 0.125]);
  });
  test('chain: each part counts from its own beginning', () => {
    const s = chain(
      [linearSchedule({ from: 0, to: 2, steps: 2 }), 2],
      [5, 3],
      [exponentialDecay({ lr: 8, gamma: 0.5 })],
    );
    assert.deepEqual(at(s, 0, 1, 2, 4, 5, 6, 7), [0, 1, 5, 5, 8, 4, 2]);
  });
  test('bad options are refused', () => {
    const refused = (make: () => unknown, what: RegExp) => assert.throws(make, { code: 'E_OPTION', message: what });
    refused(() => stepDecay({ lr: 1, stepSize: 0, gamma: 0.5 }), /stepSize must be an integer from 1 up/);
    refused(() => exponentialDecay({ lr: 1 } as never), /gamma must be/);
    refused(() => cosineDecay({ lr: 1, steps: 10, eta: 0 } as never), /unknown option eta/);
    refused(() => linearSchedule({ from: -1, to: 0, steps: 1 }), /from must be/);
    refused(() => polynomialDecay({ lr: 1, steps: 1.5 }), /steps must be/);
    refused(() => warmup(1, { steps: -1 }), /steps must be/);
    refused(() => chain(), /at least one/);
    refused(() => chain([1], [2]), /steps must be/);
  });
});
