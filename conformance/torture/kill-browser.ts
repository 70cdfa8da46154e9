/** Browsers that are killed while a page and its worker save to one run: IndexedDB by default, or OPFS. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Browser } from 'puppeteer-core';
import { memoryStore } from '../../adapters/memory.ts';
import { ask, BROWSERS, type BrowserName, bundle, listen, PAGE, start } from '../../adapters/testing/browsers.ts';
import { tear } from '../../adapters/testing/torn-log.ts';
import { random } from '../../sdk/checkpoint/sample.ts';
import { Ledger } from './kill/check.ts';
import { uninterrupted } from './kill/training.ts';
import type { Said } from './kill/work.ts';
import type { StoreName } from './kill-browser/page.ts';
import { part } from './part.ts';

export interface KillBrowserOptions {
  readonly browser: BrowserName;
  readonly store: StoreName;
  readonly kills: number;
  readonly seed: number;
  /** 0 keeps every commit. */
  readonly keepLast: number;
  /** Of the hidden layer: a state has 84 bytes for each. */
  readonly width: number;
  /** Commits that are resumed and trained on at the end. */
  readonly samples: number;
  /** Half of the kills of Chromium also cut a record of IndexedDB's log short, as one kill in hundreds does by itself. */
  readonly tear: boolean;
}

/** How long after a writer's first word its browser dies at most, in milliseconds. */
const LIFE = 1200;

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const p of request) parts.push(p);
  return new Uint8Array(Buffer.concat(parts));
}

/** Where pages come from, and where they tell what they were promised: it outlives the browsers. */
async function office(ledger: Ledger) {
  const script = await bundle(new URL('./kill-browser/page.ts', import.meta.url));
  let held = memoryStore();
  let lost = 0;
  let speak = () => {};
  const server = await listen(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://page/');
    const page = pathname === '/script.js' ? script : PAGE;
    if (request.method === 'GET') {
      return void response
        .writeHead(200, { 'content-type': page === PAGE ? 'text/html' : 'text/javascript' })
        .end(page);
    }
    // What was cut off by the kill was not said.
    const body = await bodyOf(request).catch(() => null);
    const text = body && new TextDecoder().decode(body);
    if (pathname === '/object' && body) await held.put(searchParams.get('key') ?? '', body);
    else if (pathname === '/ended') ledger.fault(`a writer ended by itself: ${text}`);
    else if (text) {
      const said = JSON.parse(text) as Said;
      if ('commit' in said) ledger.promise(said);
      else lost++;
    }
    if (pathname !== '/object') speak();
    response.end();
  });
  return {
    url: server.url,
    lost: () => lost,
    /** Resolves at the next word of a writer. */
    word: () =>
      new Promise<void>((done) => {
        speak = done;
      }),
    /** What a browser holds, as it sends it. */
    async holding(send: () => Promise<unknown>) {
      held = memoryStore();
      await send();
      return held;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The browser with all its processes, which are one group. */
async function killGroup(browser: Browser, profile: string): Promise<void> {
  const child = browser.process();
  if (!child?.pid || child.exitCode !== null) throw new Error('the browser ended by itself');
  const gone = new Promise((done) => child.once('exit', done));
  process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  await gone;
  // Puppeteer puts the profile's settings back, before another may start with it.
  while ((await readdir(profile)).some((f) => f.endsWith('.puppeteer'))) await wait(20);
}

/** The ledger of a torture, or why there is none. */
export async function killBrowser(
  o: KillBrowserOptions,
  say: (line: string) => void = () => {},
): Promise<Ledger | string> {
  const next = random(o.seed);
  const ledger = new Ledger(await uninterrupted(o.width), o.width);
  const userDataDir = await mkdtemp(join(tmpdir(), 'isobit-torture-'));
  await using desk = await office(ledger);
  const torn = { byUs: 0, byItself: 0 };
  let browser: Browser | undefined;
  try {
    for (let kills = 0; ; kills++) {
      const started = await start(o.browser, { userDataDir });
      if (typeof started === 'string') return started;
      browser = started;
      const page = await browser.newPage();
      await page.goto(desk.url);
      const last = kills === o.kills || ledger.faults.length > 0;
      const held = await desk.holding(() => ask(page, 'dump', o.store, last ? Number.MAX_SAFE_INTEGER : 2));
      if (last) {
        await browser.close();
        const unknown = 2 * kills + desk.lost();
        const { commits, collected } = await ledger.whole(held, { keepLast: o.keepLast, unknown });
        const resumed = await ledger.resumes(held, o.samples);
        const rule = o.keepLast > 0 ? `keepLast ${o.keepLast}` : 'keeping all';
        const logs = o.tear ? ` (${torn.byUs} logs torn on purpose, ${torn.byItself} by the kill)` : '';
        say(
          `${o.store} in ${o.browser}, ${rule}, states of ${((84 * o.width) / 1e6).toFixed(1)} MB: ${kills} kills${logs}, ` +
            `${ledger.promised.size} commits promised, ${desk.lost()} conflicts; ${commits} live and verified, ` +
            `${collected} orphans, ${resumed} resumed`,
        );
        break;
      }
      await ledger.latest(held);
      const word = desk.word();
      const job = { keepLast: o.keepLast, width: o.width };
      const writers = [
        ask(page, 'write', o.store, { ...job, seed: next() }),
        ask(page, 'inWorker', 'write', o.store, { ...job, seed: next() }),
      ];
      // They end with the browser.
      for (const w of writers) w.catch(() => {});
      await word;
      await wait(next() % LIFE);
      await killGroup(browser, userDataDir);
      if (o.tear && next() % 2 === 0) {
        const { byItself } = await tear(userDataDir, Number(new URL(desk.url).port));
        torn[byItself ? 'byItself' : 'byUs']++;
      }
      if (kills % 10 === 9) say(`${kills + 1} kills, ${ledger.promised.size} commits, ${desk.lost()} conflicts`);
    }
    for (const f of ledger.faults) say(`FAULT ${f}`);
    return ledger;
  } finally {
    if (browser?.connected) await browser.close().catch(() => {});
    if (ledger.faults.length > 0) say(`left for a look: ${userDataDir}`);
    else await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

const OPTIONS = { kills: 100, seed: 1, keepLast: 3, width: 60_000, samples: 10, browser: 'both', store: 'indexeddb' };

/** Of the kills, half without retention and with small states, whose every number must be there. */
export const killBrowsers = part(OPTIONS, async (o, say) => {
  const names = o.browser === 'both' ? BROWSERS : BROWSERS.filter((b) => b === o.browser);
  if (names.length === 0) throw new Error(`--browser takes both, chromium or firefox, got ${o.browser}`);
  if (o.store !== 'indexeddb' && o.store !== 'opfs') throw new Error(`--store takes indexeddb or opfs, got ${o.store}`);
  say(`kill-browser: seed ${o.seed}`);
  let held = true;
  for (const browser of names) {
    for (const rule of [
      { keepLast: o.keepLast, width: o.width },
      { keepLast: 0, width: 1024 },
    ]) {
      const { store, kills, seed, samples } = o;
      const tear = browser === 'chromium' && store === 'indexeddb';
      const ledger = await killBrowser(
        { store, seed, samples, tear, ...rule, browser, kills: Math.ceil(kills / 2) },
        say,
      );
      if (typeof ledger === 'string') throw new Error(ledger);
      held &&= ledger.faults.length === 0;
    }
  }
  return held;
});
