/** The page of a report: one file that draws all its plots in a browser, and fetches nothing. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { start } from '../../adapters/testing/browsers.ts';
import { type Row, raceRow, rowOf } from '../rows.ts';
import { writePage } from './write.ts';

const figures = (cpu: number) => ({ cpu, wall: cpu, warmUp: cpu * 2, memory: 50 + cpu, pipelines: 7 });
const names = ['isobit', 'jax-js', 'tfjs'];
const raced = (part: string, name: string, at?: Row['at']): Row =>
  raceRow({ part, name, ours: 'isobit', target: 0.5, at }, names, [
    figures(2),
    figures(5),
    { error: 'no </script> here' },
  ]);

const ROWS: readonly Row[] = [
  ...[64, 256].map((x) => raced('matmul', `matmul NN ${x}`, { plot: 'NN', x, flops: 2 * x ** 3 })),
  ...[32, 128].map((x) => raced('growth', `width ${x}`, { plot: 'width', x })),
  raced('train', 'train 4-16-3, batch 16'),
  raced('webgpu', 'train 4-16-3, batch 16 on WebGPU to tfjs'),
  raced('webgpu', 'train 4-16-3, batch 16 on WebGPU, warm-up'),
  rowOf({ part: 'hand', name: 'missed', ours: 'isobit', target: 0.5 }, { isobit: 3, 'by hand': 4 }),
];

test('the page draws every plot, marks what is over, and fetches nothing', async (t: TestContext) => {
  const browser = await start('chromium');
  if (typeof browser === 'string') return process.env.CI ? assert.fail(browser) : t.skip(browser);
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-page-'));
  try {
    const pace = { rounds: 3, turn: 1, warmUp: 1, checked: 1 };
    const file = await writePage({ where: 'here', quick: true, pace, rows: ROWS }, scratch);
    const page = await browser.newPage();
    const errors: unknown[] = [];
    const requests: string[] = [];
    page.on('pageerror', (e) => errors.push(e));
    page.on('request', (r) => requests.push(r.url()));
    await page.goto(pathToFileURL(file).href);
    const seen = await page.evaluate(() => ({
      // Throughput, growth, memory, warm-up twice and pipelines.
      plots: document.querySelectorAll('.uplot canvas').length,
      over: [...document.querySelectorAll('tr.over')].map((e) => e.firstElementChild?.textContent),
      rows: document.querySelectorAll('main > table tr').length,
    }));
    assert.deepEqual(errors, []);
    assert.deepEqual(seen, { plots: 6, over: ['missed'], rows: ROWS.length });
    assert.deepEqual(
      requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:')),
      [],
    );
  } finally {
    await browser.close();
    rmSync(scratch, { recursive: true });
  }
});
