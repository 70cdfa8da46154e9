/** Rows in a page of a browser, which puppeteer starts and ends. */

import { basename } from 'node:path';
import type { LaunchOptions } from 'puppeteer-core';
import { type Ask, isLast, type Launch, Unavailable } from './ask.ts';
import { onPath, orUnavailable, vulkan } from './find.ts';
import { serve } from './serve.ts';

/** No sandbox: containers do not allow one. The others keep it off the network. */
const CHROMIUM = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const CHROMIUM_GPU = ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader'];

/** Nothing is looked up elsewhere, and a page that works for a while is no emergency. */
const FIREFOX = {
  'app.update.auto': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'dom.max_script_run_time': 0,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};
const FIREFOX_GPU = { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true };

/** For a browser to start, in milliseconds: a busy machine may need most of it. */
const PATIENCE = 180_000;

/** How puppeteer starts a browser of this machine, with a software GPU or none. Throws Unavailable where it has none. */
export function browserOptions(name: 'chromium' | 'firefox', gpu: boolean): LaunchOptions {
  if (name === 'chromium') {
    return {
      browser: 'chrome',
      headless: true,
      executablePath: orUnavailable(
        onPath(
          ...(process.env.CHROME_PATH ? [process.env.CHROME_PATH] : []),
          ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
          '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        ),
        'Chromium is not installed',
      ),
      args: [...CHROMIUM, ...(gpu ? CHROMIUM_GPU : [])],
    };
  }
  return {
    browser: 'firefox',
    headless: true,
    executablePath: orUnavailable(
      onPath(
        ...(process.env.FIREFOX_PATH ? [process.env.FIREFOX_PATH] : []),
        ...['firefox-esr', 'firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'],
      ),
      'Firefox is not installed',
    ),
    extraPrefsFirefox: { ...FIREFOX, ...(gpu ? FIREFOX_GPU : {}) },
    env: { ...process.env, ...(gpu ? vulkan('lavapipe') : {}) },
  };
}

export const chromium: Launch = (ask) => inBrowser(ask, browserOptions('chromium', ask.options.backend === 'webgpu'));

/** Firefox tells pages nothing of the adapter; which driver it was given is known here. */
export const firefox: Launch = (ask) => {
  const options = browserOptions('firefox', ask.options.backend === 'webgpu');
  const driver = options.env?.VK_ICD_FILENAMES;
  const say: Ask['say'] = (said) =>
    ask.say(
      said.kind === 'begin' && said.adapter === 'unknown adapter' && driver
        ? { ...said, adapter: `driver ${basename(driver)}` }
        : said,
    );
  return inBrowser({ ...ask, say }, options);
};

async function inBrowser(ask: Ask, options: LaunchOptions): Promise<void> {
  const { default: puppeteer } = await import('puppeteer-core').catch(() => {
    throw new Unavailable('browsers are driven by the npm package puppeteer-core, which is not installed');
  });
  ask.signal.throwIfAborted();
  let [end, fail]: [() => void, (why: unknown) => void] = [() => {}, () => {}];
  const over = new Promise<void>((resolve, reject) => {
    [end, fail] = [resolve, reject];
  });
  // It may fail while the browser still starts, when nobody waits for it.
  over.catch(() => {});
  ask.signal.addEventListener('abort', () => fail(ask.signal.reason));
  await using server = await serve(ask, (said) => {
    ask.say(said);
    if (isLast(said)) end();
  });
  const browser = await puppeteer.launch({
    ...options,
    timeout: PATIENCE,
    protocolTimeout: PATIENCE,
    // Who calls decides what Ctrl-C ends.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  try {
    browser.on('disconnected', () => fail(new Error('the browser ended')));
    const page = await browser.newPage();
    page.on('error', (e) => fail(new Error(`the page crashed: ${e.message}`)));
    page.on('pageerror', (e) => fail(new Error(`the page threw: ${e instanceof Error ? e.message : e}`)));
    // Loading ends late where the page works from its first moment on.
    page.goto(server.url, { timeout: 0 }).catch(fail);
    await over;
  } finally {
    await browser.close();
  }
}
