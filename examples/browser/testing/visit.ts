/** The demo page in a real browser, and what a test does with it. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Browser, LaunchOptions, Page } from 'puppeteer-core';
import { type BrowserName, start } from '../../../adapters/testing/browsers.ts';
import { makeSite, type Serving, type Site, serveSite } from '../site.ts';

/** Milliseconds; a busy machine may need most of it. */
const PATIENCE = 120_000;

/** What the form is about. */
export type State = 'waiting' | 'ready' | 'training' | 'stopped' | 'finished';

export class Visit {
  readonly page: Page;
  /** What the page complains of, such as a policy that it breaks. */
  readonly complaints: string[] = [];

  readonly #downloads: string;

  constructor(page: Page, downloads: string) {
    this.page = page;
    this.#downloads = downloads;
    page.on('console', (m) => m.type() === 'error' && this.complaints.push(m.text()));
    page.on('pageerror', (e) => this.complaints.push(String(e)));
  }

  async go(url: string): Promise<this> {
    await this.page.goto(url);
    await this.until('ready', 'stopped', 'finished');
    return this;
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.until('ready', 'stopped', 'finished');
  }

  /** Waits until the form is in one of these states, and its last measure is shown. */
  async until(...states: readonly State[]): Promise<void> {
    await this.page.waitForFunction(
      (wanted: readonly string[]) => {
        const form = document.getElementById('controls');
        const shown = document.getElementById('print-mine')?.textContent !== '–';
        const failed = document.getElementById('alert')?.hidden === false;
        return wanted.includes(form?.dataset.state ?? '') && (shown || failed);
      },
      { timeout: PATIENCE },
      states,
    );
  }

  /** Waits until so many epochs are measured. */
  async epochs(n: number): Promise<void> {
    await this.page.waitForFunction(
      (count: number) =>
        document.querySelectorAll('#ladder li[data-is="same"], #ladder li[data-is="known"]').length > count,
      { timeout: PATIENCE },
      n,
    );
  }

  text(id: string): Promise<string> {
    return this.page.$eval(`#${id}`, (e) => e.textContent ?? '');
  }

  /** Chooses one of the form's segments, as `backend-wasm`. */
  async choose(id: string): Promise<void> {
    await this.page.$eval(`label[for="${id}"]`, (e) => e.click());
  }

  /** Chooses a backend, and waits until the run is there. */
  async device(backend: 'auto' | 'wasm' | 'webgpu', shown: string): Promise<void> {
    await this.choose(`backend-${backend}`);
    await this.page.waitForFunction(
      (name: string) => document.getElementById('device-backend')?.textContent === name,
      { timeout: PATIENCE },
      shown,
    );
    await this.until('ready', 'stopped', 'finished');
  }

  async press(id: string): Promise<void> {
    await this.page.$eval(`#${id}`, (e) => (e as HTMLElement).click());
  }

  async train(): Promise<void> {
    await this.press('train');
    await this.until('finished');
  }

  async stop(): Promise<void> {
    await this.press('train');
    await this.until('stopped', 'ready');
  }

  /** How the epochs compare with the golden run: `same`, `differs`, `known`, `passed`, `open`. */
  ladder(): Promise<string[]> {
    return this.page.$$eval('#ladder li', (all) => all.map((li) => li.dataset.is ?? ''));
  }

  /** The steps that are done. */
  async step(): Promise<number> {
    return Number((await this.text('figure-step')).split('/')[0].replaceAll(',', ''));
  }

  /** The file that the browser saves. */
  async exported(): Promise<{ path: string; bytes: Uint8Array }> {
    await this.press('export');
    const ended = AbortSignal.timeout(PATIENCE);
    for (;;) {
      ended.throwIfAborted();
      await setTimeout(100);
      const [name, ...more] = await readdir(this.#downloads);
      // While it comes, it lies there under another name or beside one.
      if (!name?.endsWith('.cbor') || more.length > 0) continue;
      const path = join(this.#downloads, name);
      const bytes = await readFile(path);
      if (bytes.length === 0) continue;
      const moved = `${this.#downloads}-${name}`;
      await rename(path, moved);
      return { path: moved, bytes: new Uint8Array(bytes) };
    }
  }

  /** Imports a file of this machine, and waits until the page tells what came of it. */
  async imports(path: string): Promise<void> {
    const input = await this.page.$('#file');
    assert.ok(input);
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(path);
    await this.page.waitForFunction(
      (name: string) => {
        const alert = document.getElementById('alert');
        const refused = alert?.hidden === false && alert.textContent?.includes(`${name} was not imported`);
        return refused || document.getElementById('status')?.textContent?.startsWith('Imported');
      },
      { timeout: PATIENCE },
      basename(path),
    );
    await this.until('ready', 'stopped', 'finished');
  }
}

/** A browser that runs, the page's address, and a folder for downloads. */
export interface Place {
  readonly browser: Browser;
  readonly url: string;
  readonly downloads: string;
}

/** A profile of its own. */
export async function fresh({ browser, url, downloads }: Place): Promise<Visit & AsyncDisposable> {
  const context = await browser.createBrowserContext({
    downloadBehavior: { policy: 'allow', downloadPath: downloads },
  });
  const visit = await new Visit(await context.newPage(), downloads).go(url);
  return Object.assign(visit, { [Symbol.asyncDispose]: () => context.close() });
}

/** Made once for all tests of a file. */
let site: Promise<Site> | undefined;

/** Runs a test in a browser. Where there is no such browser it is skipped, but in CI it fails. */
export async function inBrowser(
  t: TestContext,
  name: BrowserName,
  options: LaunchOptions,
  work: (place: Place) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'isobit-demo-'));
  const downloads = join(folder, 'downloads');
  await mkdir(downloads);
  const saving = { 'browser.download.folderList': 2, 'browser.download.dir': downloads };
  const extraPrefsFirefox = { ...options.extraPrefsFirefox, ...saving };
  const patience = { timeout: PATIENCE, protocolTimeout: PATIENCE };
  const browser = await start(name, { ...options, ...patience, extraPrefsFirefox });
  try {
    if (typeof browser === 'string') {
      assert.notEqual(process.env.CI, 'true', browser);
      return t.skip(browser);
    }
    site ??= makeSite();
    await using server: Serving = await serveSite(await site);
    await work({ browser, url: server.url, downloads });
  } finally {
    if (typeof browser !== 'string') await browser.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
