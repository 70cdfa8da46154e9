/** What the benchmark needs before it runs: the peers, and bundles of the contenders made as the published package is. */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compileTo } from './hand/index.ts';
import { ALL } from './libraries.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Inside node_modules, where no other tool looks for sources and the peers are found by their names. */
const BUILT = join(HERE, 'node_modules/.bench');

/** Installs and builds what is missing, and answers with the folder of the bundles. */
export async function prepare(say: (line: string) => void): Promise<string> {
  if (!peersAreInstalled()) {
    say('installing the peers (npm ci in bench/) …');
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const npm = process.env.npm_execpath;
    const [command, rest] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
    const r = spawnSync(command, rest, { cwd: HERE, encoding: 'utf8' });
    if (r.status !== 0) {
      throw new Error(`bench: npm ci failed in bench/: is the npm registry in reach?\n${r.stderr ?? r.error?.message}`);
    }
  }
  const modules = ['turn', 'first', 'isobit/flat-run', ...new Set(ALL.map((l) => l.module))];
  await build({
    absWorkingDir: HERE,
    entryPoints: Object.fromEntries(modules.map((m) => [m, `${m}.ts`])),
    outdir: BUILT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    external: ['@jax-js/*', '@tensorflow/*', 'webgpu', 'onnxruntime-web', 'onnx-proto'],
    logLevel: 'warning',
  });
  putThreads(BUILT);
  compileTo(join(BUILT, 'hand/chain.wasm'), new URL('..', import.meta.url));
  return BUILT;
}

/** isobit's threads start from beside the code that starts them, and a bundler does not see their files. */
export function putThreads(folder: string): void {
  for (const name of ['thread.js', 'thread.node.js']) {
    cpSync(join(HERE, '../sdk/engine/platform', name), join(folder, name));
  }
}

/** True when every package of the lock file is there in its version. */
function peersAreInstalled(): boolean {
  const { packages } = JSON.parse(readFileSync(join(HERE, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; optional?: boolean }>;
  };
  return Object.entries(packages).every(([path, { version, optional }]) => {
    if (path === '' || optional) return true;
    const manifest = join(HERE, path, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version;
  });
}
