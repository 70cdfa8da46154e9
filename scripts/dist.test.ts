import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
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

test('what a GPU needs is not loaded where there is none', () => {
  const program = (backend: string) => `
    import { readdirSync } from 'node:fs';
    import { Session } from 'node:inspector';
    import { createRuntime } from './dist/index.js';
    const scripts = [];
    const session = new Session();
    session.connect();
    session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url));
    session.post('Debugger.enable');
    const { why } = await createRuntime({ backend: '${backend}', threads: 1 }).catch((e) => ({ why: e.code }));
    const gpu = readdirSync('dist/chunks').find((name) => name.startsWith('gpu-'));
    console.log(JSON.stringify([why, scripts.some((url) => url.endsWith(gpu))]));`;
  // As a browser takes the package; Node has no WebGPU of its own.
  const made = (backend: string) =>
    JSON.parse(node('-C', 'browser', '--input-type=module', '--eval', program(backend)));
  assert.deepEqual(made('auto'), ['wasm: there is no WebGPU adapter', false]);
  assert.deepEqual(made('webgpu'), ['E_NO_DEVICE', true]);
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
