/** Program order on a device that answers later: here the WASM device, whose flags come when they are asked for or told. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Captured, DeviceError, isIsobitError, type Tensor } from '../index.ts';
import { createWasmRuntime } from './create.ts';
import type { Device, Flags, Pending } from './device.ts';
import { EngineRuntime } from './runtime.ts';

type F = Tensor<'f32'>;
const code = (c: string) => (e: unknown) => isIsobitError(e) && e.code === c;
const named = (op: string) => (e: unknown) => code('E_NUMERIC')(e) && new RegExp(op).test((e as Error).message);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A runtime whose runs take place at once and tell their flags when asked; with `held` only at `tell()`, oldest first. */
async function later(o: { held?: boolean } = {}) {
  const { device } = await createWasmRuntime();
  const waiting: { resolve: () => void; reject: (e: Error) => void }[] = [];
  const state = { asked: 0, runs: 0 };
  const run = (...a: Parameters<Device['run']>): Pending => {
    state.runs++;
    const known = device.run(...a) as Flags;
    let tell = { resolve: () => {}, reject: (_: Error) => {} };
    const flags = new Promise<Flags>((resolve, reject) => {
      tell = { resolve: () => resolve(known), reject };
    });
    flags.catch(() => {});
    waiting.push(tell);
    const ask = () => {
      state.asked++;
      // Those before it are told as well.
      if (!o.held) for (const w of waiting.splice(0, waiting.indexOf(tell) + 1)) w.resolve();
      return flags;
    };
    return { flags, ask };
  };
  const own = { late: true, run };
  const wrapped = new Proxy(device, {
    get: (d, name) => {
      if (name in own) return own[name as keyof typeof own];
      const v = Reflect.get(d, name) as unknown;
      return typeof v === 'function' ? v.bind(d) : v;
    },
  });
  return {
    rt: new EngineRuntime(wrapped as Device),
    waiting,
    state,
    tell: () => waiting.shift()!.resolve(),
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

/** v = v + log(x), which is refused for x below 0. */
function adder(rt: EngineRuntime, onNonFinite: 'flag' | 'reject' | 'stop') {
  const v = rt.variable(rt.scalar(1));
  const f = rt.capture(
    (x: F) => {
      v.assign(v.value().add(x.log()));
      return v.value().mul(10);
    },
    { onNonFinite },
  );
  return { v, f };
}
const value = async (v: { value(): F }) => v.value().item();

test('a call that flags assigns at once and asks for nothing; a loop gets two batches ahead, not further', async () => {
  const { rt, waiting, state, tell } = await later({ held: true });
  const { f } = adder(rt, 'flag');
  for (let i = 0; i < 15; i++) await f(1);
  assert.equal(state.asked, 0);
  await f(1);
  assert.equal(state.asked, 1, 'once a batch');
  for (let i = 0; i < 16; i++) await f(1);
  assert.equal(waiting.length, 32);
  const far = f(1);
  assert.equal(await settled(far), false);
  tell();
  await far;
});

test('what a flagging call raised is thrown, once, by a read of what comes from it; not by other reads', async () => {
  for (const { rt } of [await later(), { rt: await createWasmRuntime() }]) {
    const { v, f } = adder(rt, 'flag');
    const other = rt.capture((x: F) => x.mul(3));
    const theirs = await other(2);
    const y = await f(-1);
    // Further calls carry it on.
    const z = await rt.capture((x: F) => x.isFinite().cast('f32'))(v.value());
    assert.equal(await theirs.item(), 6);
    assert.equal(await rt.scalar(2).mul(4).item(), 8);
    await assert.rejects(z.item(), named('log'));
    assert.equal(await z.item(), 0);
    assert.ok(Number.isNaN(await y.item({ nonfinite: 'keep' })));
    const w = await f(-1);
    assert.ok(Number.isNaN(await w.item({ nonfinite: 'keep' })), 'keeping is being told');
    assert.equal(await (await other(1)).item(), 3);
  }
});

test('an index out of range is carried on to where values look well', async () => {
  for (const { rt } of [await later(), { rt: await createWasmRuntime() }]) {
    const v = rt.variable(rt.tensor([1, 2], [2], 'i32'));
    const take = rt.capture((i: Tensor<'i32'>) => v.assign(v.value().gather(i, 0)));
    await take(rt.tensor([0, 7], [2], 'i32'));
    const next = rt.capture(() => v.value().add(1));
    const y = await next();
    await assert.rejects(y.data(), named('gather'));
    assert.equal((await y.data())[0], 2);
  }
});

test('a call that rejects has assigned nothing; calls, reads and assigns around it do not wait for it', async () => {
  const { rt, state } = await later();
  const { v, f } = adder(rt, 'reject');
  const before = v.value();
  const refused = f(-1);
  const between = v.value();
  const host = { data: Float32Array.of(Math.E), shape: [], dtype: 'f32' } as const;
  const good = f(host);
  host.data[0] = -5;
  const after = v.value().add(1);
  v.assign(rt.tensor([7], []));
  const last = v.value();
  assert.equal(state.runs, 2);
  await assert.rejects(refused, named('log'));
  assert.equal(await (await good).item(), 20);
  assert.deepEqual(await Promise.all([before, between, after, last].map((t) => t.item())), [1, 1, 3, 7]);
});

test('the message of a late rejection is of its own arguments', async () => {
  const { rt } = await later();
  const f = rt.capture((x: F) => x.log().add(0), { onNonFinite: 'reject' });
  const g = rt.capture((x: F) => x.exp().add(1), { onNonFinite: 'reject' });
  const calls = [f(-1), f(2), g(100), g(1), f(-2), f(3)];
  const found = await Promise.allSettled(calls);
  assert.deepEqual(
    found.map((r) => (r.status === 'fulfilled' ? 'well' : (r.reason as Error).message.split(' (')[0])),
    [
      'call 1 of a captured function: log gave Inf or NaN',
      'well',
      'call 1 of a captured function: exp gave Inf or NaN',
      'well',
      'call 3 of a captured function: log gave Inf or NaN',
      'well',
    ],
  );
});

test('variables that swap, and that get one value, keep their own old ones', async () => {
  const { rt } = await later();
  const [a, b, c] = [1, 2, 3].map((x) => rt.variable(rt.scalar(x)));
  const f = rt.capture(
    (x: F) => {
      const [va, vb] = [a.value(), b.value()];
      const y = x.log();
      a.assign(vb);
      b.assign(va);
      c.assign(y);
      return y;
    },
    { onNonFinite: 'reject' },
  );
  const same = rt.capture(
    (x: F) => {
      const y = x.log();
      for (const v of [a, b, c]) v.assign(y);
      return y;
    },
    { onNonFinite: 'reject' },
  );
  const values = () => Promise.all([a, b, c].map(value));
  const calls = [f(-1), same(-1)];
  assert.deepEqual(await values(), [1, 2, 3]);
  for (const call of calls) await assert.rejects(call, code('E_NUMERIC'));
  (await f(1)).dispose();
  assert.deepEqual(await values(), [2, 1, 0]);
  (await same(Math.fround(Math.E))).dispose();
  assert.deepEqual(await values(), [1, 1, 1]);
});

test("'stop' rejects what was called since, too, until it has been thrown; then calls run again", async () => {
  for (const { rt } of [await later(), { rt: await createWasmRuntime() }]) {
    const { v, f } = adder(rt, 'stop');
    const bystander = adder(rt, 'stop');
    const e = Math.fround(Math.E);
    const ahead = async (x: number) => {
      const { done, result } = await f.ahead(x);
      return { done, result };
    };
    await (await ahead(e)).done?.();
    if (rt.device.late) {
      const [bad, next, third] = [await ahead(-1), await ahead(e), await ahead(-2)];
      await bystander.f(e);
      assert.equal(await value(v), 2, 'the state of the last good call');
      for (const { done, result } of [bad, next, third]) {
        await assert.rejects(done!(), named('call 2 .*log'));
        await assert.rejects(result.item(), named('call 2 .*log'));
      }
    } else await assert.rejects(ahead(-1), named('call 2 .*log'));
    await (await ahead(e)).done?.();
    assert.equal(await value(v), 3);
  }
});

test('a lost device rejects what waits for it, and nothing is left unhandled', async () => {
  const { rt, fail } = await later({ held: true });
  const lost = new DeviceError('E_DEVICE_LOST', 'gone', { hint: 'x' });
  const { v, f } = adder(rt, 'flag');
  await f(1);
  const read = v.value().item();
  const { f: strict } = adder(rt, 'stop');
  const { done } = await strict.ahead(2);
  fail(lost);
  fail(lost);
  await assert.rejects(read, code('E_DEVICE_LOST'));
  await assert.rejects(done!(), code('E_DEVICE_LOST'));
});

test('a steady loop holds its memory, with and without refused calls', async () => {
  const { rt } = await later();
  const run = async (f: Captured<readonly [F], F>, x: number) => {
    try {
      (await f(x)).dispose();
    } catch {}
  };
  for (const onNonFinite of ['flag', 'reject', 'stop'] as const) {
    for (const x of onNonFinite === 'flag' ? [1] : [1, -1]) {
      const { f } = adder(rt, onNonFinite);
      for (let i = 0; i < 40; i++) await run(f, x);
      await turn();
      const { live } = rt.memory();
      for (let i = 0; i < 160; i++) await run(f, x);
      await turn();
      assert.equal(rt.memory().live, live, `${onNonFinite} ${x}`);
    }
  }
});
