/** Rows in a child process: Node, Bun and Deno run the same bundle. */

import { join } from 'node:path';
import type { Launch } from './ask.ts';
import { runChild } from './child.ts';
import { inPackage, onPath, orUnavailable, vulkan } from './find.ts';

/** Dawn ends the process when it is in a bad mood, so a GPU in Node gets one of its own too. */
export const node: Launch = (ask) => {
  const env = ask.options.backend === 'webgpu' ? vulkan('swiftshader') : {};
  return runChild(process.execPath, [join(ask.bundles, 'process.js'), JSON.stringify(ask.options)], env, ask);
};

/** Bun's program. Throws Unavailable where it is not installed. */
export function bunProgram(): string {
  const { platform, arch } = process;
  const name = `@oven/bun-${platform === 'win32' ? 'windows' : platform}-${arch === 'arm64' ? 'aarch64' : arch}`;
  const packages = [name, `${name}-musl`].flatMap((p) => [[p, 'bin/bun'] as const, [p, 'bin/bun.exe'] as const]);
  return orUnavailable(inPackage(packages) ?? onPath('bun'), 'Bun is not installed (npm package bun)');
}

export const bun: Launch = async (ask) => {
  return runChild(bunProgram(), [join(ask.bundles, 'process.js'), JSON.stringify(ask.options)], {}, ask);
};

/** Deno's program. Throws Unavailable where it is not installed. */
export function denoProgram(): string {
  const { platform, arch } = process;
  const name = `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`;
  return orUnavailable(
    inPackage([
      [name, 'deno'],
      [name, 'deno.exe'],
    ]) ?? onPath('deno'),
    'Deno is not installed (npm package deno)',
  );
}

export const deno: Launch = async (ask) => {
  const gpu = ask.options.backend === 'webgpu';
  const args = ['run', '-A', ...(gpu ? ['--unstable-webgpu'] : []), '--node-modules-dir=manual', '--no-lock'];
  // Its compiled scripts and its look for updates would leave traces outside the run.
  const env = { ...(gpu ? vulkan('lavapipe') : {}), DENO_NO_UPDATE_CHECK: '1' };
  return runChild(denoProgram(), [...args, join(ask.bundles, 'process.js'), JSON.stringify(ask.options)], env, ask);
};
