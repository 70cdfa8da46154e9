/** The package as its users have it: packed, and installed into a folder of its own, with the small projects beside this file. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Installed extends AsyncDisposable {
  /** Has `node_modules`, and a folder for each project. */
  readonly folder: string;
  readonly tarball: string;
}

/** Runs npm. No package's install script is needed. */
async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  // Under `npm test` the running npm is known.
  const { npm_execpath: path } = process.env;
  const [command, ...first] = path?.endsWith('.js') ? [process.execPath, path] : ['npm'];
  const quiet = ['--silent', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { stdout } = await promisify(execFile)(command, [...first, ...args, ...quiet], { cwd });
  return stdout.trim();
}

/** Packs dist as it is; build it before. */
export async function install(): Promise<Installed> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'isobit-package-')));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const tarball = join(folder, await npm(ROOT, 'pack', `--pack-destination=${folder}`));
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    await npm(folder, 'install', '--prefer-offline', tarball);
    for (const e of await readdir(HERE, { withFileTypes: true })) {
      if (e.isDirectory()) await cp(join(HERE, e.name), join(folder, e.name), { recursive: true });
    }
    return { folder, tarball, [Symbol.asyncDispose]: remove };
  } catch (e) {
    await remove();
    throw e;
  }
}
