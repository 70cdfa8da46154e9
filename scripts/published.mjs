/** The entries that package.json publishes, each with the files behind it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './stamp.mjs';

/**
 * @typedef {object} Entry
 * @property {string} name as in `exports`, such as './nn'
 * @property {string} bundle what is loaded, from the project's root
 * @property {string} types its declarations
 * @property {string} source what both are made of
 */

/**
 * Those that are built from TypeScript, in the order of package.json.
 * @returns {Entry[]}
 */
export function published() {
  /** @type {{ exports: Record<string, string | { types: string, default: string }> }} */
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return Object.entries(exports).flatMap(([name, target]) => {
    const source = typeof target === 'string' ? null : /^\.\/dist\/types\/(.*)\.d\.ts$/.exec(target.types);
    if (typeof target === 'string' || !source) return [];
    const [types, bundle] = [target.types, target.default].map((path) => path.replace('./', ''));
    return [{ name, bundle, types, source: `${source[1]}.ts` }];
  });
}
