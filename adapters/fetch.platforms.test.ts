import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Unavailable } from '../conformance/rows/launch/ask.ts';
import { bunProgram, denoProgram } from '../conformance/rows/launch/processes.ts';
import { startWorkerd, workerdProgram } from '../conformance/rows/launch/workerd.ts';
import { memoryStore } from './memory.ts';
import { ask, BROWSERS, bundle, listen, servePage, start } from './testing/browsers.ts';
import type { Outcome } from './testing/page-test.ts';
import { KINDS } from './testing/store-kinds.ts';
import { manyStores } from './testing/store-server.ts';

const script = bundle(new URL('./testing/fetch.page.ts', import.meta.url));

const serve = () => {
  const kinds = Object.entries(KINDS).map(([name, o]) => [name, { ...o, cors: true }]);
  return listen(manyStores(memoryStore, Object.fromEntries(kinds)));
};

async function report(t: TestContext, outcomes: readonly Outcome[]): Promise<void> {
  assert.ok(outcomes.length > 80, `${outcomes.length} tests`);
  for (const o of outcomes) await t.test(o.name, () => assert.equal(o.error, null, o.error ?? ''));
}

function skip(t: TestContext, why: string): void {
  assert.notEqual(process.env.CI, 'true', why);
  t.skip(why);
}

for (const name of BROWSERS) {
  test(`fetch in ${name}, from another origin`, { timeout: 180_000 }, async (t) => {
    const browser = await start(name);
    if (typeof browser === 'string') return skip(t, browser);
    await using server = await serve();
    await using site = await servePage(await script);
    try {
      const page = await browser.newPage();
      await page.goto(site.url);
      await report(t, await ask<Outcome[]>(page, 'runAgainst', server.url));
    } finally {
      await browser.close();
    }
  });
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

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'isobit-fetch-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A server that keeps nothing but the digest of the last body and its size. */
async function sink() {
  const last = { size: 0, digest: '' };
  const server = await listen(async (request, response) => {
    const hash = createHash('sha256');
    let size = 0;
    for await (const part of request) {
      hash.update(part);
      size += part.length;
    }
    if (request.method === 'PUT') Object.assign(last, { size, digest: hash.digest('hex') });
    response.writeHead(request.method === 'PUT' ? 201 : 404).end();
  });
  return { server, last };
}

/** Of MiB after MiB of one byte, counted up. */
function digestOf(mib: number): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(2 ** 20);
  for (let i = 0; i < mib; i++) hash.update(chunk.fill(i));
  return hash.digest('hex');
}

/** MiB, and by how many a process may grow. */
const [BODY, GROWTH] = [256, 128];

for (const [name, program, args] of [
  ['node', () => process.execPath, []],
  ['bun', bunProgram, []],
  ['deno', denoProgram, ['run', '--allow-net=127.0.0.1', '--no-lock']],
] as const) {
  test(`fetch in ${name}: a large body is streamed in little memory`, { timeout: 180_000 }, async (t) => {
    const command = find(t, program);
    if (command === null) return;
    const { server, last } = await sink();
    await using _ = server;
    await inFolder(async (folder) => {
      const file = join(folder, 'memory.mjs');
      await writeFile(file, await bundle(new URL('./testing/put-memory.ts', import.meta.url)));
      const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1' };
      const { stdout } = await promisify(execFile)(command, [...args, file, server.url, String(BODY)], { env });
      const { growth, streamed } = JSON.parse(stdout);
      t.diagnostic(`${BODY} MiB: the process grew by ${growth} MiB`);
      assert.deepEqual(last, { size: BODY * 2 ** 20, digest: digestOf(BODY) });
      assert.ok(streamed && growth < GROWTH, `${growth} MiB`);
    });
  });
}

for (const [name, program, args] of [
  ['bun', bunProgram, []],
  ['deno', denoProgram, ['run', '--allow-net=127.0.0.1', '--no-lock']],
] as const) {
  test(`fetch in ${name}`, { timeout: 180_000 }, async (t) => {
    const command = find(t, program);
    if (command === null) return;
    await using server = await serve();
    await inFolder(async (folder) => {
      const file = join(folder, 'fetch.mjs');
      await writeFile(file, await script);
      const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1' };
      const { stdout } = await promisify(execFile)(command, [...args, file, server.url], { env, maxBuffer: 2 ** 26 });
      await report(t, JSON.parse(stdout));
    });
  });
}

// Before 2024-11 workerd refuses the option that keeps requests from a cache.
for (const date of ['2024-01-01', '2026-01-01']) {
  test(`fetch in workerd as of ${date}`, { timeout: 180_000 }, async (t) => {
    const command = find(t, workerdProgram);
    if (command === null) return;
    await using server = await serve();
    await inFolder(async (folder) => {
      const worker = `export default { fetch: async (r) => Response.json(await runAgainst(await r.text())) };`;
      await writeFile(join(folder, 'worker.js'), `${await script}\n${worker}\n`);
      await writeFile(
        join(folder, 'config.capnp'),
        `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .tests), (name = "net", network = (allow = ["local", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const tests :Workerd.Worker = (
  compatibilityDate = "${date}", globalOutbound = "net", modules = [(name = "worker.js", esModule = embed "worker.js")]
);
`,
      );
      const running = await startWorkerd(command, folder);
      try {
        const answer = await fetch(running.url, { method: 'POST', body: server.url });
        await report(t, (await answer.json()) as Outcome[]);
      } finally {
        running.stop();
      }
    });
  });
}
