/** Threads share static data: scratch among it is named through `own`, which leads each thread to its own. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** What follows a declaration of scratch (of so many bytes, without contents), up to the next `;`. */
const SCRATCH = /const (\w+): usize = memory\.data\((?!<)[^[\];]*\);/g;
const texts = new Map(
  readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && !f.startsWith('build'))
    .map((f) => [f, readFileSync(new URL(f, import.meta.url), 'utf8')]),
);

/** Uses of scratch that every thread would share. */
function shared(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const names = [...files].flatMap(([file, text]) => [...text.matchAll(SCRATCH)].map((m) => ({ file, name: m[1] })));
  for (const { file, name } of names) {
    for (const [where, text] of files) {
      if (where !== file && !new RegExp(`import [^;]*\\b${name}\\b[^;]*;`).test(text)) continue;
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|import [^;]*;/g, '').replace(SCRATCH, '');
      for (const line of code.split('\n'))
        if (new RegExp(`(?<!own\\()\\b${name}\\b`).test(line)) found.push(`${where}: ${line.trim()}`);
    }
  }
  return found;
}

test('scratch is named through own()', () => {
  const declared = [...texts.values()].flatMap((text) => [...text.matchAll(SCRATCH)]);
  assert.ok(declared.length >= 15, `${declared.length}`);
  // The base of the registers is handed to the host, whose rows say that they mean a register.
  const known = ['index.ts: return REGISTER_BASE;'];
  assert.deepEqual(
    shared(texts).filter((line) => !known.includes(line)),
    [],
  );
});

test('a use that forgets it is found', () => {
  const file = 'const KEYS: usize = memory.data(STRIDE * 2, 64);\n/** KEYS */\nload(own(KEYS));\nload(KEYS + 4);\n';
  assert.deepEqual(shared(new Map([['a.ts', file]])), ['a.ts: load(KEYS + 4);']);
});
