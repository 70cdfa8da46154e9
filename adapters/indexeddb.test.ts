import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Browser, LaunchOptions, Page } from 'puppeteer-core';
import { indexeddbStore } from './indexeddb.ts';
import { ask, BROWSERS, type BrowserName, bundle, servePage, start } from './testing/browsers.ts';
import type { Outcome } from './testing/page-test.ts';

const script = bundle(new URL('./testing/indexeddb.page.ts', import.meta.url));

/** A page with the tests' calls. Where the browser is not installed the test is skipped, but in CI it fails. */
async function inPage(
  t: TestContext,
  name: BrowserName,
  work: (page: Page, browser: Browser) => Promise<void>,
  o: LaunchOptions & { port?: number } = {},
): Promise<void> {
  const browser = await start(name, o);
  if (typeof browser === 'string') {
    assert.notEqual(process.env.CI, 'true', browser);
    return t.skip(browser);
  }
  await using server = await servePage(await script, o.port);
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    await work(page, browser);
  } finally {
    await browser.close().catch(() => {}); // it may have been ended
  }
}

for (const name of BROWSERS) {
  test(`indexeddb in ${name}`, { timeout: 180_000 }, async (t) => {
    await inPage(t, name, async (page) => {
      for (const place of ['page', 'worker']) {
        const outcomes =
          place === 'page'
            ? await ask<Outcome[]>(page, 'runTests')
            : await ask<Outcome[]>(page, 'inWorker', 'runTests');
        assert.ok(outcomes.length > 25, `${outcomes.length} tests`);
        for (const o of outcomes) await t.test(`${place}: ${o.name}`, () => assert.equal(o.error, null, o.error ?? ''));
      }

      await t.test('a page and two workers that want the same keys: each goes to one', async () => {
        const won = await Promise.all([
          ask<number[]>(page, 'race', 'shared', 0),
          ask<number[]>(page, 'inWorker', 'race', 'shared', 1),
          ask<number[]>(page, 'inWorker', 'race', 'shared', 2),
        ]);
        const owners = await ask<number[]>(page, 'owners', 'shared');
        for (const [mark, keys] of won.entries()) for (const k of keys) assert.equal(owners[k], mark);
        assert.equal(won.flat().length, 50);
      });
    });
  });

  test(`indexeddb in ${name}: what was put survives the end of the browser, what was not does not show`, {
    timeout: 180_000,
  }, async (t) => {
    const userDataDir = await mkdtemp(join(tmpdir(), 'isobit-profile-'));
    const SIZE = 9 * 2 ** 20;
    let port = 0;
    try {
      await inPage(
        t,
        name,
        async (page, browser) => {
          port = Number(new URL(page.url()).port); // storage belongs to an origin, and a port is part of it
          const endless = ask(page, 'writeForever', 'killed').catch(() => {});
          assert.equal(await ask(page, 'write', 'killed', SIZE), 'written');
          browser.process()?.kill('SIGKILL');
          await endless;
        },
        { userDataDir },
      );
      if (port === 0) return;
      await inPage(
        t,
        name,
        async (page) => {
          assert.equal(await ask(page, 'check', 'killed', SIZE), true);
          const { objects, writing } = await ask<{ objects: number; writing: number }>(page, 'tables', 'killed');
          assert.deepEqual([objects, writing], [1, 1], 'the other object was under way, and is not there');
        },
        { userDataDir, port },
      );
    } finally {
      await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  test(`indexeddb in ${name}: a full store is E_QUOTA with figures, and loses nothing`, {
    timeout: 180_000,
  }, async (t) => {
    const MIB = 2 ** 20;
    // Firefox takes its limit in KiB, and gives one origin a fifth of it at most, or 10 MiB.
    const prefs = { 'dom.quotaManager.temporaryStorage.fixedLimit': 60 * 1024 };
    await inPage(
      t,
      name,
      async (page) => {
        if (name === 'chromium') {
          const cdp = await page.createCDPSession();
          const origin = new URL(page.url()).origin;
          await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 40 * MIB });
        }
        const { written, error, after, intact } = await ask<{
          written: number;
          error: { code: string; message: string; hint: string; details: Record<string, number> } | null;
          after: string;
          intact: boolean;
        }>(page, 'fill', 'full', 5 * MIB);
        assert.ok(error, `${written} objects of 5 MiB went in`);
        assert.equal(error.code, 'E_QUOTA', error.message);
        assert.ok(written >= 1);
        assert.ok(intact, 'what was there is, and of what was not written nothing stays');
        assert.equal(after, 'written', 'there is room again after a delete');
        const { usage, quota, size } = error.details;
        assert.equal(size, 5 * MIB);
        assert.ok(usage > written * size && quota > 0, JSON.stringify(error.details));
        assert.equal(usage + size > quota, name === 'firefox', 'Chromium states a larger quota than it grants');
        assert.ok(error.message.includes('MiB') && error.message.includes('fill/'), error.message);
        assert.notEqual(error.hint, '');
      },
      name === 'firefox' ? { extraPrefsFirefox: prefs } : {},
    );
  });
}

test('indexeddb: where there is none, E_UNSUPPORTED says what to use', async () => {
  const store = indexeddbStore('x');
  await assert.rejects(store.head('x'), (e) => {
    const { code, message, hint } = e as { code: string; message: string; hint: string };
    assert.equal(code, 'E_UNSUPPORTED');
    assert.ok(message.includes('indexeddb:x') && hint.includes('fsStore'));
    return true;
  });
  await store.close();
});
