/** What the packed package is: its files, its types for every kind of project, its public API, what a bundle of it weighs. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { type Installed, install } from '../conformance/package/install.ts';
import { apiReport, REPORT } from './api.ts';
import { published } from './published.mjs';
import { ROOT } from './stamp.mjs';

let here: Installed;
before(async () => {
  here = await install();
});
after(() => here?.[Symbol.asyncDispose]());

const at = (...path: readonly string[]) => join(here.folder, ...path);
const installed = (...path: readonly string[]) => at('node_modules/isobit', ...path);

/** Runs a program of the project's dev dependencies. Its output where it fails. */
function tool(path: string, ...args: readonly string[]): string {
  const r = spawnSync(process.execPath, [join(ROOT, 'node_modules', path), ...args], {
    cwd: here.folder,
    encoding: 'utf8',
  });
  return r.status === 0 ? '' : `${r.stdout}${r.stderr}`;
}

test('publint finds nothing to say', () => {
  assert.equal(tool('publint/src/cli.js', 'run', here.tarball, '--strict'), '');
});

test('attw: the types are right wherever ESM is', () => {
  // Left out, because the package is ESM alone: `node10`, which knows no `exports`, and `require` of an ES module.
  const rules = ['--profile', 'esm-only', '--no-definitely-typed', '--no-color'];
  assert.equal(tool('@arethetypeswrong/cli/dist/index.js', here.tarball, ...rules), '');
});

test('the package holds what is built, and what package.json leads to', () => {
  const files = readdirSync(installed(), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name).slice(installed().length + 1));
  const known =
    /^(dist\/.*\.(js|d\.ts|wasm)|sdk\/(?:engine|checkpoint)\/platform\/[\w.-]+\.(js|d\.ts)|wasm\/build\/(kernels|threads)\.js)$/;
  const others = files.filter((f) => !known.test(f)).sort();
  assert.deepEqual(others, ['LICENSE', 'README.md', 'package.json']);
  const { exports, imports, bin } = JSON.parse(readFileSync(installed('package.json'), 'utf8'));
  const targets = [exports, imports, bin].flatMap((map) =>
    Object.values(map).flatMap((t) => (typeof t === 'string' ? [t] : Object.values(t as object))),
  );
  for (const path of targets) assert.ok(existsSync(installed(path)), path);
  // Named by their addresses: what threads load, of a bundler's users and of pages without one.
  for (const path of ['sdk/engine/platform/thread.js', 'sdk/engine/platform/thread.node.js', 'dist/thread.js'])
    assert.ok(existsSync(installed(path)), path);
  const builds = ['kernels', 'threads'].map((name) => readFileSync(installed(`dist/${name}.wasm`)));
  const zipped = builds.map((b) => gzipSync(b, { level: 9 }).length);
  for (const bytes of zipped)
    assert.ok(bytes < 22_000, `a program loads one of the two builds of the kernels: ${zipped}`);
});

test('the installed command trains, and the installed suite passes the runtime', () => {
  const said = execFileSync(
    at('node_modules/.bin/isobit'),
    ['train', 'iris', '--epochs', '1', '--backend', 'wasm', '--json'],
    {
      cwd: here.folder,
      encoding: 'utf8',
    },
  );
  assert.equal(JSON.parse(said.trimEnd().split('\n').at(-1) as string).steps, 10);
  const { cases, ...report } = JSON.parse(
    execFileSync(process.execPath, ['check.js'], { cwd: at('script'), encoding: 'utf8' }),
  );
  assert.deepEqual(report, { contract: 1, mismatches: 0, first: null });
  assert.ok(cases > 20, `${cases} cases`);
});

test(`the public API is that of ${REPORT}; npm run api writes it anew`, () => {
  assert.equal(apiReport(), readFileSync(join(ROOT, REPORT), 'utf8'));
});

/** A minified bundle: its files by name. */
async function bundle(contents: string, o: BuildOptions): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here.folder },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'copy' },
    outdir: 'out',
    // Of Node's adapter alone.
    external: ['node:*'],
    ...o,
    write: false,
  });
  return new Map(outputFiles.map((f) => [basename(f.path), f.contents]));
}

/** Bytes of a bundle's first file, by which all others are loaded. */
async function entrySize(contents: string): Promise<number> {
  const files = await bundle(contents, { splitting: false });
  return files.get('stdin.js')?.length ?? Number.NaN;
}

test('what is not used is not bundled', async () => {
  for (const { name, bundle: path } of published()) {
    const [symbol] = Object.keys(await import(installed(path)));
    // The interface of stores is types alone.
    const names = symbol === undefined ? '' : `{ ${symbol} } from `;
    const size = await entrySize(`import ${names}'${name.replace('.', 'isobit')}'; export const used = 1;`);
    assert.ok(size < 100, `${name}: ${size} bytes`);
  }
  for (const [program, limit] of [
    [`export { exp } from 'isobit/math';`, 4_000],
    [`export { memoryStore } from 'isobit/adapters/memory';`, 6_000],
    [`export { stepDecay } from 'isobit/optim';`, 6_000],
  ] as const) {
    const size = await entrySize(program);
    assert.ok(size > 100 && size < limit, `${program} ${size} bytes`);
  }
});

test('what the library weighs', async (t) => {
  const all = ['isobit', 'isobit/nn', 'isobit/optim', 'isobit/train', 'isobit/checkpoint'];
  // On workerd the kernels are a file of their own, so that both can be told apart.
  const conditions = ['workerd'];
  const files = await bundle(all.map((name, i) => `export * as m${i} from '${name}';`).join('\n'), { conditions });
  const weigh = (what: string, wanted: (name: string) => boolean, limit: number) => {
    const parts = [...files].flatMap(([name, f]) => (wanted(name) ? [f] : []));
    const plain = parts.reduce((sum, f) => sum + f.length, 0);
    const zipped = parts.reduce((sum, f) => sum + gzipSync(f, { level: 9 }).length, 0);
    t.diagnostic(`${what}: ${plain} bytes, gzip ${zipped}`);
    assert.ok(zipped > 1000 && zipped < limit, `${what}: ${zipped} bytes`);
  };
  // Limits notice a package that came in unasked, or a second copy; code that grows may raise them.
  weigh('core, nn, optim, train, checkpoint and both devices, minified', (name) => name.endsWith('.js'), 150_000);
  weigh('kernels', (name) => name.endsWith('.wasm'), 40_000);
});

const PROGRAM = `
import { createRuntime, grad, type Tensor } from 'isobit';
import kernels from 'isobit/kernels.wasm';
import { Linear, Sequential, relu, crossEntropy } from 'isobit/nn';
import { adam } from 'isobit/optim';
import { Trainer } from 'isobit/train';
import { memoryStore } from 'isobit/adapters/memory';
export const rt = await createRuntime({ backend: 'wasm', seed: 42n, wasm: kernels });
const model = new Sequential(new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
export const y: Tensor = model.forward(rt.tensor([1, 2, 3, 4], [1, 4]));
export const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }), store: memoryStore() });
export const wrong: string = grad;
`;

test('the types compile for others: with lib dom alone, with Node’s types alone, and with a bundler’s resolution', async () => {
  for (const name of ['@types/node', 'undici-types']) {
    await cp(join(ROOT, 'node_modules', name), at('node_modules', name), { recursive: true });
  }
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  for (const how of [
    ['--module', 'nodenext', '--lib', 'es2023,dom', '--types', ''],
    ['--module', 'nodenext', '--lib', 'es2023', '--types', 'node'],
    ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom', '--types', ''],
  ]) {
    // The adapter of Node's files speaks of Node's types.
    const used = published()
      .map((e) => e.name)
      .filter((name) => name !== './adapters/fs' || how.includes('node'));
    const types = used.map((name, i) => `export type E${i} = typeof import('${name.replace('.', 'isobit')}');`);
    writeFileSync(at('program.ts'), `${types.join('\n')}\n${PROGRAM}`);
    const args = [tsc, '--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', ...how, 'program.ts'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: here.folder, encoding: 'utf8' });
    // The one mistake in the program, so that types that fell back to any would show.
    assert.match(stdout, /^program\.ts\(\d+,14\): error TS2322: [^\n]*\n( [^\n]*\n)*$/, how.join(' '));
  }
});

test('the published types name nothing of WebGPU, which projects without its types could not compile', () => {
  const types = readdirSync(installed('dist/types'), { recursive: true, encoding: 'utf8' }).filter((f) =>
    f.endsWith('.d.ts'),
  );
  assert.ok(types.length > 50);
  for (const f of types) {
    const text = readFileSync(installed('dist/types', f), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
    assert.doesNotMatch(text, /\bGPU|@webgpu/, f);
  }
});
