/**
 * `npm run lock`, after a change of dependencies: completes package-lock.json.
 *
 * npm leaves out optional packages for other platforms that its registry does not serve (a mirror may lack them), and then
 * `npm ci` of npm 11 refuses the file. Their versions are exact in the package that wants them, and their names say the
 * platform, so the entries can be written without fetching them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './stamp.mjs';

const file = join(ROOT, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
/** @type {Record<string, { dev?: boolean, optionalDependencies?: Record<string, string> }>} */
const packages = lock.packages;

for (const [path, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    const platform = /(android|darwin|linux|win32)-(arm64|arm|x64)(-musl)?$/.exec(name);
    if (packages[key] || packages[`${path}/${key}`] || !platform || !/^\d/.test(version)) continue;
    const [, os, cpu, musl] = platform;
    const entry = {
      version,
      cpu: [cpu],
      ...(dev && { dev }),
      ...(musl && { libc: ['musl'] }),
      optional: true,
      os: [os],
    };
    packages[key] = entry;
    console.log(`added ${name} ${version}`);
  }
}

const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
