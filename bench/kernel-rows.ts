/** The lines that kernels.ts prints, as numbers. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface KernelRow {
  readonly name: string;
  readonly rate: number;
  readonly unit: string;
  /** Microseconds a call. */
  readonly us: number;
}

/** `quick`: only the contraction of a training step's shape. */
export function kernelRows(quick: boolean): KernelRow[] {
  const script = fileURLToPath(new URL('./kernels.ts', import.meta.url));
  const r = spawnSync(process.execPath, ['--import', 'tsx', script, ...(quick ? ['64x784x128'] : [])], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (r.status !== 0) throw new Error('bench: kernels.ts failed');
  return r.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const m = line.match(/^(.+?) +([\d.]+) (\S+) +([\d.]+) us$/);
      if (!m) throw new Error(`bench: kernels.ts printed another kind of line: ${line}`);
      return { name: m[1], rate: Number(m[2]), unit: m[3], us: Number(m[4]) };
    });
}
