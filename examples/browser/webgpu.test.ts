/** The page on WebGPU, asked for: Chromium computes on SwiftShader, Firefox on lavapipe, and both give the bits of WASM. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaunchOptions } from 'puppeteer-core';
import { BROWSERS, type BrowserName } from '../../adapters/testing/browsers.ts';
import { Unavailable } from '../../conformance/rows/launch/ask.ts';
import { browserOptions } from '../../conformance/rows/launch/browsers.ts';
import golden from './fixtures/golden.json' with { type: 'json' };
import { fresh, inBrowser } from './testing/visit.ts';

/** What lets a browser compute on a software GPU. */
function gpu(name: BrowserName): LaunchOptions {
  try {
    return browserOptions(name, true);
  } catch (e) {
    if (e instanceof Unavailable) return {};
    throw e;
  }
}

for (const name of BROWSERS) {
  test(`demo in ${name} on WebGPU: the same fingerprint, also of a run that began on WASM`, {
    timeout: 600_000,
  }, async (t) => {
    await inBrowser(t, name, gpu(name), async (place) => {
      await using v = await fresh(place);
      assert.match(await v.text('device-why'), /software/);
      await v.device('wasm', 'WebAssembly');
      await v.press('train');
      await v.epochs(1);
      await v.stop();
      const step = await v.step();
      await v.device('webgpu', 'WebGPU');
      if (name === 'chromium') assert.match(await v.text('device-adapter'), /swiftshader/i);
      assert.match(await v.text('device-why'), /asked for/);
      assert.equal(await v.text('device-exactness'), 'bitwise');
      assert.equal(await v.step(), step);
      await v.choose('pace-full');
      await v.train();
      assert.equal(await v.text('print-mine'), golden.iris[20]);

      assert.deepEqual(await v.ladder(), Array(21).fill('same'));

      // A few seconds in Chromium; lavapipe takes its time.
      if (name === 'chromium') {
        await v.press('reset');
        await v.until('ready');
        assert.equal(await v.text('device-backend'), 'WebGPU');
        await v.train();
        assert.equal(await v.text('print-mine'), golden.iris[20]);
        assert.deepEqual(await v.ladder(), Array(21).fill('same'));
      }
      assert.deepEqual(v.complaints, []);
    });
  });
}
