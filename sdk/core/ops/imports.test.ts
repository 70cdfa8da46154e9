/** The op families import each other without rings: a family calls the helpers of others while it is loaded. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const HERE = new URL('.', import.meta.url);

test('no family waits for one that waits for it', () => {
  const files = readdirSync(HERE).filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'));
  const imports = new Map(
    files.map((f) => {
      const source = readFileSync(new URL(f, HERE), 'utf8');
      const found = [...source.matchAll(/^import (?!type )[^;]*? from '\.\/([\w]+\.ts)';$/gms)].map((m) => m[1]);
      return [f, found] as const;
    }),
  );
  assert.ok(files.length > 8 && imports.get('compare.ts')?.includes('elementwise.ts'));
  const visit = (f: string, path: readonly string[]): void => {
    assert.ok(!path.includes(f), `${[...path, f].join(' -> ')}`);
    for (const to of imports.get(f) ?? []) visit(to, [...path, f]);
  };
  for (const f of files) visit(f, []);
});
