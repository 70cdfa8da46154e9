/** Where this machine keeps the programs and drivers that rows need. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { Unavailable } from './ask.ts';

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

/** The program behind npm packages that carry it, one package a platform; null where none is installed. */
export function inPackage(candidates: readonly (readonly [name: string, path: string])[]): string | null {
  const require = createRequire(import.meta.url);
  for (const [name, path] of candidates) {
    try {
      const found = join(dirname(require.resolve(`${name}/package.json`)), path);
      if (isFile(found)) return found;
    } catch {
      // Not this platform's.
    }
  }
  return null;
}

/** The first of some program names on the PATH, or of some full paths. */
export function onPath(...names: readonly string[]): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((f) => f !== '');
  for (const name of names) {
    const full = name.includes('/') ? [name] : folders.map((f) => join(f, name));
    const found = full.find(isFile);
    if (found) return found;
  }
  return null;
}

export function orUnavailable(path: string | null, what: string): string {
  if (path === null) throw new Unavailable(what);
  return path;
}

const SWIFTSHADER = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/share/vulkan/icd.d/vk_swiftshader_icd.json'];
const DRIVERS = '/usr/share/vulkan/icd.d';

/**
 * The variable that lets Vulkan find one software driver only. A choice of the user's stands; without the driver, Vulkan
 * takes what it finds.
 */
export function vulkan(driver: 'swiftshader' | 'lavapipe'): { VK_ICD_FILENAMES?: string } {
  if (process.env.VK_ICD_FILENAMES) return {};
  if (driver === 'swiftshader') {
    const found = SWIFTSHADER.find(isFile);
    return found ? { VK_ICD_FILENAMES: found } : {};
  }
  const found = existsSync(DRIVERS) && readdirSync(DRIVERS).find((f) => /^lvp_icd\..*json$/.test(f));
  return found ? { VK_ICD_FILENAMES: join(DRIVERS, found) } : {};
}
