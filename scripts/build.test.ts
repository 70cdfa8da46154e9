/** What the build does to sources on their way into dist changes nothing that they say. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pure } from './pure.mjs';
import { ROOT } from './stamp.mjs';
import { compact, shipped } from './wgsl.mjs';

/** Tokens of WGSL, and of TypeScript well enough; signs that stand side by side are one. */
const tokens = (text: string): string[] =>
  text.replaceAll(/\/\/[^\n]*/g, '').match(/[\w.]+|&&|\|\||<<|>>|[<>!=+\-*/%&|^]=|\+\+|--|->|\S/g) ?? [];

test('kernels in WGSL lose comments and space, and no token', () => {
  let sources = 0;
  let saved = 0;
  for (const folder of ['wgsl/functions', 'sdk/engine/webgpu']) {
    for (const name of readdirSync(join(ROOT, folder)).filter((f) => /^[\w-]+\.ts$/.test(f))) {
      const path = join(ROOT, folder, name);
      const [from, to] = [readFileSync(path, 'utf8'), shipped(path)];
      assert.deepEqual(tokens(to), tokens(from), path);
      sources++;
      saved += from.length - to.length;
    }
  }
  assert.ok(sources > 30 && saved > 5000, `${saved} characters of ${sources} sources`);
  assert.equal(
    compact('fn f(a: u32) -> bool {\n  // why\n  return a - -1 < b >> 2u; // so\n}'),
    'fn f(a:u32)-> bool{return a - -1<b>>2u;}',
  );
});

test('calls that make top-level values are marked, and what runs later is not', () => {
  const code = 'const a=f(1);let b={x:g(),...a};const c=()=>h();export{b,c};';
  assert.equal(
    pure(code),
    'const a=/* @__PURE__ */ f(1);let b=/* @__PURE__ */ (() => ({x:/* @__PURE__ */ g(),...a}))();const c=()=>h();export{b,c};',
  );
});
