/** Tests in real browsers: a bundle in a page and in a worker, with the outcome of each test brought back. */

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, LaunchOptions, Page } from 'puppeteer-core';
import { Unavailable } from '../../conformance/rows/launch/ask.ts';
import { browserOptions } from '../../conformance/rows/launch/browsers.ts';

export const BROWSERS = ['chromium', 'firefox'] as const;
export type BrowserName = (typeof BROWSERS)[number];

const HERE = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** A test source as one script for a browser. `node:test` and `node:assert/strict` are those beside this file. */
export async function bundle(entry: URL): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    alias: { 'node:test': HERE('page-test.ts'), 'node:assert/strict': HERE('page-assert.ts') },
  });
  return outputFiles[0].text;
}

export interface Server extends AsyncDisposable {
  readonly url: string;
}

/** Serves on this machine alone, on a free port unless one is given. */
export async function listen(handler: RequestListener, port = 0): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/script.js"></script>';

/** A page that loads the script, which is also there for workers, as /script.js. */
export function servePage(script: string, port?: number): Promise<Server> {
  return listen((request, response) => {
    const js = request.url === '/script.js';
    response.writeHead(200, { 'content-type': js ? 'text/javascript' : 'text/html' }).end(js ? script : PAGE);
  }, port);
}

/** Starts a browser of this machine, or says why it cannot. */
export async function start(name: BrowserName, more: LaunchOptions = {}): Promise<Browser | string> {
  try {
    const { default: puppeteer } = await import('puppeteer-core');
    const options = browserOptions(name, false);
    const extraPrefsFirefox = { ...options.extraPrefsFirefox, ...more.extraPrefsFirefox };
    return await puppeteer.launch({ ...options, ...more, extraPrefsFirefox });
  } catch (e) {
    if (e instanceof Unavailable) return e.message;
    throw e;
  }
}

/** Calls a function that the page's script has put on the global object. */
export async function ask<T>(page: Page, name: string, ...args: readonly unknown[]): Promise<T> {
  await page.waitForFunction((n: string) => n in globalThis, { timeout: 60_000 }, name);
  return (await page.evaluate(
    (n: string, a: readonly unknown[]) =>
      (globalThis as unknown as Record<string, (...a: unknown[]) => unknown>)[n](...a),
    name,
    args,
  )) as T;
}

/** A page with the script of `entry`. Where the browser is not installed the test is skipped, but in CI it fails. */
export async function inPage(
  t: TestContext,
  name: BrowserName,
  entry: URL,
  work: (page: Page, browser: Browser) => Promise<void>,
  { port, ...o }: LaunchOptions & { port?: number } = {},
): Promise<void> {
  const browser = await start(name, o);
  if (typeof browser === 'string') {
    assert.notEqual(process.env.CI, 'true', browser);
    return t.skip(browser);
  }
  await using server = await servePage(await bundle(entry), port);
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    await work(page, browser);
  } finally {
    await browser.close().catch(() => {}); // it may have been ended
  }
}
