/**
 * What the package costs a page: bundled from dist as a user's bundler does (esbuild, minified, split), gzipped file by file. The
 * kernels of WASM, which lie in a file of their own as base64, count by themselves.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from './stamp.mjs';

const APP = `
export { createRuntime } from './dist/index.js';
export { Sequential, Linear, relu, crossEntropy } from './dist/nn.js';
export { adam } from './dist/optim.js';
export { Trainer, accuracy } from './dist/train.js';
export { openCheckpoint } from './dist/checkpoint.js';`;

const EVERYTHING = ['index', 'nn', 'optim', 'train', 'checkpoint']
  .map((m) => `export * from './dist/${m}.js';`)
  .join('\n');

/** Bytes of JavaScript and of WASM, both devices and their kernels among them. */
async function sizes(contents: string): Promise<{ js: number; wasm: number; files: [string, number][] }> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: 'unused',
    write: false,
    logLevel: 'silent',
  });
  const files = outputFiles.map(({ path, contents: c }): [string, number] => {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/-[A-Z0-9]{8}(?=\.js)/, '');
    return [name, gzipSync(c, { level: 9 }).length];
  });
  const total = (of: (name: string) => boolean) => files.reduce((n, [name, bytes]) => n + (of(name) ? bytes : 0), 0);
  const kernels = (name: string) => name === 'kernels.js';
  return { js: total((name) => !kernels(name)), wasm: total(kernels), files };
}

/** Lines in bytes: a change that goes over one says why it is worth it. */
const LINES = { app: 84_000, everything: 97_000, wasm: 40_000 };

for (const [name, contents, line] of [
  ['an app that trains a net and resumes it', APP, LINES.app],
  ['all that core, nn, optim, train and checkpoint export', EVERYTHING, LINES.everything],
] as const) {
  test(`${name}: at most ${line} bytes of JavaScript, and ${LINES.wasm} of WASM`, async (t) => {
    const { js, wasm, files } = await sizes(contents);
    for (const [file, bytes] of files) t.diagnostic(`${String(bytes).padStart(6)} ${file}`);
    t.diagnostic(`${String(js).padStart(6)} JavaScript, ${wasm} WASM`);
    assert.ok(wasm > 10_000, 'the kernels are among the files');
    assert.ok(js <= line, `${js} bytes of JavaScript`);
    assert.ok(wasm <= LINES.wasm, `${wasm} bytes of WASM`);
  });
}
