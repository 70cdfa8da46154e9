import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Page } from 'puppeteer-core';
import { indexeddbStore } from './indexeddb.ts';
import { browserStoreTests } from './testing/browser-store.ts';
import { ask, inPage } from './testing/browsers.ts';
import { damage, tear } from './testing/torn-log.ts';

const PAGE = new URL('./testing/indexeddb.page.ts', import.meta.url);

browserStoreTests('indexeddb', PAGE);

/** Lives of one Chromium: each ends before the next begins, with the same profile and the same origin. Gives its port. */
async function inLives(
  t: TestContext,
  run: (live: (work: (page: Page) => Promise<void>) => Promise<number | undefined>, profile: string) => Promise<void>,
) {
  const userDataDir = await mkdtemp(join(tmpdir(), 'isobit-profile-'));
  let port: number | undefined;
  const live = async (work: (page: Page) => Promise<void>) => {
    await inPage(
      t,
      'chromium',
      PAGE,
      async (page) => {
        port = Number(new URL(page.url()).port);
        await work(page);
      },
      { userDataDir, port },
    );
    return port;
  };
  try {
    await run(live, userDataDir);
  } finally {
    await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

test(
  'indexeddb in chromium: a log that a kill has torn is left behind at the next opening, and nothing is lost',
  { timeout: 240_000 },
  (t) =>
    inLives(t, async (live, profile) => {
      const port = await live(async (page) => {
        assert.equal(await ask(page, 'write', 'torn', 9e6), 'written');
        await ask(page, 'leave', 'isobit-log-left');
        assert.deepEqual((await ask<string[]>(page, 'databases')).sort(), ['isobit-log-left', 'isobit:torn']);
      });
      if (port === undefined) return; // skipped
      for (let round = 0; round < 2; round++) {
        const { log, byItself } = await tear(profile, port);
        assert.equal(byItself, false);
        await live(async (page) => {
          assert.equal(await ask(page, 'check', 'torn', 9e6), true);
          assert.ok(
            !(await readdir(dirname(log))).includes(basename(log)),
            'the torn log is gone as soon as a call is answered',
          );
          await ask(page, 'race', 'torn', round);
        });
      }
      await live(async (page) => {
        assert.equal(await ask(page, 'check', 'torn', 9e6), true);
        assert.equal((await ask<number[]>(page, 'owners', 'torn')).length, 50);
        assert.deepEqual(await ask(page, 'databases'), ['isobit:torn'], 'what a closed page had left is gone');
      });
    }),
);

test(
  'indexeddb in chromium: what the browser removed as damaged is E_LOST, for every store, until it is closed',
  { timeout: 240_000 },
  (t) =>
    inLives(t, async (live, profile) => {
      const port = await live(async (page) => assert.equal(await ask(page, 'write', 'lost', 100), 'written'));
      if (port === undefined) return; // skipped
      await damage(profile, port);
      await live(async (page) => {
        assert.deepEqual(await ask(page, 'afterLoss', 'lost'), [...Array(5).fill('E_LOST'), ['y'], ['y']]);
      });
    }),
);

test('indexeddb: where there is none, E_UNSUPPORTED says what to use', async () => {
  const store = indexeddbStore('x', { persist: true });
  await assert.rejects(store.put('x', new Uint8Array(1)), (e) => {
    const { code, message, hint } = e as { code: string; message: string; hint: string };
    assert.equal(code, 'E_UNSUPPORTED');
    assert.ok(message.includes('indexeddb:x') && hint.includes('fsStore'));
    return true;
  });
  assert.equal(await store.persisted(), undefined, 'nobody was there to be asked');
  await store.close();
});
