/** The page in Chromium and Firefox: the same bits to the end, however the run is interrupted and wherever it is carried. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BROWSERS } from '../../adapters/testing/browsers.ts';
import { openCheckpoint } from '../../sdk/checkpoint/index.ts';
import golden from './fixtures/golden.json' with { type: 'json' };
import { fresh, inBrowser, type Visit } from './testing/visit.ts';

const END = golden.iris[20];
const LIMIT = { timeout: 600_000 };

/** The page stands at the end of the golden run, and says so. */
async function assertGolden(v: Visit): Promise<void> {
  assert.equal(await v.text('print-mine'), END);
  assert.equal(await v.text('print-golden'), END);
  assert.equal(await v.text('verdict'), '✓ Same bits');
  assert.equal(await v.text('figure-step'), '200 / 200');
  assert.equal(await v.text('figure-accuracy'), '97.3 %');
  assert.deepEqual(v.complaints, []);
}

/** Plots and maps are drawn: the picture of the finished page has more in it than text. SHOTS names a folder that keeps it. */
async function assertDrawn(t: TestContext, v: Visit): Promise<void> {
  const picture = await v.page.screenshot({ fullPage: true });
  assert.ok(picture.length > 50_000, `a picture of ${picture.length} bytes`);
  const painted = await v.page.$$eval(
    'canvas',
    (all) =>
      all.filter((c) => {
        const pixels =
          c.width * c.height > 0 ? c.getContext('2d')?.getImageData(0, 0, c.width, c.height).data : undefined;
        return c.checkVisibility() && new Set(pixels).size > 20;
      }).length,
  );
  assert.ok(painted >= 3, `${painted} canvases show something`);
  if (process.env.SHOTS) await writeFile(join(process.env.SHOTS, `${t.name.replace(/ /g, '-')}.png`), picture);
}

for (const name of BROWSERS) {
  test(`demo in ${name}`, LIMIT, async (t) => {
    await inBrowser(t, name, {}, async (place) => {
      await t.test('trains to the golden fingerprint, equal at each epoch', async () => {
        await using v = await fresh(place);
        assert.equal(await v.text('train'), 'Train');
        assert.equal(await v.text('device-exactness'), 'bitwise');
        assert.match(await v.text('device-why'), /wasm/);
        await v.choose('pace-full');
        await v.train();
        await assertGolden(v);
        assert.deepEqual(await v.ladder(), Array(21).fill('same'));
        await assertDrawn(t, v);
      });

      await t.test('stops, is reloaded, and goes on to the same end', async () => {
        await using v = await fresh(place);
        await v.press('train');
        await v.epochs(2);
        await v.stop();
        const [step, print] = [await v.step(), await v.text('print-mine')];
        assert.ok(step > 10 && step < 200, `stopped at step ${step}`);
        await v.reload();
        assert.equal(await v.step(), step);
        assert.equal(await v.text('print-mine'), print);
        assert.match(await v.text('status'), /Found your run/);
        assert.equal(await v.page.$eval('#seed', (e) => (e as HTMLInputElement).disabled), true);
        await v.choose('pace-full');
        await v.train();
        await assertGolden(v);
        assert.deepEqual(await v.ladder(), Array(21).fill('same'));
      });

      await t.test('a page that is closed while it trains loses an epoch at most', async () => {
        await using v = await fresh(place);
        await v.press('train');
        await v.epochs(3);
        await v.reload();
        const step = await v.step();
        assert.ok(step >= 20 && step < 200, `found at step ${step}`);
        await v.choose('pace-full');
        await v.train();
        await assertGolden(v);
      });

      await t.test('exports a file that another browser imports and goes on with', async () => {
        await using from = await fresh(place);
        await from.press('train');
        await from.epochs(1);
        await from.stop();
        const { path, bytes } = await from.exported();
        assert.match(path, /isobit-iris-seed42-step\d+\.cbor$/);
        const file = await openCheckpoint(bytes);
        assert.equal(file.fingerprint, await from.text('print-mine'));

        await using to = await fresh(place);
        await to.choose('example-digits');
        await to.imports(path);
        assert.equal(await to.text('print-mine'), file.fingerprint);
        assert.equal(await to.step(), await from.step());
        assert.equal(await to.page.$eval('#example-iris', (e) => (e as HTMLInputElement).checked), true);
        await to.choose('pace-full');
        await to.train();
        await assertGolden(to);
      });

      await t.test('a damaged file is an error, and the run stays', async () => {
        await using v = await fresh(place);
        await v.press('train');
        await v.epochs(1);
        await v.stop();
        const [step, print, { bytes }] = [await v.step(), await v.text('print-mine'), await v.exported()];
        const changed = Uint8Array.from(bytes);
        changed[changed.length >> 1] ^= 1;
        for (const [what, data, code] of [
          ['changed', changed, /^E_(INTEGRITY|LAYOUT)/],
          ['cut', bytes.subarray(0, bytes.length - 7), /^E_TRUNCATED/],
          ['text', new TextEncoder().encode('no checkpoint at all'), /^E_(MAGIC|TRUNCATED)/],
        ] as const) {
          const path = join(place.downloads, `${what}.cbor`);
          await writeFile(path, data);
          await v.imports(path);
          assert.match(await v.text('alert-title'), /not imported/, what);
          assert.match(await v.text('alert-message'), code, what);
          assert.notEqual(await v.text('alert-hint'), '', what);
          assert.deepEqual([await v.step(), await v.text('print-mine')], [step, print], what);
        }
        await v.reload();
        assert.deepEqual([await v.step(), await v.text('print-mine')], [step, print]);
        await v.choose('pace-full');
        await v.train();
        await assertGolden(v);
      });

      await t.test('other seeds have no golden; starting over forgets the run', async () => {
        await using v = await fresh(place);
        await v.page.$eval('#seed', (e) => {
          (e as HTMLInputElement).value = '7';
          e.dispatchEvent(new Event('change', { bubbles: true }));
        });
        await v.page.waitForFunction(() => document.getElementById('command')?.textContent?.endsWith('--seed 7'));
        await v.choose('pace-full');
        await v.train();
        assert.equal(await v.text('verdict'), 'No golden for seed 7');
        assert.notEqual(await v.text('print-mine'), END);
        await v.press('reset');
        await v.until('ready');
        await v.reload();
        await v.until('ready');
        assert.equal(await v.page.$eval('#seed', (e) => (e as HTMLInputElement).value), '42');
        assert.equal((await v.ladder())[0], 'same');
      });

      await t.test('digits: equal after an epoch; a stroke on the pad is a one', async () => {
        await using v = await fresh(place);
        await v.choose('example-digits');
        await v.page.waitForFunction(() => document.querySelectorAll('#gallery li').length === 60, {
          timeout: 120_000,
        });
        await v.until('ready');
        await v.choose('pace-full');
        await v.press('train');
        await v.epochs(1);
        await v.stop();
        const ladder = await v.ladder();
        assert.deepEqual(ladder.slice(0, 2), ['same', 'same']);
        assert.ok(!ladder.includes('differs'), `${ladder}`);
        assert.ok(Number.parseFloat(await v.text('figure-accuracy')) > 80);
        const wrong = await v.page.$$eval('#gallery li[data-wrong="true"]', (all) => all.length);
        assert.ok(wrong < 20, `${wrong} of 60 are wrong`);
        // A stroke from top to bottom is a one.
        await v.page.$eval('#pad', (e) => e.scrollIntoView());
        const pad = await v.page.$('#pad');
        const box = await pad?.boundingBox();
        assert.ok(box);
        await v.page.mouse.move(box.x + box.width / 2, box.y + 30);
        await v.page.mouse.down();
        await v.page.mouse.move(box.x + box.width / 2 - 4, box.y + box.height - 30, { steps: 8 });
        await v.page.mouse.up();
        await v.page.waitForFunction(() => document.getElementById('pad-said')?.textContent?.startsWith('Reads 1'));
        assert.deepEqual(v.complaints, []);
      });
    });
  });
}
