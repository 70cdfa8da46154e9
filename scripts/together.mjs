/**
 * What is loaded together lies together: most of the time of a start goes to finding files, and esbuild makes a chunk for every
 * set of entries that shares modules. So an entry is made to reach all modules of its group, and each group is one chunk.
 */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './stamp.mjs';

/**
 * Who has which group. What makes a runtime is apart, because it leads to parts that are loaded later: a bundler that inlines those
 * keeps whatever they import.
 * @type {(entry: string) => 'base' | 'core' | 'engine'}
 */
const groupOf = (entry) =>
  /^(adapters|formats)\/|^math$/.test(entry)
    ? 'base'
    : /^(nn|optim|data|train|checkpoint)\b/.test(entry)
      ? 'core'
      : 'engine';

/**
 * Options of esbuild for the entries, from what a build without them found.
 * @param {Readonly<Record<string, string>>} entries sources by name
 * @param {import('esbuild').Metafile} found
 * @returns {{ entryPoints: Record<string, string>, plugin: import('esbuild').Plugin }}
 */
export function together(entries, { inputs }) {
  /** @type {(from: readonly string[]) => Set<string>} */
  const reach = (from) => {
    const seen = new Set(from);
    for (const path of seen)
      for (const i of inputs[path].imports) if (!i.external && i.kind !== 'dynamic-import') seen.add(i.path);
    return seen;
  };
  const names = Object.keys(entries);
  const of = (/** @type {string} */ group) =>
    reach(names.filter((name) => groupOf(name) === group).map((name) => entries[name]));
  const core = of('core');
  const engine = reach([entries.index]);
  const groups = {
    base: [...of('base')].filter((path) => core.has(path)),
    core: [...core],
    engine: [...core, ...engine],
  };
  return {
    entryPoints: Object.fromEntries(names.map((name) => [name, `${entries[name]}?${groupOf(name)}`])),
    plugin: {
      name: 'together',
      setup(build) {
        build.onResolve({ filter: /\?(base|core|engine)$/ }, ({ path }) => ({ path, namespace: 'together' }));
        build.onLoad({ filter: /./, namespace: 'together' }, ({ path }) => {
          const [entry, group] = /** @type {[string, keyof typeof groups]} */ (path.split('?'));
          const others = groups[group].map((other) => `import './${other}';`);
          const shebang = /^#!.*\n|/.exec(readFileSync(join(ROOT, entry), 'utf8'));
          return { contents: `${shebang}export * from './${entry}';\n${others.join('\n')}`, resolveDir: ROOT };
        });
        build.onResolve({ filter: /^\..*\.ts$/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
          if (pluginData === resolved) return undefined;
          const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: resolved });
          // Who loads a part later has the engine.
          if (kind === 'dynamic-import') return { path: `${relative(ROOT, found.path)}?engine`, namespace: 'together' };
          // esbuild heeds an import for its own sake only of what may have an effect; unused code is left out all the same.
          return { path: found.path, sideEffects: true };
        });
      },
    },
  };
}

const resolved = Symbol('resolved');
