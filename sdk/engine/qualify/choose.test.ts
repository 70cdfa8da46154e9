/** The choice of a GPU, on a WASM device in its place: what counts is software or hardware, and the goldens. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceError } from '../../core/errors.ts';
import { createWasmRuntime } from '../create.ts';
import type { Device } from '../device.ts';
import { describe, isSoftware } from '../webgpu/open.ts';
import { automatic, type Candidate, forced } from './choose.ts';

let count = 0;
/** A device of an adapter that no other test names; `broken` flips a bit of whatever is read. */
async function candidate(o: { software?: boolean; broken?: boolean; fails?: Error } = {}) {
  const { device } = await createWasmRuntime();
  const state = { disposed: false, runs: 0 };
  const download: Device['download'] = async (from, n) => {
    const words = await device.download(from, n);
    if (o.broken) words[0] ^= 1;
    return words;
  };
  const own = {
    adapter: `adapter ${count++}`,
    download,
    run: (...a: Parameters<Device['run']>) => {
      state.runs++;
      if (o.fails) throw o.fails;
      return device.run(...a);
    },
    dispose: () => {
      state.disposed = true;
    },
  };
  const wrapped = new Proxy(device, {
    get: (d, name) => {
      if (name in own) return own[name as keyof typeof own];
      const v = Reflect.get(d, name) as unknown;
      return typeof v === 'function' ? v.bind(d) : v;
    },
  }) as Device;
  const open = async (): Promise<Candidate> => ({ device: wrapped, software: o.software ?? false });
  return { open, device: wrapped, state };
}

test('auto takes hardware that gives the golden bits, and does not try the same adapter twice', async () => {
  const { open, device, state } = await candidate();
  const choice = await automatic(open);
  assert.equal(choice.device, device);
  assert.equal(choice.exactness, 'bitwise');
  assert.match(choice.why, /^webgpu: a hardware adapter.*adapter \d/);
  await automatic(open);
  assert.equal(state.runs, 1);
});

test('auto takes WASM where there is no adapter, where it is software, fails the goldens, or breaks; and says why', async () => {
  const none = async (): Promise<Candidate> => {
    throw new DeviceError('E_NO_DEVICE', 'webgpu: no adapter', { hint: 'none' });
  };
  assert.deepEqual(await automatic(none), {
    device: null,
    exactness: 'bitwise',
    why: 'wasm: there is no WebGPU adapter',
  });
  const cases = [
    { o: { software: true }, why: /is software/, runs: 0 },
    { o: { broken: true }, why: /fails \d+ goldens: function\/exp, .*…/, runs: 1 },
    { o: { fails: new DeviceError('E_DEVICE_LOST', 'gone', { hint: 'x' }) }, why: /failed: gone/, runs: 1 },
  ];
  for (const { o, why, runs } of cases) {
    const { open, state } = await candidate(o);
    const choice = await automatic(open);
    assert.equal(choice.device, null);
    assert.match(choice.why, why);
    assert.deepEqual(state, { disposed: true, runs });
  }
});

test('webgpu takes what it is given: bitwise when it qualifies, software too, else unverified', async () => {
  const good = await candidate({ software: true });
  assert.equal((await forced(good.open)).exactness, 'bitwise');
  const bad = await candidate({ broken: true });
  const choice = await forced(bad.open);
  assert.equal(choice.device, bad.device);
  assert.equal(choice.exactness, 'unverified');
  assert.match(choice.why, /webgpu was asked for; it fails \d+ goldens/);
});

test("'fast' tries no goldens and says so; auto still takes hardware alone", async () => {
  const { open, device, state } = await candidate();
  const why = /numerics 'fast': without guards/;
  for (const choose of [forced, automatic]) {
    const choice = await choose(open, { fast: true });
    assert.deepEqual([choice.device, choice.exactness, state.runs], [device, 'unverified', 0]);
    assert.match(choice.why, why);
  }
  // Nor does it count as passed afterwards.
  await forced(open);
  assert.equal(state.runs, 1);
  const software = await candidate({ software: true });
  assert.equal((await automatic(software.open, { fast: true })).device, null);
});

test('qualification tells its progress and stops at a signal', async () => {
  const seen: [number, number][] = [];
  const { open } = await candidate();
  await forced(open, { onProgress: (done, total) => seen.push([done, total]) });
  assert.equal(seen[0][0], 0);
  assert.deepEqual(seen.at(-1), [seen[0][1], seen[0][1]]);
  const stopped = await candidate();
  await assert.rejects(forced(stopped.open, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  assert.equal(stopped.state.disposed, true);
});

test('software adapters are told by the platform or by name', () => {
  const info = (o: Partial<GPUAdapterInfo>) => ({ vendor: '', architecture: '', device: '', description: '', ...o });
  const software: Partial<GPUAdapterInfo>[] = [
    { vendor: 'google', architecture: 'swiftshader', device: 'swiftshader-device-subzero-' },
    { description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    { vendor: 'microsoft', architecture: 'warp' },
    { description: 'Microsoft Basic Render Driver' },
    { vendor: 'intel', isFallbackAdapter: true },
  ];
  for (const o of software) assert.equal(isSoftware(info(o) as GPUAdapterInfo), true, JSON.stringify(o));
  for (const o of [{ vendor: 'nvidia', architecture: 'ampere' }, { vendor: 'apple', architecture: 'metal-3' }, {}])
    assert.equal(isSoftware(info(o) as GPUAdapterInfo), false, describe(o as GPUAdapterInfo));
  assert.equal(isSoftware(undefined), false);
});
