/** Program order on a device that answers later: here the WASM device, whose flags come when the test lets them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceError, isIsobitError, type Tensor } from '../index.ts';
import { createWasmRuntime } from './create.ts';
import type { Device, Flags } from './device.ts';
import { EngineRuntime } from './runtime.ts';

type F = Tensor<'f32'>;
const code = (c: string) => (e: unknown) => isIsobitError(e) && e.code === c;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A runtime whose runs take place at once and tell their flags at `tell()`, oldest first. */
async function later() {
  const { device } = await createWasmRuntime();
  const waiting: { resolve: () => void; reject: (e: Error) => void }[] = [];
  let open = false;
  const run = (...a: Parameters<Device['run']>): Promise<Flags> => {
    const flags = device.run(...a) as Flags;
    if (open) return Promise.resolve(flags);
    return new Promise((resolve, reject) => waiting.push({ resolve: () => resolve(flags), reject }));
  };
  const own = new Proxy(device, {
    get: (d, name) => {
      if (name === 'run') return run;
      const v = Reflect.get(d, name) as unknown;
      return typeof v === 'function' ? v.bind(d) : v;
    },
  });
  return {
    rt: new EngineRuntime(own as Device),
    waiting,
    tell: () => waiting.shift()!.resolve(),
    /** From now on runs answer at once, and those before too. */
    tellAll: () => {
      open = true;
      for (const w of waiting.splice(0)) w.resolve();
    },
    fail: (e: Error) => waiting.shift()!.reject(e),
  };
}

/** True when the promise is settled by now. */
async function settled(p: Promise<unknown>): Promise<boolean> {
  let yes = false;
  const note = () => {
    yes = true;
  };
  p.then(note, note);
  await turn();
  return yes;
}

test('a call that flags assigns at once and does not wait, until two are in flight', async () => {
  const { rt, tell, tellAll } = await later();
  const v = rt.variable(rt.scalar(1));
  const f = rt.capture((x: F) => {
    v.assign(v.value().add(x));
    return v.value().mul(10);
  });
  const calls = [f(1), f(1), f(1)];
  assert.deepEqual(await Promise.all(calls.map(settled)), [true, true, false]);
  tell();
  assert.equal(await settled(calls[2]), true);
  const reads = Promise.all(calls.map(async (c) => (await c).item()));
  const value = v.value().item();
  assert.equal(await settled(value), false, 'a read waits for the flags of what ran before it');
  tellAll();
  assert.deepEqual(await reads, [20, 30, 40]);
  assert.equal(await value, 4);
});

test('what a flagging call raised is thrown by the next read, which waits for it', async () => {
  const { rt, tellAll } = await later();
  const v = rt.variable(rt.scalar(1));
  const f = rt.capture((x: F) => {
    v.assign(x.log());
    return x.add(0.5);
  });
  const y = await f(-1);
  const read = y.item();
  tellAll();
  await assert.rejects(read, (e) => code('E_NUMERIC')(e) && /log/.test((e as Error).message));
  assert.equal(await y.item(), -0.5);
  await f(-1);
  assert.ok(Number.isNaN(await v.value().item({ nonfinite: 'keep' })));
  assert.equal(await y.item(), -0.5);
});

test('calls, assigns and reads queue behind a call that may reject, in program order', async () => {
  const { rt, tell, tellAll, waiting } = await later();
  const v = rt.variable(rt.scalar(1));
  const strict = rt.capture(
    (x: F) => {
      v.assign(v.value().add(x));
    },
    { onNonFinite: 'reject' },
  );
  const lax = rt.capture((x: F) => {
    v.assign(v.value().mul(x));
    return v.value();
  });
  const before = v.value();
  const first = strict(1);
  assert.equal(rt.order.busy, true);
  const between = v.value();
  // What a queued call was given may change or go before its turn.
  const host = { data: Float32Array.of(10), shape: [], dtype: 'f32' } as const;
  const second = lax(host);
  host.data[0] = 99;
  const factor = rt.tensor([2], []);
  const third = lax(factor);
  factor.dispose();
  const after = v.value();
  const assigned = rt.tensor([7], []);
  v.assign(assigned);
  assigned.dispose();
  const last = v.value();
  const reads = Promise.all([before, between, after, last].map((t) => t.item()));
  assert.equal(waiting.length, 1);
  tell();
  await first;
  tellAll();
  assert.deepEqual(await reads, [1, 2, 40, 7]);
  assert.deepEqual(await Promise.all([second, third].map(async (c) => (await c).item())), [20, 40]);
  assert.equal(rt.order.busy, false);
});

test('a call that rejects has assigned nothing, and what follows sees the old values', async () => {
  const { rt, tellAll } = await later();
  const v = rt.variable(rt.scalar(3));
  const strict = rt.capture(
    (x: F) => {
      v.assign(v.value().add(x.log()));
    },
    { onNonFinite: 'reject' },
  );
  const refused = strict(-1);
  const good = strict(1);
  const after = v.value().add(1).item();
  tellAll();
  await assert.rejects(refused, (e) => code('E_NUMERIC')(e) && /log/.test((e as Error).message));
  await good;
  assert.equal(await after, 4);
});

test('a lost device rejects what waits for it, and nothing is left unhandled', async () => {
  const { rt, fail, tellAll } = await later();
  const lost = new DeviceError('E_DEVICE_LOST', 'gone', { hint: 'x' });
  const v = rt.variable(rt.scalar(3));
  const f = rt.capture((x: F) => {
    v.assign(v.value().add(x));
  });
  await f(1);
  const read = v.value().item();
  fail(lost);
  tellAll();
  await assert.rejects(read, code('E_DEVICE_LOST'));
});

test('a steady loop holds its memory', async () => {
  const { rt, tellAll } = await later();
  tellAll();
  const zero = rt.scalar(0);
  const v = rt.variable(zero);
  zero.dispose();
  const body = (x: F) => {
    v.assign(v.value().add(x));
    return v.value().mul(2);
  };
  for (const onNonFinite of ['flag', 'reject'] as const) {
    const f = rt.capture(body, { onNonFinite });
    for (let i = 0; i < 10; i++) (await f(1)).dispose();
    await rt.flush();
    await turn();
    const { live } = rt.memory();
    for (let i = 0; i < 100; i++) (await f(1)).dispose();
    await turn();
    assert.equal(rt.memory().live, live);
  }
});
