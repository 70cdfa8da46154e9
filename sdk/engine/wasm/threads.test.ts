/** Threads come, sleep, fall out and go; what they compute is held to the bit in conformance/threads.test.ts. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { kernels, start } from '#threads';
import { KERNELS } from '../../../scripts/kernels.mjs';
import type { Runtime } from '../../core/runtime.ts';
import type { Tensor } from '../../core/tensor.ts';
import { createRuntime } from '../../index.ts';
import { createFrom, createWasmRuntime } from '../create.ts';
import { forCores } from './load.ts';
import type { Parts, Start } from './parts.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const threadsWasm = readFileSync(join(ROOT, 'wasm/build/threads.wasm'));

/** Work that two threads share. */
async function work(rt: Runtime, n = 200): Promise<Float32Array> {
  const x = rt.rng.normal('x', [n, n]);
  return x.matmul(x).relu().data();
}
const parts = (begin: Start): Parts => ({
  kernels: kernels as string,
  threads: { kernels: kernels as string, start: begin, cores: async () => 2 },
});

test('as many run as are asked for, and none when the runtime is disposed of', async () => {
  const one = await work(await createRuntime({ backend: 'wasm', threads: 1 }));
  for (const threads of [2, 3]) {
    const rt = await createRuntime({ backend: 'wasm', threads });
    assert.deepEqual([rt.threads, rt.why], [threads, 'wasm was asked for']);
    assert.deepEqual(await work(rt), one);
    await rt.dispose();
    assert.equal(rt.threads, 1);
  }
});

test('auto: small work starts no thread, large work does', async () => {
  await using rt = await createFrom({ backend: 'wasm' }, parts(start as Start));
  const f = rt.capture((x: Tensor<'f32'>) => x.matmul(x));
  for (let i = 0; i < 50; i++) await f(rt.rng.normal('x', [8, 8]));
  assert.equal(rt.threads, 1);
  const big = rt.rng.normal('x', [400, 400]);
  for (const end = performance.now() + 60_000; rt.threads === 1 && performance.now() < end; await sleep(1))
    await f(big);
  assert.deepEqual([rt.threads, rt.why], [2, 'wasm was asked for']);
  const rt1 = await createRuntime({ backend: 'wasm', threads: 1 });
  assert.deepEqual(await work(rt), await work(rt1));
});

test('how many threads auto takes', () => {
  assert.deepEqual([1, 2, 4, 6, 8, 12, 64].map(forCores), [1, 2, 4, 4, 4, 6, 8]);
});

test('where memory cannot be shared there is one, and why says so', async () => {
  Object.assign(globalThis, { crossOriginIsolated: false });
  try {
    for (const [threads, said] of [
      [3, '1 of 3 threads'],
      ['auto', '1 thread'],
    ] as const) {
      await using rt = await createRuntime({ backend: 'wasm', threads });
      assert.equal(rt.threads, 1);
      assert.match(rt.why, new RegExp(`^wasm was asked for; ${said}: memory cannot be shared.*COOP and COEP`));
    }
  } finally {
    Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
  }
});

test('kernels that are given: of one thread, or of several', async () => {
  const given = async (name: string, threads: number) => {
    const rt = await createRuntime({
      backend: 'wasm',
      threads,
      wasm: readFileSync(join(ROOT, `wasm/build/${name}.wasm`)),
    });
    const seen = [rt.threads, rt.why.replace('wasm was asked for', '')];
    await work(rt);
    await rt.dispose();
    return seen;
  };
  assert.deepEqual(await given('kernels', 1), [1, '']);
  assert.deepEqual(await given('kernels', 2), [1, '; 1 of 2 threads: the kernels given are of one thread']);
  assert.deepEqual(await given('threads', 2), [2, '']);
  assert.deepEqual(await given('threads', 1), [1, '']);
});

test('a thread that does not start is one less, and why says so', async () => {
  const failing: Start = (errand, onEnd) =>
    errand.thread === 2 ? Promise.reject(new Error('no more threads')) : (start as Start)(errand, onEnd);
  await using rt = await createFrom({ backend: 'wasm', threads: 3 }, parts(failing));
  assert.deepEqual([rt.threads, rt.why], [2, 'wasm was asked for; 2 of 3 threads: no more threads']);
  await using none = await createFrom(
    { backend: 'wasm', threads: 2 },
    parts(() => Promise.reject(new Error('not here'))),
  );
  assert.deepEqual([none.threads, none.why], [1, 'wasm was asked for; 1 of 2 threads: not here']);
  assert.deepEqual(await work(rt), await work(none));
});

test('a thread that dies in its sleep is not waited for', async () => {
  const kill: (() => void)[] = [];
  const mortal: Start = async (errand, onEnd) => {
    const thread = await (start as Start)(errand, onEnd);
    kill.push(() => {
      thread.end();
      onEnd(new Error('killed'));
    });
    return thread;
  };
  await using rt = await createFrom({ backend: 'wasm', threads: 3 }, parts(mortal));
  const before = await work(rt);
  await sleep(50);
  for (const [i, end] of kill.entries()) {
    end();
    assert.equal(rt.threads, 2 - i);
    assert.deepEqual(await work(rt), before);
  }
});

test('a thread that fails at work: a typed error, and nothing computed after it', async () => {
  const asc = await import('assemblyscript/asc');
  let binary: Uint8Array | undefined;
  const flags = KERNELS.threads.flags.filter((f) => f !== '-O3');
  const { error } = await asc.main([KERNELS.threads.entry, '--outFile', 'failing.wasm', ...flags], {
    readFile(name, base) {
      try {
        const text = readFileSync(join(ROOT, base, name), 'utf8');
        const failing = text.replace('  switch (kind) {', '  if (callers(0) != 0) unreachable();\n  switch (kind) {');
        return name.endsWith('wasm/tasks.ts') ? failing : text;
      } catch {
        return null;
      }
    },
    writeFile(_, contents) {
      if (contents instanceof Uint8Array) binary = contents;
    },
  });
  assert.equal(error, null);
  const rt = await createWasmRuntime({}, { threads: 2, worth: 0, wasm: binary });
  const lost = async () => {
    for (;;) await work(rt);
  };
  await assert.rejects(lost, { code: 'E_DEVICE_LOST', message: /a thread failed/ });
  await assert.rejects(work(rt), { code: 'E_DEVICE_LOST' });
  assert.equal((await rt.lost).code, 'E_DEVICE_LOST');
  await rt.dispose();
});

test('idle threads sleep', async () => {
  await using rt = await createWasmRuntime({}, { threads: 3 });
  await work(rt);
  await sleep(20);
  const before = process.cpuUsage();
  await sleep(400);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 100_000, `${user + system} us of 400 ms`);
});

test('threads keep no process, with work behind them or asleep', () => {
  const program = `
    import { createRuntime } from './sdk/index.ts';
    const rt = await createRuntime({ backend: 'wasm', threads: 3 });
    const x = rt.rng.normal('x', [300, 300]);
    await x.matmul(x).data();
    console.log(rt.threads);`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', program],
    { cwd: ROOT, encoding: 'utf8', timeout: 60_000 },
  );
  assert.deepEqual([status, stdout.trim()], [0, '3'], stderr);
});

test('memory that threads share grows, and what is read is no part of it', async () => {
  await using rt = await createWasmRuntime({}, { threads: 2, wasm: threadsWasm });
  const small = rt.tensor([1, 2, 3]);
  const n = 8 << 20;
  const large = await rt.tensor(new Float32Array(n).fill(2)).mul(2).data();
  assert.ok(large.buffer instanceof ArrayBuffer);
  assert.deepEqual([large[0], large[n - 1]], [4, 4]);
  assert.deepEqual([...(await small.data())], [1, 2, 3]);
});
