/** What must hold of a store in Chromium and in Firefox. The page's side is page-calls.ts. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LaunchOptions, Page } from 'puppeteer-core';
import { memoryStore } from '../memory.ts';
import { ask, BROWSERS, type BrowserName, inPage } from './browsers.ts';
import { type history, type Rival, trainIris } from './iris-run.ts';
import type { Outcome } from './page-test.ts';

const MIB = 2 ** 20;

/** What Firefox answers in place of its user, and its limit in KiB, of which one origin gets a fifth at most. */
const FIREFOX = {
  'dom.storageManager.prompt.testing': true,
  'dom.storageManager.prompt.testing.allow': true,
  'dom.quotaManager.temporaryStorage.fixedLimit': 500 * 1024,
};

/** Registers the tests of the store whose page is `entry`. */
export function browserStoreTests(store: string, entry: URL): void {
  for (const name of BROWSERS) {
    test(`${store} in ${name}`, { timeout: 240_000 }, async (t) => {
      const userDataDir = await mkdtemp(join(tmpdir(), 'isobit-profile-'));
      const options: LaunchOptions = { userDataDir, ...(name === 'firefox' && { extraPrefsFirefox: FIREFOX }) };
      try {
        const port = await first(t, name, entry, options);
        if (port !== undefined) await second(t, name, entry, { ...options, port });
      } finally {
        await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  }
}

/** Until the browser is killed. Returns the port of its page: storage belongs to an origin, and a port is part of it. */
async function first(t: TestContext, name: BrowserName, entry: URL, o: LaunchOptions) {
  let port: number | undefined;
  await inPage(
    t,
    name,
    entry,
    async (page, browser) => {
      const { origin } = new URL(page.url());
      for (const place of ['page', 'worker']) {
        const outcomes =
          place === 'page'
            ? await ask<Outcome[]>(page, 'runTests')
            : await ask<Outcome[]>(page, 'inWorker', 'runTests');
        assert.ok(outcomes.length > 18, `${outcomes.length} tests`);
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

      await t.test('a full store is E_QUOTA with figures, and loses nothing', async () => {
        const other = await browser.newPage();
        await other.goto(`http://localhost:${new URL(origin).port}/`); // an origin of its own
        await full(other, name);
        await other.close();
      });

      await t.test(
        'two tabs on one run: the slower is told who was faster, the log has no gap, and nothing is lost',
        async () => {
          const other = await browser.newPage();
          await other.goto(page.url());
          await twoTabs([page, other]);
          await other.close();
        },
      );

      await t.test('persist: asked where it is wanted, once, and the answer is told', async () => {
        type Asked = { asked: number[]; persisted: boolean | undefined };
        assert.deepEqual(await ask<Asked>(page, 'persist', 'p', {}), { asked: [0, 0], persisted: false });
        assert.deepEqual((await ask<Asked>(page, 'persist', 'p', { persist: false })).asked, [0, 0]);
        // a worker cannot ask
        const there = await ask<Asked>(page, 'inWorker', 'persist', 'p', { persist: true });
        assert.deepEqual(there, { asked: [0, 0], persisted: false });
        if (name === 'chromium') {
          // it asks nobody, and a page that was just opened is refused
          const refused = await ask<Asked>(page, 'persist', 'p', { persist: true });
          assert.deepEqual(refused, { asked: [0, 1], persisted: false });
          await browser.defaultBrowserContext().overridePermissions(origin, ['persistent-storage']);
        }
        const granted = await ask<Asked>(page, 'persist', 'p', { persist: true });
        assert.deepEqual(granted, { asked: [0, 1], persisted: true });
        const later = await ask<Asked>(page, 'inWorker', 'persist', 'p', {});
        assert.deepEqual(later, { asked: [0, 0], persisted: true });
      });

      port = Number(new URL(page.url()).port);
      const endless = ask(page, 'writeForever', 'killed').catch(() => {});
      assert.equal(await ask(page, 'write', 'killed', SIZE), 'written');
      browser.process()?.kill('SIGKILL');
      await endless;
    },
    o,
  );
  return port;
}

/** Both train and save the same run at once. */
async function twoTabs(pages: readonly Page[]): Promise<void> {
  const STEPS = 20;
  for (const p of pages) await ask(p, 'takeOver', 'tabs');
  const rivals = await Promise.all(pages.map((p) => ask<Rival>(p, 'trainOn', STEPS)));
  const commits = await ask<Awaited<ReturnType<typeof history>>>(pages[0], 'commits', 'tabs');
  assert.deepEqual(
    commits.map((c) => c.seq),
    commits.map((_, i) => i + 1),
    'the log has no gap',
  );
  const conflicts = rivals.flatMap((r) => r.conflicts);
  assert.ok(conflicts.length > 0, 'both began with an empty store, so that one was slower at its first save');
  for (const { code, message, seq, winner } of conflicts) {
    assert.equal(code, 'E_CONFLICT', message);
    assert.equal(commits[seq - 1].writer, winner);
    assert.ok(message.includes(winner), message);
  }
  const promised = rivals.flatMap((r) => r.promised);
  assert.equal(promised.length, commits.length, 'every commit was promised to one of them');
  for (const { seq, step, root } of promised) {
    assert.deepEqual([commits[seq - 1].step, commits[seq - 1].root], [step, root]);
  }
  const alone = await trainIris(memoryStore(), STEPS);
  assert.deepEqual([commits.at(-1)?.step, commits.at(-1)?.root], [STEPS, alone.root], 'as if one had trained alone');
}

const SIZE = 9 * MIB;

async function second(t: TestContext, name: BrowserName, entry: URL, o: LaunchOptions & { port: number }) {
  await t.test('what was put survives the end of the browser, what was not does not show', async (t) => {
    await inPage(
      t,
      name,
      entry,
      async (page) => {
        assert.deepEqual(await ask(page, 'keys', 'killed'), ['x'], 'the other object was under way, and is not there');
        assert.equal(await ask(page, 'check', 'killed', SIZE), true);
        assert.ok((await ask<number>(page, 'incomplete', 'killed')) > 0, 'what is left of it');
      },
      o,
    );
  });
}

async function full(page: Page, name: BrowserName): Promise<void> {
  if (name === 'chromium') {
    const cdp = await page.createCDPSession();
    const { origin } = new URL(page.url());
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
  assert.ok(error.message.includes('MiB') && error.message.includes('fill/'), error.message);
  assert.notEqual(error.hint, '');
}
