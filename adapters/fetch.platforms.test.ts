import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Unavailable } from '../conformance/rows/launch/ask.ts';
import { bunProgram, denoProgram } from '../conformance/rows/launch/processes.ts';
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

for (const [name, program, args] of [
  ['bun', bunProgram, []],
  ['deno', denoProgram, ['run', '--allow-net=127.0.0.1', '--no-lock']],
] as const) {
  test(`fetch in ${name}`, { timeout: 180_000 }, async (t) => {
    let command: string;
    try {
      command = program();
    } catch (e) {
      if (!(e instanceof Unavailable)) throw e;
      return skip(t, e.message);
    }
    await using server = await serve();
    const folder = await mkdtemp(join(tmpdir(), 'isobit-fetch-'));
    try {
      const file = join(folder, 'fetch.mjs');
      await writeFile(file, await script);
      const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1' };
      const { stdout } = await promisify(execFile)(command, [...args, file, server.url], { env, maxBuffer: 2 ** 26 });
      await report(t, JSON.parse(stdout));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
