import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { published } from './published.mjs';
import { ROOT } from './stamp.mjs';

const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

test('the lock file names every package that npm ci looks for, and no place of its own', () => {
  const { packages } = read('package-lock.json') as {
    packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>;
  };
  for (const [path, entry] of Object.entries(packages)) {
    // Without `resolved` every registry will do.
    assert.equal(entry.resolved, undefined, path);
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const found = `node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages;
      assert.ok(found, `${name}, an optional package of ${path}, has no entry: run npm run lock`);
    }
  }
});

test('every export and command of package.json is built from a source that exists', () => {
  const { bin, exports, imports } = read('package.json') as {
    bin: Record<string, string>;
    exports: Record<string, string | Record<string, string>>;
    imports: Record<string, Record<string, string>>;
  };
  for (const { name, source } of published()) assert.ok(existsSync(join(ROOT, source)), `${name}: ${source}`);
  assert.equal(published().length, Object.keys(exports).length - 3, 'all but the kernels and package.json itself');
  assert.deepEqual(bin, { isobit: 'dist/cli.js' });
  for (const path of Object.values(imports).flatMap((by) => Object.values(by)))
    assert.ok(existsSync(join(ROOT, path)), path);
});

test('who installs the package runs no install script, and its one peer is optional', () => {
  const { packages } = read('package-lock.json') as {
    packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>;
  };
  // Those of development have theirs left out too (`--ignore-scripts`), so that `allowScripts` has nothing to name.
  for (const [path, { dev, hasInstallScript }] of Object.entries(packages)) assert.ok(dev || !hasInstallScript, path);
  const { scripts, peerDependencies, peerDependenciesMeta } = read('package.json');
  assert.deepEqual(
    Object.keys(scripts).filter((name) => /install|prepare/.test(name)),
    [],
  );
  assert.deepEqual(Object.keys(peerDependencies), ['webgpu']);
  assert.deepEqual(peerDependenciesMeta, { webgpu: { optional: true } });
});

test('`#dawn`, `#threads` and `#hasher` ask for the platforms that are not Node before they ask for Node, whose name they share', () => {
  const { imports } = read('package.json') as { imports: Record<string, Record<string, string>> };
  assert.deepEqual(Object.keys(imports['#dawn']), ['workerd', 'deno', 'bun', 'browser', 'node', 'default']);
  for (const name of ['#threads', '#hasher'])
    assert.deepEqual(Object.keys(imports[name]), Object.keys(imports['#dawn']));
  assert.deepEqual(Object.keys(imports['#kernels']), ['workerd', 'default']);
});
