/**
 * Threads where the built package runs: browsers with and without isolation, Deno, Bun, workerd. Each gives the bits of one
 * thread. These look at dist.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { json } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { BROWSERS, listen, start } from '../adapters/testing/browsers.ts';
import { Unavailable } from '../conformance/rows/launch/ask.ts';
import { bunProgram, denoProgram } from '../conformance/rows/launch/processes.ts';
import { ROOT } from './stamp.mjs';

/** Says how many threads ran, why not more, and whether all gave the same bits. */
const PROGRAM = `
const said = [];
let first = '';
for (const threads of [1, 2, 3, 'auto']) {
  const rt = await createRuntime({ backend: 'wasm', seed: 42n, threads });
  const x = rt.rng.normal('x', [300, 300]);
  let bits = '';
  for (let again = 0; again < 5; again++) bits = (await x.matmul(x).tanh().sum([0]).data()).join();
  first ||= bits;
  said.push([rt.threads, rt.why, bits === first]);
  await rt.dispose();
}`;

function skip(t: TestContext, why: string): void {
  assert.notEqual(process.env.CI, 'true', why);
  t.skip(why);
}

/** A page that lets a worker do it. */
const BEGIN = `globalThis.worker = new Worker('/worker.js', { type: 'module' });`;

const TELL = `await fetch('/said', { method: 'POST', body: JSON.stringify(said) });`;

type Said = [threads: number, why: string, same: boolean][];

for (const [name, command] of Object.entries({
  node: () => [process.execPath, '--input-type=module', '-e'],
  deno: () => [denoProgram(), 'eval'],
  bun: () => [bunProgram(), '-e'],
})) {
  test(`in ${name}: as many as are asked for, and the process ends by itself`, (t) => {
    let words: string[];
    try {
      words = command();
    } catch (e) {
      if (!(e instanceof Unavailable)) throw e;
      return skip(t, e.message);
    }
    const index = pathToFileURL(join(ROOT, 'dist/index.js')).href;
    // One runtime is left as it is, with its threads asleep.
    const program = `import { createRuntime } from '${index}';${PROGRAM}
      await createRuntime({ backend: 'wasm', threads: 2 });
      console.log(JSON.stringify(said));`;
    const r = spawnSync(words[0], [...words.slice(1), program], { cwd: ROOT, encoding: 'utf8', timeout: 120_000 });
    assert.equal(r.status, 0, `${r.stderr}${r.error ?? ''}`);
    const said = JSON.parse(r.stdout) as Said;
    assert.deepEqual(
      said.slice(0, 3),
      [1, 2, 3].map((n) => [n, 'wasm was asked for', true]),
    );
    assert.equal(said[3][2], true);
  });
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** dist, and a page that uses it, with or without what isolates a page, and hands in what came of it. */
const files =
  (headers: Readonly<Record<string, string>>, hear: (said: Said) => void): RequestListener =>
  (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
    const send = (type: string, body: string | Uint8Array) =>
      response.writeHead(200, { 'content-type': type, 'content-security-policy': policy, ...headers }).end(body);
    const script = `import { createRuntime } from '/page.js';${PROGRAM}`;
    const html = (file: string) => `<!doctype html><script type="module" src="${file}"></script>`;
    if (path === '/said') {
      response.writeHead(204).end();
      void json(request).then((said) => hear(said as Said));
    } else if (path === '/') send('text/html', html('/main.js'));
    else if (path === '/worker.html') send('text/html', html('/begin.js'));
    else if (path === '/begin.js') send('text/javascript', BEGIN);
    else if (path === '/main.js') send('text/javascript', `${script}\n${TELL}`);
    else if (path === '/worker.js') send('text/javascript', `${script}\n${TELL}`);
    else {
      try {
        send(TYPES[extname(path)] ?? 'application/octet-stream', readFileSync(join(ROOT, 'dist', path)));
      } catch {
        response.writeHead(404).end();
      }
    }
  };

for (const name of BROWSERS) {
  test(`in ${name}`, async (t) => {
    const browser = await start(name, { timeout: 120_000 });
    if (typeof browser === 'string') return skip(t, browser);
    const asked = async (headers: Readonly<Record<string, string>>, inWorker: boolean): Promise<Said | string> => {
      let hear: (said: Said) => void = () => {};
      const heard = new Promise<Said>((then) => {
        hear = then;
      });
      await using server = await listen(files(headers, hear));
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (e) => faults.push(String(e)));
      page.on('console', (m) => faults.push(m.text()));
      await page.goto(`${server.url}${inWorker ? 'worker.html' : ''}`, { timeout: 120_000 });
      const late = setTimeout(inWorker ? 25_000 : 60_000, null, { ref: false });
      const said = await Promise.race([heard, late]);
      await page.close();
      return said ?? `nothing is said\n${faults.join('\n')}`;
    };
    /** On a busy machine a worker of Firefox now and then never comes back from `new Worker`: then another page is asked. */
    const shown = async (headers: Readonly<Record<string, string>>, inWorker = false): Promise<Said> => {
      let said = await asked(headers, inWorker);
      for (let more = inWorker && name === 'firefox' ? 3 : 0; typeof said === 'string' && more > 0; more--) {
        t.diagnostic(`${name}: ${said}`);
        said = await asked(headers, inWorker);
      }
      return typeof said === 'string' ? assert.fail(said) : said;
    };
    try {
      for (const inWorker of [false, true]) {
        await t.test(`${inWorker ? 'a worker of ' : ''}an isolated page`, async () => {
          const said = await shown(ISOLATED, inWorker);
          assert.deepEqual(
            said.slice(0, 3),
            [1, 2, 3].map((n) => [n, 'wasm was asked for', true]),
          );
          assert.equal(said[3][2], true);
        });
      }
      await t.test('a page that is not isolated: one thread, and why', async () => {
        const said = await shown({});
        assert.deepEqual(
          said.map(([threads, , same]) => [threads, same]),
          Array(4).fill([1, true]),
        );
        assert.equal(said[0][1], 'wasm was asked for');
        for (const [, why] of said.slice(1)) assert.match(why, /memory cannot be shared.*COOP and COEP/);
      });
    } finally {
      await browser.close();
    }
  });
}
