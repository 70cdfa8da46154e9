/** The page's files beside those of the packages, and the command that serves them. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readNpy } from '../../sdk/data/index.ts';
import { loadMnist } from '../mnist.ts';
import { DIGITS, digitsFrom } from './recipes.ts';
import { makeSite } from './site.ts';

test('the site: the digits of the package in every bit, and nothing from elsewhere', async () => {
  const site = await makeSite();
  const file = (name: string) => readNpy(site.get(name) as Uint8Array);
  const [ours, theirs] = [digitsFrom(file(DIGITS.pixels), file(DIGITS.labels)), await loadMnist()];
  assert.deepEqual(ours.x.shape, theirs.x.shape);
  assert.equal(Buffer.compare(Buffer.from(ours.x.data.buffer), Buffer.from(theirs.x.data.buffer)), 0);
  assert.deepEqual(ours.y, theirs.y);
  const page = Buffer.from(site.get('index.html') as Uint8Array).toString();
  for (const [, address] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.ok(address.startsWith('data:') || site.has(address.replace('./', '')), address);
  }
});

test('npm run demo: prints where the page is, and sends it under a strict policy', async () => {
  const script = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--port', '0', '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let url: string | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      url = /http:\/\/127\.0\.0\.1:\d+\//.exec(line)?.[0];
      if (url) break;
    }
    assert.ok(url, 'no address was printed');
    const page = await fetch(url);
    assert.match(await page.text(), /<title>isobit/);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.ok(policy.includes("default-src 'none'"));
    assert.ok(policy.includes("script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"));
    assert.ok(!/unsafe-(inline|eval')/.test(policy.replace("'wasm-unsafe-eval'", '')));
    const worker = await fetch(new URL('worker.js', url));
    assert.equal(worker.headers.get('content-security-policy'), policy);
    assert.match(worker.headers.get('content-type') ?? '', /javascript/);
    assert.equal((await fetch(new URL('../package.json', url))).status, 404);
  } finally {
    child.kill();
  }
});
