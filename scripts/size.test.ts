/**
 * What the package costs a page: bundled from dist as a user's bundler does (esbuild, minified, split), gzipped file by file. The
 * kernels of WASM are base64 in files of their own, and count by themselves; a page loads one of the two builds.
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

/** Gzipped bytes of JavaScript by file, and of the kernels that are among them. */
async function sizes(contents: string): Promise<{ js: number; wasm: number[]; files: [string, number][] }> {
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
  const size = (text: string) => gzipSync(text, { level: 9 }).length;
  const base64 = /[A-Za-z0-9+/]{10000,}={0,2}/g;
  const files = outputFiles.map(({ path, text }): [string, number] => [
    path.slice(path.lastIndexOf('/') + 1).replace(/-[A-Z0-9]{8}(?=\.js)/, ''),
    size(text.replace(base64, '')),
  ]);
  const wasm = outputFiles.flatMap(({ text }) => (text.match(base64) ?? []).map(size));
  return { js: files.reduce((n, [, bytes]) => n + bytes, 0), wasm, files };
}

/** Lines in bytes: a change that goes over one says why it is worth it. The aim for an app is 75,000. (The last: what a review
 * of checkpoints mended: a metric that nobody measures is refused, a page that is hidden behind a save is saved, a commit that
 * was damaged for a moment counts again, records that cannot be read go away, and what a record cannot say is told at once.) */
const LINES = { app: 87_200, everything: 106_400, wasm: 40_000 };

for (const [name, contents, line] of [
  ['an app that trains a net and resumes it', APP, LINES.app],
  ['all that core, nn, optim, train and checkpoint export', EVERYTHING, LINES.everything],
] as const) {
  test(`${name}: at most ${line} bytes of JavaScript, and ${LINES.wasm} of WASM`, async (t) => {
    const { js, wasm, files } = await sizes(contents);
    for (const [file, bytes] of files) t.diagnostic(`${String(bytes).padStart(6)} ${file}`);
    t.diagnostic(`${String(js).padStart(6)} JavaScript, ${wasm.join(' or ')} WASM`);
    assert.ok(wasm.length > 0, 'the kernels are among the files');
    assert.ok(js <= line, `${js} bytes of JavaScript`);
    assert.ok(Math.max(...wasm) <= LINES.wasm, `${wasm} bytes of WASM`);
  });
}
