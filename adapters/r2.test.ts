/** Against miniflare's R2: the Worker runs in workerd, and beside it the binding is used from Node. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { copyRun } from '../sdk/checkpoint/index.ts';
import { memoryStore } from './memory.ts';
import { type R2BucketLike, r2Store } from './r2.ts';
import { trainIris } from './testing/iris-run.ts';
import type { Outcome } from './testing/page-test.ts';

const HERE = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The tests as a Worker, which calls by name what they have put on the global object. */
async function script(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [HERE('./testing/r2.page.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd'],
    write: false,
    logLevel: 'silent',
    alias: { 'node:test': HERE('./testing/page-test.ts'), 'node:assert/strict': HERE('./testing/page-assert.ts') },
    plugins: [
      {
        name: 'kernels',
        setup: ({ onResolve }) => onResolve({ filter: /\.wasm$/ }, () => ({ path: './kernels.wasm', external: true })),
      },
    ],
    footer: {
      js: `export default { async fetch(request, env) {
        const [call, ...args] = await request.json();
        return Response.json((await globalThis[call](env.BUCKET, ...args)) ?? null);
      } };`,
    },
  });
  return outputFiles[0].text;
}

async function start() {
  const server = new Miniflare({
    compatibilityDate: '2026-01-01',
    r2Buckets: ['BUCKET'],
    modules: [
      { type: 'ESModule', path: 'worker.js', contents: await script() },
      { type: 'CompiledWasm', path: 'kernels.wasm', contents: await readFile(HERE('../wasm/build/kernels.wasm')) },
    ],
  });
  const ask = async <T>(...call: unknown[]): Promise<T> => {
    const answer = await server.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(call) });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as T;
  };
  const bucket = (await server.getR2Bucket('BUCKET')) as unknown as R2BucketLike;
  return { ask, bucket, [Symbol.asyncDispose]: () => server.dispose() };
}

test('r2 in workerd', { timeout: 180_000 }, async (t) => {
  await using worker = await start();

  const outcomes = await worker.ask<Outcome[]>('testR2');
  assert.ok(outcomes.length > 20, `${outcomes.length} tests`);
  for (const o of outcomes) await t.test(o.name, () => assert.equal(o.error, null, o.error ?? ''));

  await t.test('a run that a Worker trains goes on in Node, from a copy, in the same bits', async () => {
    await worker.ask('emptyR2');
    const whole = await trainIris(memoryStore(), 30);
    const half = await trainIris(memoryStore(), 12);
    assert.deepEqual(await worker.ask('trainR2', 12), half);
    const here = memoryStore();
    const { latest, skipped } = await copyRun(r2Store(worker.bucket), here);
    assert.deepEqual([latest.step, latest.root, skipped], [12, half.root, []]);
    assert.deepEqual(await trainIris(here, 30), { ...whole, from: 12 });
    assert.deepEqual(await worker.ask('trainR2', 30), { ...whole, from: 12 });
  });

  await t.test('the binding is used from Node, where large bodies go up whole', async () => {
    const store = r2Store(worker.bucket, { name: 'proxy' });
    const body = new Uint8Array(6 * 2 ** 20).fill(7);
    assert.equal(await store.put('x', body, { ifAbsent: true }), 'written');
    assert.equal(await store.put('x', body, { ifAbsent: true }), 'exists');
    assert.deepEqual(await store.get('x', { offset: body.length - 2 }), body.slice(-2));
    assert.equal(await store.put('x', body.fill(8)), 'written', 'in parts');
    assert.deepEqual(await store.get('x', { length: 3 }), body.slice(0, 3));
    await assert.rejects(store.get('x', { offset: body.length + 1 }), { code: 'E_RANGE' });
    await assert.rejects(store.get('y', { offset: 1 }), { code: 'E_NOT_FOUND' });
  });
});
