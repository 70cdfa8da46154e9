/**
 * A run on WebGPU whose process is ended at ten random steps, by exit or by SIGKILL, each time resumed on WebGPU by a new
 * process; and one that changes between WebGPU and WASM at each end. Both end in the state and the file of a run on WASM that
 * was never ended:
 *
 *   npm test -- conformance/resumeGpu
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { openDevice } from '../wgsl/dawn.ts';
import { type Job, type Result, STEPS } from './resume-process.ts';

const probe = await openDevice();
if (!probe && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = probe ? false : 'no WebGPU device';
probe?.destroy();

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

let root: string;
let want: { fingerprint: string; root: string; bytes: Buffer };
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'isobit-resume-gpu-'));
  // One bundle, so that each process starts in a moment; the driver's package is found where it is installed.
  await symlink(here('../node_modules'), join(root, 'node_modules'));
  await build({
    entryPoints: [here('./resume-process.ts')],
    outfile: join(root, 'process.mjs'),
    external: ['webgpu'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  want = await endOf('whole', (await run('whole', { backend: 'wasm' })).results);
});
after(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));

/** One process of the run in a directory: Adam, a save every second step. */
function run(dir: string, o: Pick<Job, 'backend' | 'end'>): Promise<{ how: number | string; results: Result[] }> {
  const job: Job = { dirs: [dir], seed: 7, everySteps: 2, optimizers: ['adam'], ...o };
  const child = spawn(process.execPath, ['process.mjs', JSON.stringify(job)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      const lines = text.split('\n').filter((line) => line !== '');
      done({ how: signal ?? code ?? -1, results: lines.map((line) => JSON.parse(line) as Result) });
    });
  });
}

async function endOf(dir: string, [result]: readonly Result[]) {
  assert.ok(result, `${dir}: the last process came to no end`);
  const bytes = await readFile(join(root, dir, 'adam', result.object));
  return { fingerprint: result.fingerprint, root: result.root, bytes };
}

/** So many different steps in ascending order, the same ones at each run of this test. */
function randomSteps(n: number, seed: number): number[] {
  const found = new Set<number>();
  for (let s = seed; found.size < n; ) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    found.add(1 + Math.floor((s / 2 ** 32) * (STEPS - 1)));
  }
  return [...found].sort((a, b) => a - b);
}

/** Ends the run at each of the steps and goes on with it on the backend whose turn it is. */
async function chain(dir: string, steps: readonly number[], backends: readonly ('wasm' | 'webgpu')[]): Promise<void> {
  for (const [i, step] of steps.entries()) {
    const by = i % 2 === 0 ? 'SIGKILL' : 'exit';
    const { how } = await run(dir, { backend: backends[i % backends.length], end: { step, by } });
    // Dawn now and then faults while a process exits under work: the process has ended all the same.
    const ends = by === 'exit' ? [3, 'SIGSEGV', 'SIGABRT'] : [by];
    assert.ok(ends.includes(how), `ended at step ${step} by ${how}`);
  }
  const { results } = await run(dir, { backend: backends[steps.length % backends.length] });
  assert.equal(results[0]?.resumedAt, steps[steps.length - 1] - (steps[steps.length - 1] % 2));
  assert.deepEqual(await endOf(dir, results), want);
}

test('ended at ten random steps, each time resumed on WebGPU', { skip }, async () => {
  const steps = randomSteps(10, 11);
  await chain('webgpu', steps, ['webgpu']);
  console.log(`# ended at ${steps.join(' ')}: the same fingerprint and file`);
});

test('from WebGPU to WASM, and from WASM to WebGPU', { skip }, async () => {
  await chain('turns', randomSteps(2, 5), ['webgpu', 'wasm']);
});
