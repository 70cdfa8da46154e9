/** Contenders in Chromium: a browser for each, so that none shares a process with another. */

import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, CDPSession, Page } from 'puppeteer-core';
import { ask, listen, type Server, start } from '../adapters/testing/browsers.ts';
import { JAX, type Library, OURS, TFJS } from './libraries.ts';
import { putThreads } from './prepare.ts';
import type { Racer } from './race.ts';
import type { Answer, Measured, Request } from './turns.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BUILT = join(HERE, 'node_modules/.bench-web');
/** Where tfjs looks for its kernels. */
const TFJS_WASM = join(HERE, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Bundles for a page, with the peers in them. */
export async function prepareForBrowsers(): Promise<void> {
  const modules = ['page-turn', ...[OURS, JAX, TFJS].map((l) => l.module)];
  await build({
    absWorkingDir: HERE,
    entryPoints: Object.fromEntries(modules.map((m) => [m, `${m}.ts`])),
    outdir: BUILT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['node:*', 'webgpu'],
    logLevel: 'error',
  });
  putThreads(BUILT);
}

/** `isolated`: with the headers that let a page share memory between threads. */
export const serve = (isolated: boolean): Promise<Server> =>
  listen((request, response) => {
    const name = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1);
    const file = [BUILT, TFJS_WASM].map((folder) => join(folder, name)).find((f) => name !== '' && existsSync(f));
    const headers = isolated
      ? { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
      : {};
    if (name === '') {
      const page = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page-turn.js"></script>';
      response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(page);
    } else if (file) {
      const type = TYPES[extname(name)] ?? 'text/plain';
      response.writeHead(200, { ...headers, 'content-type': type }).end(readFileSync(file));
    } else response.writeHead(404).end();
  });

/** A library in a page of a Chromium of its own. Throws where there is none. */
export async function inChromium(library: Library, url: string): Promise<Racer> {
  const browser = await start('chromium');
  if (typeof browser === 'string') throw new Error(browser);
  const page = await browser.newPage();
  await page.goto(`${url}?module=${library.module}&open=${library.open}`);
  return new PageRacer(library.name, browser, page, await browser.target().createCDPSession());
}

class PageRacer implements Racer {
  readonly name: string;
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #session: CDPSession;

  constructor(name: string, browser: Browser, page: Page, session: CDPSession) {
    this.name = name;
    this.#browser = browser;
    this.#page = page;
    this.#session = session;
  }

  async ask(request: Request): Promise<Answer> {
    if (!('run' in request)) return ask<Answer>(this.#page, 'ask', request);
    const before = await this.#cpu();
    const answer = await ask<Answer>(this.#page, 'ask', request);
    const used = (await this.#cpu()) - before;
    if ('error' in answer) return answer;
    const measured = answer as Measured;
    return { ...measured, cpu: used / measured.steps };
  }

  /** Microseconds of CPU time of the renderers so far. */
  async #cpu(): Promise<number> {
    const { processInfo } = await this.#session.send('SystemInfo.getProcessInfo');
    return processInfo.filter((p) => p.type === 'renderer').reduce((sum, p) => sum + p.cpuTime * 1e6, 0);
  }

  stop(): Promise<void> {
    return this.#browser.close();
  }
}
