/** Content stamps: whether a build's inputs changed since it was made. Dates are not trusted, bytes are. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const SKIP = new Set(['node_modules', 'build', 'dist', 'fixtures', 'runs']);

/**
 * Files under a path of the project in a fixed order; a missing path has none.
 * @param {string} path
 * @returns {string[]}
 */
export function filesUnder(path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  const out = [];
  for (const e of readdirSync(full, { withFileTypes: true })) {
    if (SKIP.has(e.name) || e.name.startsWith('.')) continue;
    const child = `${path}/${e.name}`;
    if (e.isDirectory()) out.push(...filesUnder(child));
    else if (e.isFile()) out.push(child);
  }
  return out.sort();
}

/** What each build is made of, and where its stamp lies. Tests go into no build. */
export const BUILDS = {
  wasm: {
    stamp: 'wasm/build/.stamp',
    // scripts/opcodes.ts gives the kernels their numbers, from the two sources beside it.
    files: () => [
      'package-lock.json',
      'scripts/build.mjs',
      'scripts/kernels.mjs',
      'scripts/opcodes.ts',
      ...['wasm', 'sdk/core/scalar', 'sdk/engine/wasm'].flatMap(filesUnder),
    ],
  },
  dist: {
    stamp: 'dist/.stamp',
    files: () => [
      'package.json',
      'package-lock.json',
      'scripts/build.mjs',
      'scripts/kernels.mjs',
      'scripts/published.mjs',
      'tsconfig.json',
      'tsconfig.build.json',
      ...['wasm', 'wgsl', 'sdk', 'adapters', 'examples', 'conformance'].flatMap(filesUnder),
    ],
  },
};

/** @typedef {keyof typeof BUILDS} Build */

/**
 * @param {Build} build
 * @returns {string}
 */
function digest(build) {
  const hash = createHash('sha256');
  for (const file of BUILDS[build].files()) {
    if (file.endsWith('.test.ts')) continue;
    const bytes = readFileSync(join(ROOT, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** @param {Build} build */
export function isFresh(build) {
  const file = join(ROOT, BUILDS[build].stamp);
  return existsSync(file) && readFileSync(file, 'utf8') === digest(build);
}

/** @param {Build} build */
export function writeStamp(build) {
  const file = join(ROOT, BUILDS[build].stamp);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, digest(build));
}
