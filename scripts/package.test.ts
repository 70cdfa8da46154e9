import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './stamp.mjs';

const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

test('the lock file names every package that npm ci looks for, and no place of its own', () => {
  const { packages } = read('package-lock.json') as {
    packages: Record<string, { resolved?: string; dev?: boolean; optionalDependencies?: Record<string, string> }>;
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
  const { exports, bin, files } = read('package.json') as {
    exports: Record<string, string | { types: string; default: string }>;
    bin: Record<string, string>;
    files: string[];
  };
  for (const [name, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const source = target.types.replace(/^\.\/dist\/types\/(.*)\.d\.ts$/, '$1.ts');
    assert.ok(existsSync(join(ROOT, source)), `${name}: ${source}`);
  }
  assert.deepEqual(bin, { isobit: 'dist/cli.js' });
  assert.ok(files.includes('dist'));
});
