/** The page as files: bundles, data from the packages, and the server that hands them out. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeNpy } from '../../sdk/data/index.ts';
import { loadMnist } from '../mnist.ts';
import { bytesOf, DIGITS } from './recipes.ts';

/** What careful sites send. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  npy: 'application/octet-stream',
};

/** Files by name; the page is index.html. */
export type Site = ReadonlyMap<string, Uint8Array>;

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export async function makeSite(): Promise<Site> {
  const [bundles, page, digits] = await Promise.all([bundle(), readFile(here('index.html')), digitFiles()]);
  return new Map([['index.html', page], ...bundles, ...digits]);
}

async function bundle(): Promise<[string, Uint8Array][]> {
  const { outputFiles } = await build({
    entryPoints: ['page.ts', 'worker.ts', 'style.css'].map(here),
    outdir: here('.'),
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // Imported where Node runs them, which is not here.
    external: ['node:*'],
    logLevel: 'warning',
  });
  return outputFiles.map(({ path, contents }) => [path.slice(here('.').length), contents]);
}

/** The package's digits, a byte a pixel. */
async function digitFiles(): Promise<[string, Uint8Array][]> {
  const { x, y } = await loadMnist();
  return [
    [DIGITS.pixels, writeNpy({ data: bytesOf(x.data), shape: x.shape, dtype: 'u8' })],
    [DIGITS.labels, writeNpy({ data: Uint8Array.from(y.data), shape: y.shape, dtype: 'u8' })],
  ];
}

export interface Serving extends AsyncDisposable {
  readonly url: string;
}

/** Serves on this machine alone. Throws what listening throws: EADDRINUSE where the port is taken. */
export async function serveSite(site: Site, port = 0): Promise<Serving> {
  const server = createServer(({ url = '/' }, response) => {
    const path = new URL(url, 'http://localhost').pathname;
    const name = path === '/' ? 'index.html' : path.slice(1);
    const body = site.get(name);
    const headers = {
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    };
    if (!body) response.writeHead(404, { ...headers, 'content-type': 'text/plain' }).end('not found');
    else response.writeHead(200, { ...headers, 'content-type': TYPES[name.split('.').at(-1) ?? ''] }).end(body);
  });
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
