/** Work that begins again on another runtime, on WASM runtimes whose loss the test tells. On a GPU: conformance/loss.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '../../adapters/memory.ts';
import { createRuntime, DeviceError, type Runtime } from '../index.ts';
import { surviveLoss } from './index.ts';
import { drain, tinyBatches, tinyTrainer } from './tiny.ts';

const gone = () => new DeviceError('E_DEVICE_LOST', 'webgpu: the device was lost', { hint: 'x' });

/** Runtimes with a loss of their own; `open` counts them. */
function runtimes() {
  const opened: { rt: Runtime; lose: (e: DeviceError) => void; disposed: boolean }[] = [];
  const open = async (): Promise<Runtime> => {
    const inner = await createRuntime({ backend: 'wasm', seed: 3 });
    let lose = (_: DeviceError): void => {};
    const lost = new Promise<DeviceError>((resolve) => {
      lose = resolve;
    });
    const entry = { rt: inner, lose, disposed: false };
    opened.push(entry);
    const own = {
      lost,
      dispose: () => {
        entry.disposed = true;
        return inner.dispose();
      },
    };
    return new Proxy(inner, {
      get: (rt, name) => {
        if (name in own) return own[name as keyof typeof own];
        const v = Reflect.get(rt, name) as unknown;
        return typeof v === 'function' ? v.bind(rt) : v;
      },
    });
  };
  return { open, opened };
}

test('a Trainer goes on from its last commit on the next runtime, and ends in the same state', async () => {
  const { open, opened } = runtimes();
  const store = memoryStore();
  const losses: number[] = [];
  const begun: number[] = [];
  const fingerprint = await surviveLoss(
    open,
    async (rt) => {
      const trainer = tinyTrainer(rt, { store, checkpoint: { everySteps: 4 } });
      begun.push((await trainer.resume()).step);
      for await (const { step } of trainer.run(tinyBatches(), { steps: 20 })) {
        if (step === 6 * opened.length) throw gone();
      }
      return trainer.fingerprint();
    },
    { onLost: (e, n) => losses.push(e.code === 'E_DEVICE_LOST' ? n : -1) },
  );
  assert.deepEqual(losses, [1, 2, 3]);
  assert.deepEqual(begun, [0, 4, 12, 16]);
  assert.deepEqual(
    opened.map((r) => r.disposed),
    [true, true, true, true],
  );
  const whole = tinyTrainer(await createRuntime({ backend: 'wasm', seed: 3 }));
  await drain(whole.run(tinyBatches(), { steps: 20 }));
  assert.equal(fingerprint, await whole.fingerprint());
});

test('what a lost device makes the work throw is borne, other errors are not', async () => {
  const { open, opened } = runtimes();
  const seven = await surviveLoss(open, async () => {
    if (opened.length > 1) return 7;
    opened[0].lose(gone());
    await Promise.resolve();
    throw new TypeError('of the platform');
  });
  assert.equal(seven, 7);
  const other = runtimes();
  const fails = surviveLoss(other.open, () => Promise.reject(new TypeError('of the work')));
  await assert.rejects(fails, /of the work/);
  assert.equal(other.opened.length, 1);
  assert.equal(other.opened[0].disposed, true);
});

test('losses without end are thrown, a signal ends them, and options are checked', async () => {
  const { open, opened } = runtimes();
  await assert.rejects(
    surviveLoss(open, () => Promise.reject(gone()), { losses: 2 }),
    { code: 'E_DEVICE_LOST' },
  );
  assert.equal(opened.length, 3);
  const stop = new AbortController();
  const stopped = surviveLoss(
    open,
    () => {
      stop.abort(new Error('enough'));
      return Promise.reject(gone());
    },
    { signal: stop.signal },
  );
  await assert.rejects(stopped, /enough/);
  assert.equal(opened.length, 4);
  await assert.rejects(
    surviveLoss(open, async () => 1, { losses: -1 }),
    { code: 'E_OPTION' },
  );
});
