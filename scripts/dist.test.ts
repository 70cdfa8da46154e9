import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { published } from './published.mjs';
import { ROOT } from './stamp.mjs';

// These look at dist, which a whole `npm test` builds first; by themselves they need `npm run build`.

/** Runs node in the project's folder and wants success. */
function node(...args: string[]): string {
  const r = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  assert.equal(r.status, 0, `${args.join(' ')}\n${r.stdout}${r.stderr}`);
  return r.stdout;
}

test('every entry of the package offers what its source does', async () => {
  for (const { name, bundle, source } of published()) {
    const [built, written] = [await import(pathToFileURL(join(ROOT, bundle)).href), await import(join(ROOT, source))];
    assert.deepEqual(Object.keys(built), Object.keys(written), name);
  }
});

test('the command is executable, and trains', () => {
  accessSync(join(ROOT, 'dist/cli.js'), constants.X_OK);
  const last = node('dist/cli.js', 'train', 'iris', '--epochs', '1', '--json').trimEnd().split('\n').at(-1) as string;
  assert.equal(JSON.parse(last).steps, 10);
});

test('building again gives the same bytes', () => {
  const again = 'node_modules/.cache/dist-again';
  try {
    node('scripts/build.mjs', 'dist', again);
    const files = (folder: string) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((e) => e.isFile() && e.name !== '.stamp')
        .map((e) => join(e.parentPath, e.name).slice(join(ROOT, folder).length))
        .sort();
    assert.deepEqual(files(again), files('dist'));
    for (const f of files(again))
      assert.deepEqual(readFileSync(join(ROOT, again, f)), readFileSync(join(ROOT, 'dist', f)), f);
  } finally {
    rmSync(join(ROOT, again), { recursive: true, force: true });
  }
});

const PROGRAM = `
import { createRuntime, grad, type Tensor } from 'isobit';
import { Linear, Sequential, relu, crossEntropy } from 'isobit/nn';
import { adam } from 'isobit/optim';
import { Trainer } from 'isobit/train';
import { memoryStore } from 'isobit/adapters/memory';
export const rt = await createRuntime({ backend: 'wasm', seed: 42n });
const model = new Sequential(new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
export const y: Tensor = model.forward(rt.tensor([1, 2, 3, 4], [1, 4]));
export const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }), store: memoryStore() });
export const wrong: string = grad;
`;

test('the types compile for others: with lib dom alone, with Node’s types alone, and with a bundler’s resolution', () => {
  const dir = mkdtempSync(join(tmpdir(), 'types-'));
  try {
    mkdirSync(join(dir, 'node_modules/@types'), { recursive: true });
    symlinkSync(ROOT, join(dir, 'node_modules/isobit'));
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(dir, 'node_modules', name));
    }
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
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
      writeFileSync(join(dir, 'program.ts'), `${types.join('\n')}\n${PROGRAM}`);
      const args = [tsc, '--noEmit', '--strict', '--target', 'es2022', ...how, 'program.ts'];
      const { stdout } = spawnSync(process.execPath, args, { cwd: dir, encoding: 'utf8' });
      // The one mistake in the program, so that types that fell back to any would show.
      assert.match(stdout, /^program\.ts\(\d+,14\): error TS2322: [^\n]*\n( [^\n]*\n)*$/, how.join(' '));
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
