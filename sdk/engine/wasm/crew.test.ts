/** Threads that start late, or die while they start: one less, a reason, and nothing left running. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Crew } from './crew.ts';
import type { Errand, Start } from './parts.ts';

const enlisted: number[] = [];
const kernels = { exports: { enlist: (threads: number) => enlisted.push(threads), dismiss() {} } };
const crew = (start: Start) => new Crew(kernels as unknown as WebAssembly.Instance, {} as Errand, 2, start);

test('a thread that dies between its start and its welcome is no thread', async () => {
  let ends = 0;
  const c = crew(async (_, onEnd) => {
    onEnd(new Error('killed'));
    return { end: () => ends++ };
  });
  await c.begin();
  assert.deepEqual([c.threads, c.why, ends, enlisted.splice(0)], [1, 'killed', 1, [1]]);
});

test('a thread that starts after all patience is ended, and may die without harm', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    let ends = 0;
    let come: (other: { end(): void }) => void = () => {};
    let die: (why: Error) => void = () => {};
    const c = crew((_, onEnd) => {
      die = onEnd;
      return new Promise((started) => {
        come = started;
      });
    });
    const begun = c.begin();
    mock.timers.tick(20_000);
    await begun;
    assert.deepEqual([c.threads, c.why], [1, 'a thread does not start']);
    come({ end: () => ends++ });
    await Promise.resolve();
    die(new Error('killed'));
    assert.deepEqual([c.threads, ends, enlisted.splice(0)], [1, 1, [1]]);
  } finally {
    mock.timers.reset();
  }
});

test('a thread that dies at work is one less, and those left are told', async () => {
  let die: (why: Error) => void = () => {};
  const c = crew(async (_, onEnd) => {
    die = onEnd;
    return { end() {} };
  });
  await c.begin();
  assert.equal(c.threads, 2);
  die(new Error('killed'));
  assert.deepEqual([c.threads, c.why, enlisted.splice(0)], [1, 'killed', [2, 1]]);
});
