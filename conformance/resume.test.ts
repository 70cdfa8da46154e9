/**
 * A run that is ended after any of its steps, by exit or by SIGKILL, and resumed by a new process in another directory, ends
 * in the same bytes as one that was never ended. Every step, both endings, SGD with momentum, Adam and AdamW:
 *
 *   npm test -- conformance/resume
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Job, OPTIMIZERS, type Result, STEPS } from './resume-process.ts';

let root: string;
let whole: Map<string, Result & { bytes: Buffer }>;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'isobit-resume-'));
  // One bundle, so that each of the many processes starts in a moment.
  await build({
    entryPoints: [fileURLToPath(new URL('./resume-process.ts', import.meta.url))],
    outfile: join(root, 'process.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  await mkdir(join(root, 'whole'));
  const { results } = await run(join(root, 'whole'), { dirs: ['.'], seed: 7, everySteps: STEPS });
  whole = new Map(
    await Promise.all(
      results.map(async (r) => [r.optimizer, { ...r, bytes: await objectOf(join(root, 'whole'), r) }] as const),
    ),
  );
});
after(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));

/** One process; `killAfter` milliseconds it is killed from outside, wherever it is. */
function run(
  cwd: string,
  job: Job,
  killAfter?: number,
): Promise<{ code: number | null; signal: string | null; results: Result[] }> {
  const child = spawn(process.execPath, [join(root, 'process.mjs'), JSON.stringify(job)], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const lines = text.split('\n').filter((line) => line !== '');
      done({ code, signal, results: lines.map((line) => JSON.parse(line) as Result) });
    });
  });
}

/** The file of a run's last state, as it lies on disk. */
const objectOf = (dir: string, r: Result): Promise<Buffer> => readFile(join(dir, r.dir, r.optimizer, r.object));

/** Some at a time: much of their time is waiting for the disk. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

const KILLS = Array.from({ length: STEPS }, (_, i) => i + 1);

async function compare(dir: string, results: readonly Result[], resumedAt: (dir: string) => number): Promise<void> {
  for (const r of results) {
    const want = whole.get(r.optimizer)!;
    const where = `${r.optimizer}, resumed in ${r.dir} at step ${r.resumedAt}`;
    assert.equal(r.resumedAt, resumedAt(r.dir), where);
    assert.equal(r.fingerprint, want.fingerprint, where);
    assert.equal(r.root, want.root, where);
    assert.ok((await objectOf(dir, r)).equals(want.bytes), `the bytes of ${where}`);
  }
}

interface Variant {
  by: 'exit' | 'SIGKILL';
  /** Undefined: once, at the step after which the process ends. */
  everySteps?: number;
  kills: readonly number[];
  /** Of the processes that resume: another one than the run's own, where the run's must come from the checkpoint. */
  seed: number;
}
const VARIANTS: readonly Variant[] = [
  { by: 'exit', kills: KILLS, seed: 99 },
  { by: 'SIGKILL', kills: KILLS, seed: 99 },
  // Between saves: a resume repeats the steps since, or the whole run where nothing was saved yet.
  { by: 'SIGKILL', everySteps: 4, kills: KILLS.filter((k) => k % 4 === 2), seed: 7 },
];

for (const { by, everySteps, kills, seed } of VARIANTS) {
  const saving = everySteps === undefined ? 'saving there' : `saving every ${everySteps}`;
  test(`${by} after ${kills.length} of ${STEPS} steps, ${saving}`, async () => {
    const [ended, resumed] = ['ended', 'resumed'].map((what) => join(root, `${what}-${by}-${everySteps}`));
    await each(kills, async (step) => {
      const cwd = join(ended, `${step}`);
      await mkdir(cwd, { recursive: true });
      const { code, signal, results } = await run(cwd, {
        dirs: ['.'],
        seed: 7,
        everySteps: everySteps ?? step,
        end: { step, by },
      });
      assert.deepEqual({ code, signal }, by === 'exit' ? { code: 3, signal: null } : { code: null, signal: by });
      assert.deepEqual(results, []);
    });
    // Elsewhere, so that nothing can depend on where the run began. Each new process resumes several of the ended ones.
    await cp(ended, resumed, { recursive: true });
    const parts = [kills.slice(0, kills.length / 2), kills.slice(kills.length / 2)];
    await each(parts, async (part) => {
      const job: Job = { dirs: part.map(String), seed, everySteps: everySteps ?? STEPS };
      const { code, results } = await run(resumed, job);
      assert.equal(code, 0);
      assert.equal(results.length, part.length * Object.keys(OPTIMIZERS).length);
      await compare(resumed, results, (dir) => Number(dir) - (Number(dir) % (everySteps ?? 1)));
    });
    assert.equal((await readdir(resumed)).length, kills.length);
  });
}

test('SIGKILL from outside at any moment, again and again, until a process gets to the end', async () => {
  const cwd = join(root, 'any');
  await mkdir(cwd);
  // Always the run's own seed: a process may be killed before anything was saved.
  const job: Job = { dirs: ['.'], seed: 7, everySteps: 1 };
  for (const killAfter of [150, 250, 400, 300, 500, 350, 600, 450]) await run(cwd, job, killAfter);
  const { code, results } = await run(cwd, job);
  assert.equal(code, 0);
  assert.equal(results.length, Object.keys(OPTIMIZERS).length);
  for (const r of results) {
    assert.equal(r.fingerprint, whole.get(r.optimizer)?.fingerprint, `resumed at step ${r.resumedAt}`);
    assert.ok((await objectOf(cwd, r)).equals(whole.get(r.optimizer)!.bytes));
  }
});
