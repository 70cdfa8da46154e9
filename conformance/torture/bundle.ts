/** A program in one file, for a process that is to start as fast as it can. */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export async function bundle(entry: URL, outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}
