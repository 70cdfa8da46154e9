/** The pages against the code: links, commands, paths, examples, constants, check values, tables of options and errors. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { after, before, test } from 'node:test';
import { LIMITS } from '../sdk/checkpoint/index.ts';
import { PLAN_OPTIONS } from '../sdk/checkpoint/plan.ts';
import * as scalar from '../sdk/core/scalar/index.ts';
import { RUNTIME_OPTIONS } from '../sdk/engine/create.ts';
import { TRAINER_OPTIONS } from '../sdk/train/options.ts';
import { FUNCTIONS, include } from '../wgsl/functions/index.ts';
import { strangeConstants } from './constants.ts';
import { entries, isTest, ROOT, read, sourcesUnder } from './imports.ts';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((f) => (f.endsWith('.md') ? [`docs/${f}`] : [])),
];
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const TESTS = sourcesUnder('sdk', 'adapters', 'wasm', 'wgsl', 'conformance', 'examples', 'bench', 'scripts').filter(
  isTest,
);

const without = (text: string, pattern: RegExp): string => text.replaceAll(pattern, '');
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const prose = (page: string): string => without(read(page), FENCE);
const plain = (page: string): string => without(prose(page), /`[^`]*`/g);

/** The name that a heading is linked by. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (page: string): string[] => [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, h]) => slug(h));

test('every link leads somewhere', () => {
  for (const page of PAGES) {
    for (const [, target] of plain(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split('#');
      const file = path === '' ? page : posix.join(dirname(page), path);
      assert.ok(existsSync(join(ROOT, file)), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchors(file).includes(anchor), `${page}: ${target}, of ${anchors(file)}`);
    }
  }
});

test('every command is there: npm scripts, test patterns, files that are run', () => {
  for (const page of PAGES) {
    const text = read(page);
    for (const [, name] of text.matchAll(/npm run ([\w:-]+)/g)) assert.ok(name in scripts, `${page}: npm run ${name}`);
    for (const [, patterns] of text.matchAll(/npm test -- ([^`\n]+)/g)) {
      for (const p of patterns.trim().split(' '))
        assert.ok(
          TESTS.some((f) => f.includes(p)),
          `${page}: npm test -- ${p}`,
        );
    }
    for (const [, path] of text.matchAll(/node --import tsx (?:--test )?([\w./-]+)/g)) {
      assert.ok(existsSync(join(ROOT, path)), `${page}: ${path}`);
    }
  }
});

test('every path that is named exists', () => {
  for (const page of PAGES) {
    for (const [, path] of prose(page).matchAll(
      /`((?:sdk|wasm|adapters|conformance|examples|bench|scripts|docs)\/[\w./-]+)`/g,
    )) {
      // `adapters/fs` is said of what `isobit/adapters/fs` imports.
      assert.ok(existsSync(join(ROOT, path)) || existsSync(join(ROOT, `${path}.ts`)), `${page}: ${path}`);
    }
  }
});

/** The sources of the entries: `isobit/nn` is sdk/nn/index.ts. */
const SOURCE = new Map(
  entries().map((path) => [
    `isobit/${path
      .replace(/^sdk\//, '')
      .replace(/\.ts$/, '')
      .replace(/(^|\/)index$/, '')}`.replace(/\/$/, ''),
    path,
  ]),
);
const toSources = (code: string): string =>
  code.replaceAll(/'(isobit(?:\/[\w/]+)?)'/g, (_, name: string) => {
    const path = SOURCE.get(name);
    assert.ok(path, `${name} is no entry of the package`);
    return `'${join(ROOT, path)}'`;
  });

// Below the project, so that packages are found.
let scratch: string;
before(() => {
  mkdirSync(join(ROOT, 'node_modules/.cache'), { recursive: true });
  scratch = mkdtempSync(join(ROOT, 'node_modules/.cache/docs-'));
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ type: 'module' }));
});
after(() => rmSync(scratch, { recursive: true }));

const node = (args: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const TSX = new URL('../node_modules/tsx/dist/loader.mjs', import.meta.url).href;

test('the example of the README is examples/quickstart.ts, and prints what the README says', () => {
  const [example, ...more] = [...read('README.md').matchAll(FENCE)].filter(([, language]) => language === 'ts');
  assert.equal(more.length, 0);
  const file = read('examples/quickstart.ts').replace(/^\/\*\*[\s\S]*?\*\/\n\n/, '');
  const relative = (code: string) => toSources(code).replaceAll(`'${ROOT}`, "'../");
  assert.equal(relative(example[2]), file);
  const printed = [...read('README.md').matchAll(FENCE)]
    .map(([, , text]) => text)
    .find((t) => /^[0-9a-f]{64}$/m.test(t));
  const cwd = mkdtempSync(join(tmpdir(), 'isobit-quickstart-'));
  try {
    const run = () => node(['--import', TSX, join(ROOT, 'examples/quickstart.ts')], cwd);
    assert.equal(run(), printed);
    assert.equal(run(), printed?.split('\n').at(-2)?.concat('\n'), 'run again, it has nothing left to do');
  } finally {
    rmSync(cwd, { recursive: true });
  }
});

test('every example compiles, and those of docs/training.md and docs/layers.md run', () => {
  const runnable: string[] = [];
  for (const page of PAGES) {
    [...read(page).matchAll(FENCE)].forEach(([, language, code], i) => {
      if (language !== 'ts') return;
      const name = `${page.replaceAll(/\W/g, '_')}_${i}.ts`;
      writeFileSync(join(scratch, name), `${toSources(code)}\nexport {};\n`);
      if (page === 'docs/training.md' || page === 'docs/layers.md') runnable.push(name);
    });
  }
  assert.ok(runnable.length >= 4);
  const tsconfig = { extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'], exclude: [] };
  writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(tsconfig));
  try {
    node([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', scratch], ROOT);
  } catch (e) {
    assert.fail((e as { stdout: string }).stdout);
  }
  const all = runnable.map((name) => `await import('./${name}');`).join('\n');
  writeFileSync(join(scratch, 'all.mjs'), all);
  const out = node(['--import', TSX, join(scratch, 'all.mjs')], scratch);
  // The last line of the page's last example: the solution of its least squares.
  const [a, b] = /Float32Array\(2\) \[ ([\d.]+), ([\d.]+) \]/.exec(out)?.slice(1).map(Number) ?? [];
  assert.ok(Math.abs(a - 1) < 0.01 && Math.abs(b - 2) < 0.01, out);
});

const NUMERICS = read('docs/numerics.md');

test('every constant of the functions stands in docs/numerics.md', () => {
  let count = 0;
  for (const path of sourcesUnder('sdk/core/scalar').filter((f) => !isTest(f))) {
    const code = without(read(path), /\/\*\*[\s\S]*?\*\//g);
    for (const [, hex] of code.matchAll(/0x([0-9a-f]{8})\b/g)) {
      if (hex === 'ffffffff') continue; // all bits, for carries and masks
      count++;
      assert.ok(new RegExp(`\\b(0x)?${hex}\\b`).test(NUMERICS), `${path}: ${hex}`);
    }
  }
  assert.ok(count >= 80, `${count} constants`);
});

test('so does every constant of the WGSL functions', () => {
  const pieces = new Set(Object.values(FUNCTIONS).flatMap((f) => f.needs));
  const code = include(pieces);
  assert.deepEqual(strangeConstants(code, NUMERICS), []);
  assert.deepEqual(strangeConstants(code.replace('0x3fb8aa3bu', '0x3fb8aa3au'), NUMERICS), ['3fb8aa3a']);
});

test('the check values of docs/numerics.md are those of the functions', () => {
  const gelu = (x: number) =>
    scalar.mul(scalar.mul(0.5, x), scalar.add(1, scalar.erf(scalar.mul(x, scalar.ofBits(0x3f3504f3)))));
  const functions: Record<string, unknown> = { ...scalar, gelu };
  const table = /### Check values\n([\s\S]*?)\n## /.exec(NUMERICS)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| (\w+) \| ([^|]+) \| ([0-9a-f]{8}) \|$/gm)];
  assert.equal(rows.length, 19);
  for (const [, name, operands, expected] of rows) {
    const given = operands.split(',').map((t) => t.trim());
    const values = given.map((t) =>
      /^[0-9a-f]{8}$/.test(t) ? scalar.ofBits(Number.parseInt(t, 16)) : scalar.toF32(Number(t)),
    );
    const got = (functions[name] as (...x: number[]) => number)(...values);
    assert.equal(scalar.bitsOf(got).toString(16).padStart(8, '0'), expected, `${name}(${operands})`);
  }
});

test('every op of the table has its meaning in docs/numerics.md', async () => {
  // What gives a computation its values, the words of which uniform numbers are made, and a view of composites alone.
  const silent = ['data', 'placeholder', 'constant', 'iota', 'philox', 'unit', 'windows'];
  for (const path of sourcesUnder('sdk/core/ops').filter((f) => !isTest(f))) {
    const module: Record<string, unknown> = await import(`../${path}`);
    for (const op of Object.values(module)) {
      if (typeof op !== 'object' || op === null || !('infer' in op && 'name' in op)) continue;
      const name = String(op.name);
      if (!silent.includes(name)) assert.ok(new RegExp(`\\b${name}\\b`).test(NUMERICS), name);
    }
  }
});

/** Words in code marks in the first column of a page's tables. */
const firstColumn = (page: string): string[] =>
  [...read(page).matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`(\w+)`/g)].map(([, w]) => w));

test('docs/checkpoint.md lists the error codes and the limits that there are', () => {
  const sources = [...sourcesUnder('sdk/checkpoint', 'adapters'), ...sourcesUnder('sdk/train')].filter(
    (f) => !isTest(f),
  );
  // A test's suite names codes that it expects.
  const texts = sources.filter((f) => f !== 'adapters/suite.ts').map(read);
  const thrown = new Set(texts.flatMap((t) => [...t.matchAll(/'(E_[A-Z_]+)'/g)].map(([, c]) => c)));
  const listed = firstColumn('docs/checkpoint.md').filter((w) => w.startsWith('E_'));
  // Those of other classes are named below the table.
  for (const other of ['E_OPTION', 'E_DATA_ORDER', 'E_DEVICE_LOST'])
    assert.ok(thrown.delete(other) && read('docs/checkpoint.md').includes(other));
  assert.deepEqual([...listed].sort(), [...thrown].sort());
  for (const name of Object.keys(LIMITS)) assert.ok(firstColumn('docs/checkpoint.md').includes(name), name);
});

test('docs/training.md lists every option of the Trainer and of its checkpoints', () => {
  const listed = firstColumn('docs/training.md');
  for (const name of [...Object.keys(TRAINER_OPTIONS), ...PLAN_OPTIONS]) assert.ok(listed.includes(name), name);
});

test('docs/architecture.md lists every option of createRuntime', () => {
  const listed = firstColumn('docs/architecture.md');
  for (const name of Object.keys(RUNTIME_OPTIONS)) assert.ok(listed.includes(name), name);
});
