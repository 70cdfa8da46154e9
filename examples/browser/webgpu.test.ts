/** The page on WebGPU, asked for: Chromium computes on SwiftShader, and gives the bits of WASM. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unavailable } from '../../conformance/rows/launch/ask.ts';
import { browserOptions } from '../../conformance/rows/launch/browsers.ts';
import golden from './fixtures/golden.json' with { type: 'json' };
import { fresh, inBrowser } from './testing/visit.ts';

/** What lets the browser compute on the software GPU. */
function gpu() {
  try {
    return browserOptions('chromium', true);
  } catch (e) {
    if (e instanceof Unavailable) return {};
    throw e;
  }
}

test('demo in chromium on WebGPU: the same fingerprint, also of a run that began on WASM', {
  timeout: 300_000,
}, async (t) => {
  await inBrowser(t, 'chromium', gpu(), async (place) => {
    await using v = await fresh(place);
    assert.equal(await v.text('device-backend'), 'WebAssembly');
    assert.match(await v.text('device-why'), /software/);
    await v.press('train');
    await v.epochs(1);
    await v.stop();
    const step = await v.step();
    await v.choose('backend-webgpu');
    await v.page.waitForFunction(() => document.getElementById('device-backend')?.textContent === 'WebGPU', {
      timeout: 120_000,
    });
    await v.until('stopped');
    assert.match(await v.text('device-adapter'), /swiftshader/i);
    assert.equal(await v.text('device-exactness'), 'bitwise');
    assert.equal(await v.step(), step);
    await v.choose('pace-full');
    await v.train();
    assert.equal(await v.text('print-mine'), golden.iris[20]);

    await v.press('reset');
    await v.until('ready');
    assert.equal(await v.text('device-backend'), 'WebGPU');
    await v.train();
    assert.equal(await v.text('print-mine'), golden.iris[20]);
    assert.deepEqual(await v.ladder(), Array(21).fill('same'));
    assert.deepEqual(v.complaints, []);
  });
});
