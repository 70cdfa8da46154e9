/** `onSignal` where signals come from: SIGTERM in Node, Deno and Bun, and pages that are hidden or left in Chromium and Firefox. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { fsStore } from '../adapters/fs.ts';
import { ask, BROWSERS, bundle as browserBundle, listen, PAGE, start } from '../adapters/testing/browsers.ts';
import { RunStore } from '../sdk/checkpoint/index.ts';
import { Unavailable } from './rows/launch/ask.ts';
import { bunProgram, denoProgram } from './rows/launch/processes.ts';
import type { Saved } from './signals/page.ts';
import { bundle } from './torture/bundle.ts';
import { uninterrupted } from './torture/kill/training.ts';

const truth = await uninterrupted();

for (const [name, program, args] of [
  ['node', () => process.execPath, []],
  ['bun', bunProgram, []],
  ['deno', denoProgram, ['run', '-A', '--no-lock']],
] as const) {
  test(`${name}: SIGTERM saves at the next step and ends the run`, { timeout: 120_000 }, async (t) => {
    let command: string;
    try {
      command = program();
    } catch (e) {
      if (!(e instanceof Unavailable)) throw e;
      assert.notEqual(process.env.CI, 'true', e.message);
      return t.skip(e.message);
    }
    const dir = await mkdtemp(join(tmpdir(), 'isobit-signals-'));
    try {
      const file = join(dir, 'process.mjs');
      await bundle(new URL('./signals/process.ts', import.meta.url), file);
      const child = spawn(command, [...args, file, join(dir, 'run')], {
        env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const said: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => {
        said.push(line);
        if (line === 'training') child.kill('SIGTERM');
      });
      assert.equal(await new Promise((done) => child.on('close', done)), 0, said.join('\n'));
      const { code, signal, step } = JSON.parse(said[1] ?? '{}');
      assert.deepEqual([code, signal], ['E_SIGNAL', 'SIGTERM']);
      const commits = await new RunStore(fsStore(join(dir, 'run'))).commits();
      assert.deepEqual(
        commits.map((c) => [c.step, c.fingerprint]),
        [[step, await truth(step)]],
      );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
}

/** How long the next page lets wait for it, in milliseconds, as networks do: until then the one that is left runs on. */
const NEXT = 3000;

const CASES = [
  ['hidden', 'indexeddb'],
  ['left', 'indexeddb'],
  ['left', 'opfs'],
] as const;

for (const name of BROWSERS) {
  test(`${name}: a page that is hidden or left has saved`, { timeout: 180_000 }, async (t) => {
    const script = await browserBundle(new URL('./signals/page.ts', import.meta.url));
    await using server = await listen(async ({ url }, response) => {
      const js = url === '/script.js';
      if (url === '/next') await wait(NEXT);
      response.writeHead(200, { 'content-type': js ? 'text/javascript' : 'text/html' }).end(js ? script : PAGE);
    });
    const browser = await start(name);
    if (typeof browser === 'string') {
      assert.notEqual(process.env.CI, 'true', browser);
      return t.skip(browser);
    }
    try {
      for (const [how, kind] of CASES) {
        const run = `${how}-${kind}`;
        const page: Page = await browser.newPage();
        await page.goto(server.url);
        await page.bringToFront();
        await ask(page, 'train', kind, run);
        const next: Page = how === 'left' ? page : await browser.newPage();
        await next.bringToFront();
        await next.goto(`${server.url}next`);
        const saved = await ask<Saved[]>(next, 'saved', kind, run);
        assert.equal(saved.length, 1, run);
        assert.equal(saved[0].fingerprint, await truth(saved[0].step), run);
        if (next !== page) await page.close();
        await next.close();
      }
    } finally {
      await browser.close();
    }
  });
}
