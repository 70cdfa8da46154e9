/** The import statements of the project's sources, read from the files as they are formatted. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { published } from '../scripts/published.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Import {
  /** Paths from the project's root. */
  readonly from: string;
  /** A path from the project's root, or what names a package or a module of the platform. */
  readonly to: string;
  /** Erased when the file is compiled. */
  readonly type: boolean;
  readonly dynamic: boolean;
}

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** TypeScript files under folders of the project, in a fixed order. */
export function sourcesUnder(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((f) => `${folder}/${f.replaceAll('\\', '/')}`)
      .filter((f) => f.endsWith('.ts') && !f.endsWith('.d.ts') && !f.includes('/fixtures/') && !f.includes('/build/'))
      .sort(),
  );
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts');

type Conditions = Readonly<Record<string, string>>;
/** What a `#name` of package.json is in Node. */
const INTERNAL = Object.fromEntries(
  Object.entries((JSON.parse(read('package.json')) as { imports: Record<string, Conditions> }).imports).map(
    ([name, by]) => [name, by.node ?? by.default],
  ),
);

// The formatter puts every statement of a module at the beginning of a line, and quotes with '.
const IMPORT = /^import\s+(type\s+)?(?:[\w*{][^'";]*?\s+from\s+)?'([^']+)'/gm;
const EXPORT = /^export\s+(type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+'([^']+)'/gm;
// `typeof import('x')` is a type.
const DYNAMIC = /(?<!typeof )\bimport\(\s*'([^']+)'\s*\)/g;

/** Every import of a source text. */
export function importsIn(text: string, from: string): Import[] {
  const target = (name: string): string => {
    const path = name.startsWith('#') ? INTERNAL[name].replace('./', '') : posix.join(dirname(from), name);
    return name.startsWith('.') || name.startsWith('#') ? path : name;
  };
  const found: Import[] = [];
  for (const pattern of [IMPORT, EXPORT]) {
    for (const [, type, name] of text.matchAll(pattern)) {
      found.push({ from, to: target(name), type: type !== undefined, dynamic: false });
    }
  }
  for (const [, name] of text.matchAll(DYNAMIC)) found.push({ from, to: target(name), type: false, dynamic: true });
  return found;
}

export const importsOf = (path: string): Import[] => importsIn(read(path), path);

/** Sources of the published entries, of the command, and of what pages without a bundler load. */
export function entries(): string[] {
  return [...published().map(({ source }) => source), 'sdk/cli/main.ts', 'sdk/page.ts'];
}

/** Sources in plain JavaScript: package.json leads to them. */
export const PLAIN = /^sdk\/.*\.js$/;

/** Files of the project that `from` leads to, themselves included. */
export function reachable(from: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const open = [...from];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (!path.endsWith('.ts') && !PLAIN.test(path)) continue;
    open.push(...importsOf(path).flatMap(({ to }) => (existsSync(join(ROOT, to)) ? [to] : [])));
  }
  return seen;
}
